"""MDSI from OpenCV's filters in float64, the reference's gradients and colours computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers
from benchmark.metrics.opencv_gradient import MEANS, SLOPES
from benchmark.metrics.similarity import euclidean, similarity
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

BUFFERS = Buffers()
LHM = np.array([[0.2989, 0.587, 0.114], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]])
"""Lightness and two chromaticities from R, G and B; it, the constants and powers are Ziaei Nafchi et al. 2016's."""
GRADIENT_CONSTANT, MEAN_CONSTANT, COLOUR_CONSTANT = 140.0, 55.0, 550.0
"""C1, C2 and C3, for values in [0, 255]."""
GRADIENT_SHARE = 0.6
QUARTER = 0.25
"""Both powers, q and o."""


class Edges(NamedTuple):
    """What MDSI needs of an image, float64 (H, W) each."""

    horizontal: np.ndarray
    """Prewitt gradient of lightness."""
    vertical: np.ndarray
    length: np.ndarray
    """Of the gradient."""
    h: np.ndarray
    """The two chromaticities."""
    m: np.ndarray
    energy: np.ndarray
    """h^2 + m^2."""


def edges(rgb: np.ndarray) -> Edges:
    """Describe uint8 RGB (H, W, 3) near the viewing size."""
    import cv2
    import torch

    with torch.inference_mode():
        planes = near_viewing_size(unit_tensor(rgb))[0].numpy()
    lightness, h, m = np.tensordot(255 * LHM, planes, axes=1)
    horizontal = cv2.sepFilter2D(lightness, cv2.CV_64F, SLOPES, MEANS, borderType=cv2.BORDER_CONSTANT)
    vertical = cv2.sepFilter2D(lightness, cv2.CV_64F, MEANS, SLOPES, borderType=cv2.BORDER_CONSTANT)
    length = euclidean(horizontal, vertical, out=np.empty_like(h), scratch=np.empty_like(h))
    return Edges(horizontal, vertical, length, h, m, h * h + m * m)


def deviation(x: Edges, y: Edges) -> float:
    """MDSI, equations 4 to 11 of Ziaei Nafchi et al. 2016, of a distorted image x and its reference y."""
    total, term, scratch, mean = BUFFERS.take(4, x.length.shape)
    euclidean((x.horizontal + y.horizontal) / 2, (x.vertical + y.vertical) / 2, out=mean, scratch=scratch)
    similarity(x.length, y.length, GRADIENT_CONSTANT, out=total, scratch=scratch)
    total += similarity(x.length, mean, MEAN_CONSTANT, out=term, scratch=scratch)
    total -= similarity(y.length, mean, MEAN_CONSTANT, out=term, scratch=scratch)
    total *= GRADIENT_SHARE
    colour = 2 * (x.h * y.h + x.m * y.m) + COLOUR_CONSTANT
    colour /= x.energy + y.energy + COLOUR_CONSTANT  # rounded as above: equal images have exactly 0
    colour *= 1 - GRADIENT_SHARE
    total += colour
    root = np.sqrt(np.sqrt(np.abs(total)))
    if total.min() >= 0:
        return float(np.abs(root - root.mean()).mean() ** QUARTER)
    turned = root * np.where(total < 0, np.exp(1j * math.pi * QUARTER), 1)
    return float(np.abs(turned - turned.mean()).mean() ** QUARTER)


@dataclass(frozen=True, slots=True)
class DeviationScorer:
    """MDSI of RGB."""

    def prepare(self, reference: ImageBatch) -> Edges:
        """Return the reference's gradients and colours."""
        return edges(reference.rgb[0])

    def score(self, distorted: ImageBatch, prepared: Edges) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([deviation(edges(image), prepared) for image in distorted.rgb])
