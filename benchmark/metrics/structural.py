"""Structural similarity, single-scale and multi-scale: luminance, contrast and structure in a sliding window."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from benchmark.metrics.backends import BackedMetric, Backend, with_backends
from benchmark.metrics.opencv_structural import StructuralScorer, Window
from benchmark.metrics.pairwise import PairwiseMetric, metric

SIGMA = 1.5
"""Of the Gaussian window, 11 x 11 pixels (Wang et al. 2004, section III-C)."""
WINDOW = 11
PEAK = 255
K1, K2 = 0.01, 0.03
"""They keep the quotients defined where both images are flat (Wang et al. 2004, section III-C)."""
VIEWING_SIZE = 256
"""Shorter side, in pixels, that the authors' ssim.m brings an image near to before it scores."""
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang et al. 2003, section 3.2)."""
NO_LUMINANCE = 1e10
"""As K1 it makes the luminance term 1 to the last bit: what is left of SSIM is its contrast-structure part."""
MS_SSIM_MIN_SIZE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""161: the coarsest of five scales must still hold the window."""

SSIM_FACTS: dict[str, Any] = {
    "higher_is_better": True,
    "score_range": (-1.0, 1.0),
    "min_size": WINDOW,
    "tolerance": 1e-9,
    "library": "scikit-image",
    "licence": "BSD-3-Clause",
    "citation": "Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli. Image quality assessment: from error visibility "
    "to structural similarity. IEEE TIP, 2004",
}
MS_SSIM_FACTS: dict[str, Any] = {
    "higher_is_better": True,
    "score_range": (0.0, 1.0),
    "min_size": MS_SSIM_MIN_SIZE,
    "tolerance": 1e-9,
    "library": "scikit-image",
    "licence": "BSD-3-Clause",
    "citation": "Z. Wang, E. P. Simoncelli, A. C. Bovik. Multiscale structural similarity for image quality "
    "assessment. Asilomar Conference on Signals, Systems and Computers, 2003",
}


def _structural_similarity(*, distorted: np.ndarray, reference: np.ndarray, **options: Any) -> float:
    """Mean SSIM over the positions where the whole window lies inside; images in [0, 255]."""
    from skimage.metrics import structural_similarity

    return structural_similarity(
        distorted,
        reference,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        data_range=PEAK,
        **{"K1": K1, "K2": K2} | options,
    )


def _shrink(image: np.ndarray, factor: int) -> np.ndarray:
    """Mean filter factor x factor with symmetric borders, then every factor-th pixel, as MATLAB's imfilter does."""
    from scipy.ndimage import uniform_filter

    if factor == 1:
        return image
    centre = -1 if factor % 2 == 0 else 0  # imfilter centres an even window one pixel before scipy does
    return uniform_filter(image, size=factor, mode="reflect", origin=centre)[::factor, ::factor]


