"""Scores that differ by less than a machine's rounding are equal: they get one value before anything is ranked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats


def tied(scores: npt.ArrayLike, tolerance: float) -> Floats:
    """Scores (N,) as float64 in which those within `tolerance` of each other have one value; nan and infinity stay.

    Closeness is not transitive, so groups need a rule. Two neighbours in the sorted scores belong together where the
    run of scores around them that holds no wider gap than theirs spans at most `tolerance`. What is closest stays
    together, a chain of close scores is cut at its widest gaps, and no score moves by more than `tolerance`. A group
    takes the middle between its ends; a score that is alone keeps its bits. Order and sign of the scores do not matter.
    """
    scores = np.asarray(scores, dtype=np.float64)
    values, places = np.unique(scores[np.isfinite(scores)], return_inverse=True)
    if not tolerance > 0 or len(values) < 2:
        return scores
    with np.errstate(over="ignore"):  # infinitely far apart is far enough
        gaps = np.diff(values)
    first = np.arange(len(values))  # the first member of each value's group
    last = np.arange(len(values))
    for start, stop in _runs(gaps <= tolerance):
        for left, right in _groups(values[start : stop + 1], gaps[start:stop], tolerance):
            first[start + left : start + right + 1] = start + left
            last[start + left : start + right + 1] = start + right
    low, high = values[first], values[last]
    middles = np.where(first == last, values, low + (high - low) / 2.0)
    result = scores.copy()
    result[np.isfinite(scores)] = middles[places]
    return result


def _runs(close: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where `close` holds without a break: (start, stop) of each run."""
    edges = np.flatnonzero(np.diff(close.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _groups(values: Floats, gaps: Floats, tolerance: float) -> list[tuple[int, int]]:
    """First and last place of each group among sorted `values`, which lie `gaps` apart."""
    left, right = _narrower(gaps), len(gaps) - _narrower(gaps[::-1])[::-1]
    together = values[right] - values[left] <= tolerance
    return _runs(together)


def _narrower(gaps: Floats) -> npt.NDArray[np.intp]:
    """For each gap, the place after the nearest wider gap before it; 0 where there is none."""
    found = np.zeros(len(gaps), dtype=np.intp)
    wider: list[int] = []
    for at, gap in enumerate(gaps.tolist()):
        while wider and gaps[wider[-1]] <= gap:
            wider.pop()
        found[at] = wider[-1] + 1 if wider else 0
        wider.append(at)
    return found
