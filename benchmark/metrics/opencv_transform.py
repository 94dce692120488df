"""HaarPSI and DSS from OpenCV's filters in float64, the reference's coefficients computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmark.images import LUMA_BT601, ImageBatch
from benchmark.metrics.opencv_gradient import IQ, half_size
from benchmark.metrics.similarity import similarity

YIQ = np.array([LUMA_BT601, *IQ])
HAAR_CONSTANT, HAAR_SLOPE = 30.0, 4.2
"""C and alpha of Reisenhofer et al. 2018, for values in [0, 255]."""
EPS = float(np.finfo(np.float64).eps)

BLOCK = 8
"""Side of the blocks that DSS takes the DCT of."""
SUBBAND_SIGMA, SMALLEST_WEIGHT = 1.55, 0.01
"""Of the Gaussian weights over subbands, and below which a subband is left out."""
WINDOW_SIGMA = 1.5
WORST = 0.05
"""Share of a subband's similarities that counts."""
DC_CONSTANT, AC_CONSTANT = 1000.0, 300.0


class Haar(NamedTuple):
    """Magnitudes of Haar coefficients at half size, float64 (2, H, W) each."""

    similar: tuple[np.ndarray, np.ndarray]
    """By orientation, at the two finer scales."""
    coarse: np.ndarray
    """By orientation, at the third scale: the weights."""
    chroma: np.ndarray
    """2 x 2 means of I and Q."""


def haar(rgb: np.ndarray) -> Haar:
    """Describe uint8 RGB (H, W, 3)."""
    import cv2

    half = half_size(rgb.astype(np.float64))
    y, i, q = (np.ascontiguousarray(plane) for plane in cv2.split(cv2.transform(half, YIQ)))

    def filtered(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        anchor = (columns.size // 2 - 1, rows.size // 2 - 1)
        return np.abs(cv2.sepFilter2D(plane, cv2.CV_64F, columns, rows, None, anchor, 0, cv2.BORDER_CONSTANT))

    bands = []
    for side in (2, 4, 8):
        mean = np.full(side, 1 / side)
        step = np.repeat([1.0, -1.0], side // 2)
        bands.append((filtered(y, step, mean), filtered(y, mean, step)))
    fine, middle, coarse = bands
    mean = np.full(2, 0.5)
    return Haar(
        (np.stack([fine[0], middle[0]]), np.stack([fine[1], middle[1]])),
        np.stack(coarse),
        np.stack([filtered(plane, mean, mean) for plane in (i, q)]),
    )


def haar_similarity(x: Haar, y: Haar) -> float:
    """HaarPSI, equations 12 and 13 of Reisenhofer et al. 2018, with I and Q as a third orientation."""
    weights = np.maximum(x.coarse, y.coarse)
    if not weights.any():  # both images are black
        return 1.0
    pairs = zip((*x.similar, x.chroma), (*y.similar, y.chroma), (*weights, weights.mean(axis=0)), strict=True)
    total = EPS
    for a, b, weight in pairs:
        local = similarity(a, b, HAAR_CONSTANT, out=np.empty_like(a), scratch=np.empty_like(a)).mean(axis=0)
        total += float(np.sum(weight / (1 + np.exp(-HAAR_SLOPE * local))))
    mean = total / (float(weights.sum()) * 1.5 + EPS)
    return (math.log(mean / (1 - mean)) / HAAR_SLOPE) ** 2


@dataclass(frozen=True, slots=True)
class HaarScorer:
    """HaarPSI of RGB."""

    def prepare(self, reference: ImageBatch) -> Haar:
        """Return the reference's coefficients."""
        return haar(reference.rgb[0])

    def score(self, distorted: ImageBatch, prepared: Haar) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([haar_similarity(haar(image), prepared) for image in distorted.rgb])


class Subband(NamedTuple):
    """DCT coefficients of one frequency, float64 (rows of blocks, columns of blocks), with local means and variances."""

    coefficients: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@cache
def _subband_weights() -> dict[tuple[int, int], float]:
    """Weights of the (vertical, horizontal) frequencies that count."""
    squares = (np.arange(BLOCK) + 0.5) ** 2
    weights = np.exp(-(squares[:, None] + squares) / (2 * SUBBAND_SIGMA**2))
    weights[weights < SMALLEST_WEIGHT] = 0
    weights /= weights.sum()
    return {(int(m), int(n)): float(weights[m, n]) for m, n in np.argwhere(weights)}


@cache
def _cosines() -> np.ndarray:
    """Rows of the orthonormal DCT that the subbands need, float64 (frequencies, 8)."""
    frequencies = np.arange(1 + max(map(max, _subband_weights())))[:, None]
    rows = np.cos(math.pi * frequencies * (2 * np.arange(BLOCK) + 1) / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    rows[0] /= math.sqrt(2)
    return rows


def _window_mean(plane: np.ndarray) -> np.ndarray:
    """Gaussian mean over 3 x 3, zeros beyond the border."""
    import cv2

    weights = np.exp(-(np.array([1.0, 0.0, 1.0])) / (2 * WINDOW_SIGMA**2))
    weights /= weights.sum()
    return cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_CONSTANT)


def subbands(luma: np.ndarray) -> list[Subband]:
    """Return the subbands that count, of float64 luma (H, W) in [0, 255]; what fills no block is left out."""
    rows, columns = (size // BLOCK for size in luma.shape)
    whole = np.ascontiguousarray(luma[: rows * BLOCK, : columns * BLOCK])
    vertical = _cosines() @ whole.reshape(rows, BLOCK, columns * BLOCK)
    both = vertical.reshape(rows, -1, columns, BLOCK) @ _cosines().T
    found = []
    for m, n in _subband_weights():
        plane = np.ascontiguousarray(both[:, m, :, n])
        mean = _window_mean(plane)
        found.append(Subband(plane, mean, np.maximum(_window_mean(plane * plane) - mean * mean, 0)))
    return found


def _mean_of_worst(values: np.ndarray) -> float:
    count = int(WORST * values.size + 0.5)  # halves up, as MATLAB's round
    return float(np.partition(values, count, axis=None)[:count].mean())


def subband_similarity(*, distorted: list[Subband], reference: list[Subband]) -> float:
    """DSS, equations 2 to 6 of Balanov et al. 2015."""
    total = 0.0
    for ((m, n), weight), a, b in zip(_subband_weights().items(), distorted, reference, strict=True):
        constant = AC_CONSTANT if m or n else DC_CONSTANT
        deviations = np.sqrt(a.variance * b.variance)
        worst = _mean_of_worst((2 * deviations + constant) / (a.variance + b.variance + constant))
        if not (m or n):
            covariance = _window_mean(a.coefficients * b.coefficients) - a.mean * b.mean
            worst *= _mean_of_worst((covariance + constant) / (deviations + constant))
        total += weight * worst
    return total
