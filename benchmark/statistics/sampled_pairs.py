"""Counts for Krasula's areas from a sample of pairs, where all pairs of stimuli are too many.

The stimuli are shuffled once, by a fixed seed, and each is paired with the next so many of them around the circle: no
pair comes twice, and every stimulus is in equally many. The areas are means over pairs; from `SAMPLED` of them they are
those of all pairs to about 2e-4 (one standard error, where a tenth of the pairs are of the rarer kind).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

COUNTED = 300_000_000
"""Up to so many pairs are all counted: 24,495 stimuli, and so each of PIPAL's 23,200 with every other."""
SAMPLED = 20_000_000
"""How many are taken of more."""
BATCH = (1 << 20, 1 << 23)
"""Fewest and most pairs counted at a time; between them as many as the table of counts has cells."""

Codes = npt.NDArray[np.intp]


def sample_note(n: int) -> str:
    """Say how the pairs of n stimuli were sampled; "" where all were counted."""
    every = n * (n - 1) // 2
    if every <= COUNTED:
        return ""
    return f"from {_distances(n) * n:,} of {every:,} pairs of stimuli, sampled with a fixed seed"


def _distances(n: int) -> int:
    return max(1, min(SAMPLED // n, (n - 1) // 2))


class PairSample:
    """The sampled pairs of n stimuli, in batches: (first, second) of a shuffled array, shapes (1, n) and (B, n)."""

    def __init__(self, n: int, cells: int) -> None:
        """Batches suit a table of so many `cells` of counts."""
        self.n = n
        self._order = np.random.default_rng(0).permutation(n)
        self._step = max(1, min(max(cells, BATCH[0]), BATCH[1]) // n)

    def shuffled(self, values: npt.NDArray) -> npt.NDArray:
        """Values (N,) of the stimuli in the order of the pairs, those that come around the circle again at the end."""
        shuffled = values[self._order]
        return np.concatenate([shuffled, shuffled[: _distances(self.n)]])

    def batches(self) -> Iterator[slice]:
        """Distances around the circle, some at a time."""
        for at in range(1, _distances(self.n) + 1, self._step):
            yield slice(at, min(at + self._step, _distances(self.n) + 1))

    def both(self, shuffled: npt.NDArray, distances: slice) -> tuple[npt.NDArray, npt.NDArray]:
        """The values of the first (1, n) and of the second (B, n) of the pairs of a batch."""
        windows = np.lib.stride_tricks.sliding_window_view(shuffled, self.n)
        return shuffled[None, : self.n], windows[distances]


def triangle(first: Codes, second: Codes, n_clusters: int) -> Codes:
    """The place of each two clusters in the order of `np.triu_indices`."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return low * n_clusters - low * (low - 1) // 2 + high - low


def cells_by_kind(bins: int) -> npt.NDArray[np.intp]:
    """From verdict (0 similar, 1 better, 2 worse) and signed bin to kind (similar, agreed, opposed) and bin: (3, 2 bins)."""
    similar = np.arange(bins)
    agreed, opposed = similar + bins, similar + 2 * bins
    return np.stack([np.r_[similar, similar], np.r_[agreed, opposed], np.r_[opposed, agreed]])
