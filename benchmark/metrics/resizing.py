"""Resizing as MATLAB's imresize does, which many authors' code relies on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@lru_cache(maxsize=16)
def _bilinear_weights(n_in: int, n_out: int) -> csr_array:
    """Weights (n_out, n_in) of imresize's "bilinear" along one axis: a triangle, as wide as the step where it shrinks.

    Borders are mirrored, and the weights of each output sum to 1.
    """
    from scipy.sparse import csr_array

    step = n_in / n_out
    width = max(1.0, step)
    centres = (np.arange(n_out) + 0.5) * step - 0.5
    taps = np.floor(centres - width).astype(int)[:, None] + np.arange(int(np.ceil(2 * width)) + 2)
    weights = np.maximum(1 - np.abs(taps - centres[:, None]) / width, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = taps % (2 * n_in)
    columns = np.where(mirrored < n_in, mirrored, 2 * n_in - 1 - mirrored)
    rows = np.broadcast_to(np.arange(n_out)[:, None], taps.shape)
    return csr_array((weights.ravel(), (rows.ravel(), columns.ravel())), shape=(n_out, n_in))


def resize_bilinear(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return float64 (height, width) of a plane (H, W): imresize(plane, [height, width], 'bilinear'), antialiased."""
    rows, columns = _bilinear_weights(plane.shape[0], height), _bilinear_weights(plane.shape[1], width)
    return np.ascontiguousarray((columns @ (rows @ plane).T).T)
