"""GMSD with OpenCV's filters, in float64: the reference's gradient magnitude once, two filters per distorted image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers

BUFFERS = Buffers()
MEANS = np.full(3, 1 / 3)
SLOPES = np.array([-1.0, 0.0, 1.0])
"""Across and along an edge, the two factors of Prewitt's 3 x 3 filter."""


def half_size(plane: np.ndarray) -> np.ndarray:
    """Average 2 x 2 pixels on every second one; a row or column of zeros completes an odd size."""
    import cv2

    height, width = plane.shape
    bottom, right = height % 2, width % 2
    if bottom or right:
        plane = cv2.copyMakeBorder(plane, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    return cv2.resize(plane, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)


def magnitude(plane: np.ndarray, out: np.ndarray, scratch: np.ndarray) -> np.ndarray:
    """Length of the Prewitt gradient, with zeros beyond the border; `out` and `scratch` are written to."""
    import cv2

    cv2.sepFilter2D(plane, cv2.CV_64F, SLOPES, MEANS, dst=out, borderType=cv2.BORDER_CONSTANT)
    cv2.sepFilter2D(plane, cv2.CV_64F, MEANS, SLOPES, dst=scratch, borderType=cv2.BORDER_CONSTANT)
    return cv2.magnitude(out, scratch, magnitude=out)


@dataclass(frozen=True, slots=True)
class GradientScorer:
    """Standard deviation over the image of 1 - similarity = (m_x - m_y)^2 / (m_x^2 + m_y^2 + T), equations 4 and 6.

    It is that of the similarity, and keeps its digits where images are nearly alike.
    """

    masking: float
    """T, for luma in [0, 255]."""

    def prepare(self, reference: ImageBatch) -> tuple[np.ndarray, np.ndarray]:
        """Return m_y and m_y^2 + T of the reference at half size."""
        plane = half_size(reference.luma[0])
        edges = magnitude(plane, np.empty_like(plane), np.empty_like(plane))
        return edges, edges * edges + self.masking

    def score(self, distorted: ImageBatch, prepared: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([self._deviation(luma, *prepared) for luma in distorted.luma])

    def _deviation(self, luma: np.ndarray, reference: np.ndarray, reference_energy: np.ndarray) -> float:
        edges, difference = BUFFERS.take(2, reference.shape)
        edges = magnitude(half_size(luma), edges, difference)
        np.subtract(edges, reference, out=difference)
        difference *= difference
        edges *= edges
        edges += reference_energy
        difference /= edges
        difference -= difference.mean()
        difference *= difference
        return math.sqrt(difference.mean())
