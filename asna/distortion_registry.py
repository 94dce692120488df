"""The table of distortion types, and the arithmetic that all of them share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Distortion = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

DISTORTIONS: dict[str, Distortion] = {}
"""Every distortion type by name."""

WEIGHTS: dict[str, float] = {}
"""How often a type is drawn, relative to the others."""


def distortion(weight: float = 1.0) -> Callable[[Distortion], Distortion]:
    """Register a distortion under its function's name."""

    def register(function: Distortion) -> Distortion:
        DISTORTIONS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        return function

    return register


def between(low: float, high: float, strength: float) -> float:
    """Interpolate from `low` (strength 0) to `high` (strength 1) on a logarithmic scale."""
    return float(low * (high / low) ** strength)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Clip to [0, 1] and round to 8 bits."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
