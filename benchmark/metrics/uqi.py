"""UQI, the universal quality index: SSIM's ancestor, without constants and with a flat window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmark.metrics.described import DescribedMetric
from benchmark.types import MetricInfo

WINDOW = 8
MILLI = 1000
"""BT.601 luma of 8-bit RGB is a whole number of thousandths: sums of them are exact, and so is "no variance"."""


def _window_sums(image: np.ndarray) -> np.ndarray:
    """Exact sums of int64 over every window 8 x 8 that lies inside."""
    total = np.pad(image, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = WINDOW
    return total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]


class Sums(NamedTuple):
    """An image in whole thousandths, and exact sums of it and of its squares over every window; int64."""

    image: np.ndarray
    sums: np.ndarray
    squares: np.ndarray


def describe(luma: np.ndarray) -> Sums:
    """Sum float64 luma (H, W) in [0, 255]."""
    image = np.rint(MILLI * luma).astype(np.int64)
    return Sums(image, _window_sums(image), _window_sums(image * image))


def quality(*, distorted: Sums, reference: Sums) -> float:
    """UQI, as the authors' img_qi.m: 1 where both windows are black."""
    x, y = distorted, reference
    n = WINDOW**2
    squared_means = x.sums * x.sums + y.sums * y.sums
    product = x.sums * y.sums
    variances = n * (x.squares + y.squares) - squared_means
    covariance = n * _window_sums(x.image * y.image) - product
    with np.errstate(divide="ignore", invalid="ignore"):
        luminance = np.where(squared_means > 0, 2.0 * product / squared_means, 1.0)
        structure = np.where(variances > 0, 2.0 * covariance / variances, 1.0)
    return float(np.mean(luminance * structure))


uqi = DescribedMetric(
    MetricInfo(
        name="uqi",
        title="UQI (luma)",
        proof="the paper's formula window by window (1e-9)",
        version="1",
        protocol="Mean over windows 8 x 8, moved by one pixel and wholly inside, of the universal quality index of BT.601 "
        "luma (full range, unrounded), where a window flat in both images counts by its means alone.",
        higher_is_better=True,
        score_range=(-1.0, 1.0),
        min_size=WINDOW,
        tolerance=1e-9,
        library="numpy, here (scikit-image refuses SSIM without constants; sewar's values are not the formula's)",
        licence="Apache-2.0",
        citation="Z. Wang, A. C. Bovik. A universal image quality index. IEEE Signal Processing Letters, 2002",
    ),
    describe=describe,
    compare=quality,
)

METRICS = (uqi,)
