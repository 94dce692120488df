"""FSIM and FSIMc from OpenCV's transforms in float64, the reference's phase congruency and gradients made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.opencv_gradient import IQ
from benchmark.metrics.phase_congruency import log_gabor, phase_congruency
from benchmark.metrics.similarity import euclidean, similarity
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

if TYPE_CHECKING:
    import torch

BUFFERS = Buffers()
SMOOTHING = np.array([3.0, 10.0, 3.0]) / 16
SLOPES = np.array([-1.0, 0.0, 1.0])
"""Along and across an edge: the two factors of Scharr's 3 x 3 filter."""
CONGRUENCY_CONSTANT, GRADIENT_CONSTANT, CHROMA_CONSTANT = 0.85, 160.0, 200.0
"""T1, T2, and T3 = T4 of Zhang et al. 2011, for values in [0, 255]."""
CHROMA_POWER = 0.03


class Features(NamedTuple):
    """What FSIM needs of an image's luma: phase congruency and gradient magnitude, float64 (H, W)."""

    congruency: np.ndarray
    gradient: np.ndarray


class Prepared(NamedTuple):
    """A reference's features, and for FSIMc its I and Q, float64 (2, H, W)."""

    features: Features
    iq: np.ndarray | None


def scharr_magnitude(plane: np.ndarray) -> np.ndarray:
    """Length of the Scharr gradient of float64 (H, W), with zeros beyond the border."""
    import cv2

    filtered = partial(cv2.sepFilter2D, plane, cv2.CV_64F, borderType=cv2.BORDER_CONSTANT)
    horizontal = filtered(kernelX=SLOPES, kernelY=SMOOTHING)
    vertical = filtered(kernelX=SMOOTHING, kernelY=SLOPES)
    return euclidean(horizontal, vertical, out=horizontal, scratch=vertical)


def _features(plane: torch.Tensor) -> Features:
    """Describe a float64 plane (1, 1, H, W) in [0, 255] that is near the viewing size.

    The transform is torch's, as in the reference implementation: without its mean a flat plane is nothing but what
    the transform rounds, and phase congruency does not depend on contrast.
    """
    import torch

    spectrum = torch.fft.fft2(plane)[0, 0].numpy()
    congruency = phase_congruency(spectrum, log_gabor(*spectrum.shape))
    return Features(congruency, scharr_magnitude(plane[0, 0].numpy()))


def _luma_features(luma: np.ndarray) -> Features:
    """Describe luma (H, W) in [0, 255]."""
    import torch

    with torch.inference_mode():
        return _features(near_viewing_size(unit_tensor(luma)) * 255)


def _colour_features(rgb: np.ndarray) -> Features:
    """Describe the Y of uint8 RGB (H, W, 3) as the reference implementation of FSIMc rounds it."""
    import torch
    from piq.functional import rgb2yiq

    with torch.inference_mode():
        return _features(rgb2yiq(near_viewing_size(unit_tensor(rgb)) * 255)[:, :1])


def _chrominance(rgb: np.ndarray) -> np.ndarray:
    """I and Q, float64 (2, H, W), of uint8 RGB (H, W, 3), near the viewing size."""
    import cv2
    import torch

    with torch.inference_mode():
        planes = near_viewing_size(unit_tensor(cv2.transform(rgb.astype(np.float64), IQ)))
        return (planes[0] * 255).numpy()


@dataclass(frozen=True, slots=True)
class FeatureSimilarityScorer:
    """FSIM of luma, or FSIMc with `chromatic`; the two share an image's features."""

    chromatic: bool

    def prepare(self, reference: ImageBatch) -> Prepared:
        """Return the reference's features."""
        return Prepared(self._features(reference, 0), self._iq(reference, 0))

    def score(self, distorted: ImageBatch, prepared: Prepared) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([self._score(distorted, index, prepared) for index in range(len(distorted))])

    def _features(self, images: ImageBatch, index: int) -> Features:
        luma = images.luma[index]
        if self.chromatic and luma.min() == luma.max():  # how its luma was rounded is all there is to see
            return _colour_features(images.rgb[index])
        return images.shared((Features, index), lambda: _luma_features(luma))

    def _iq(self, images: ImageBatch, index: int) -> np.ndarray | None:
        return _chrominance(images.rgb[index]) if self.chromatic else None

    def _score(self, images: ImageBatch, index: int, prepared: Prepared) -> float:
        """Equations 8 to 13 of Zhang et al. 2011."""
        x, y = self._features(images, index), prepared.features
        product, factor, colour, scratch = BUFFERS.take(4, x.congruency.shape)
        similarity(x.congruency, y.congruency, CONGRUENCY_CONSTANT, out=product, scratch=scratch)
        product *= similarity(x.gradient, y.gradient, GRADIENT_CONSTANT, out=factor, scratch=scratch)
        if prepared.iq is not None:
            i, q = zip(_chrominance(images.rgb[index]), prepared.iq, strict=True)
            similarity(*i, CHROMA_CONSTANT, out=colour, scratch=scratch)
            colour *= similarity(*q, CHROMA_CONSTANT, out=factor, scratch=scratch)
            product *= np.power(np.abs(colour, out=colour), CHROMA_POWER, out=colour)
        weights = np.maximum(x.congruency, y.congruency, out=scratch)
        product *= weights
        return float(product.sum() / weights.sum())
