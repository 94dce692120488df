"""UQI, the universal quality index: SSIM's ancestor, without constants and with a flat window."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.pairwise import metric

WINDOW = 8
MILLI = 1000
"""BT.601 luma of 8-bit RGB is a whole number of thousandths: sums of them are exact, and so is "no variance"."""


def _window_sums(image: np.ndarray) -> np.ndarray:
    """Exact sums of int64 over every window 8 x 8 that lies inside."""
    total = np.pad(image, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = WINDOW
    return total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]


@metric(
    name="uqi",
    title="UQI (luma)",
    proof="the paper's formula window by window (1e-9)",
    protocol="Mean over windows 8 x 8, moved by one pixel and wholly inside, of the universal quality index of BT.601 "
    "luma (full range, unrounded), where a window flat in both images counts by its means alone.",
    view="luma",
    higher_is_better=True,
    score_range=(-1.0, 1.0),
    min_size=WINDOW,
    tolerance=1e-9,
    library="numpy, here (scikit-image refuses SSIM without constants; sewar's values are not the formula's)",
    licence="Apache-2.0",
    citation="Z. Wang, A. C. Bovik. A universal image quality index. IEEE Signal Processing Letters, 2002",
)
def uqi(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """UQI of float64 luma (H, W) in [0, 255], as the authors' img_qi.m: 1 where both windows are black."""
    x, y = (np.rint(MILLI * luma).astype(np.int64) for luma in (distorted, reference))
    n = WINDOW**2
    sum_x, sum_y = _window_sums(x), _window_sums(y)
    variances = n * _window_sums(x * x + y * y) - sum_x * sum_x - sum_y * sum_y
    covariance = n * _window_sums(x * y) - sum_x * sum_y
    means = sum_x * sum_x + sum_y * sum_y
    with np.errstate(divide="ignore", invalid="ignore"):
        luminance = np.where(means > 0, 2.0 * sum_x * sum_y / means, 1.0)
        structure = np.where(variances > 0, 2.0 * covariance / variances, 1.0)
    return float(np.mean(luminance * structure))


METRICS = (uqi,)
