"""Arithmetic of maps that several metrics share, written into arrays that are there already."""

from __future__ import annotations

import numpy as np


def euclidean(x: np.ndarray, y: np.ndarray, *, out: np.ndarray, scratch: np.ndarray) -> np.ndarray:
    """sqrt(x^2 + y^2), to the bit the same wherever the arrays lie, which cv2.magnitude is not; `out` may be x."""
    np.multiply(y, y, out=scratch)
    np.multiply(x, x, out=out)
    out += scratch
    return np.sqrt(out, out=out)


def similarity(x: np.ndarray, y: np.ndarray, constant: float, *, out: np.ndarray, scratch: np.ndarray) -> np.ndarray:
    """(2 x y + T) / (x^2 + y^2 + T), exactly 1 where x = y."""
    np.multiply(x, y, out=out)
    out *= 2
    out += constant
    energy = np.multiply(x, x, out=scratch)
    energy += y * y
    energy += constant
    out /= energy
    return out
