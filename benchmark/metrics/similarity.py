"""Arithmetic of maps that several metrics share, written into arrays that are there already."""

from __future__ import annotations

import math

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


def real_power(values: np.ndarray, exponent: float) -> None:
    """Replace values by the real part of their complex power: |x|^p cos(p pi) where x < 0, as MATLAB's real(x .^ p)."""
    real = np.where(values < 0, math.cos(math.pi * exponent), 1)
    np.power(np.abs(values, out=values), exponent, out=values)
    values *= real


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of values by weights >= 0; by none where all of these are 0. `values` is overwritten."""
    total = float(weights.sum())
    if total == 0:
        return float(values.mean())
    values *= weights
    return float(values.sum()) / total
