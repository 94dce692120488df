"""SSIM and MS-SSIM with OpenCV's filters, in float64: the reference's local moments once, three filters per image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers

BUFFERS = Buffers()


@dataclass(frozen=True, slots=True)
class Window:
    """The Gaussian window of SSIM, and the constants that keep its quotients defined, for planes in [0, 255]."""

    radius: int
    sigma: float
    c1: float
    c2: float

    @property
    def size(self) -> int:
        """Pixels on a side."""
        return 2 * self.radius + 1

    def mean(self, plane: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Weighted mean in the window around every pixel; within `radius` of the border it means nothing."""
        import cv2

        weights = _gaussian(self.radius, self.sigma)
        return cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights, dst=out, borderType=cv2.BORDER_REFLECT)

    def inside(self, plane: np.ndarray) -> np.ndarray:
        """The part of a plane where the whole window lies inside."""
        return plane[self.radius : -self.radius, self.radius : -self.radius]


@cache
def _gaussian(radius: int, sigma: float) -> np.ndarray:
    """Weights of unit sum from -radius to radius."""
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


class Terms(NamedTuple):
    """Means over the positions where the whole window lies inside."""

    ssim: float
    contrast_structure: float


@dataclass(frozen=True, slots=True, eq=False)
class ReferencePlane:
    """A reference plane, float64 (H, W) in [0, 255], and what SSIM needs of it alone. As a key it equals itself only."""

    window: Window
    twice: np.ndarray
    """2 y."""
    twice_mean: np.ndarray
    """2 mu_y."""
    squared_mean: np.ndarray
    """mu_y^2."""
    variance: np.ndarray
    """sigma_y^2."""

    @classmethod
    def of(cls, plane: np.ndarray, window: Window) -> ReferencePlane:
        """Compute the moments; raises ValueError for a plane that does not hold the window."""
        if min(plane.shape) < window.size:
            raise ValueError(f"expected a plane of {window.size} x {window.size} pixels or more, got {plane.shape}")
        mean = window.mean(plane)
        squared_mean = mean * mean
        return cls(window, 2 * plane, 2 * mean, squared_mean, window.mean(plane * plane) - squared_mean)

    def terms(self, plane: np.ndarray) -> Terms:
        """SSIM and its contrast-structure part of a distorted plane, equations 12 and 13 of Wang et al. 2004.

        Equal planes give exactly 1: numerators and denominators are rounded in the same order.
        """
        mean, product, square, scratch = BUFFERS.take(4, plane.shape)
        window = self.window
        mean = window.mean(plane, out=mean)
        product = window.mean(np.multiply(plane, self.twice, out=scratch), out=product)
        square = window.mean(np.multiply(plane, plane, out=scratch), out=square)

        means = np.multiply(mean, self.twice_mean, out=scratch)
        structure = np.subtract(product, means, out=product)  # 2 sigma_xy
        structure += window.c2
        luminance = np.add(means, window.c1, out=means)
        squared_mean = np.multiply(mean, mean, out=mean)
        square -= squared_mean  # sigma_x^2
        square += self.variance
        square += window.c2
        squared_mean += self.squared_mean
        squared_mean += window.c1
        structure /= square
        luminance /= squared_mean
        luminance *= structure
        return Terms(float(window.inside(luminance).mean()), float(window.inside(structure).mean()))


def _shrink(plane: np.ndarray, factor: int) -> np.ndarray:
    """Mean filter factor x factor with symmetric borders, then every factor-th pixel, as MATLAB's imfilter does."""
    import cv2

    if factor == 1:
        return plane
    weights, centre = np.full(factor, 1 / factor), (factor - 1) // 2
    (out,) = BUFFERS.take(1, plane.shape)
    means = cv2.sepFilter2D(plane, cv2.CV_64F, weights, weights, out, (centre, centre), 0, cv2.BORDER_REFLECT)
    return means[::factor, ::factor].copy()


@dataclass(frozen=True, slots=True)
class StructuralScorer:
    """SSIM, or with `weights` MS-SSIM, of luma or as the mean over R, G and B.

    The finest scale of the two is the same, and computed once for both.
    """

    window: Window
    view: Literal["luma", "rgb"]
    weights: tuple[float, ...] = ()
    """Exponents of the scales, finest first; without them there is one scale."""
    viewing_size: int | None = None
    """Shorter side, in pixels, that images are shrunk near to, by a whole factor, before they are scored."""

    def prepare(self, reference: ImageBatch) -> list[list[ReferencePlane]]:
        """Return the reference's moments by channel and scale; raises ValueError where one does not hold the window."""
        return [self._pyramid(reference, channel) for channel in range(1 if self.view == "luma" else 3)]

    def score(self, distorted: ImageBatch, prepared: list[list[ReferencePlane]]) -> np.ndarray:
        """Return one float64 per distorted image: the mean over its channels."""
        values = [
            [self._channel(distorted, index, channel, pyramid) for channel, pyramid in enumerate(prepared)]
            for index in range(len(distorted))
        ]
        return np.mean(values, axis=1)

    def _pyramid(self, reference: ImageBatch, channel: int) -> list[ReferencePlane]:
        factor = self._factor(reference)
        plane = _shrink(self._plane(reference, 0, channel), factor)
        pyramid = [
            reference.shared(
                (ReferencePlane, self.window, self.view, channel, factor), lambda: ReferencePlane.of(plane, self.window)
            )
        ]
        for _ in self.weights[1:]:
            plane = _shrink(plane, 2)
            pyramid.append(ReferencePlane.of(plane, self.window))
        return pyramid

    def _channel(self, distorted: ImageBatch, index: int, channel: int, pyramid: list[ReferencePlane]) -> float:
        plane = _shrink(self._plane(distorted, index, channel), self._factor(distorted))
        terms = [distorted.shared((index, pyramid[0]), lambda: pyramid[0].terms(plane))]
        for reference in pyramid[1:]:
            plane = _shrink(plane, 2)
            terms.append(reference.terms(plane))
        if not self.weights:
            return terms[0].ssim
        factors = [*(term.contrast_structure for term in terms[:-1]), terms[-1].ssim]
        return math.prod(max(0.0, factor) ** weight for factor, weight in zip(factors, self.weights, strict=True))

    def _plane(self, images: ImageBatch, index: int, channel: int) -> np.ndarray:
        """One channel of one image, float64 (H, W) in [0, 255]."""
        if self.view == "luma":
            return images.luma[index]
        return images.rgb[index, ..., channel].astype(np.float64)

    def _factor(self, images: ImageBatch) -> int:
        """How many times smaller an image becomes; halves go up, as MATLAB's round."""
        return max(1, int(min(images.size) / self.viewing_size + 0.5)) if self.viewing_size else 1
