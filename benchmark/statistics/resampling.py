"""Contents drawn with replacement: the resamples that intervals and paired tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats

MIN_CONTENTS = 3
"""With fewer contents nothing is known of how contents differ: no interval."""
MAX_CLUSTERS = 256
"""More contents than this are drawn in so many random groups: the variance is the same, the cost bounded."""
BLOCKS = 16
"""Replicates are computed in so many blocks, whatever the number of threads, so that every sum has one order."""
CHUNK_ELEMENTS = 1 << 16
"""Replicates times pairs worked on at once: arrays of this size stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Pairs sorted by the content (or group of contents) they belong to."""

    order: npt.NDArray[np.intp]
    """(N,) positions of the pairs, sorted by cluster."""
    codes: npt.NDArray[np.intp]
    """(N,) cluster of each pair after sorting: 0 0 0 1 1 2 ..."""
    starts: npt.NDArray[np.intp]
    """(K,) where each cluster begins after sorting."""
    n_contents: int

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def described(self) -> str:
        """The clusters in words, for `Estimate.method`."""
        if len(self) == self.n_contents:
            return f"{self.n_contents} contents"
        return f"{self.n_contents} contents in {len(self)} random groups"

    def sums(self, values: Floats) -> Floats:
        """Sum `values` (N, ...), sorted by cluster, within each cluster: (K, ...)."""
        return np.add.reduceat(values, self.starts, axis=0)


def clusters_of(contents: npt.ArrayLike, *, length: int) -> Clusters:
    """Group pairs by content. Raises ValueError unless there is one content name per label."""
    names = np.asarray(contents)
    if names.shape != (length,):
        raise ValueError(f"contents: expected {length} names, one per label, got shape {names.shape}")
    unique, codes = np.unique(names, return_inverse=True)
    if len(unique) > MAX_CLUSTERS:
        groups = np.random.default_rng(0).permutation(len(unique)) % MAX_CLUSTERS
        codes = groups[codes]
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    return Clusters(order, codes, starts, len(unique))


def draw(n_clusters: int, *, replicates: int, seed: int) -> Floats:
    """How often each cluster is drawn: (R, K) float64 of whole numbers, each row summing to K."""
    drawn = np.random.default_rng(seed).integers(0, n_clusters, size=(replicates, n_clusters))
    weights = np.zeros((replicates, n_clusters))
    np.add.at(weights, (np.arange(replicates)[:, None], drawn), 1.0)
    return weights


def resamples(clusters: Clusters, *, replicates: int, seed: int) -> Floats:
    """R rows of drawn clusters, then K rows that leave each cluster out once: (R + K, K).

    Without rows at all where there are fewer than `MIN_CONTENTS` contents or no replicates are asked for.
    """
    k = len(clusters)
    if clusters.n_contents < MIN_CONTENTS or replicates < 2:
        return np.empty((0, k))
    return np.concatenate([draw(k, replicates=replicates, seed=seed), 1.0 - np.eye(k)])


def drawn_and_left_out(rows: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Split the last axis of what was computed from `resamples` in the drawn rows and the leave-one-out rows."""
    at = max(0, rows.shape[-1] - len(clusters))
    return rows[..., :at], rows[..., at:]


def blocks(replicates: int) -> list[slice]:
    """Split the replicates in at most `BLOCKS` contiguous parts."""
    edges = np.linspace(0, replicates, max(1, min(BLOCKS, replicates)) + 1).astype(int)
    return [slice(int(start), int(stop)) for start, stop in pairwise(edges)]


def chunks(block: slice, n_pairs: int) -> list[slice]:
    """Split a block of replicates so that chunk times pairs stays near `CHUNK_ELEMENTS`."""
    step = max(1, CHUNK_ELEMENTS // max(1, n_pairs))
    return [slice(at, min(at + step, block.stop)) for at in range(block.start, block.stop, step)]


def default_threads() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(tasks: Iterable[Callable[[], None]], *, threads: int | None) -> None:
    """Run tasks that each write their own part of a result; the first failure is raised."""
    threads = threads or default_threads()
    if threads == 1:
        for task in tasks:
            task()
        return
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
