"""How often a point is ahead of the points of a set in both of two variables, less how often in one alone.

By bits of the rank from the highest down (a wavelet matrix: F. Claude, G. Navarro and A. Ordonez, The wavelet matrix,
Information Systems 47, 2015): n questions to m points take n log m steps and memory in n + m log m, where a table of all
places grows with m^2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]


class Dominance:
    """Some points, sorted by x, that can be counted below a corner (x, y)."""

    def __init__(self, x: Places, y: Places) -> None:
        """Take points of whole numbers x and y (M,), y not negative."""
        order = np.argsort(x, kind="stable")
        self._x = x[order]
        self._y = np.sort(y)
        level = y[order]
        self._bits = range(int(y.max(initial=0)).bit_length() - 1, -1, -1)
        self._zeros: list[Places] = []
        for bit in self._bits:
            ones = (level >> bit & 1).astype(bool)
            self._zeros.append(np.concatenate([[0], np.cumsum(~ones)]))
            level = np.concatenate([level[~ones], level[ones]])

    def balance(self, x: Places, y: Places) -> npt.NDArray[np.int64]:
        """Sum over the points of sign(x - point's x) * sign(y - point's y), for each of the questions (N,)."""
        below_x, upto_x = (np.searchsorted(self._x, x, side=side) for side in ("left", "right"))
        below_y, upto_y = (np.searchsorted(self._y, y, side=side) for side in ("left", "right"))
        both = self._below(below_x, y) + len(self._x) - upto_x - upto_y + self._below(upto_x, y + 1)
        return both - (below_x - self._below(below_x, y + 1)) - (below_y - self._below(upto_x, y))

    def _below(self, first: Places, y: Places) -> Places:
        """How many of the `first` points in the order of x have a y below the one asked for."""
        start, stop = np.zeros_like(first), first.copy()
        found = np.zeros_like(first)
        for bit, zeros in zip(self._bits, self._zeros, strict=True):
            one = (y >> bit & 1).astype(bool)
            left, right = zeros[start], zeros[stop]
            found += np.where(one, right - left, 0)
            start = np.where(one, zeros[-1] + start - left, left)
            stop = np.where(one, zeros[-1] + stop - right, right)
        return np.where(y >> len(self._bits) > 0, first, found)
