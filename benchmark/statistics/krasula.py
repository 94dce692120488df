"""Krasula's areas under the curve: can a metric tell what people can tell?

L. Krasula, K. Fliegel, P. Le Callet and M. Klima, On the accuracy of objective image and video quality models: New
methodology for performance evaluation, QoMEX 2016. Every two stimuli are *different* where their labels differ
significantly (|z| > 1.96, z = difference / sqrt(se_1^2 + se_2^2), se the label's standard error), otherwise *similar*.
Different/similar: how well |score difference| tells different from similar. Better/worse: how well the signed
difference tells which of two different stimuli is better. Both are areas in [0, 1]; .5 is chance.

A stimulus is not paired with itself, and neither with its own copy in a resample: such a pair is similar by
construction and would flatter every metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats, standardised
from benchmark.statistics.label_noise import CRITICAL_Z
from benchmark.statistics.replicates import ratio
from benchmark.statistics.resampling import Clusters, blocks, run_all
from benchmark.statistics.sampled_pairs import COUNTED, PairSample, cells_by_kind, triangle

BINS = 128
"""Resolution, in equally filled bins of |score difference|, of the areas of resamples."""
FINE_BINS = 4096
"""Resolution of the areas themselves where pairs are too many to be sorted."""
MAX_SORTED = 4000
"""Up to so many stimuli (8 million pairs) the areas are exact."""
ELEMENTS = 1 << 16
"""How many pairs are compared at a time: arrays of this size stay in the processor's cache."""
TABLE_ELEMENTS = 1 << 22
"""Resamples times pairs of clusters weighed at a time."""
TOGETHER = 4
"""How many columns of scores share one look at the verdicts: each holds a table of 2 MiB, or two."""
SAMPLED = 200_000
"""The bins are laid over so many pairs."""
DROPPED_BITS = 12
"""Differences are binned by a float32's leading bits, which order like the number itself, to a part in 2048."""


@dataclass(frozen=True, slots=True)
class JudgedStimuli:
    """What people said: labels (N,) and their standard errors (N,), in one order throughout."""

    labels: Floats
    standard_errors: Floats

    def verdicts(self, rows: slice, columns: slice) -> npt.NDArray[np.int8]:
        """Compare the stimuli `rows` with the stimuli `columns`, as `verdicts`."""
        return verdicts(
            self.labels[rows, None] - self.labels[None, columns],
            self.standard_errors[rows, None] ** 2 + self.standard_errors[None, columns] ** 2,
        )


def verdicts(difference: Floats, variance: Floats) -> npt.NDArray[np.int8]:
    """1 where a difference of labels is significantly above 0, -1 where it is below, 0 where the two are similar."""
    different = difference * difference > CRITICAL_Z**2 * variance
    return (np.sign(difference) * different).astype(np.int8)


def areas(stimuli: JudgedStimuli, scores: Floats) -> tuple[float, float]:
    """Return the areas (different/similar, better/worse) of scores (N,); nan without pairs of both kinds.

    Exact up to `MAX_SORTED` stimuli; above, pairs whose differences share one of `FINE_BINS` bins count as ties, and
    above `COUNTED` pairs a sample of them is counted (see `sampled_pairs`).
    """
    (both,), _ = areas_of_all(stimuli, [scores], None, threads=1)
    return both


def area_replicates(stimuli: JudgedStimuli, scores: Floats, clusters: Clusters, weights: Floats) -> Floats:
    """Both areas of each resample: (2, R). Stimuli are sorted by cluster."""
    if not len(weights):
        return np.empty((2, 0))
    (tables,), _ = _count(stimuli, [scores], clusters.starts, fine=False)
    return _replicates(tables, clusters, weights)


