"""Similarity of low-level features, weighted by where the features are strong: FSIM, FSIMc, VSI, SR-SIM."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.described import DescribedMetric
from benchmark.metrics.opencv_features import FeatureSimilarityMetric
from benchmark.metrics.opencv_saliency import SpectralResidualScorer
from benchmark.metrics.pairwise import metric
from benchmark.metrics.seen import TID
from benchmark.metrics.tensors import near_viewing_size, unit_tensor
from benchmark.metrics.visual_saliency import describe, visual_similarity
from benchmark.types import MetricInfo

SHRUNK = "after f x f averages (zeros beyond the border) on every f-th pixel, f = max(1, round(shorter side / 256)), halves up"
FACTS: dict[str, Any] = {
    "higher_is_better": True,
    "score_range": (0.0, 1.0),
    "tolerance": 1e-6,
    "licence": "Apache-2.0",
    # the papers of all four: constants tuned for SRCC on the first 8 references of TID and their distorted images
    "trained_on": TID,
}
FSIM_FACTS: dict[str, Any] = {
    **FACTS,
    "version": "2",
    "min_size": 2,
    "library": "torch and OpenCV, here (piq's values are not those of the authors' FeatureSIM.m)",
    "proof": "the authors' FeatureSIM.m under Octave on 5 pairs (1e-11); frame-analytics 0.7.0 on 5 pairs (1e-8)",
    "citation": "L. Zhang, L. Zhang, X. Mou, D. Zhang. FSIM: a feature similarity index for image quality assessment. "
    "IEEE TIP, 2011",
}

fsim = FeatureSimilarityMetric(
    MetricInfo(
        name="fsim",
        title="FSIM (luma)",
        protocol="Similarity of phase congruency (T1 = .85; 4 scales, 4 orientations) times that of Scharr gradients "
        f"(T2 = 160), weighted by phase congruency, of BT.601 luma (full range, unrounded) {SHRUNK}; where neither image "
        "has any structure, all pixels weigh alike.",
        **FSIM_FACTS,
    ),
    chromatic=False,
)
fsimc = FeatureSimilarityMetric(
    MetricInfo(
        name="fsimc",
        title="FSIMc (colour)",
        protocol="As fsim on the Y of YIQ, times the real part of the power .03 of the similarities of I and of Q "
        f"(T3 = T4 = 200), of RGB {SHRUNK}.",
        **FSIM_FACTS,
    ),
    chromatic=True,
)
vsi = DescribedMetric(
    MetricInfo(
        name="vsi",
        title="VSI (colour)",
        version="2",
        proof="the authors' VSI.m under Octave on 5 pairs (1e-11)",
        protocol="Similarity of SDSP saliency (1.27), of Scharr gradients (386, power .4) and the real part of that of the "
        "two LMN colour channels (130, power .02), weighted by saliency, of RGB as the authors' VSI.m: saliency at "
        f"256 x 256 by antialiased bilinear resizing and back, then all {SHRUNK}; where neither image is salient "
        "anywhere, all pixels weigh alike.",
        library="scipy and OpenCV, here (no library has the values of the authors' VSI.m)",
        citation="L. Zhang, Y. Shen, H. Li. VSI: a visual saliency-induced index for perceptual image quality assessment. "
        "IEEE TIP, 2014",
        note="piq and pyiqa resize the saliency otherwise and differ by up to .013",
        **FACTS,
    ),
    describe=describe,
    compare=visual_similarity,
    view="rgb",
)


@metric(
    name="sr-sim",
    title="SR-SIM (luma)",
    proof="SR_SIM.m written out (1e-6)",
    protocol="Similarity of spectral-residual saliency (.40) times that of Scharr gradients (225, power .5), weighted by "
    f"saliency, of BT.601 luma (full range, unrounded) {SHRUNK}.",
    view="luma",
    min_size=40,
    library="piq",
    citation="L. Zhang, H. Li. SR-SIM: a fast and high performance IQA index based on spectral residual. ICIP, 2012",
    **FACTS,
)
def sr_sim(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """SR-SIM of float64 luma (H, W) in [0, 255]; one pair at a time, since piq scales saliency over a whole batch."""
    import piq
    import torch

    with torch.inference_mode():
        pair = [near_viewing_size(unit_tensor(image)) for image in (distorted, reference)]
        return float(piq.srsim(*pair))


METRICS = (
    fsim,
    fsimc,
    vsi,
    with_backends(sr_sim, Backend("opencv", lambda device: SpectralResidualScorer()), library="piq"),
)
