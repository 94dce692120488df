"""Correlations of many resamples at once, from whole-number weights per content; nothing is copied out.

Each row equals what `pearson`, `spearman` and `kendall` say of the concatenated resample, ties between two copies of
one pair included. All arrays of pairs are sorted by cluster (`Clusters.order`). Where a resample has no correlation
(its scores or labels are constant) the row is nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from benchmark.statistics.dominance import Dominance
from benchmark.statistics.inputs import Floats, standardised
from benchmark.statistics.resampling import Clusters, run_all

LARGE = 256
"""Contents with more pairs are counted by bits of their ranks: a table of their places grows with their square."""
VANISHING = 1e-12
"""A resample whose variance is this fraction of the sample's is constant up to rounding."""


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """numerator / denominator, nan where the denominator is not positive."""
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def weigh(weights: Floats, sums: Floats) -> Floats:
    """weights (R, K) times sums per cluster (K, ...): without BLAS, whose order of summing depends on threads."""
    return np.einsum("rk,k...->r...", weights, sums)


def pearson_replicates(scores: Floats, labels: Floats, clusters: Clusters, weights: Floats) -> Floats:
    """Pearson's correlation of each resample: (R,)."""
    x, y = standardised(scores)[0], standardised(labels)[0]
    moments = clusters.sums(np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1))
    n, sx, sy, sxx, syy, sxy = weigh(weights, moments).T
    vx, vy = sxx - sx * sx / n, syy - sy * sy / n
    vx, vy = np.where(vx > VANISHING * n, vx, 0.0), np.where(vy > VANISHING * n, vy, 0.0)
    return np.clip(ratio(sxy - sx * sy / n, np.sqrt(vx * vy)), -1.0, 1.0)


class _Places:
    """Where every pair stands among the pairs of one cluster, for one variable."""

    def __init__(self, values: Floats) -> None:
        self.rank = np.unique(values, return_inverse=True)[1]
        self.n_ranks = int(self.rank.max()) + 1 if len(values) else 0

    def within(self, members: slice) -> tuple[npt.NDArray[np.intp], Floats]:
        """Return the places (N,) of all pairs, and how many members each pair ties with.

        Place 2k + 1 is the cluster's k-th distinct value, 2k lies just below it.
        """
        counts = np.bincount(self.rank[members], minlength=self.n_ranks)
        present = counts > 0
        place_of_rank = 2 * (np.cumsum(present) - present) + present
        return place_of_rank[self.rank], counts[self.rank].astype(np.float64)


def _balance(x: npt.NDArray[np.intp], y: npt.NDArray[np.intp], members: slice) -> Floats:
    """Concordant less discordant members of a cluster for each pair (N,), by the pairs' places x and y (N,)."""
    if members.stop - members.start > LARGE:
        return Dominance(x[members], y[members]).balance(x, y).astype(np.float64)
    x_signs, y_signs = (
        np.sign(np.arange(2 * (members.stop - members.start) + 1)[:, None] - of[members][None, :]).astype(np.float32)
        for of in (x, y)
    )
    table = x_signs @ y_signs.T  # whole numbers up to the cluster's size: exact in float32
    return table.ravel()[x * table.shape[1] + y].astype(np.float64)


def kendall_replicates(
    columns: Sequence[Floats], labels: Floats, clusters: Clusters, weights: Floats, *, threads: int | None = None
) -> Floats:
    """Kendall's tau-b of each of M columns with the labels in each resample: (M, R).

    Concordant minus discordant pairs, and untied pairs, are counted once for each two clusters (a, b); a resample then
    has w' C w of them. A pair and its own copy tie in both variables, so they drop out of numerator and denominator.
    """
    k, n = len(clusters), len(labels)
    sizes = np.diff(np.append(clusters.starts, n)).astype(np.float64)
    concordance = np.empty((len(columns), k, k))
    untied = np.empty((len(columns) + 1, k, k))
    variables = [_Places(column) for column in columns]
    label_places = _Places(labels)

    def work(cluster: int) -> None:
        members = slice(int(clusters.starts[cluster]), int(clusters.starts[cluster] + sizes[cluster]))
        y, ties = label_places.within(members)
        untied[-1, :, cluster] = sizes * sizes[cluster] - clusters.sums(ties)
        for column, variable in enumerate(variables):
            x, ties = variable.within(members)
            untied[column, :, cluster] = sizes * sizes[cluster] - clusters.sums(ties)
            concordance[column, :, cluster] = clusters.sums(_balance(x, y, members))

    run_all([partial(work, cluster) for cluster in range(k)], threads=threads)
    # whole numbers below 2^53 from here to the division: exact in any order, so BLAS may have them
    pairs = [np.sum((weights @ matrix) * weights, axis=1) for matrix in untied]
    rows = [
        ratio(np.sum((weights @ matrix) * weights, axis=1), np.sqrt(pairs[column]) * np.sqrt(pairs[-1]))
        for column, matrix in enumerate(concordance)
    ]
    return np.clip(np.stack(rows), -1.0, 1.0)  # the roots' rounding may lead beyond the ends
