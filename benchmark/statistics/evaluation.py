"""All statistics of several metrics on one set of labels, over the same resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmark.statistics.comparison import Comparison, compare_replicates
from benchmark.statistics.correlation import kendall, pearson, spearman, why_undefined
from benchmark.statistics.fit_replicates import FitReplicates
from benchmark.statistics.inputs import Floats, finite, finite_or_best
from benchmark.statistics.intervals import bootstrap_interval
from benchmark.statistics.krasula import JudgedStimuli, areas_of_all
from benchmark.statistics.label_noise import LabelNoise, error_statistics, label_noise
from benchmark.statistics.logistic import LogisticFit, fit_logistic
from benchmark.statistics.rank_replicates import spearman_replicates
from benchmark.statistics.replicates import kendall_replicates, pearson_replicates
from benchmark.statistics.resampling import Clusters, blocks, clusters_of, resamples, run_all
from benchmark.statistics.sampled_pairs import sample_note
from benchmark.statistics.table import BASIC, FITTED, STATISTICS, WITH_LABEL_NOISE
from benchmark.types import Estimate, LabelStdKind

LARGEST = 1e100
"""Labels beyond this have ranks, but squares that are near or beyond the end of float64."""
NO_JUDGED_PAIRS = "needs significantly different labels, and similar ones for auc_different"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` hands back."""

    statistics: dict[str, dict[str, Estimate]]
    """By metric, then by statistic."""
    fits: dict[str, LogisticFit]
    """The logistic map of each metric."""
    comparison: Comparison
    """Without a test where none was asked for."""
    resamples: dict[str, Floats]
    """By metric: the compared statistic in each resample, drawn and leave-one-out, as `compare_resamples` takes them."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """Checked arrays sorted by cluster, and the resamples."""

    scores: dict[str, Floats]
    """Finite numbers."""
    ranked: dict[str, Floats]
    """Numbers in the order of the scores, infinite ones above all others."""
    infinite: dict[str, str]
    """What infinite scores count as, in words, by metric that has some."""
    labels: Floats
    noise: LabelNoise
    clusters: Clusters
    weights: Floats
    threads: int | None


class _Measured:
    """Values, replicates and notes, by (statistic, metric)."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], float] = {}
        self.replicates: dict[tuple[str, str], Floats] = {}
        self.notes: dict[tuple[str, str], str] = {}

    def add(self, statistic: str, metric: str, value: float, replicates: Floats, note: str = "") -> None:
        self.values[statistic, metric] = value
        self.replicates[statistic, metric] = replicates
        self.notes[statistic, metric] = note


def evaluate(
    scores_by_metric: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    contents: npt.ArrayLike,
    *,
    label_std: npt.ArrayLike | None = None,
    n_ratings: npt.ArrayLike | None = None,
    label_std_kind: LabelStdKind = "",
    infinite_as: Mapping[str, float] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    fit: Literal[4, 5] = 4,
    statistic: str = "srcc",
    only: Sequence[str] | None = None,
    paired: bool = True,
    threads: int | None = None,
) -> Evaluation:
    """Measure several metrics on the same pairs, with intervals, and compare them by `statistic`.

    Each of `scores_by_metric` and `labels`: (N,), finite, higher better; `contents`: (N,) names. `label_std` is the
    standard deviation of each label and `n_ratings` the number of ratings it is made of (one number, or (N,)), read by
    `label_std_kind` (see `label_noise`); nan where unknown.
    A metric with a number in `infinite_as` may have scores of +inf: they share the highest rank, and where numbers are
    needed (all statistics but SRCC and KRCC) they count as that number, or as the largest finite score if that is more.
    `only` leaves all other statistics, and the fit if none of them needs it, out; no estimate changes by that.
    `paired=False` leaves the tests between metrics out.
    The same arguments give the same bits for any number of threads (default: the cores this process may use).
    Raises ValueError for arrays of other lengths, NaN or infinity, naming what came.
    """
    wanted = BASIC + (WITH_LABEL_NOISE if label_std is not None else ())
    if only is not None:
        wanted = tuple(key for key in STATISTICS if key in only or key == statistic)
    if statistic not in wanted:
        raise ValueError(f"statistic: expected one of {', '.join(wanted)}, got {statistic!r}")
    noise = label_noise(label_std, n_ratings, label_std_kind, length=len(np.asarray(labels)))
    if statistic in noise.reasons:
        raise ValueError(f"statistic: {statistic} is {noise.reasons[statistic]}; compare by another statistic")
    sample = _prepare(scores_by_metric, labels, contents, noise, infinite_as or {}, replicates, seed, threads)
    measured, fits = _measure(sample, tuple(key for key in wanted if not _too_large(sample, key)), fit)
    statistics = {
        name: {key: _estimate(sample, measured, key, name, confidence) for key in wanted} for name in sample.scores
    }
    comparison = _compare(sample, measured, statistic, confidence) if paired else Comparison(statistic, ())
    return Evaluation(
        statistics, fits, comparison, {name: measured.replicates[statistic, name] for name in sample.scores}
    )


