"""FSIM and FSIMc as the authors' FeatureSIM.m computes them, in float64 and with OpenCV's transforms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.phase_congruency import log_gabor, phase_congruency
from benchmark.metrics.similarity import euclidean, real_power, similarity, weighted_mean
from benchmark.metrics.tensors import near_viewing_size
from benchmark.types import MetricInfo

BUFFERS = Buffers()
SMOOTHING = np.array([3.0, 10.0, 3.0]) / 16
SLOPES = np.array([-1.0, 0.0, 1.0])
"""Along and across an edge: the two factors of Scharr's 3 x 3 filter."""
CONGRUENCY_CONSTANT, GRADIENT_CONSTANT, CHROMA_CONSTANT = 0.85, 160.0, 200.0
"""T1, T2, and T3 = T4 of Zhang et al. 2011, for values in [0, 255]."""
CHROMA_POWER = 0.03
IQ = np.array([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""Chrominance of YIQ from R, G and B, with FeatureSIM.m's digits."""


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


def _features(luma: np.ndarray) -> Features:
    """Describe luma (H, W) in [0, 255]."""
    import torch

    with torch.inference_mode():
        plane = near_viewing_size(torch.tensor(luma)[None, None])
        spectrum = torch.fft.fft2(plane)[0, 0].numpy()
        congruency = phase_congruency(spectrum, log_gabor(*spectrum.shape))
        return Features(congruency, scharr_magnitude(plane[0, 0].numpy()))


def _chrominance(rgb: np.ndarray) -> np.ndarray:
    """I and Q, float64 (2, H, W), of uint8 RGB (H, W, 3), near the viewing size."""
    import cv2
    import torch

    planes = np.stack(cv2.split(cv2.transform(rgb.astype(np.float64), IQ)))
    with torch.inference_mode():
        return near_viewing_size(torch.from_numpy(planes)[None])[0].numpy()


@dataclass(frozen=True, slots=True)
class FeatureSimilarityMetric:
    """FSIM of luma, or FSIMc with `chromatic`."""

    info: MetricInfo
    chromatic: bool

    def load(self, device: str) -> FeatureSimilarityScorer:
        """Nothing to load: the same on every device."""
        return FeatureSimilarityScorer(self.chromatic)


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
        return images.shared((Features, index), lambda: _features(images.luma[index]))

    def _iq(self, images: ImageBatch, index: int) -> np.ndarray | None:
        return _chrominance(images.rgb[index]) if self.chromatic else None

    def _score(self, images: ImageBatch, index: int, prepared: Prepared) -> float:
        """Equations 8 to 13 of Zhang et al. 2011, the chromatic term by the real part of its power."""
        x, y = self._features(images, index), prepared.features
        product, factor, colour, scratch = BUFFERS.take(4, x.congruency.shape)
        similarity(x.congruency, y.congruency, CONGRUENCY_CONSTANT, out=product, scratch=scratch)
        product *= similarity(x.gradient, y.gradient, GRADIENT_CONSTANT, out=factor, scratch=scratch)
        if prepared.iq is not None:
            i, q = zip(_chrominance(images.rgb[index]), prepared.iq, strict=True)
            similarity(*i, CHROMA_CONSTANT, out=colour, scratch=scratch)
            colour *= similarity(*q, CHROMA_CONSTANT, out=factor, scratch=scratch)
            real_power(colour, CHROMA_POWER)
            product *= colour
        return weighted_mean(product, np.maximum(x.congruency, y.congruency, out=scratch))
