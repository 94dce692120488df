"""Scratch arrays that are used again from image to image: fresh ones cost more in page faults than the arithmetic."""

from __future__ import annotations

import math
import threading

import numpy as np


class Buffers(threading.local):
    """Float64 scratch arrays of any shape; every thread has its own, as large as the largest that it asked for."""

    def __init__(self) -> None:
        self._flat: list[np.ndarray] = []

    def take(self, count: int, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return `count` arrays of `shape`, of arbitrary content, contiguous; the next call hands out the same memory."""
        size = math.prod(shape)
        self._flat += [np.empty(0)] * (count - len(self._flat))
        for i in range(count):
            if self._flat[i].size < size:
                self._flat[i] = np.empty(size)
        return [flat[:size].reshape(shape) for flat in self._flat[:count]]