@metric(
    name="ssim",
    title="SSIM (luma)",
    proof="official values of 5 pairs, all printed digits (on rounded grey); the paper's equations (1e-10)",
    protocol="Mean SSIM of BT.601 luma (full range, unrounded) with a Gaussian window 11 x 11, sigma 1.5, population "
    "covariance, K1 .01, K2 .03, over the valid region, at full resolution.",
    view="luma",
    **SSIM_FACTS,
)
def ssim(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """SSIM of float64 luma (H, W) in [0, 255], as the authors' ssim_index.m."""
    return _structural_similarity(distorted=distorted, reference=reference)


@metric(
    name="ssim-down",
    title="SSIM (luma, downsampled)",
    proof="MATLAB's downsampling written out (1e-10); frame-analytics 0.7.0 on 5 pairs (1e-9)",
    protocol="As ssim, after a mean filter f x f (symmetric borders) and taking every f-th pixel, with "
    "f = max(1, round(min(height, width) / 256)), as the authors' ssim.m.",
    view="luma",
    **SSIM_FACTS,
)
def ssim_down(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """SSIM of float64 luma (H, W) in [0, 255] after the automatic downsampling of the authors' ssim.m."""
    factor = max(1, int(min(reference.shape) / VIEWING_SIZE + 0.5))  # halves go up, as MATLAB's round
    return _structural_similarity(distorted=_shrink(distorted, factor), reference=_shrink(reference, factor))


@metric(
    name="ssim-rgb",
    title="SSIM (RGB)",
    proof="the paper's equations (1e-10); frame-analytics 0.7.0 on 5 pairs (1e-9)",
    protocol="Mean over R, G and B of SSIM with a Gaussian window 11 x 11, sigma 1.5, population covariance, K1 .01, "
    "K2 .03, over the valid region, at full resolution.",
    view="uint8",
    **SSIM_FACTS,
)
def ssim_rgb(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Mean of the channels' SSIM of uint8 RGB (H, W, 3)."""
    return _structural_similarity(distorted=distorted, reference=reference, channel_axis=2)


def scale_factors(*, distorted: np.ndarray, reference: np.ndarray) -> list[float]:
    """Mean contrast-structure of the four finer scales, and mean SSIM of the coarsest, as the authors' msssim.m.

    Images are float64 (H, W) in [0, 255]; between scales stand 2 x 2 averages with symmetric borders.
    """
    factors = []
    for _ in SCALE_WEIGHTS[:-1]:
        factors.append(_structural_similarity(distorted=distorted, reference=reference, K1=NO_LUMINANCE))
        distorted, reference = _shrink(distorted, 2), _shrink(reference, 2)
    return [*factors, _structural_similarity(distorted=distorted, reference=reference)]


def _multi_scale(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Product of the factors to the power of their weights; a negative factor counts as 0, so that it has a power."""
    factors = scale_factors(distorted=distorted, reference=reference)
    return math.prod(max(0.0, factor) ** weight for factor, weight in zip(factors, SCALE_WEIGHTS, strict=True))


@metric(
    name="ms-ssim",
    title="MS-SSIM (luma)",
    proof="the paper's equations (1e-10); the factors give the official values of 5 pairs, all printed digits",
    protocol="Five-scale SSIM of BT.601 luma (full range, unrounded), Gaussian window 11 x 11, sigma 1.5, weights .0448 "
    ".2856 .3001 .2363 .1333, negative factors clamped to 0, 2 x 2 averages between scales.",
    view="luma",
    **MS_SSIM_FACTS,
)
def ms_ssim(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """MS-SSIM of float64 luma (H, W) in [0, 255]."""
    return _multi_scale(distorted=distorted, reference=reference)


@metric(
    name="ms-ssim-rgb",
    title="MS-SSIM (RGB)",
    proof="frame-analytics 0.7.0 on 5 pairs (1e-9); piq 0.8.0 (2e-5)",
    protocol="Mean over R, G and B of five-scale SSIM, Gaussian window 11 x 11, sigma 1.5, weights .0448 .2856 .3001 "
    ".2363 .1333, negative factors clamped to 0, 2 x 2 averages between scales.",
    view="uint8",
    **MS_SSIM_FACTS,
)
def ms_ssim_rgb(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Mean of the channels' MS-SSIM of uint8 RGB (H, W, 3)."""
    channels = [
        _multi_scale(distorted=distorted[..., i].astype(np.float64), reference=reference[..., i].astype(np.float64))
        for i in range(3)
    ]
    return float(np.mean(channels))


def _with_opencv(reference: PairwiseMetric, view: Literal["luma", "rgb"], **protocol: Any) -> BackedMetric:
    window = Window(radius=WINDOW // 2, sigma=SIGMA, c1=(K1 * PEAK) ** 2, c2=(K2 * PEAK) ** 2)
    scorer = StructuralScorer(window, view, **protocol)
    return with_backends(reference, Backend("opencv", lambda device: scorer), library="scikit-image")


METRICS = (
    _with_opencv(ssim, "luma"),
    _with_opencv(ssim_down, "luma", viewing_size=VIEWING_SIZE),
    _with_opencv(ssim_rgb, "rgb"),
    _with_opencv(ms_ssim, "luma", weights=SCALE_WEIGHTS),
    _with_opencv(ms_ssim_rgb, "rgb", weights=SCALE_WEIGHTS),
)
