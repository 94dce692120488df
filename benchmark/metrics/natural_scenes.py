"""Natural scene statistics that NIQE, BRISQUE and PIQE share: local normalisation and generalised Gaussian fits.

All as the authors' MATLAB code, with one exception. Where an image is flat, the difference from the local mean is
rounding noise of the machine (1e-14), and MATLAB's code fits a distribution to it; so its values on images with flat
areas differ from build to build. Here such a difference counts as zero (`FLAT`).
"""

from __future__ import annotations

from functools import cache

import numpy as np

LUMA = (0.298936021293775, 0.587043074451121, 0.114020904255103)
"""MATLAB's rgb2gray."""
WINDOW_RADIUS = 3
WINDOW_SIGMA = 7 / 6
FLAT = 1e-10
"""Normalised differences from the local mean below this are taken for zero; 8-bit images have none between 1e-4 and it."""
SHAPES = (0.2, 10.0, 0.001)
"""First, last and step of the shape parameter that is looked for."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1))
"""Shifts (down, right) of horizontal, vertical and main-diagonal neighbours."""


def grey(rgb: np.ndarray) -> np.ndarray:
    """Rounded grey in [0, 255], float64 (H, W), of uint8 RGB (H, W, 3), as MATLAB's rgb2gray."""
    red, green, blue = LUMA
    return np.floor(red * rgb[..., 0] + green * rgb[..., 1] + blue * rgb[..., 2] + 0.5)


def normalised(image: np.ndarray, *, border: str) -> np.ndarray:
    """(image - local mean) / (local deviation + 1) in a Gaussian window 7 x 7; `border` as scipy's `mode`."""
    from scipy.ndimage import correlate

    steps = np.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * WINDOW_SIGMA**2))
    window /= window.sum()
    mean = correlate(image, window, mode=border)
    deviation = np.sqrt(np.abs(correlate(image * image, window, mode=border) - mean * mean))
    result = (image - mean) / (deviation + 1)
    result[np.abs(result) < FLAT] = 0
    return result


def halved(image: np.ndarray) -> np.ndarray:
    """MATLAB's imresize(image, 0.5): bicubic with antialiasing, symmetric borders; odd sides are rounded up."""
    distance = (np.arange(-3, 5) - 0.5) / 2
    near, far = np.abs(distance) <= 1, np.abs(distance)
    taps = np.where(near, 1.5 * far**3 - 2.5 * far**2 + 1, -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2)
    taps /= taps.sum()
    for _ in range(2):
        n = (len(image) + 1) // 2
        padded = np.pad(image, ((3, 5), (0, 0)), mode="symmetric")
        image = sum(tap * padded[i : i + 2 * n : 2] for i, tap in enumerate(taps)).T
    return image


@cache
def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """Shape parameters g, and G(2/g)^2 / (G(1/g) G(3/g)): squared mean magnitude over mean square."""
    from scipy.special import gamma

    first, last, step = SHAPES
    shapes = np.arange(first, last + step / 2, step)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))


def fit_symmetric(values: np.ndarray) -> tuple[float, float]:
    """Shape and variance of a generalised Gaussian with mean 0 (moment matching); nan for all zeros."""
    shapes, ratios = _shapes()
    variance = np.mean(values**2)
    if variance == 0:
        return float("nan"), 0.0
    found = variance / np.mean(np.abs(values)) ** 2
    return float(shapes[np.argmin(np.abs(found - 1 / ratios))]), float(variance)


def fit_asymmetric(values: np.ndarray) -> tuple[float, float, float]:
    """Shape, left and right deviation of an asymmetric generalised Gaussian (Lasmar et al. 2009); nan where one side
    is empty."""
    shapes, ratios = _shapes()
    below, above = values[values < 0], values[values > 0]
    if not len(below) or not len(above):
        return float("nan"), float("nan"), float("nan")
    left, right = np.sqrt(np.mean(below**2)), np.sqrt(np.mean(above**2))
    skew = left / right
    found = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    found *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    return float(shapes[np.argmin((ratios - found) ** 2)]), float(left), float(right)


def scales_of_shape(shape: float) -> tuple[float, float]:
    """sqrt(G(1/g) / G(3/g)), from a deviation to a scale, and G(2/g) / G(1/g), from a scale to a mean magnitude."""
    from scipy.special import gamma

    return float(np.sqrt(gamma(1 / shape) / gamma(3 / shape))), float(gamma(2 / shape) / gamma(1 / shape))
