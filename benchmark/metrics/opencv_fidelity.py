"""PSNR from OpenCV's norm of the difference, in which the squared errors of 8-bit images sum up without rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.images import ImageBatch


@dataclass(frozen=True, slots=True)
class DecibelScorer:
    """PSNR in dB, the squared error pooled over all values of a view; infinite for equal images."""

    view: Literal["luma", "rgb"]
    peak: float

    def prepare(self, reference: ImageBatch) -> np.ndarray:
        """Return the reference's view."""
        return getattr(reference, self.view)[0]

    def score(self, distorted: ImageBatch, prepared: np.ndarray) -> np.ndarray:
        """Return one float64 per distorted image."""
        import cv2

        largest = math.sqrt(self.peak**2 * prepared.size)  # rounded as the norm is: black on white has exactly 0 dB
        norms = (cv2.norm(image, prepared, cv2.NORM_L2) for image in getattr(distorted, self.view))
        return np.array([20 * math.log10(largest / norm) if norm else math.inf for norm in norms])
