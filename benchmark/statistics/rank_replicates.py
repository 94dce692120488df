"""Spearman's correlation of many resamples at once, without sorting any of them.

The order of the sample is the order of every resample: a mid-rank is a running sum of weights along it. All ranks and
their products are whole or half numbers below 2^53, so sums of them are exact in any order. Arrays (pairs, resamples):
a pair's row is its content's row of weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmark.statistics.inputs import Floats
from benchmark.statistics.replicates import ratio
from benchmark.statistics.resampling import Clusters, run_all

TOGETHER = (64, 512)
"""Fewest and most resamples worked on at once: rows of so many numbers are copied and added at full speed."""
ELEMENTS = 1 << 19
"""Resamples times pairs worked on at once, unless that is too few resamples."""
RUN = 32
"""Running sums are taken within runs of so many rows; those before a run enter once."""


def spearman_replicates(
    columns: Sequence[Floats], labels: Floats, clusters: Clusters, weights: Floats, *, threads: int | None = None
) -> Floats:
    """Spearman's correlation of each of M columns with the labels in each resample: (M, R).

    Columns and labels (N,) are sorted by cluster, `weights` (R, K) are whole numbers; nan where a resample's scores or
    labels are constant.
    """
    result = np.empty((len(columns), len(weights)))
    label_order = _Order(labels, clusters)
    orders = [_Order(column, clusters) for column in columns]

    n_of_cluster = np.bincount(clusters.codes, minlength=len(clusters)).astype(np.float64)

    together = min(max(ELEMENTS // max(1, len(labels)), TOGETHER[0]), TOGETHER[1])

    def work(rows: slice) -> None:
        drawn = np.ascontiguousarray(weights[rows].T)
        n = np.einsum("kr,k->r", drawn, n_of_cluster)
        y, vy = label_order.centred(drawn, n)
        w = np.take(drawn, clusters.codes, axis=0)
        y *= w
        without_ties = np.einsum("nr,nr->r", w, y), np.einsum("kr,k->r", drawn**3 - drawn, n_of_cluster)
        for column, order in enumerate(orders):
            vxy, vx = order.products(drawn, n, y, without_ties, spare=w)
            result[column, rows] = np.clip(ratio(vxy, np.sqrt(vx * vy)), -1.0, 1.0)

    run_all([partial(work, slice(at, at + together)) for at in range(0, len(weights), together)], threads=threads)
    return result


class _Order:
    """One variable's order in the sample, from which its mid-ranks in every resample follow."""

    def __init__(self, values: Floats, clusters: Clusters) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        new = np.diff(ordered, prepend=np.nan) != 0
        self.tied = not bool(new.all())
        self.first = np.flatnonzero(new)
        self.codes = clusters.codes[self.order]
        self.group = np.empty(len(values), dtype=np.intp)
        self.group[self.order] = np.cumsum(new) - 1

    def _grouped(self, ordered: Floats) -> Floats:
        """Sum rows (N, B), in order, over each group of equal values."""
        return np.add.reduceat(ordered, self.first, axis=0) if self.tied else ordered

    def centred(self, drawn: Floats, n: Floats) -> tuple[Floats, Floats]:
        """Mid-ranks less their mean, (N, B), and their sum of squares (B,), where clusters are `drawn` (K, B)."""
        sizes = self._grouped(np.take(drawn, self.codes, axis=0))
        within, before = _running(sizes)
        within += before[:, None]
        ranks = within.reshape(-1, len(n))[: len(sizes)] - (sizes - 1.0) / 2.0
        return np.take(ranks, self.group, axis=0) - (n + 1.0) / 2.0, _squares(n, _cubes(sizes))

    def products(
        self, drawn: Floats, n: Floats, y: Floats, without_ties: tuple[Floats, Floats], *, spare: Floats
    ) -> tuple[Floats, Floats]:
        """Sums (B,) of mid-rank times y (N, B), whose columns sum to 0; and the mid-ranks' sum of squares (B,).

        `without_ties`: the sums over pairs of weight times y, and of cubed weight less weight, in no order. `spare`
        (N, B) is written over.
        """
        sizes = self._grouped(np.take(drawn, self.codes, axis=0))
        mass = self._grouped(np.take(y, self.order, axis=0, out=spare, mode="clip"))
        size_mass, cubes = (np.einsum("nr,nr->r", sizes, mass), _cubes(sizes)) if self.tied else without_ties
        within, before = _running(sizes)
        whole = len(sizes) // RUN * RUN  # the last run may be shorter
        sums = np.einsum("nr,nr->r", within.reshape(-1, len(n))[: len(mass)], mass)
        sums += np.einsum("br,br->r", before[: whole // RUN], mass[:whole].reshape(-1, RUN, len(n)).sum(axis=1))
        sums += before[-1] * mass[whole:].sum(axis=0)
        return sums - size_mass / 2.0, _squares(n, cubes)


def _running(sizes: Floats) -> tuple[Floats, Floats]:
    """Running sums of rows (N, B): within runs of `RUN` rows, (runs, RUN, B), and before each run, (runs, B)."""
    runs = -(-len(sizes) // RUN)
    within = np.zeros((runs, RUN, sizes.shape[1]))
    within.reshape(-1, sizes.shape[1])[: len(sizes)] = sizes
    for row in range(1, RUN):
        within[:, row] += within[:, row - 1]
    before = np.zeros((runs, sizes.shape[1]))
    np.cumsum(within[:-1, -1], axis=0, out=before[1:])
    return within, before


def _cubes(sizes: Floats) -> Floats:
    """Sum of s^3 - s over groups of s equal values (G, B)."""
    return np.einsum("nr,nr->r", sizes * sizes - 1.0, sizes)


def _squares(n: Floats, cubes: Floats) -> Floats:
    """Sum of squared centred mid-ranks of n values with ties."""
    return (n**3 - n - cubes) / 12.0