def agreement_statistics(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    contents: npt.ArrayLike,
    *,
    label_std: npt.ArrayLike | None = None,
    n_ratings: npt.ArrayLike | None = None,
    label_std_kind: LabelStdKind = "",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    fit: Literal[4, 5] = 4,
    threads: int | None = None,
) -> dict[str, Estimate]:
    """Measure one metric: the statistics of `evaluate`, by name, with intervals."""
    evaluation = evaluate(
        {"scores": scores},
        labels,
        contents,
        label_std=label_std,
        n_ratings=n_ratings,
        label_std_kind=label_std_kind,
        replicates=replicates,
        confidence=confidence,
        seed=seed,
        fit=fit,
        threads=threads,
    )
    return evaluation.statistics["scores"]


def compare(
    scores_by_metric: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    contents: npt.ArrayLike,
    *,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    statistic: str = "srcc",
    fit: Literal[4, 5] = 4,
    threads: int | None = None,
) -> Comparison:
    """Test every two metrics on the same pairs and the same resamples of contents, Holm-corrected.

    Arguments and errors as in `evaluate`; only `statistic` (one of `BASIC`) is computed.
    """
    if statistic not in BASIC:
        raise ValueError(f"statistic: expected one of {', '.join(BASIC)}, got {statistic!r}")
    sample = _prepare(scores_by_metric, labels, contents, LabelNoise(), {}, replicates, seed, threads)
    measured, _ = _measure(sample, (statistic,), fit)
    return _compare(sample, measured, statistic, confidence)


def _prepare(
    scores_by_metric: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    contents: npt.ArrayLike,
    noise: LabelNoise,
    infinite_as: Mapping[str, float],
    replicates: int,
    seed: int,
    threads: int | None,
) -> _Sample:
    labels = finite(labels, name="labels")
    clusters = clusters_of(contents, length=len(labels))
    scores: dict[str, Floats] = {}
    ranked: dict[str, Floats] = {}
    infinite: dict[str, str] = {}
    for name, values in scores_by_metric.items():
        given = f"scores of {name}"
        if name in infinite_as:
            numbers, in_order, infinite[name] = finite_or_best(
                values, infinite_as[name], name=given, length=len(labels)
            )
        else:
            numbers = in_order = finite(values, name=given, length=len(labels))
        scores[name], ranked[name] = numbers[clusters.order], in_order[clusters.order]
    return _Sample(
        scores,
        ranked,
        infinite,
        labels[clusters.order],
        noise.sorted(clusters.order),
        clusters,
        resamples(clusters, replicates=replicates, seed=seed),
        threads,
    )


def _measure(sample: _Sample, wanted: tuple[str, ...], fit: Literal[4, 5]) -> tuple[_Measured, dict[str, LogisticFit]]:
    measured = _Measured()
    names, columns = list(sample.ranked), list(sample.ranked.values())
    shared = (sample.labels, sample.clusters, sample.weights)
    many = len(sample.weights) > 0
    nothing = np.empty((len(columns), 0))
    if "srcc" in wanted:
        rows = spearman_replicates(columns, *shared, threads=sample.threads) if many else nothing
        for name, column, row in zip(names, columns, rows, strict=True):
            measured.add("srcc", name, spearman(column, sample.labels), row)
    if "krcc" in wanted:
        rows = kendall_replicates(columns, *shared, threads=sample.threads) if many else nothing
        for name, column, row in zip(names, columns, rows, strict=True):
            measured.add("krcc", name, kendall(column, sample.labels), row)
    if "plcc_raw" in wanted:
        for name, column in sample.scores.items():
            row = pearson_replicates(column, *shared) if many else nothing[0]
            measured.add("plcc_raw", name, pearson(column, sample.labels), row)
    fits = _measure_fits(sample, wanted, fit, measured) if set(FITTED) & set(wanted) else {}
    if {"auc_different", "auc_better"} & set(wanted):
        _measure_areas(sample, measured)
    return measured, fits


