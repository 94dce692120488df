"""Correlations of scores with labels: signed, and nan where they are undefined.

All of them take arrays in which higher is better on both sides, so that a metric that runs the wrong way is negative.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats, dot, finite, is_constant, standardised

MIN_PAIRS = 3
"""Two pairs correlate perfectly whatever they are: fewer than three give nan."""


def why_undefined(scores: Floats, labels: Floats) -> str:
    """Say why these arrays have no correlation; "" when they have one."""
    if len(scores) < MIN_PAIRS:
        return f"undefined: {len(scores)} pairs, needs {MIN_PAIRS}"
    if is_constant(scores):
        return "undefined: constant scores"
    if is_constant(labels):
        return "undefined: constant labels"
    return ""


def _checked(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Floats]:
    labels = finite(labels, name="labels")
    return finite(scores, name="scores", length=len(labels)), labels


def pearson(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Pearson's linear correlation in [-1, 1] of two arrays (N,); nan for a constant or fewer than 3 pairs.

    Raises ValueError for NaN, infinity, or two lengths.
    """
    scores, labels = _checked(scores, labels)
    if why_undefined(scores, labels):
        return float("nan")
    x, y = standardised(scores)[0], standardised(labels)[0]
    norm = np.sqrt(dot(x, x) * dot(y, y))
    return float(np.clip(dot(x, y) / norm, -1.0, 1.0)) if norm > 0 else float("nan")


def spearman(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Spearman's rank correlation in [-1, 1], ties by their mean rank; nan for a constant or fewer than 3 pairs.

    Raises ValueError for NaN, infinity, or two lengths.
    """
    from scipy.stats import rankdata

    scores, labels = _checked(scores, labels)
    return pearson(rankdata(scores), rankdata(labels))


def kendall(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Kendall's tau-b in [-1, 1]; nan for a constant or fewer than 3 pairs.

    Raises ValueError for NaN, infinity, or two lengths.
    """
    from scipy.stats import kendalltau

    scores, labels = _checked(scores, labels)
    if why_undefined(scores, labels):
        return float("nan")
    return float(kendalltau(scores, labels, variant="b").statistic)
