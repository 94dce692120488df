"""VSI and SR-SIM with piq's saliency and OpenCV's gradients in float64, the reference's computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.opencv_features import scharr_magnitude
from benchmark.metrics.similarity import similarity
from benchmark.metrics.tensors import VIEWING_SIZE, near_viewing_size, unit_tensor

if TYPE_CHECKING:
    import torch

BUFFERS = Buffers()
EPS = float(np.finfo(np.float64).eps)
VSI_SALIENCY, VSI_GRADIENT, VSI_COLOUR = 1.27, 386.0, 130.0
"""C1, C2 and C3 of Zhang et al. 2014, for values in [0, 255]."""
VSI_GRADIENT_POWER, VSI_COLOUR_POWER = 0.4, 0.02
SR_SALIENCY, SR_GRADIENT = 0.4, 225.0
"""C1 and C2 of Zhang and Li 2012."""


class Salient(NamedTuple):
    """What the metrics need of an image: saliency in [0, 1], gradient magnitude, and for VSI two colours; (H, W) each."""

    saliency: np.ndarray
    gradient: np.ndarray
    colours: np.ndarray | tuple[()]


def visual_saliency(rgb: np.ndarray) -> Salient:
    """Describe uint8 RGB (H, W, 3) for VSI: SDSP saliency, and lightness and colours of LMN."""
    import torch
    from piq.functional import rgb2lmn
    from piq.vsi import sdsp

    with torch.inference_mode():
        image = unit_tensor(rgb) * 255
        saliency = _shrunk(sdsp(image))[0, 0].numpy()
        lightness, *colours = _shrunk(rgb2lmn(image))[0].contiguous().numpy()
    return Salient(saliency, scharr_magnitude(lightness), np.stack(colours))


def _shrunk(images: torch.Tensor) -> torch.Tensor:
    """Average f x f pixels (borders repeated) and take every f-th, f = max(1, round(shorter side / 256)), as piq does."""
    import torch.nn.functional as F

    factor = max(1, round(min(images.shape[-2:]) / VIEWING_SIZE))
    before, after = factor // 2, (factor - 1) // 2
    return F.avg_pool2d(F.pad(images, (before, after, before, after), mode="replicate"), factor)


def visual_similarity(x: Salient, y: Salient) -> float:
    """VSI, equations 10 to 14 of Zhang et al. 2014."""
    product, factor, scratch, weights = BUFFERS.take(4, x.saliency.shape)
    m, n = zip(x.colours, y.colours, strict=True)
    similarity(*m, VSI_COLOUR, out=product, scratch=scratch)
    product *= similarity(*n, VSI_COLOUR, out=factor, scratch=scratch)
    # the real part of the power, where a similarity is negative
    real = np.where(product < 0, math.cos(math.pi * VSI_COLOUR_POWER), 1)
    np.power(np.abs(product, out=product), VSI_COLOUR_POWER, out=product)
    product *= real
    similarity(x.gradient, y.gradient, VSI_GRADIENT, out=factor, scratch=scratch)
    product *= np.power(factor, VSI_GRADIENT_POWER, out=factor)
    product *= similarity(x.saliency, y.saliency, VSI_SALIENCY, out=factor, scratch=scratch)
    np.maximum(x.saliency, y.saliency, out=weights)
    product *= weights
    return float((product.sum() + EPS) / (weights.sum() + EPS))


def spectral_residual(luma: np.ndarray) -> Salient:
    """Describe float64 luma (H, W) in [0, 255] for SR-SIM, near the viewing size."""
    import torch
    from piq.srsim import _spectral_residual_visual_saliency

    with torch.inference_mode():
        plane = near_viewing_size(unit_tensor(luma)) * 255
        saliency = _spectral_residual_visual_saliency(plane)[0, 0].numpy()
    return Salient(saliency, scharr_magnitude(plane[0, 0].numpy()), ())


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
class VisualSaliencyScorer:
    """VSI of RGB."""

    def prepare(self, reference: ImageBatch) -> Salient:
        """Return the reference's saliency, gradients and colours."""
        return visual_saliency(reference.rgb[0])

    def score(self, distorted: ImageBatch, prepared: Salient) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([visual_similarity(visual_saliency(image), prepared) for image in distorted.rgb])


@dataclass(frozen=True, slots=True)
class SpectralResidualScorer:
    """SR-SIM of luma."""

    def prepare(self, reference: ImageBatch) -> Salient:
        """Return the reference's saliency and gradients."""
        return spectral_residual(reference.luma[0])

    def score(self, distorted: ImageBatch, prepared: Salient) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([spectral_similarity(spectral_residual(luma), prepared) for luma in distorted.luma])
