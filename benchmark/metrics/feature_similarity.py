"""Similarity of low-level features, weighted by where the features are strong: FSIM, FSIMc, VSI, SR-SIM."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.opencv_features import FeatureSimilarityScorer
from benchmark.metrics.opencv_saliency import SpectralResidualScorer, VisualSaliencyScorer
from benchmark.metrics.pairwise import metric
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

SHRUNK = "after f x f averages on every f-th pixel, f = max(1, round(shorter side / 256))"
FACTS: dict[str, Any] = {
    "higher_is_better": True,
    "score_range": (0.0, 1.0),
    "tolerance": 1e-6,
    "library": "piq",
    "licence": "Apache-2.0",
}
FSIM_CITATION = "L. Zhang, L. Zhang, X. Mou, D. Zhang. FSIM: a feature similarity index for image quality assessment. IEEE TIP, 2011"


def _fsim(*, distorted: np.ndarray, reference: np.ndarray, chromatic: bool) -> float:
    """FSIM in float64: phase congruency and gradient magnitude, with chrominance where `chromatic`."""
    import piq
    import torch

    with torch.inference_mode():
        pair = [near_viewing_size(unit_tensor(image)) for image in (distorted, reference)]
        return float(piq.fsim(*pair, chromatic=chromatic))


@metric(
    name="fsim",
    title="FSIM (luma)",
    proof="frame-analytics 0.7.0 and piqa 1.3.2 on 5 pairs (3e-6)",
    protocol="Similarity of phase congruency (T1 = .85; 4 scales, 4 orientations) times that of Scharr gradients "
    f"(T2 = 160), weighted by phase congruency, of BT.601 luma (full range, unrounded) {SHRUNK}.",
    view="luma",
    min_size=2,
    citation=FSIM_CITATION,
    **FACTS,
)
def fsim(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """FSIM of float64 luma (H, W) in [0, 255]."""
    return _fsim(distorted=distorted, reference=reference, chromatic=False)


@metric(
    name="fsimc",
    title="FSIMc (colour)",
    proof="official values of 5 pairs (1e-4)",
    protocol="As fsim on the Y of YIQ, times the similarities of I and of Q (T3 = T4 = 200) to the power .03, of RGB "
    f"{SHRUNK}.",
    view="rgb",
    min_size=2,
    citation=FSIM_CITATION,
    **FACTS,
)
def fsimc(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """FSIMc of uint8 RGB (H, W, 3)."""
    return _fsim(distorted=distorted, reference=reference, chromatic=True)


@metric(
    name="vsi",
    title="VSI (colour)",
    proof="pyiqa 0.1.16 on 5 pairs (2e-7); the official values are missed by up to .013",
    protocol="Similarity of SDSP saliency (1.27), of Scharr gradients (386, power .4) and of the two LMN colour channels "
    "(130, power .02), weighted by saliency, of RGB as piq computes it: saliency at 256 x 256, the rest after f x f "
    "averages, f = max(1, round(shorter side / 256)).",
    view="rgb",
    min_size=2,
    citation="L. Zhang, Y. Shen, H. Li. VSI: a visual saliency-induced index for perceptual image quality assessment. "
    "IEEE TIP, 2014",
    note="piq and pyiqa agree; both differ by up to .013 from the values that circulate as the authors' (see the tests)",
    **FACTS,
)
def vsi(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """VSI of uint8 RGB (H, W, 3)."""
    import piq
    import torch

    with torch.inference_mode():
        return float(piq.vsi(unit_tensor(distorted), unit_tensor(reference)))


@metric(
    name="sr-sim",
    title="SR-SIM (luma)",
    proof="SR_SIM.m written out (1e-6)",
    protocol="Similarity of spectral-residual saliency (.40) times that of Scharr gradients (225, power .5), weighted by "
    f"saliency, of BT.601 luma (full range, unrounded) {SHRUNK}.",
    view="luma",
    min_size=40,
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


def _opencv(*, chromatic: bool) -> Backend:
    return Backend("opencv", lambda device: FeatureSimilarityScorer(chromatic))


METRICS = (
    with_backends(fsim, _opencv(chromatic=False), library="piq"),
    with_backends(fsimc, _opencv(chromatic=True), library="piq"),
    with_backends(vsi, Backend("opencv", lambda device: VisualSaliencyScorer()), library="piq"),
    with_backends(sr_sim, Backend("opencv", lambda device: SpectralResidualScorer()), library="piq"),
)
