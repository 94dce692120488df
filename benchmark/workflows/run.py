"""A run as a user asks for it: plan, fetch weights, choose where to score, score, and say what happened."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.environment import environment
from benchmark.executors import (
    DaskExecutor,
    InlineExecutor,
    LocalExecutor,
    Workers,
    cores,
    default_memory,
    default_workers,
    resolve_device,
)
from benchmark.executors.cluster import SCHEME
from benchmark.images import background_colour, reading_rules
from benchmark.metrics.backends import FASTEST, REFERENCE, BackedMetric
from benchmark.output.console import progress, say
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Executor, Outcome, Plan, execute, plan, seconds_per_pair
from benchmark.scoring import WorkerSetup
from benchmark.store import Store, StoredDataset, store_path
from benchmark.table_names import TABLE, is_table, table_name, to_ask_for
from benchmark.types import UserError
from benchmark.weights.bring import bring_lacking
from benchmark.weights.fetch import OFFLINE

AUTO = "auto"
INLINE = "inline"
LOCAL = "local"
DASK = "dask"
SHOWN_FAILURES = 5
SMALL_SECONDS = 1.5
"""Estimated processor time below which work is done in this process: starting workers takes about as long."""
SMALL_PAIRS = 1000
"""A data set of more pairs is never taken for small: its workers start while the run is planned."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where and how scores are computed; see the options of the command `run`."""

    executor: str = AUTO
    """auto, inline, local, dask, or dask://HOST:PORT."""
    workers: int | None = None
    memory: int | None = None
    """Bytes that all workers together may plan with."""
    device: str = "auto"
    backend: str = FASTEST
    background: str | None = None
    """The colour that transparent images are composed on."""


