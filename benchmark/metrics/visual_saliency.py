"""VSI and its saliency map SDSP, as the authors' VSI.m computes them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from benchmark.metrics.buffers import Buffers
from benchmark.metrics.opencv_features import scharr_magnitude
from benchmark.metrics.resizing import resize_bilinear
from benchmark.metrics.similarity import real_power, similarity, weighted_mean
from benchmark.metrics.tensors import near_viewing_size

BUFFERS = Buffers()
SIDE = 256
"""Height and width that saliency is computed at."""
CENTRE_FREQUENCY, BANDWIDTH = 0.021, 1.34
"""omega_0 and sigma_F of SDSP's log-Gabor filter."""
CENTRE_SIGMA, COLOUR_SIGMA = 145.0, 0.001
"""sigma_D, of the preference for the middle, in pixels of SIDE; sigma_C, of the preference for warm colours."""
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.9642, 1.0, 0.8251])
"""D50, as RGB2Lab in VSI.m has it, though the matrix above is for D65."""
LAB_EPSILON, LAB_KAPPA = 0.008856, 903.3
LMN = np.array([[0.06, 0.63, 0.27], [0.30, 0.04, -0.35], [0.34, -0.60, 0.17]])
SALIENCY, GRADIENT, COLOUR = 1.27, 386.0, 130.0
"""C1, C2 and C3 of Zhang et al. 2014, for values in [0, 255]."""
GRADIENT_POWER, COLOUR_POWER = 0.4, 0.02
NO_RANGE = 1e-9
"""Values of Lab that differ by less differ by rounding alone: float64 keeps them to 1e-13."""


class Salient(NamedTuple):
    """What VSI needs of an image: saliency in [0, 1], gradient magnitude of L, and M and N; float64 (H, W) each."""

    saliency: np.ndarray
    gradient: np.ndarray
    m: np.ndarray
    n: np.ndarray


def _lab(planes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L, a and b of R, G and B in [0, 255]."""
    rgb = np.stack(planes) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.einsum("ij,jhw->ihw", RGB_TO_XYZ / WHITE[:, None], linear)
    x, y, z = np.where(xyz > LAB_EPSILON, np.cbrt(xyz), (LAB_KAPPA * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@cache
def _log_gabor() -> np.ndarray:
    """SDSP's band-pass filter, float64 (SIDE, SIDE), frequency zero in the corner."""
    frequencies = np.fft.fftfreq(SIDE)
    radius = np.hypot(frequencies[:, None], frequencies)
    inside = (radius > 0) & (radius <= 0.5)
    octaves = np.log(np.where(inside, radius, 1) / CENTRE_FREQUENCY)
    return np.where(inside, np.exp(-(octaves**2) / (2 * BANDWIDTH**2)), 0)


@cache
def _centre_preference() -> np.ndarray:
    squares = (np.arange(1, SIDE + 1) - SIDE / 2) ** 2
    return np.exp(-(squares[:, None] + squares) / CENTRE_SIGMA**2)


def _stretched(plane: np.ndarray, smallest: float) -> np.ndarray:
    """Map a plane's range to [0, 1]; all 0 where the range is not above `smallest`."""
    low, high = plane.min(), plane.max()
    return (plane - low) / (high - low) if high - low > smallest else np.zeros_like(plane)


def saliency(rgb: np.ndarray) -> np.ndarray:
    """SDSP saliency in [0, 1], float64 (H, W), of float64 RGB (H, W, 3) in [0, 255]; 0 where the image is flat.

    L. Zhang, Z. Gu, H. Li. SDSP: a novel saliency detection method by combining simple priors. ICIP, 2013.
    """
    from scipy.fft import irfft2, rfft2

    height, width = rgb.shape[:2]
    lab = _lab([resize_bilinear(rgb[..., channel], SIDE, SIDE) for channel in range(3)])
    band = _log_gabor()[:, : SIDE // 2 + 1]
    frequency = np.sqrt(sum(irfft2(rfft2(plane) * band, s=(SIDE, SIDE)) ** 2 for plane in lab))
    warmth = sum(_stretched(plane, NO_RANGE) ** 2 for plane in lab[1:])
    colour = 1 - np.exp(-warmth / COLOUR_SIGMA**2)
    return _stretched(resize_bilinear(frequency * _centre_preference() * colour, height, width), 0)


def describe(rgb: np.ndarray) -> Salient:
    """Describe uint8 RGB (H, W, 3): saliency, gradients and colours near the viewing size."""
    import torch

    image = rgb.astype(np.float64)
    planes = np.stack([saliency(image), *np.einsum("ij,hwj->ihw", LMN, image)])
    with torch.inference_mode():
        small = near_viewing_size(torch.from_numpy(planes)[None])[0].numpy()
    salient, lightness, m, n = small
    return Salient(salient, scharr_magnitude(np.ascontiguousarray(lightness)), m, n)


def visual_similarity(*, distorted: Salient, reference: Salient) -> float:
    """VSI, equations 10 to 14 of Zhang et al. 2014, the colour term by the real part of its power, as in VSI.m."""
    x, y = distorted, reference
    product, factor, scratch, weights = BUFFERS.take(4, x.saliency.shape)
    similarity(x.m, y.m, COLOUR, out=product, scratch=scratch)
    product *= similarity(x.n, y.n, COLOUR, out=factor, scratch=scratch)
    real_power(product, COLOUR_POWER)
    similarity(x.gradient, y.gradient, GRADIENT, out=factor, scratch=scratch)
    product *= np.power(factor, GRADIENT_POWER, out=factor)
    product *= similarity(x.saliency, y.saliency, SALIENCY, out=factor, scratch=scratch)
    return weighted_mean(product, np.maximum(x.saliency, y.saliency, out=weights))
