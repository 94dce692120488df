"""Krasula's areas under the curve: can a metric tell what people can tell?

L. Krasula, K. Fliegel, P. Le Callet and M. Klima, On the accuracy of objective image and video quality models: New
methodology for performance evaluation, QoMEX 2016. Every two stimuli are *different* where their labels differ
significantly (|z| > 1.96, z = difference / sqrt(se_1^2 + se_2^2), se = std / sqrt(n_ratings)), otherwise *similar*.
Different/similar: how well |score difference| tells different from similar. Better/worse: how well the signed
difference tells which of two different stimuli is better. Both are areas in [0, 1]; .5 is chance.

A stimulus is not paired with itself, and neither with its own copy in a resample: such a pair is similar by
construction and would flatter every metric.

Without the number of ratings the standard deviation itself serves as standard error. Fewer pairs then count as
different, but none that people could not tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats, standardised
from benchmark.statistics.replicates import ratio
from benchmark.statistics.resampling import Clusters, blocks

CRITICAL_Z = 1.959963984540054
"""Two-sided 5 % of the normal distribution."""
BINS = 128
"""Resolution, in equally filled bins of |score difference|, of the areas of resamples."""
FINE_BINS = 4096
"""Resolution of the areas themselves where pairs are too many to be sorted."""
MAX_SORTED = 4000
"""Up to so many stimuli (8 million pairs) the areas are exact."""
ELEMENTS = 1 << 18
"""How many pairs are compared at a time."""
SAMPLED = 200_000
"""The bins are laid over so many pairs."""
DROPPED_BITS = 12
"""Differences are binned by a float32's leading bits, which order like the number itself, to a part in 2048."""


@dataclass(frozen=True, slots=True)
class JudgedStimuli:
    """What people said: labels (N,) and their standard errors (N,), in one order throughout."""

    labels: Floats
    standard_errors: Floats

    def verdicts(self, rows: slice, start: int) -> npt.NDArray[np.int8]:
        """Compare the stimuli `rows` with those from `start` on.

        Returns 1 where the row's label is significantly higher, -1 where it is lower, 0 where they are similar.
        """
        difference = self.labels[rows, None] - self.labels[None, start:]
        variance = self.standard_errors[rows, None] ** 2 + self.standard_errors[None, start:] ** 2
        different = difference * difference > CRITICAL_Z**2 * variance
        return (np.sign(difference) * different).astype(np.int8)


def judged(labels: Floats, label_std: Floats, n_ratings: Floats | None) -> JudgedStimuli:
    """Take standard errors from the ratings, or the standard deviations as they are where their number is unknown."""
    return JudgedStimuli(labels, label_std if n_ratings is None else label_std / np.sqrt(n_ratings))


def areas(stimuli: JudgedStimuli, scores: Floats) -> tuple[float, float]:
    """Return the areas (different/similar, better/worse) of scores (N,); nan without pairs of both kinds.

    Exact up to `MAX_SORTED` stimuli; above, pairs whose differences share one of `FINE_BINS` bins count as ties.
    """
    if len(scores) > MAX_SORTED:
        tables = _histograms(stimuli, scores, np.zeros(1, dtype=np.intp), FINE_BINS)
        different, better = _areas_of_histograms(tables)
        return float(different[0]), float(better[0])
    similar, signed = [], []
    for row in range(len(scores) - 1):
        verdict = stimuli.verdicts(slice(row, row + 1), row + 1)[0]
        delta = scores[row] - scores[row + 1 :]
        similar.append(np.abs(delta[verdict == 0]))
        signed.append((delta * verdict)[verdict != 0])
    told = np.concatenate([np.empty(0), *signed])
    return _area(np.abs(told), np.concatenate([np.empty(0), *similar])), _area(told, -told)


