"""Deviation of a similarity map over the image: MDSI (gradients and colour) and GMSD on several scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.opencv_deviation import DeviationScorer
from benchmark.metrics.opencv_gradient import Chroma, MultiScaleGradientScorer
from benchmark.metrics.pairwise import metric
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

SCALE_WEIGHTS = (0.096, 0.596, 0.289, 0.019)
"""Of the four scales, finest first; they, `CONSTANT`, `MASKING` and `CHROMA` are Zhang et al. 2017's."""
CONSTANT = 170.0
MASKING = 0.5
CHROMA = Chroma(weight=0.01, offset=0.32, slope=15.0)
MS_GMSD_FACTS: dict[str, Any] = {
    "higher_is_better": False,
    "min_size": 17,
    "tolerance": 1e-9,
    "library": "piq",
    "licence": "Apache-2.0",
    "citation": "B. Zhang, P. V. Sander, A. Bermak. Gradient magnitude similarity deviation on multiple scales for color "
    "image quality assessment. ICASSP, 2017",
}


@metric(
    name="mdsi",
    title="MDSI (colour)",
    proof="frame-analytics 0.7.0 on 5 pairs (1e-7)",
    protocol="Mean absolute deviation, to the power .25, of .6 gradient similarity (140, 55) plus .4 chromaticity "
    "similarity (550), to the power .25, of RGB in LHM after f x f averages on every f-th pixel, "
    "f = max(1, round(shorter side / 256)).",
    view="uint8",
    higher_is_better=False,
    score_range=(0.0, 1.0),
    min_size=2,
    tolerance=1e-6,
    library="piq",
    licence="Apache-2.0",
    citation="H. Ziaei Nafchi, A. Shahkolaei, R. Hedjam, M. Cheriet. Mean deviation similarity index: efficient and "
    "reliable full-reference image quality evaluator. IEEE Access, 2016",
)
def mdsi(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """MDSI of uint8 RGB (H, W, 3)."""
    import piq
    import torch

    with torch.inference_mode():
        pair = [near_viewing_size(unit_tensor(image)) for image in (distorted, reference)]
        return float(piq.mdsi(*pair))


def _multi_scale_gmsd(*, distorted: np.ndarray, reference: np.ndarray, chromatic: bool) -> float:
    import piq
    import torch

    with torch.inference_mode():
        return float(piq.multi_scale_gmsd(unit_tensor(distorted), unit_tensor(reference), chromatic=chromatic))


@metric(
    name="ms-gmsd",
    title="MS-GMSD (luma)",
    proof="the paper's equations (1e-9); piqa 1.3.2 on 5 pairs (5e-6)",
    protocol="Root of the weighted sum (.096 .596 .289 .019) over four scales of squared GMSD with masking .5, T = 170, of "
    "BT.601 luma (full range, unrounded), 2 x 2 averages between scales.",
    view="luma",
    score_range=(0.0, 1.0),
    **MS_GMSD_FACTS,
)
def ms_gmsd(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """MS-GMSD of float64 luma (H, W) in [0, 255]."""
    return _multi_scale_gmsd(distorted=distorted, reference=reference, chromatic=False)


@metric(
    name="ms-gmsd-c",
    title="MS-GMSDc (colour)",
    proof="piq 0.8.0 alone: no independent value at hand",
    protocol="MS-GMSD of the Y of YIQ joined with the root mean squared error of I and Q at the coarsest scale by the "
    "paper's logistic weight (beta .01, .32, 15).",
    view="uint8",
    score_range=(0.0, float("inf")),
    **MS_GMSD_FACTS,
)
def ms_gmsd_c(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """MS-GMSDc of uint8 RGB (H, W, 3)."""
    return _multi_scale_gmsd(distorted=distorted, reference=reference, chromatic=True)


def _opencv(chroma: Chroma | None = None) -> Backend:
    return Backend("opencv", lambda device: MultiScaleGradientScorer(SCALE_WEIGHTS, CONSTANT, MASKING, chroma))


METRICS = (
    with_backends(mdsi, Backend("opencv", lambda device: DeviationScorer()), library="piq"),
    with_backends(ms_gmsd, _opencv(), library="piq"),
    with_backends(ms_gmsd_c, _opencv(CHROMA), library="piq"),
)
