"""From the store to a board: which rows, in which order, with which rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import benchmark
from benchmark import published
from benchmark.agreement import check_replicates, evaluate, evaluate_parts
from benchmark.in_sample import labels_seen
from benchmark.kept import KeptAgreements
from benchmark.leaderboard.board import SCHEMA, Board, DatasetBoard, Reported, Row
from benchmark.leaderboard.overall import overall
from benchmark.measured import Measured, current, version_name
from benchmark.names import unknown_name
from benchmark.registry import Registry
from benchmark.statistics import STATISTICS
from benchmark.store import Store, StoredDataset
from benchmark.subsets import distortions, take_subset
from benchmark.types import DatasetInfo, MetricInfo, Pair, Progress, UserError

SORTS = (*STATISTICS, "name", "time")
SAME_DIGITS = 12
"""Decimals to which values are equal that share a rank."""
SHOWN_FAILURES = 3


def build(
    store: Store,
    registry: Registry | None = None,
    *,
    datasets: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    subset: str = "all",
    split: str | None = None,
    sort: str = "srcc",
    statistics: Sequence[str] | None = None,
    all_versions: bool = False,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    by_distortion: bool = True,
    kept: KeptAgreements | None = None,
    progress: Progress | None = None,
) -> Board:
    """Make the board of everything stored, or of the named `datasets` and `metrics`.

    `subset` and `split` are those of `benchmark.subsets.take_subset` and `benchmark.pairs.split_pairs`. `sort` orders
    the rows by a statistic (best first), by "name" or by "time"; the rank is always by SRCC. `statistics` leaves all
    others out, but for SRCC and the one that the rows are sorted by; the board names what was left out. Without a registry every
    metric counts with what was stored last. `all_versions` shows every version and label revision, each its own row.
    `replicates` of the bootstrap; 0 for no intervals. `kept` saves computing what was computed before; `progress` hears
    how many metrics are done, the parts by distortion counted apart.
    A data set whose statistics cannot be computed is named in `Board.failed`, and the others are shown.
    Raises UserError for an unknown name, sort key, statistic, subset or split, naming what exists, and when the
    statistics of no data set can be computed.
    """
    wanted = _checked(sort, statistics, replicates)
    known = {name: metric.info for name, metric in registry.metrics.items()} if registry else {}
    conditions = [part for part in (f"split={split}" if split else "", "" if subset == "all" else subset) if part]
    notes: list[str] = []
    chosen = _datasets(store, datasets or (), all_versions, notes)
    _check_metrics(store, chosen, metrics or (), known)
    infos = {stored.info.name: stored.info for stored in store.datasets()}
    infos |= {name: dataset.info for name, dataset in registry.datasets.items()} if registry else {}
    boards: list[DatasetBoard] = []
    refused: list[str] = []
    failed: list[str] = []
    for stored in chosen:
        try:
            measured = current(store, stored, known, all_versions=all_versions)
            every = store.pairs(stored)
        except UserError as error:  # a damaged row, say
            failed.append(f"{stored.info.name}: no board: {error}")
            continue
        measured = [one for one in measured if not metrics or one.info.name in metrics]
        if not measured:
            notes.append(f"{stored.info.name}: none of the metrics asked for was run on it.")
            continue
        try:
            pairs = take_subset(every, ";".join(conditions) or "all")
        except UserError as error:
            refused.append(f"{stored.info.name}: left out: {error}")
            continue
        try:
            board = _dataset_board(
                stored,
                pairs,
                measured,
                infos,
                subset="; ".join(conditions) or "all",
                sort=sort,
                options={
                    "statistics": wanted,
                    "replicates": replicates,
                    "confidence": confidence,
                    "seed": seed,
                    "kept": kept,
                },
                parts=distortions(pairs) if by_distortion and len(distortions(pairs)) > 1 else [],
                progress=progress,
            )
        except (ValueError, ArithmeticError) as error:  # numbers beyond computing, in an older store for example
            failed.append(
                f"{stored.info.name}: its statistics cannot be computed ({error}); check its labels with "
                f"`python -m benchmark doctor dataset {stored.info.name}`"
            )
            continue
        boards.append(board)
    if failed and not boards:
        raise UserError("\n".join([*failed, *refused]))
    if refused and not boards:
        raise UserError("\n".join(reason.replace(" left out:", "") for reason in refused))
    return Board(
        datasets=tuple(boards),
        overall=None if all_versions else overall(boards),
        sort=sort,
        program=f"iqa-benchmark {benchmark.__version__} (board schema {SCHEMA})",
        notes=(*notes, *refused),
        failed=tuple(failed),
    )


def _checked(sort: str, statistics: Sequence[str] | None, replicates: int) -> tuple[str, ...] | None:
    """The statistics to compute, None for all; raises UserError for what there is not, naming what there is."""
    if sort not in SORTS:
        raise unknown_name("sort key", sort, SORTS)
    for name in statistics or ():
        if name not in STATISTICS:
            raise unknown_name("statistic", name, STATISTICS)
    check_replicates(replicates)
    return None if statistics is None else tuple(key for key in STATISTICS if key in (*statistics, sort, "srcc"))


def board_of(
    info: DatasetInfo,
    revision: str,
    pairs: Sequence[Pair],
    measured: Sequence[Measured],
    *,
    subset: str = "all",
    sort: str = "srcc",
    statistics: Sequence[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    infos: Mapping[str, DatasetInfo] | None = None,
) -> Board:
    """Make the board of one data set that is in no store; arguments as in `build`. Raises UserError as `build` does."""
    wanted = _checked(sort, statistics, replicates)
    chosen = take_subset(pairs, subset)
    board = _dataset_board(
        StoredDataset(0, revision, info),
        chosen,
        measured,
        infos or {info.name: info},
        subset=subset,
        sort=sort,
        options={"statistics": wanted, "replicates": replicates, "confidence": confidence, "seed": seed},
        parts=distortions(chosen) if len(distortions(chosen)) > 1 else [],
        progress=None,
    )
    return Board((board,), None, sort, f"iqa-benchmark {benchmark.__version__} (board schema {SCHEMA})")


def _datasets(store: Store, names: Sequence[str], all_versions: bool, notes: list[str]) -> list[StoredDataset]:
    """The stored data sets asked for; of several label revisions the one last used, unless all or another one are wanted."""
    by_name: dict[str, list[StoredDataset]] = {}
    for stored in store.datasets():
        by_name.setdefault(stored.info.name, []).append(stored)
    for name in names:
        if not store.find(name):
            raise UserError(f"{unknown_name('stored data set', name, by_name)}; only what was run or imported is shown")
    if not by_name:
        raise UserError(f"{store.path}: no scores here yet; run `python -m benchmark run` first")
    chosen = []
    for name in names or by_name:
        revisions = store.find(name)
        chosen += revisions if all_versions else revisions[-1:]
        if len(revisions) > 1 and not all_versions:
            others = ", ".join(f"{one.revision[:12]} ({len(store.pairs(one))} pairs)" for one in revisions[:-1])
            notes.append(
                f"{name}: shown are the labels used last, revision {revisions[-1].revision[:12]}; also stored, and left "
                f"out: {others}. Show one with --dataset {name}@REVISION, all with --all-versions."
            )
    return chosen


def _check_metrics(
    store: Store, chosen: Sequence[StoredDataset], metrics: Sequence[str], known: Mapping[str, MetricInfo]
) -> None:
    if not metrics:
        return
    stored = {series.info.name for dataset in chosen for series in store.series(dataset)}
    for name in metrics:
        if name in stored:
            continue
        if name in known:
            raise UserError(
                f"metric {name}: no scores are stored; run `python -m benchmark run --metrics {name}` first"
            )
        raise unknown_name("metric", name, stored | set(known))


def _dataset_board(
    stored: StoredDataset,
    pairs: Sequence[Pair],
    measured: Sequence[Measured],
    infos: Mapping[str, DatasetInfo],
    *,
    subset: str,
    sort: str,
    options: Mapping,
    parts: Sequence[str],
    progress: Progress | None,
) -> DatasetBoard:
    labels = _labels(measured)
    ran = {label: one for label, one in zip(labels, measured, strict=True) if one.scores or not one.not_run}
    on_done = _counted(progress, len(ran) * (1 + len(parts)), f"{stored.info.name}: statistics")
    evaluation = evaluate(stored.info, pairs, ran, subset=subset, on_done=on_done, **options)
    of_parts = {name: value for name, value in options.items() if name != "statistics"}
    by_part = evaluate_parts(stored.info, pairs, ran, parts, within=subset, on_done=on_done, **of_parts)
    rows = []
    for label, one in zip(labels, measured, strict=True):
        agreement = evaluation.agreements.get(label)
        in_sample, seen_through = labels_seen(one.info, stored.info, infos)
        row = Row(
            label=label,
            metric=one.info,
            agreement=agreement,
            by_distortion=by_part.get(label, {}),
            in_sample=in_sample,
            seen_through=seen_through,
            not_run=one.not_run,
            failures=tuple(f"{pair}: {reason}" for pair, reason in list(one.failed(pairs).items())[:SHOWN_FAILURES]),
            seconds_per_pair=one.seconds_per_pair,
            backends=one.backends,
            n_stale=sum(pair.id in one.stale and pair.id not in one.failures for pair in pairs),
        )
        rows.append(replace(row, reported=_reported(row, stored.info.name) if subset == "all" else ()))
    rows = _ranked(rows, evaluation.tie_groups)
    return DatasetBoard(
        dataset=stored.info,
        revision=stored.revision,
        subset=subset,
        n_pairs=len(pairs),
        n_contents=len({pair.content for pair in pairs}),
        distortions=tuple(parts),
        rows=tuple(_sorted(rows, sort)),
        interval=evaluation.interval,
        tests=evaluation.tests,
        notes=_left_out(options["statistics"]),
    )


def _left_out(statistics: Sequence[str] | None) -> tuple[str, ...]:
    """Name the statistics that nobody asked for, where some were asked for."""
    missing = [] if statistics is None else [of.title for name, of in STATISTICS.items() if name not in statistics]
    return (f"Left out, as other statistics were asked for: {', '.join(missing)}.",) if missing else ()


def _counted(progress: Progress | None, total: int, what: str) -> Callable[[int], None] | None:
    """Add up what is done, for `progress`."""
    if progress is None:
        return None
    done = 0

    def on_done(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total, what)

    return on_done


def _labels(measured: Sequence[Measured]) -> list[str]:
    """Names, with the version where a name stands twice."""
    count = Counter(one.info.name for one in measured)
    return [
        one.info.name if count[one.info.name] == 1 else f"{one.info.name} {version_name(one.info)}" for one in measured
    ]


def _ranked(rows: Sequence[Row], tie_groups: Mapping[str, str]) -> list[Row]:
    """Rank complete rows by SRCC, equal values sharing a rank."""
    judged = {
        row.label: round(row.value("srcc"), SAME_DIGITS)
        for row in rows
        if row.complete and not math.isnan(row.value("srcc"))
    }
    return [
        replace(
            row,
            rank=1 + sum(other > judged[row.label] for other in judged.values()),
            tie_group=tie_groups.get(row.label, ""),
        )
        if row.label in judged
        else row
        for row in rows
    ]


def _sorted(rows: Sequence[Row], sort: str) -> list[Row]:
    """Best first; then incomplete rows, undefined ones, and metrics that did not run, each by name."""
    if sort == "name":
        return sorted(rows, key=lambda row: row.label)

    def key(row: Row) -> tuple:
        if sort == "time":
            value = math.nan if row.seconds_per_pair is None else row.seconds_per_pair
        else:
            value = -row.value(sort) if STATISTICS[sort].higher_is_better else row.value(sort)
        undefined = math.isnan(value)
        return (row.agreement is None, not row.complete, undefined, 0.0 if undefined else value, row.label)

    return sorted(rows, key=key)


def _reported(row: Row, dataset: str) -> tuple[Reported, ...]:
    """Published values of the row's metric and data set; none beside an incomplete or undefined measurement."""
    if not row.complete:
        return ()
    return tuple(
        Reported(fact.statistic, fact.oriented, row.value(fact.statistic) - fact.oriented, fact.protocol, fact.source)
        for fact in published.matching(metric=row.metric.name, dataset=dataset)
        if not math.isnan(row.value(fact.statistic))
    )
