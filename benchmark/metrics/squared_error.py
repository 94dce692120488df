"""PSNR from the sum of squared errors: exact for 8-bit images, by OpenCV; for float64 luma by NumPy, with no fresh arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.buffers import Buffers

BUFFERS = Buffers()


def of_bytes(distorted: np.ndarray, reference: np.ndarray) -> float:
    """Sum of squared errors of uint8 images of up to 10^10 values, exact."""
    import cv2

    return round(cv2.norm(distorted, reference, cv2.NORM_L2SQR))  # the square of a root: off by less than a half


def of_floats(distorted: np.ndarray, reference: np.ndarray) -> float:
    """Sum of squared errors of float64 images."""
    (error,) = BUFFERS.take(1, reference.shape)
    np.subtract(distorted, reference, out=error)
    return float(np.multiply(error, error, out=error).sum())


@dataclass(frozen=True, slots=True)
class DecibelScorer:
    """PSNR in dB, the squared error pooled over all values of a view; infinite for equal images."""

    view: Literal["luma", "rgb"]
    peak: float
    squared_error: Callable[[np.ndarray, np.ndarray], float]

    def prepare(self, reference: ImageBatch) -> np.ndarray:
        """Return the reference's view."""
        return getattr(reference, self.view)[0]

    def score(self, distorted: ImageBatch, prepared: np.ndarray) -> np.ndarray:
        """Return one float64 per distorted image."""
        errors = (self.squared_error(image, prepared) for image in getattr(distorted, self.view))
        largest = self.peak**2 * prepared.size
        return np.array([10 * math.log10(largest / error) if error else math.inf for error in errors])
