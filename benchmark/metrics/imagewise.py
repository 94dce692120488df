"""The simplest kind of no-reference metric: a function of one image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.types import MetricInfo

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

Function = Callable[[np.ndarray], float]
"""Scores uint8 RGB (H, W, 3)."""


@dataclass(frozen=True, slots=True)
class ImagewiseMetric:
    """A no-reference metric; `make` reads its parameters and returns the function."""

    info: MetricInfo
    make: Callable[[], Function]

    def load(self, device: str) -> ImagewiseScorer:
        """Read the parameters; the same function runs on every device."""
        return ImagewiseScorer(self.make())


@dataclass(frozen=True, slots=True)
class ImagewiseScorer:
    """Calls the function for each distorted image of a batch."""

    function: Function

    def prepare(self, reference: ImageBatch) -> None:
        """Nothing: there is no reference."""

    def score(self, distorted: ImageBatch, prepared: None) -> np.ndarray:
        """Return one float64 per distorted image."""
        return np.array([float(self.function(image)) for image in distorted.rgb], dtype=np.float64)
