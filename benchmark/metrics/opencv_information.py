"""IW-SSIM with OpenCV's filters in float64: what information a reference holds where is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.types import PairError

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first, over their sum (Wang et al. 2003)."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SIZE, SIGMA = 11, 1.5
"""Of SSIM's Gaussian window."""
BLOCK = 3
"""Side of a neighbourhood whose information is measured."""
NOISE_VARIANCE = 0.4
"""Of the neural noise, sigma_n^2."""
LOW_PASS = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16 * np.sqrt(2)
"""Filter of the pyramid, along either axis."""
EPS = float(np.finfo(np.float64).eps)
SINGULAR = 1e-14
"""Smallest over largest variance of neighbourhoods, below which it is rounding: flat images and stripes."""


def _filtered(plane: np.ndarray, weights: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_REFLECT_101)


def pyramid(luma: np.ndarray) -> list[np.ndarray]:
    """Return four Laplacian bands, finest first, and the low-pass rest, of float64 luma (H, W) in [0, 255]."""
    bands = []
    for _ in WEIGHTS[1:]:
        smaller = np.ascontiguousarray(_filtered(luma, LOW_PASS)[::2, ::2])
        spread = np.zeros((2 * smaller.shape[0], 2 * smaller.shape[1]))
        spread[::2, ::2] = smaller
        bands.append(luma - _filtered(spread, LOW_PASS)[: luma.shape[0], : luma.shape[1]])
        luma = smaller
    return [*bands, luma]


def _window_mean(plane: np.ndarray) -> np.ndarray:
    """Gaussian mean over windows that lie wholly inside."""
    offsets = np.arange(SIZE) - SIZE // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    inside = slice(SIZE // 2, -(SIZE // 2))
    return _filtered(plane, weights / weights.sum())[inside, inside]


def _block_mean(plane: np.ndarray) -> np.ndarray:
    """Mean over the blocks whose SSIM window lies wholly inside."""
    inside = slice(SIZE // 2, -(SIZE // 2))
    return _filtered(plane, np.full(BLOCK, 1 / BLOCK))[inside, inside]


class Moments(NamedTuple):
    """Local mean, its square, and variance."""

    mean: np.ndarray
    squared: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, mean_square: np.ndarray) -> Moments:
        """Subtract the square of the mean from the mean of the square."""
        squared = mean * mean
        return cls(mean, squared, np.maximum(mean_square - squared, 0))


class Information(NamedTuple):
    """What the weights need of a reference band: its blocks' moments, their energy, and the variances of blocks."""

    moments: Moments
    energy: np.ndarray
    """Mahalanobis length of each neighbourhood, squared, over its dimension."""
    variances: np.ndarray


class Scale(NamedTuple):
    """A reference band, the moments in SSIM's windows, and its information; None for the low-pass rest."""

    band: np.ndarray
    moments: Moments
    information: Information | None


def describe(luma: np.ndarray) -> list[Scale]:
    """Return the scales of a reference, finest first; raises PairError where one holds no information."""
    bands = pyramid(luma)
    parents = [*bands[1:4], None]
    informed = [_information(band, parent) for band, parent in zip(bands[:-1], parents, strict=True)]
    return [
        Scale(band, Moments.of(_window_mean(band), _window_mean(band * band)), information)
        for band, information in zip(bands, [*informed, None], strict=True)
    ]


def _information(band: np.ndarray, parent: np.ndarray | None) -> Information:
    """Model neighbourhoods (3 x 3, and the pixel's parent) as Gaussian vectors with a local scale."""
    blocks = np.lib.stride_tricks.sliding_window_view(band, (BLOCK, BLOCK))
    shape = blocks.shape[:2]
    vectors = blocks.reshape(-1, BLOCK**2)
    if parent is not None:
        enlarged = _enlarged(parent)[1 : 1 + shape[0], 1 : 1 + shape[1]]
        vectors = np.column_stack([vectors, enlarged.reshape(-1)])
    variances, directions = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    if variances[0] <= SINGULAR * max(variances[-1], EPS):
        raise PairError("iw-ssim is undefined: a scale of the reference is flat, or the same along stripes")
    energy = (np.square(vectors @ directions) @ (1 / variances) / len(variances)).reshape(shape)
    margin = SIZE // 2 - BLOCK // 2
    inside = slice(margin, -margin)
    moments = Moments.of(_block_mean(band), _block_mean(band * band))
    return Information(moments, energy[inside, inside], variances)