@dataclass(slots=True)
class RunResult:
    """What a run brought, over all its data sets."""

    datasets: tuple[str, ...]
    """Names, as boards show them."""
    metrics: tuple[str, ...]
    store: Path
    scored: int = 0
    """Scores that were made."""
    kept: int = 0
    """Scores that the store held already."""
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """(data set, metric, pair) -> reason."""
    not_run: dict[tuple[str, str], str] = field(default_factory=dict)
    """(data set, metric) -> reason."""
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Scores that could not be made, of metrics that could run."""
        return len(self.failures)

    @property
    def complete(self) -> bool:
        """Whether every metric ran and no pair failed."""
        return not self.failures and not self.not_run

    def __str__(self) -> str:
        lines = [
            f"{', '.join(self.datasets)}: {self.scored} scores made in {self.seconds:.1f} s, {self.kept} kept from before, "
            f"{self.failed} failed; in {self.store}"
        ]
        lines += [f"not run: {metric} on {dataset}: {reason}" for (dataset, metric), reason in self.not_run.items()]
        shown = list(self.failures.items())[:SHOWN_FAILURES]
        lines += [f"failed: {metric} on {pair} of {dataset}: {reason}" for (dataset, metric, pair), reason in shown]
        if self.failed > len(shown):
            lines.append(f"and {self.failed - len(shown)} more in .failures")
        return "\n".join(lines)


def run(
    registry: Registry,
    datasets: Sequence[str],
    metrics: Sequence[str],
    results: Path,
    *,
    where: Where,
    data_root: Path | None = None,
    split: str | None = None,
    fetch: bool = True,
    quiet: bool = False,
) -> RunResult:
    """Score what the store in `results` lacks, and say to stderr what happened.

    Raises UserError for what the user can mend, and KeyboardInterrupt, with what is kept for its text, when interrupted.
    """
    start = time.monotonic()
    begin = Begin(registry, where, metrics)
    offline: AbstractContextManager[None] = nullcontext() if fetch else environment({OFFLINE: "1"})
    with offline, Store(store_path(results)) as store, begin:
        _refuse_two_tables(datasets)
        begin.early(_largest(registry, datasets))
        with progress(quiet) as report:
            plans = [
                plan(
                    store,
                    registry,
                    name,
                    metrics,
                    data_root,
                    split=split,
                    workers=begin.workers,
                    rules=reading_rules(where.background),
                    progress=report,
                )
                for name in datasets
            ]
        plans = _without_doubles(plans)
        missing = {one.metric for todo in plans for unit in todo.units for one in unit.wanted}
        bring_lacking(registry, [name for name in metrics if name in missing], quiet=quiet)
        for todo in plans:
            _tell_other_labels(store, todo)
            _tell_other_backends(store, todo, registry, where)
        executor = begin.executor(sum(_seconds(store, registry, todo) for todo in plans))
        outcomes = [run_plan(store, todo, executor, quiet=quiet) for todo in plans]
    names = tuple(todo.dataset.info.name for todo in plans)
    result = RunResult(names, tuple(metrics), store_path(results))
    for name, outcome in zip(names, outcomes, strict=True):
        result.scored += outcome.n_scored
        result.kept += outcome.n_kept
        result.not_run |= {(name, metric): reason for metric, reason in outcome.not_run.items()}
        result.failures |= {
            (name, metric, pair): reason
            for metric, pairs in outcome.failures.items()
            for pair, reason in sorted(pairs.items())
        }
    result.seconds = time.monotonic() - start
    return result


class Begin:
    """Chooses where work is done, and starts workers early where they will be wanted: a context manager that ends them.

    Work is done in this process where it is small and its metrics are this program's own: another one could crash the
    process. A metric that was registered in this process can be scored nowhere else.
    """

    def __init__(self, registry: Registry, where: Where, metrics: Sequence[str]) -> None:
        _check(where, registry)
        self._registry = registry
        self._where = where
        made_here = sorted(set(metrics) & registry.made_here)
        if made_here and where.executor not in (AUTO, INLINE):
            raise UserError(
                f"executor {where.executor}: {', '.join(made_here)} was registered in this process, and no other one has it; "
                "take executor inline, or write it to a file and name that as a plugin"
            )
        self._inline = where.executor == INLINE or bool(made_here)
        self._may_be_inline = (
            where.executor == AUTO
            and where.workers is None
            and resolve_device(where.device) == "cpu"
            and all(registry.is_own(name) for name in metrics)
        )
        self._crew: Workers | None = None

    def __enter__(self) -> Begin:
        return self

    def __exit__(self, *details: object) -> None:
        if self._crew is not None:
            self._crew.__exit__(*details)

    @property
    def workers(self) -> int:
        """How many workers the work is to be cut for."""
        if self._inline:
            return 1
        if self._crew is not None:
            return self._crew.workers
        return self._where.workers or default_workers(resolve_device(self._where.device))

    def early(self, pairs: int | None) -> None:
        """Start the workers now unless the work may turn out to be small; `pairs` is None where nobody knows."""
        if self._inline or (self._may_be_inline and (pairs is None or pairs <= SMALL_PAIRS)):
            return
        self._start()

    def executor(self, seconds: float) -> Executor:
        """The executor for work that is estimated to take so long."""
        if self._inline or (self._crew is None and self._may_be_inline and seconds <= SMALL_SECONDS):
            device = resolve_device(self._where.device)
            setup = WorkerSetup(
                self._registry.plugins,
                device,
                self._where.memory or default_memory(),
                self._where.backend,
                background=self._where.background,
            )
            return InlineExecutor(setup, self._registry)
        return self._crew or self._start()

    def _start(self) -> Workers:
        self._crew = make_executor(self._registry, self._where).__enter__()
        return self._crew


def make_executor(registry: Registry, where: Where) -> Workers:
    """The executor that `where` asks for, auto taken as local, as a context manager that starts it."""
    _check(where, registry)
    if where.executor.startswith(SCHEME):
        return _cluster(registry, where)
    device = resolve_device(where.device)
    workers = where.workers or default_workers(device)
    if device == "cpu" and workers > cores():
        say(f"--workers {workers} is more than the {cores()} cores here: they will wait for each other")
    setup = WorkerSetup(
        registry.plugins,
        device,
        (where.memory or default_memory()) // workers,
        where.backend,
        background=where.background,
    )
    if where.executor == DASK:
        return DaskExecutor(setup, workers, registry)
    if where.executor == INLINE:
        return InlineExecutor(setup, registry)
    return LocalExecutor(setup, workers)


def _check(where: Where, registry: Registry) -> None:
    """Raise UserError for what no executor can take."""
    check_backend(where.backend, registry)
    if where.background is not None:
        background_colour(where.background)
    if where.executor not in (AUTO, INLINE, LOCAL, DASK) and not where.executor.startswith(SCHEME):
        raise UserError(f"executor: expected auto, inline, local, dask or {SCHEME}HOST:PORT, got {where.executor!r}")
    for name, number in (("workers", where.workers), ("memory", where.memory)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise UserError(f"{name}: expected a whole number of 1 or more, got {number!r}")


def _cluster(registry: Registry, where: Where) -> Workers:
    address = where.executor.removeprefix(SCHEME)
    if not re.fullmatch(r"([^/:\s]+|\[[0-9a-fA-F:]+\]):\d+", address):
        raise UserError(f"--executor: expected {SCHEME}HOST:PORT, got {where.executor!r}")
    if where.workers is not None:
        raise UserError(f"--workers: {where.executor} has workers of its own; leave --workers out")
    setup = WorkerSetup(
        registry.plugins,
        "cpu" if where.device == "auto" else where.device,
        backend=where.backend,
        background=where.background,
    )
    return DaskExecutor(setup, 1, registry, address=f"tcp://{address}", memory=where.memory)


def check_backend(name: str, registry: Registry) -> None:
    """Raise UserError unless `name` is fastest, reference, or a backend of some metric."""
    known = {backend.name for metric in registry.metrics.values() for backend in getattr(metric, "backends", ())}
    if name not in {FASTEST, REFERENCE, *known}:
        raise UserError(f"--backend: expected {', '.join([FASTEST, REFERENCE, *sorted(known)])}, got {name!r}")


def _largest(registry: Registry, datasets: Sequence[str]) -> int | None:
    """The declared number of pairs of the largest data set; None where one does not declare it."""
    counts = [registry.dataset(name).info.n_pairs for name in datasets]
    return None if None in counts else max(count for count in counts if count is not None)


def _seconds(store: Store, registry: Registry, todo: Plan) -> float:
    """Processor time that a plan is estimated to take, in seconds."""
    metrics = sorted({one.metric for unit in todo.units for one in unit.wanted})
    per_pair = seconds_per_pair(store, registry, metrics)
    return sum(len(one.pairs) * per_pair(one.metric) for unit in todo.units for one in unit.wanted)


def run_plan(store: Store, todo: Plan, executor: Executor, *, quiet: bool, kept: bool = True) -> Outcome:
    """Execute one plan under a progress bar, and say what it brought.

    Raises KeyboardInterrupt when interrupted, with what is kept for its text: nothing unless `kept`.
    """
    name, total = todo.dataset.info.name, todo.n_missing
    if todo.changed:
        say(f"{name}: the files of {len(todo.changed)} pairs changed since they were scored: {first_few(todo.changed)}")
    if todo.n_other_rules:
        say(
            f"{name}: {todo.n_other_rules} pairs were scored by other reading rules than {todo.rules}: they are read again"
        )
    if todo.rewritten:
        say(
            f"{name}: the code of {', '.join(todo.rewritten)} changed since the scores here were made, and the stated version "
            "did not: they are kept. Raise the version, or leave it out so that it follows the code"
        )
    if todo.stale:
        _tell_stale(name, todo.stale)
    start, done = time.monotonic(), 0
    try:
        with progress(quiet) as report:
            if total:
                report(0, total, f"{name}: scores")

            def on_unit(unit) -> None:  # counts what is done with, failed pairs too
                nonlocal done
                done += sum(len(wanted.pairs) for wanted in unit.wanted)
                report(done, total, f"{name}: scores")

            outcome = execute(store, todo, executor, on_unit=on_unit)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted: of {total} scores on {name} none is kept; run the same command again to do it all"
            if not kept
            else f"interrupted: of {todo.n_kept + total} scores on {name}, {todo.n_kept + done} are done and are kept in {store.path}; "
            "run the same command again to do the rest"
        ) from None
    _tell(outcome, name, time.monotonic() - start, quiet, kept)
    return outcome


def _refuse_two_tables(asked: Sequence[str]) -> None:
    """Raise UserError for two files that would be one data set: with equal labels, their images would pass for changed."""
    found: dict[str, tuple[Path, str]] = {}
    for text in asked:
        if is_table(text):
            table = table_name(text)
            path, other = found.setdefault(table.name, (table.path.resolve(), text))
            if path != table.path.resolve():
                raise UserError(
                    f"--dataset: {other} and {text} are different files of one name, {table.name}; give one of them another, "
                    f"for example {TABLE}second={table.path}"
                )


def _without_doubles(plans: Sequence[Plan]) -> list[Plan]:
    """One plan per data set."""
    return list({todo.dataset.id: todo for todo in plans}.values())


def _tell_other_labels(store: Store, todo: Plan) -> None:
    """Say when a table of the same name and other labels is stored: an earlier state of it, or another one."""
    name = todo.dataset.info.name
    others = [one for one in store.find(name) if one.id != todo.dataset.id]
    if others and is_table(name):
        ids = {pair.id for pair in todo.pairs}
        known = [
            f"{one.revision[:12]} ({len(ids & _ids(store, one))} of {len(_ids(store, one))} pairs here)"
            for one in others
        ]
        say(
            f"{name}: other labels are stored under this name, revision {', '.join(known)}: their scores are kept apart, and "
            f"boards show the labels used last. For another table give another name: {TABLE}NAME=FILE.csv"
        )


def _ids(store: Store, dataset: StoredDataset) -> set[str]:
    return {pair.id for pair in store.pairs(dataset)}


def _tell_stale(name: str, stale: Mapping[str, int]) -> None:
    """Say which metrics have scores that do not count any more, and how to make them again."""
    counts = ", ".join(f"{metric} {count}" for metric, count in stale.items())
    say(
        f"{name}: scores of other metrics are of what these files were ({counts}): they are kept, do not count, and are "
        f"made again by `python -m benchmark run --dataset {to_ask_for(name)} --metrics {','.join(stale)}`"
    )


def _tell_other_backends(store: Store, todo: Plan, registry: Registry, where: Where) -> None:
    """Where a backend was asked for, say which scores are kept that another one made."""
    for name, series in todo.series.items() if where.backend != FASTEST else ():
        metric = registry.metric(name)
        if isinstance(metric, BackedMetric):
            wanted = metric.choose(where.backend, resolve_device(where.device)).name
            if others := [made for made in store.backends(series) if made != wanted]:
                say(
                    f"{todo.dataset.info.name}: {name} keeps scores that {', '.join(others)} made: they agree with those "
                    f"of {wanted} within {metric.info.tolerance:g}; another --results folder gets its own"
                )


def _tell(outcome: Outcome, name: str, seconds: float, quiet: bool, kept: bool) -> None:
    """Say what was done; failures are said even when quiet."""
    say(
        f"{name}: {outcome.n_scored} scores made in {seconds:.1f} s, {outcome.n_kept} kept from before, "
        f"{outcome.n_failed} failed",
        quiet=quiet,
    )
    tell_warnings(outcome.warnings, name)
    if outcome.changed:
        say(
            f"{name}: the files of {len(outcome.changed)} pairs changed while the run was at work: "
            f"{first_few(outcome.changed)}; run the same command again"
        )
    for metric, reason in outcome.not_run.items():
        say(f"{name}: {metric} not run: {reason}")
    for metric, failures in outcome.failures.items():
        say(f"{name}: {metric} failed on {len(failures)} pairs:")
        for pair, reason in sorted(failures.items())[:SHOWN_FAILURES]:
            say(f"  {pair}: {reason}")
        if len(failures) > SHOWN_FAILURES:
            more = f"  and {len(failures) - SHOWN_FAILURES} more"
            say(f"{more}; `python -m benchmark export` lists them all" if kept else more)


def tell_warnings(warnings: Mapping[str, str], dataset: str = "") -> None:
    """Say each kind of warning once, with how many pairs it is about and the first of them."""
    by_kind: dict[str, list[str]] = {}
    for pair, warning in warnings.items():
        by_kind.setdefault(warning, []).append(pair)
    for warning, pairs in by_kind.items():
        many = "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
        say(f"{dataset and f'{dataset}: '}warning: {many}: {warning}: {first_few(sorted(pairs))}")