def areas_of_all(
    stimuli: JudgedStimuli,
    columns: Sequence[Floats],
    resampled: tuple[Clusters, Floats] | None,
    *,
    threads: int | None = None,
) -> tuple[list[tuple[float, float]], list[Floats]]:
    """Areas of each of M columns of scores, as `areas`, and with clusters and weights those of resamples: M of (2, R).

    What people said of two stimuli is worked out once for many columns. Differences are counted in bins for each two
    clusters once; a resample weighs the counts by how often both were drawn.
    """
    n, nothing = len(stimuli.labels), np.empty((2, 0))
    exact, repeated = n <= MAX_SORTED, resampled is not None and len(resampled[1]) > 0
    values: list[tuple[float, float]] = [(np.nan, np.nan)] * len(columns)
    rows = [nothing] * len(columns)
    told = _pairs_told_apart(stimuli) if exact else None

    def work(group: range) -> None:
        mine = [columns[at] for at in group]
        if told is not None:
            for at in group:
                values[at] = _exact_areas(told, columns[at])
        if repeated or not exact:
            starts = resampled[0].starts if resampled is not None and repeated else np.zeros(1, dtype=np.intp)
            count = _count_sample if n * (n - 1) // 2 > COUNTED else _count
            coarse, fine = count(stimuli, mine, starts, fine=not exact)
            for at, tables, finer in zip(group, coarse, fine, strict=True):
                if not exact:
                    different, better = _areas_of_histograms(finer[None])
                    values[at] = float(different[0]), float(better[0])
                if resampled is not None and repeated:
                    rows[at] = _replicates(tables, *resampled)

    every = range(len(columns))
    run_all([partial(work, every[at : at + TOGETHER]) for at in range(0, len(columns), TOGETHER)], threads=threads)
    return values, rows


def _pairs_told_apart(stimuli: JudgedStimuli) -> npt.NDArray[np.int8]:
    """Verdicts on the pairs (i, j), i < j, row after row."""
    n = len(stimuli.labels)
    rows = [stimuli.verdicts(slice(row, row + 1), slice(row + 1, n))[0] for row in range(n - 1)]
    return np.concatenate([np.empty(0, dtype=np.int8), *rows])


def _exact_areas(verdicts: npt.NDArray[np.int8], scores: Floats) -> tuple[float, float]:
    """P(positive > negative) + P(equal) / 2 over all combinations, the Mann-Whitney form of both areas.

    Better/worse compares the signed differences t of different pairs with -t: of two, the larger |t| decides.
    """
    delta = np.concatenate([np.empty(0), *(scores[row] - scores[row + 1 :] for row in range(len(scores) - 1))])
    similar = np.sort(np.abs(delta[verdicts == 0]))
    told = delta[verdicts > 0], -delta[verdicts < 0]
    agreed = np.sort(np.concatenate([part[part > 0] for part in told]))
    opposed = np.sort(np.concatenate([-part[part < 0] for part in told]))
    n_told, n_similar = len(told[0]) + len(told[1]), len(similar)
    if not n_told:
        return float("nan"), float("nan")
    ties = n_told - len(agreed) - len(opposed)
    twice = 2 * len(agreed) ** 2 + 4 * len(agreed) * ties + ties**2 + 2 * _twice_above(agreed, opposed)
    better = twice / 2 / n_told / n_told
    if not n_similar:
        return float("nan"), better
    zeros = int(np.searchsorted(similar, 0.0, side="right"))
    twice = _twice_above(agreed, similar) + _twice_above(opposed, similar) + ties * zeros
    return twice / 2 / n_told / n_similar, better


def _twice_above(these: Floats, those: Floats) -> int:
    """Twice the number of combinations of two sorted arrays in which these > those, once where they are equal."""
    if len(these) > len(those):
        return 2 * len(these) * len(those) - _twice_above(those, these)
    left = np.searchsorted(those, these, side="left").sum(dtype=np.int64)
    return int(left + np.searchsorted(those, these, side="right").sum(dtype=np.int64))


