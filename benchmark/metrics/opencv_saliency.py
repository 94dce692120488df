"""SR-SIM with piq's saliency and OpenCV's gradients in float64, the reference's computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.opencv_features import scharr_magnitude
from benchmark.metrics.similarity import similarity
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

BUFFERS = Buffers()
EPS = float(np.finfo(np.float64).eps)
SR_SALIENCY, SR_GRADIENT = 0.4, 225.0
"""C1 and C2 of Zhang and Li 2012."""


class Salient(NamedTuple):
    """What SR-SIM needs of an image: saliency in [0, 1] and gradient magnitude, float64 (H, W) each."""

    saliency: np.ndarray
    gradient: np.ndarray


def spectral_residual(luma: np.ndarray) -> Salient:
    """Describe float64 luma (H, W) in [0, 255] for SR-SIM, near the viewing size."""
    import torch
    from piq.srsim import _spectral_residual_visual_saliency

    with torch.inference_mode():
        plane = near_viewing_size(unit_tensor(luma)) * 255
        saliency = _spectral_residual_visual_saliency(plane)[0, 0].numpy()
    return Salient(saliency, scharr_magnitude(plane[0, 0].numpy()))


def spectral_similarity(x: Salient, y: Salient) -> float:
    """SR-SIM, equations 5 to 8 of Zhang and Li 2012."""
    product, factor, scratch = BUFFERS.take(3, x.saliency.shape)
    similarity(x.gradient, y.gradient, SR_GRADIENT, out=product, scratch=scratch)
    np.sqrt(product, out=product)
    product *= similarity(x.saliency, y.saliency, SR_SALIENCY, out=factor, scratch=scratch)
    weights = np.maximum(x.saliency, y.saliency, out=factor)
    product *= weights
    return float(product.sum() / (weights.sum() + EPS))


@dataclass(frozen=True, slots=True)
class SpectralResidualScorer:
    """SR-SIM of luma."""

    def prepare(self, reference: ImageBatch) -> Salient:
        """Return the reference's saliency and gradients."""
        return spectral_residual(reference.luma[0])

    def score(self, distorted: ImageBatch, prepared: Salient) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([spectral_similarity(spectral_residual(luma), prepared) for luma in distorted.luma])
