"""GMSD, on one scale and on several, with OpenCV's filters in float64: two filters per distorted plane."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.similarity import euclidean

BUFFERS = Buffers()
MEANS = np.full(3, 1 / 3)
SLOPES = np.array([-1.0, 0.0, 1.0])
"""Along and across an edge: the two factors of Prewitt's 3 x 3 filter."""
IQ = np.array([[0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
"""Chrominance of YIQ from R, G and B."""


def half_size(image: np.ndarray) -> np.ndarray:
    """Average 2 x 2 pixels on every second one; a row or column of zeros completes an odd size."""
    import cv2

    height, width = image.shape[:2]
    bottom, right = height % 2, width % 2
    if bottom or right:
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    return cv2.resize(image, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)


def magnitude(plane: np.ndarray, out: np.ndarray, scratch: np.ndarray) -> np.ndarray:
    """Length of the Prewitt gradient, with zeros beyond the border; `out` and `scratch` are written to."""
    import cv2

    horizontal = cv2.sepFilter2D(plane, cv2.CV_64F, SLOPES, MEANS, dst=out, borderType=cv2.BORDER_CONSTANT)
    vertical = cv2.sepFilter2D(plane, cv2.CV_64F, MEANS, SLOPES, dst=scratch, borderType=cv2.BORDER_CONSTANT)
    return euclidean(horizontal, vertical, out=horizontal, scratch=vertical)


@dataclass(frozen=True, slots=True)
class ReferenceEdges:
    """What the deviation of gradient similarity needs of a reference plane alone."""

    magnitude: np.ndarray
    """m_y."""
    masked: np.ndarray
    """a m_y, with the masking a of MS-GMSD; 0 for GMSD."""
    energy: np.ndarray
    """m_y^2 + T."""

    @classmethod
    def of(cls, plane: np.ndarray, *, constant: float, masking: float) -> ReferenceEdges:
        """Filter a reference plane, float64 (H, W) in [0, 255]."""
        edges = magnitude(plane, np.empty_like(plane), np.empty_like(plane))
        return cls(edges, masking * edges, edges * edges + constant)

    def deviation(self, plane: np.ndarray) -> float:
        """Standard deviation over a distorted plane of (m_x - m_y)^2 / (m_x^2 + m_y^2 - a m_x m_y + T).

        That is one minus the similarity, so it deviates as much, and keeps its digits where planes are nearly alike.
        """
        edges, difference, energy = BUFFERS.take(3, plane.shape)
        edges = magnitude(plane, edges, difference)
        np.subtract(edges, self.magnitude, out=difference)
        difference *= difference
        np.subtract(edges, self.masked, out=energy)
        energy *= edges
        energy += self.energy
        difference /= energy
        difference -= difference.mean()
        difference *= difference
        return math.sqrt(difference.mean())


@dataclass(frozen=True, slots=True)
class GradientScorer:
    """GMSD of luma at half size, equations 4 to 6 of Xue et al. 2014."""

    constant: float
    """T, for luma in [0, 255]."""

    def prepare(self, reference: ImageBatch) -> ReferenceEdges:
        """Return the reference's edges at half size."""
        return ReferenceEdges.of(half_size(reference.luma[0]), constant=self.constant, masking=0.0)

    def score(self, distorted: ImageBatch, prepared: ReferenceEdges) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([prepared.deviation(half_size(luma)) for luma in distorted.luma])


@dataclass(frozen=True, slots=True)
class Chroma:
    """How MS-GMSDc joins the error of I and Q: beta 1 to 3 of Zhang et al. 2017."""

    weight: float
    offset: float
    slope: float

    def join(self, deviation: float, error: float) -> float:
        """Weigh the deviation of luma with the root mean squared error of chroma, which counts where the former is small."""
        gamma = 2 / (1 + self.offset * math.exp(-self.slope * deviation)) - 1
        return gamma * deviation + (1 - gamma) * self.weight * error


@dataclass(frozen=True, slots=True)
class MultiScaleGradientScorer:
    """MS-GMSD of luma from full size on, or with `chroma` MS-GMSDc of RGB."""

    weights: tuple[float, ...]
    """Of the squared deviations, finest scale first."""
    constant: float
    masking: float
    chroma: Chroma | None = None

    def prepare(self, reference: ImageBatch) -> tuple[list[ReferenceEdges], np.ndarray | None]:
        """Return the reference's edges by scale, and with `chroma` its I and Q at the coarsest."""
        planes = self._pyramid(reference.luma[0])
        edges = [ReferenceEdges.of(plane, constant=self.constant, masking=self.masking) for plane in planes]
        return edges, self._coarse_iq(reference.rgb[0]) if self.chroma else None

    def score(self, distorted: ImageBatch, prepared: tuple[list[ReferenceEdges], np.ndarray | None]) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array(
            [self._score(luma, rgb, *prepared) for luma, rgb in zip(distorted.luma, distorted.rgb, strict=True)]
        )

    def _score(self, luma: np.ndarray, rgb: np.ndarray, edges: list[ReferenceEdges], iq: np.ndarray | None) -> float:
        squares = [scale.deviation(plane) ** 2 for scale, plane in zip(edges, self._pyramid(luma), strict=True)]
        deviation = math.sqrt(sum(map(operator.mul, self.weights, squares)))
        if self.chroma is None:
            return deviation
        error = self._coarse_iq(rgb) - iq
        return self.chroma.join(deviation, math.sqrt((error * error).sum(axis=2).mean()))

    def _pyramid(self, image: np.ndarray) -> list[np.ndarray]:
        images = [image]
        for _ in self.weights[1:]:
            images.append(half_size(images[-1]))
        return images

    def _coarse_iq(self, rgb: np.ndarray) -> np.ndarray:
        """I and Q, float64 (H, W, 2); means and the change of colour space can be taken in either order."""
        return self._pyramid(rgb.astype(np.float64))[-1] @ IQ.T