def _replicates(tables: Floats, clusters: Clusters, weights: Floats) -> Floats:
    """Both areas of each resample, (2, R), from the counts of each two clusters."""
    flat = tables.reshape(len(tables), -1)
    first, second = np.triu_indices(len(clusters))
    result = np.empty((2, len(weights)))
    step = max(1, TABLE_ELEMENTS // len(first))
    for block in [
        slice(at, min(at + step, of.stop)) for of in blocks(len(weights)) for at in range(of.start, of.stop, step)
    ]:
        # whole numbers below 2^53: exact in any order, so BLAS may have them
        counts = (weights[block][:, first] * weights[block][:, second]) @ flat
        result[:, block] = _areas_of_histograms(counts.reshape(-1, *tables.shape[1:]))
    return result


def _codes(delta: Floats) -> npt.NDArray[np.int32]:
    """Whole numbers that order like |delta|, 0 for 0; less 2^31 >> `DROPPED_BITS` where delta is negative."""
    return delta.astype(np.float32).view(np.int32) >> DROPPED_BITS


def _sampled_codes(scores: Floats) -> npt.NDArray[np.int32]:
    """Codes of nonzero differences between stimuli, sorted: those of all pairs, or of `SAMPLED`."""
    n = len(scores)
    if n * (n - 1) // 2 <= SAMPLED:
        first, second = np.triu_indices(n, k=1)
    else:
        first, second = np.random.default_rng(0).integers(0, n, size=(2, SAMPLED))
    codes = np.sort(_codes(np.abs(scores[first] - scores[second])))
    return codes[codes > 0]


def _signed_bins(codes: npt.NDArray[np.int32], bins: int) -> npt.NDArray[np.int16]:
    """The bin of every code of a difference, those of negative ones `bins` higher; as a table that codes index.

    Bins of |difference| are about equally filled by `codes`; bin 0 holds the differences of 0 alone. A negative code
    counts from the table's end, as indices do.
    """
    edges = np.unique(codes)
    if len(edges) >= bins:
        edges = np.unique(codes[np.linspace(0, len(codes) - 1, bins - 1).astype(int)])
    edges[:1] = 1
    every = 1 << (31 - DROPPED_BITS)
    table = np.zeros(2 * every, dtype=np.int16)
    for number, (start, stop) in enumerate(pairwise([*edges.tolist(), every]), 1):
        table[start:stop] = number
    table[every:] = table[:every] + bins
    return table


def _count(
    stimuli: JudgedStimuli, columns: Sequence[Floats], starts: npt.NDArray[np.intp], *, fine: bool
) -> tuple[list[Floats], list[Floats]]:
    """Count pairs of stimuli by kind and difference, for each column of scores.

    Returns for each column the counts of each two clusters, in the order of `np.triu_indices`,
    (K (K + 1) / 2, 3, `BINS`), and with `fine` those of all, (3, `FINE_BINS`). Kinds: similar, different and agreed,
    different and opposed.
    """
    columns = [standardised(column)[0] for column in columns]
    sampled = [_sampled_codes(column) for column in columns]
    bins = [_signed_bins(codes, BINS) for codes in sampled]
    fine_bins = [_signed_bins(codes, FINE_BINS) for codes in sampled] if fine else []
    stops = np.append(starts[1:], len(stimuli.labels)).tolist()
    n_clusters = len(starts)
    tables = [np.empty((n_clusters * (n_clusters + 1) // 2, 3, BINS)) for _ in columns]
    filled = 0
    totals = [np.zeros(6 * FINE_BINS) for _ in fine_bins]
    for cluster, start in enumerate(starts.tolist()):
        for others in _some_clusters(starts, stops, cluster):
            across = slice(int(starts[others.start]), stops[others.stop - 1])
            cluster_of = np.repeat(np.arange(len(others)), [stops[at] - int(starts[at]) for at in others])
            counts = [np.zeros(len(others) * 6 * BINS) for _ in columns]
            step = max(1, ELEMENTS // (across.stop - across.start))
            for at in range(start, stops[cluster], step):
                rows = slice(at, min(at + step, stops[cluster]))
                verdicts = stimuli.verdicts(rows, across) % 3  # of the row's stimulus: 0 similar, 1 better, 2 worse
                cells = (2 * BINS) * (verdicts + 3 * cluster_of)
                fine_cells = (2 * FINE_BINS) * verdicts.astype(np.intp)
                for number, column in enumerate(columns):
                    codes = _codes(column[rows, None] - column[None, across]).astype(np.intp)
                    cell = np.take(bins[number], codes) + cells
                    counts[number] += np.bincount(cell.ravel(), minlength=len(counts[number]))
                    if fine:
                        cell = np.take(fine_bins[number], codes) + fine_cells
                        # of two clusters each pair counts twice, as of one cluster it comes twice
                        own = cell[:, : stops[cluster] - start] if others.start == cluster else cell[:, :0]
                        totals[number] += 2 * np.bincount(cell.ravel(), minlength=6 * FINE_BINS)
                        totals[number] -= np.bincount(own.ravel(), minlength=6 * FINE_BINS) if own.size else 0
            for number, found in enumerate(counts):
                table = found.reshape(len(others), 6 * BINS)
                if others.start == cluster:  # it meets itself: each stimulus itself once, and each pair twice
                    table[0, 0] -= stops[cluster] - start
                    table[0] /= 2.0
                tables[number][filled : filled + len(others)] = _by_kind(table)
            filled += len(others)
    for total in totals:
        total[0] -= len(stimuli.labels)
    finer = [_by_kind(total[None])[0] / 2.0 for total in totals]
    return tables, finer or [np.empty(0) for _ in columns]


def _count_sample(
    stimuli: JudgedStimuli, columns: Sequence[Floats], starts: npt.NDArray[np.intp], *, fine: bool
) -> tuple[list[Floats], list[Floats]]:
    """Count a sample of the pairs: what `_count` returns, of fewer."""
    n, n_clusters = len(stimuli.labels), len(starts)
    cells = n_clusters * (n_clusters + 1) // 2 * 3 * BINS
    sample = PairSample(n, cells)
    cluster_of = np.repeat(np.arange(n_clusters), np.diff(np.append(starts, n)))
    labels, variances, clusters = map(sample.shuffled, (stimuli.labels, stimuli.standard_errors**2, cluster_of))
    columns = [standardised(column)[0] for column in columns]
    codes = [_sampled_codes(column) for column in columns]
    coarse_cells, fine_cells = cells_by_kind(BINS), cells_by_kind(FINE_BINS)
    coarse_bins = [_signed_bins(of, BINS) for of in codes]
    fine_bins = [_signed_bins(of, FINE_BINS) for of in codes] if fine else []
    shuffled = [sample.shuffled(column) for column in columns]
    tables = [np.zeros(cells) for _ in columns]
    totals = [np.zeros(3 * FINE_BINS) for _ in fine_bins]
    for batch in sample.batches():
        first, second = sample.both(labels, batch)
        variance = np.add(*sample.both(variances, batch))
        verdict = verdicts(first - second, variance) % 3
        place = triangle(*sample.both(clusters, batch), n_clusters) * (3 * BINS)
        for number, column in enumerate(shuffled):
            code = _codes(np.subtract(*sample.both(column, batch)))
            cell = coarse_cells[verdict, coarse_bins[number][code]] + place
            tables[number] += np.bincount(cell.ravel(), minlength=cells)
            if fine:
                cell = fine_cells[verdict, fine_bins[number][code]]
                totals[number] += np.bincount(cell.ravel(), minlength=3 * FINE_BINS)
    finer = [total.reshape(3, FINE_BINS) for total in totals]
    return [table.reshape(-1, 3, BINS) for table in tables], finer or [np.empty(0) for _ in columns]


def _some_clusters(starts: npt.NDArray[np.intp], stops: Sequence[int], first: int) -> Iterator[range]:
    """Cut the clusters from `first` on in runs, so that tables of counts are smaller than what they count."""
    rows = stops[first] - int(starts[first])
    while first < len(starts):
        last = first + 1
        while last < len(starts) and (stops[last] - int(starts[first])) * rows <= ELEMENTS:
            last += 1
        yield range(first, last)
        first = last


def _by_kind(counts: Floats) -> Floats:
    """Fold counts (B, 3 verdicts x 2 signs x bins) of the row's advantage in labels and scores to (B, 3 kinds, bins)."""
    by = counts.reshape(len(counts), 3, 2, -1)
    return np.stack(
        [by[:, 0, 0] + by[:, 0, 1], by[:, 1, 0] + by[:, 2, 1], by[:, 1, 1] + by[:, 2, 0]],
        axis=1,
    )


def _areas_of_histograms(tables: Floats) -> tuple[Floats, Floats]:
    """Both areas (B,) from counts (B, 3, bins), whose first bin holds differences of 0; ties within a bin count half."""
    similar, agreed, opposed = tables[:, 0], tables[:, 1], tables[:, 2]
    different = agreed + opposed
    zero = agreed[:, :1] + opposed[:, :1]
    signed = np.concatenate([opposed[:, :0:-1], zero, agreed[:, 1:]], axis=1)
    return _binned_area(different, similar), _binned_area(signed, signed[:, ::-1])


def _binned_area(positive: Floats, negative: Floats) -> Floats:
    below = np.cumsum(negative, axis=1) - negative / 2.0
    return ratio(np.sum(positive * below, axis=1), positive.sum(axis=1) * negative.sum(axis=1))
