"""Gradient magnitude similarity deviation: how unevenly a distortion changes the edges of an image."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.opencv_gradient import GradientScorer
from benchmark.metrics.pairwise import metric

CONSTANT = 170.0
"""T of equation 4, for luma in [0, 255]."""


@metric(
    name="gmsd",
    title="GMSD (luma)",
    proof="official values of 5 pairs (1e-9 on rounded grey, with N - 1); GMSD.m written out (1e-10)",
    protocol="Standard deviation over the image of gradient magnitude similarity of BT.601 luma (full range, "
    "unrounded): 2 x 2 averages on every second pixel, Prewitt gradients with zero borders, T = 170.",
    view="luma",
    higher_is_better=False,
    score_range=(0.0, 0.5),
    min_size=6,
    tolerance=1e-9,
    library="piq",
    licence="Apache-2.0",
    citation="W. Xue, L. Zhang, X. Mou, A. C. Bovik. Gradient magnitude similarity deviation: a highly efficient "
    "perceptual image quality index. IEEE TIP, 2014",
)
def gmsd(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """GMSD of float64 luma (H, W) in [0, 255]."""
    import piq
    import torch

    with torch.inference_mode():
        pair = [torch.from_numpy(luma / 255)[None, None] for luma in (distorted, reference)]
        return float(piq.gmsd(*pair))


METRICS = (with_backends(gmsd, Backend("opencv", lambda device: GradientScorer(CONSTANT)), library="piq"),)
