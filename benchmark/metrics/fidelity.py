"""Peak signal-to-noise ratio: how large the pixel errors are, blind to where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.opencv_fidelity import DecibelScorer
from benchmark.metrics.pairwise import metric

PEAK = 255
INFINITE_AS = 60.0
"""What equal images count as, in dB: rounding to 8 bits alone costs 10 log10(12 * 255^2) = 58.9 dB, so two pictures that
agree better are as good as equal. libvmaf cuts the PSNR of 8-bit pictures at the same number."""
CITATION = "Z. Wang, A. C. Bovik. Mean squared error: love it or leave it? IEEE Signal Processing Magazine, 2009"

FACTS: dict[str, Any] = {
    "higher_is_better": True,
    "score_range": (0.0, float("inf")),
    "min_size": 1,
    "tolerance": 1e-9,
    "library": "scikit-image",
    "licence": "BSD-3-Clause",
    "citation": CITATION,
    "infinite_as": INFINITE_AS,
    "note": f"infinite where distorted and reference are the same; where numbers are needed that counts as {INFINITE_AS:g} dB",
}


def _decibels(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """PSNR in dB with peak 255, the squared error pooled over all values; infinite for equal images."""
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        return peak_signal_noise_ratio(image_true=reference, image_test=distorted, data_range=PEAK)


@metric(
    name="psnr",
    title="PSNR (RGB)",
    proof="official values of 5 pairs, all printed digits; frame-analytics 0.7.0 (1e-8)",
    protocol="10 log10(255^2 / MSE) in dB on 8-bit RGB, the squared error pooled over all pixels and channels.",
    view="uint8",
    **FACTS,
)
def psnr(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """PSNR in dB of uint8 RGB (H, W, 3)."""
    return _decibels(distorted=distorted, reference=reference)


@metric(
    name="psnr-y",
    title="PSNR (luma)",
    proof="the formula written out (1e-10); frame-analytics 0.7.0 on 5 pairs (1e-8)",
    protocol="10 log10(255^2 / MSE) in dB on BT.601 luma, full range [0, 255], unrounded.",
    view="luma",
    **FACTS,
)
def psnr_y(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """PSNR in dB of float64 luma (H, W) in [0, 255]."""
    return _decibels(distorted=distorted, reference=reference)


METRICS = (
    with_backends(psnr, Backend("opencv", lambda device: DecibelScorer("rgb", PEAK)), library="scikit-image"),
    with_backends(psnr_y, Backend("opencv", lambda device: DecibelScorer("luma", PEAK)), library="scikit-image"),
)
