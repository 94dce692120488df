"""Blur and noise with known parameters, the same bytes on every machine.

Nothing here depends on a maths library or a random number generator that may change: constants are computed with
`decimal` (correctly rounded everywhere) and quantised to integers, pixels are computed in integers (held exactly by
float64 where scipy wants floats), and random bits come from SHAKE-128 (FIPS 202).
"""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np

DIGITS = 30
"""Decimal digits of intermediate constants: far beyond what the quantisation below keeps."""
PI = Decimal("3.14159265358979323846264338327950288")
KERNEL_BITS = 22
"""The blur kernel sums to 2**22, so that two passes over 8 bits stay below 2**53, where float64 is exact."""
KERNEL_CUT = 3
"""The blur kernel reaches 3 sigma to each side, rounded to whole pixels."""
UNIFORM_BITS = 32
PEAK = 255


def gaussian_blur(reference: np.ndarray, *, sigma: Decimal) -> np.ndarray:
    """Blur each channel with a separable Gaussian, as LIVE release 2 did.

    `reference` is uint8 (H, W, 3), `sigma` in pixels. The kernel is cut at `KERNEL_CUT` sigma, outside the image is
    black, the result is rounded half up to uint8 (H, W, 3).
    """
    from scipy.ndimage import correlate1d

    kernel = gaussian_kernel(sigma).astype(np.float64)
    rows = correlate1d(reference, kernel, axis=0, output=np.float64, mode="constant")
    both = correlate1d(rows, kernel, axis=1, output=np.float64, mode="constant").astype(np.int64)
    half = 1 << (2 * KERNEL_BITS - 1)
    return ((both + half) >> (2 * KERNEL_BITS)).astype(np.uint8)


def gaussian_kernel(sigma: Decimal) -> np.ndarray:
    """Sampled Gaussian as int64 (2 * radius + 1,), summing to exactly ``2**KERNEL_BITS``; radius = round(3 sigma)."""
    radius = int((KERNEL_CUT * sigma).to_integral_value(ROUND_HALF_UP))
    with localcontext(prec=DIGITS):
        side = [(-(Decimal(x) ** 2) / (2 * sigma**2)).exp() for x in range(1, radius + 1)]
        scale = Decimal(2**KERNEL_BITS) / (1 + 2 * sum(side))
        weights = [int((weight * scale).to_integral_value()) for weight in side]
    centre = 2**KERNEL_BITS - 2 * sum(weights)
    return np.array([*reversed(weights), centre, *weights], dtype=np.int64)


def add_gaussian_noise(reference: np.ndarray, *, sigma: Decimal, key: str) -> np.ndarray:
    """Add independent rounded Gaussian noise of standard deviation ``255 * sigma`` to every sample, and clip.

    `reference` is uint8 (H, W, 3); the result too. `key` fixes the realisation: the same key, the same bytes.
    """
    bits = hashlib.shake_128(key.encode()).digest(reference.size * UNIFORM_BITS // 8)
    uniform = np.frombuffer(bits, dtype="<u4").reshape(reference.shape)
    noise = np.searchsorted(noise_thresholds(sigma), uniform, side="right") - PEAK
    return np.clip(reference + noise, 0, PEAK).astype(np.uint8)


def noise_thresholds(sigma: Decimal) -> np.ndarray:
    """Where a uniform 32-bit integer steps from noise k to k + 1, for k = -255 .. 254: uint32 (510,), ascending.

    Noise beyond +-255 is clipped with the sample it is added to, so it needs no step of its own. A probability below
    2**-33 becomes 0.
    """
    size = Decimal(2**UNIFORM_BITS)
    with localcontext(prec=DIGITS):
        upper = [
            (normal_cdf((k + Decimal("0.5")) / (PEAK * sigma)) * size).to_integral_value(ROUND_HALF_UP)
            for k in range(PEAK)
        ]
        lower = [size - threshold for threshold in reversed(upper)]
    largest = 2**UNIFORM_BITS - 1
    return np.array([min(int(threshold), largest) for threshold in [*lower, *upper]], dtype=np.uint32)


def normal_cdf(x: Decimal) -> Decimal:
    """Probability that a standard normal variable is at most `x` >= 0, to about 20 digits.

    Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...), Abramowitz & Stegun 26.2.11: all terms positive.
    """
    if x > 10:
        return Decimal(1)
    total = term = x
    odd = 1
    while term > Decimal("1e-25") * total:
        odd += 2
        term = term * x * x / odd
        total += term
    return Decimal("0.5") + total * (-x * x / 2).exp() / (2 * PI).sqrt()
