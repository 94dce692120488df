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
from benchmark.statistics.fit_replicates import ErrorStatistic, FitReplicates
from benchmark.statistics.inputs import Floats, finite
from benchmark.statistics.intervals import SCALES, bootstrap_interval
from benchmark.statistics.krasula import areas_of_all, judged
from benchmark.statistics.label_noise import checked_label_noise, label_half_width, outlier_ratio, rmse_star
from benchmark.statistics.logistic import LogisticFit, fit_logistic
from benchmark.statistics.rank_replicates import spearman_replicates
from benchmark.statistics.replicates import kendall_replicates, pearson_replicates
from benchmark.statistics.resampling import Clusters, blocks, clusters_of, resamples, run_all
from benchmark.types import Estimate

BASIC = ("srcc", "krcc", "plcc_raw", "plcc", "rmse")
"""What labels and scores alone allow."""
WITH_LABEL_NOISE = ("outlier_ratio", "rmse_star", "auc_different", "auc_better")
"""What needs the standard deviation of each label."""
FITTED = ("plcc", "rmse", "outlier_ratio", "rmse_star")
"""What is computed after the logistic map."""
NO_RATINGS = "needs the number of ratings per label"
NO_JUDGED_PAIRS = "needs significantly different labels, and similar ones for auc_different"
STD_AS_ERROR = "label_std taken as the label's standard error, as the number of ratings is unknown"


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
    labels: Floats
    label_std: Floats | None
    n_ratings: Floats | None
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
    standard deviation of each label and `n_ratings` the number of ratings it is made of (one number, or (N,)).
    `only` leaves all other statistics, and the fit if none of them needs it, out; no estimate changes by that.
    `paired=False` leaves the tests between metrics out.
    The same arguments give the same bits for any number of threads (default: the cores this process may use).
    Raises ValueError for arrays of other lengths, NaN or infinity, naming what came.
    """
    wanted = BASIC + (WITH_LABEL_NOISE if label_std is not None else ())
    if only is not None:
        wanted = tuple(key for key in wanted if key in only or key == statistic)
    if statistic not in wanted:
        raise ValueError(f"statistic: expected one of {', '.join(wanted)}, got {statistic!r}")
    if statistic == "rmse_star" and n_ratings is None:
        raise ValueError("statistic: rmse_star needs n_ratings; give them, or compare by another statistic")
    sample = _prepare(scores_by_metric, labels, contents, label_std, n_ratings, replicates, seed, threads)
    measured, fits = _measure(sample, wanted, fit)
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
    sample = _prepare(scores_by_metric, labels, contents, None, None, replicates, seed, threads)
    measured, _ = _measure(sample, (statistic,), fit)
    return _compare(sample, measured, statistic, confidence)


def _prepare(
    scores_by_metric: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    contents: npt.ArrayLike,
    label_std: npt.ArrayLike | None,
    n_ratings: npt.ArrayLike | None,
    replicates: int,
    seed: int,
    threads: int | None,
) -> _Sample:
    labels = finite(labels, name="labels")
    n = len(labels)
    scores = {name: finite(values, name=f"scores of {name}", length=n) for name, values in scores_by_metric.items()}
    clusters = clusters_of(contents, length=n)
    std, ratings = (None, None) if label_std is None else checked_label_noise(label_std, n_ratings, length=n)
    order = clusters.order
    return _Sample(
        {name: values[order] for name, values in scores.items()},
        labels[order],
        None if std is None else std[order],
        None if ratings is None else ratings[order],
        clusters,
        resamples(clusters, replicates=replicates, seed=seed),
        threads,
    )


def _measure(sample: _Sample, wanted: tuple[str, ...], fit: Literal[4, 5]) -> tuple[_Measured, dict[str, LogisticFit]]:
    measured = _Measured()
    names, columns = list(sample.scores), list(sample.scores.values())
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


def _error_statistics(sample: _Sample) -> dict[str, ErrorStatistic]:
    """Statistics of the errors after the map, each bound to its threshold per label."""
    if sample.label_std is None:
        return {}
    if sample.n_ratings is None:
        threshold = 2.0 * sample.label_std
        return {"outlier_ratio": lambda errors, weights, _: outlier_ratio(errors, weights, threshold)}
    half_width = label_half_width(sample.label_std, sample.n_ratings)
    return {
        "outlier_ratio": lambda errors, weights, _: outlier_ratio(errors, weights, half_width),
        "rmse_star": lambda errors, weights, parameters: rmse_star(errors, weights, half_width, parameters),
    }


def _measure_fits(
    sample: _Sample, wanted: tuple[str, ...], fit: Literal[4, 5], measured: _Measured
) -> dict[str, LogisticFit]:
    fits: dict[str, LogisticFit] = {}
    refits: dict[str, FitReplicates] = {}
    error_statistics = _error_statistics(sample) if {"outlier_ratio", "rmse_star"} & set(wanted) else {}

    def prepare(name: str, column: Floats) -> None:
        fits[name] = fit_logistic(column, sample.labels, parameters=fit)
        refits[name] = FitReplicates(
            fits[name], column, sample.labels, sample.clusters, sample.weights, error_statistics
        )

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
        for key, statistic in error_statistics.items():
            value = float(statistic(error[None, :], ones, fits[name].parameters)[0])
            measured.add(key, name, value, refits[name].errors[key], note)
    return {name: fits[name] for name in sample.scores}


def _measure_areas(sample: _Sample, measured: _Measured) -> None:
    if sample.label_std is None:
        return
    stimuli = judged(sample.labels, sample.label_std, sample.n_ratings)
    note = STD_AS_ERROR if sample.n_ratings is None else ""

    values, rows = areas_of_all(
        stimuli, list(sample.scores.values()), (sample.clusters, sample.weights), threads=sample.threads
    )
    for name, areas, drawn in zip(sample.scores, values, rows, strict=True):
        for key, value, row in zip(("auc_different", "auc_better"), areas, drawn, strict=True):
            measured.add(key, name, value, row, note if np.isfinite(value) else NO_JUDGED_PAIRS)


def _estimate(sample: _Sample, measured: _Measured, key: str, name: str, confidence: float) -> Estimate:
    nan = float("nan")
    if key == "rmse_star" and sample.n_ratings is None:
        return Estimate(nan, method=f"undefined: {NO_RATINGS}")
    reason = why_undefined(sample.scores[name], sample.labels)
    if reason:
        return Estimate(nan, method=reason)
    return bootstrap_interval(
        measured.values[key, name],
        measured.replicates[key, name],
        sample.clusters,
        scale=SCALES[key],
        confidence=confidence,
        note=measured.notes[key, name],
    )


def _compare(sample: _Sample, measured: _Measured, statistic: str, confidence: float) -> Comparison:
    values = {name: measured.values[statistic, name] for name in sample.scores}
    replicates = {name: measured.replicates[statistic, name] for name in sample.scores}
    return compare_replicates(statistic, values, replicates, sample.clusters, confidence=confidence)