def _area(positive: Floats, negative: Floats) -> float:
    """P(positive > negative) + P(equal) / 2 over all combinations: the Mann-Whitney form of the area."""
    if not len(positive) or not len(negative):
        return float("nan")
    positive, negative = np.sort(positive), np.sort(negative)
    below = np.searchsorted(negative, positive, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(negative, positive, side="right").sum(dtype=np.int64)
    return float((below + not_above) / 2.0 / len(positive) / len(negative))


def area_replicates(stimuli: JudgedStimuli, scores: Floats, clusters: Clusters, weights: Floats) -> Floats:
    """Both areas of each resample: (2, R). Stimuli are sorted by cluster.

    Differences are counted in bins for each two clusters once; a resample weighs the counts by how often both were drawn.
    """
    if not len(weights):
        return np.empty((2, 0))
    tables = _histograms(stimuli, scores, clusters.starts, BINS)
    flat = tables.reshape(len(tables), -1)
    first, second = np.triu_indices(len(clusters))
    result = np.empty((2, len(weights)))
    for block in blocks(len(weights)):
        # whole numbers below 2^53: exact in any order, so BLAS may have them
        counts = (weights[block][:, first] * weights[block][:, second]) @ flat
        result[:, block] = _areas_of_histograms(counts.reshape(-1, *tables.shape[1:]))
    return result


def _codes(delta: Floats) -> npt.NDArray[np.int32]:
    """Whole numbers that order like |delta|, 0 for 0."""
    return np.abs(delta).astype(np.float32).view(np.int32) >> DROPPED_BITS


def _bin_of_code(scores: Floats, bins: int) -> npt.NDArray[np.int32]:
    """The bin of every code of a difference, about equally filled; bin 0 holds the differences of 0 alone."""
    n = len(scores)
    if n * (n - 1) // 2 <= SAMPLED:
        first, second = np.triu_indices(n, k=1)
    else:
        first, second = np.random.default_rng(0).integers(0, n, size=(2, SAMPLED))
    codes = np.sort(_codes(scores[first] - scores[second]))
    codes = codes[codes > 0]
    edges = np.unique(codes)
    if len(edges) >= bins:
        edges = np.unique(codes[np.linspace(0, len(codes) - 1, bins - 1).astype(int)])
    edges[:1] = 1
    every = np.arange(1 << (31 - DROPPED_BITS))
    return np.searchsorted(edges, every, side="right").astype(np.int32)


def _histograms(stimuli: JudgedStimuli, scores: Floats, starts: npt.NDArray[np.intp], bins: int) -> Floats:
    """Count pairs: (K (K + 1) / 2 pairs of clusters, 3, bins); similar, different and agreed, different and opposed.

    Pairs of clusters in the order of `np.triu_indices`.
    """
    scores = standardised(scores)[0]
    bin_of_code = _bin_of_code(scores, bins)
    n, k = len(scores), len(starts)
    stops = np.append(starts[1:], n)
    codes = np.repeat(np.arange(k, dtype=np.int32), stops - starts)
    tables = []
    for cluster, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        counts = np.zeros((k - cluster) * 3 * bins)
        first_cell = (codes[start:] - cluster) * (3 * bins)
        step = max(1, ELEMENTS // (n - int(start)))
        for at in range(int(start), int(stop), step):
            rows = slice(at, min(at + step, int(stop)))
            delta = scores[rows, None] - scores[None, start:]
            verdict = stimuli.verdicts(rows, int(start))
            opposed = (verdict * delta < 0).astype(np.int32)
            kind = np.abs(verdict).astype(np.int32) + opposed
            cell = first_cell[None, :] + kind * bins + bin_of_code[_codes(delta)]
            counts += np.bincount(cell.ravel(), minlength=len(counts))
        table = counts.reshape(k - cluster, 3, bins)
        table[0, 0, 0] -= stop - start  # the cluster meets itself: each stimulus itself once, and each pair twice
        table[0] /= 2.0
        tables.append(table)
    return np.concatenate(tables)


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