def _measure_fits(
    sample: _Sample, wanted: tuple[str, ...], fit: Literal[4, 5], measured: _Measured
) -> dict[str, LogisticFit]:
    fits: dict[str, LogisticFit] = {}
    refits: dict[str, FitReplicates] = {}
    of_errors = {key: of for key, of in error_statistics(sample.noise).items() if key in wanted}

    def prepare(name: str, column: Floats) -> None:
        fits[name] = fit_logistic(column, sample.labels, parameters=fit)
        refits[name] = FitReplicates(fits[name], column, sample.labels, sample.clusters, sample.weights, of_errors)

    run_all([partial(prepare, name, column) for name, column in sample.scores.items()], threads=sample.threads)
    tasks: list[Callable[[], None]] = [
        partial(refit.compute, block) for refit in refits.values() for block in blocks(len(sample.weights))
    ]
    run_all(tasks, threads=sample.threads)
    ones = np.ones((1, len(sample.labels)))
    for name, column in sample.scores.items():
        mapped = fits[name].predict(column)
        error = sample.labels - mapped
        note = fits[name].fallback
        defined = not why_undefined(column, sample.labels)
        plcc = pearson(column if fits[name].is_constant else mapped, sample.labels)
        raw = "; of the raw scores" if fits[name].is_constant and defined else ""
        measured.add("plcc", name, plcc, refits[name].plcc, note + raw)
        measured.add(
            "rmse", name, float(np.sqrt(np.mean(error**2))) if len(error) else float("nan"), refits[name].rmse, note
        )
        for key, statistic in of_errors.items():
            value = float(statistic(error[None, :], ones, fits[name].parameters)[0])
            remarks = "; ".join(part for part in (note, sample.noise.notes.get(key, "")) if part)
            measured.add(key, name, value, refits[name].errors[key], remarks)
    return {name: fits[name] for name in sample.scores}


def _measure_areas(sample: _Sample, measured: _Measured) -> None:
    if sample.noise.standard_errors is None:
        return
    stimuli = JudgedStimuli(sample.labels, sample.noise.standard_errors)
    values, rows = areas_of_all(
        stimuli, list(sample.scores.values()), (sample.clusters, sample.weights), threads=sample.threads
    )
    sampled = sample_note(len(sample.labels))
    for name, areas, drawn in zip(sample.scores, values, rows, strict=True):
        for key, value, row in zip(("auc_different", "auc_better"), areas, drawn, strict=True):
            remarks = (sample.noise.notes.get(key, ""), sampled) if np.isfinite(value) else (NO_JUDGED_PAIRS,)
            note = "; ".join(remark for remark in remarks if remark)
            measured.add(key, name, value, row, note)


def _estimate(sample: _Sample, measured: _Measured, key: str, name: str, confidence: float) -> Estimate:
    statistic = STATISTICS[key]
    ranks = statistic.reads == "ranks"
    reason = why_undefined(sample.ranked[name] if ranks else sample.scores[name], sample.labels)
    reason = reason or _too_large(sample, key) or sample.noise.reasons.get(key, "")
    if reason:
        return Estimate(float("nan"), method=reason)
    notes = ("" if ranks else sample.infinite.get(name, ""), measured.notes[key, name])
    return bootstrap_interval(
        measured.values[key, name],
        measured.replicates[key, name],
        sample.clusters,
        scale=statistic.scale,
        confidence=confidence,
        note="; ".join(note for note in notes if note),
    )


def _too_large(sample: _Sample, key: str) -> str:
    """Why a statistic of numbers is beyond computing; "" when it is not."""
    largest = float(np.max(np.abs(sample.labels), initial=0.0))
    if largest <= LARGEST or STATISTICS[key].reads == "ranks":
        return ""
    return f"undefined: labels reach {largest:.3g}, needs numbers up to {LARGEST:g}"


def _compare(sample: _Sample, measured: _Measured, statistic: str, confidence: float) -> Comparison:
    values = {name: measured.values[statistic, name] for name in sample.scores}
    replicates = {name: measured.replicates[statistic, name] for name in sample.scores}
    return compare_replicates(statistic, values, replicates, sample.clusters, confidence=confidence)