def _enlarged(parent: np.ndarray) -> np.ndarray:
    """Double a band as the authors' imenlarge2.m: bilinear to 4 n - 3, a border extrapolated, every second pixel."""
    import torch
    import torch.nn.functional as F

    height, width = (4 * size - 3 for size in parent.shape)
    large = F.interpolate(torch.tensor(parent)[None, None], (height, width), mode="bilinear")[0, 0].numpy()
    padded = np.pad(large, 1)
    padded[0], padded[-1] = 2 * padded[1] - padded[2], 2 * padded[-2] - padded[-3]
    padded[:, 0], padded[:, -1] = 2 * padded[:, 1] - padded[:, 2], 2 * padded[:, -2] - padded[:, -3]
    return padded[::2, ::2]


def _weights(band: np.ndarray, reference: Scale, information: Information) -> np.ndarray:
    """Information in bits that both images share with the scene, equation 28 of Wang and Li 2011."""
    x, y = Moments.of(_block_mean(band), _block_mean(band * band)), information.moments
    covariance = _block_mean(band * reference.band) - x.mean * y.mean
    gain = covariance / (y.variance + EPS)
    noise = x.variance - gain * covariance
    flat = y.variance < EPS
    gain[flat], noise[flat] = 0, x.variance[flat]
    gone = x.variance < EPS
    gain[gone], noise[gone] = 0, 0
    slope = (noise + (1 + gain * gain) * NOISE_VARIANCE) * information.energy / NOISE_VARIANCE**2
    offset = 1 + noise / NOISE_VARIANCE
    product = slope * information.variances[0] + offset
    for variance in information.variances[1:]:
        product *= slope * variance + offset  # one logarithm of the product: ten factors below 1e30 each
    bits = np.log2(product)
    bits[bits < EPS] = 0
    return bits


def information_weighted_ssim(bands: list[np.ndarray], reference: list[Scale]) -> float:
    """IW-SSIM of a distorted image's bands, equations 10 and 11 of Wang and Li 2011."""
    score = 1.0
    for band, scale, exponent in zip(bands, reference, WEIGHTS, strict=True):
        x, y = Moments.of(_window_mean(band), _window_mean(band * band)), scale.moments
        means = x.mean * y.mean
        structure = 2 * (_window_mean(band * scale.band) - means) + C2
        structure /= x.variance + y.variance + C2
        if scale.information is None:
            pooled = float(np.mean((2 * means + C1) / (x.squared + y.squared + C1) * structure))
        else:
            weights = _weights(band, scale, scale.information)
            pooled = float(np.sum(structure * weights) / np.sum(weights))
        score *= abs(pooled) ** (exponent / sum(WEIGHTS))
    return score


class Prepared(NamedTuple):
    """A reference's luma, and its scales or why there are none."""

    luma: np.ndarray
    scales: list[Scale] | PairError


@dataclass(frozen=True, slots=True)
class InformationScorer:
    """IW-SSIM of luma."""

    def prepare(self, reference: ImageBatch) -> Prepared:
        """Return the reference's scales; where one holds no information, the reason."""
        luma = reference.luma[0]
        try:
            return Prepared(luma, describe(luma))
        except PairError as error:
            return Prepared(luma, error)

    def score(self, distorted: ImageBatch, prepared: Prepared) -> np.ndarray:
        """Return one float64 per distorted image: 1 for one that equals the reference.

        Raises PairError for another where the reference holds no information.
        """
        return np.array([self._score(luma, prepared) for luma in distorted.luma])

    def _score(self, luma: np.ndarray, prepared: Prepared) -> float:
        if np.array_equal(luma, prepared.luma):
            return 1.0
        if isinstance(prepared.scales, PairError):
            raise prepared.scales
        return information_weighted_ssim(pyramid(luma), prepared.scales)
