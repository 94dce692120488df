"""``run``: score what is missing, then show the board."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.terminal import progress, say
from benchmark.cli.weights import fetch_lacking
from benchmark.executors import (
    DaskExecutor,
    LocalExecutor,
    Workers,
    cores,
    default_memory,
    default_workers,
    resolve_device,
)
from benchmark.executors.cluster import SCHEME
from benchmark.images import background_colour, reading_rules
from benchmark.metrics.backends import FASTEST, BackedMetric
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Executor, Outcome, Plan, execute, plan
from benchmark.scoring import WorkerSetup
from benchmark.store import Store, StoredDataset
from benchmark.table_names import TABLE, is_table, to_ask_for
from benchmark.types import UserError
from benchmark.weights.fetch import OFFLINE

SHOWN_FAILURES = 5


def run(
    metrics: options.Metrics = options.DEFAULT_METRICS,
    dataset: options.Datasets = options.DEFAULT_DATASET,
    data_root: options.DataRoot = None,
    split: options.Split = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    device: options.Device = "auto",
    backend: options.Backend = FASTEST,
    executor: options.Executor = options.LOCAL,
    background: options.Background = None,
    results_folder: options.Results = Path("results"),
    plugin: options.Plugins = None,
    statistics: options.Statistics = None,
    replicates: options.Replicates = 1000,
    quiet: options.Quiet = False,
    board: Annotated[bool, typer.Option(help="Show the leaderboard when done.")] = True,
    fetch: Annotated[
        bool, typer.Option(help="Fetch the weights that metrics lack; IQA_OFFLINE=1 forbids it everywhere.")
    ] = True,
) -> None:
    """Score a data set with metrics and show how well they agree with people.

    Only what the store lacks is computed: kill it at any time and run the same command again.

    \b
    Examples:
      python -m benchmark run
      python -m benchmark run --metrics psnr,ssim,lpips --workers 2
      python -m benchmark run --dataset tid2013,kadid10k --data-root ~/iqa --metrics all-ready
      python -m benchmark run --dataset table:my/scores.csv --metrics ssim --plugin my_metric.py
      python -m benchmark run --dataset pipal --data-root /shared/iqa --executor dask://10.0.0.5:8786
    """
    if not fetch:
        os.environ[OFFLINE] = "1"  # worker processes heed it too
    only = options.statistic_names(statistics)
    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    datasets = options.dataset_names(dataset)
    crew = make_executor(registry, workers, memory, device, backend, executor, background)
    with Store(options.store_path(results_folder)) as store, crew:
        with progress(quiet) as report:
            plans = [
                plan(
                    store,
                    registry,
                    name,
                    wanted,
                    data_root,
                    split=split,
                    workers=crew.workers,
                    rules=reading_rules(background),
                    progress=report,
                )
                for name in datasets
            ]
        plans = _without_doubles(plans, datasets)
        missing = {one.metric for todo in plans for unit in todo.units for one in unit.wanted}
        fetch_lacking(registry, [name for name in wanted if name in missing], quiet)
        for todo in plans:
            _tell_other_labels(store, todo)
            _tell_other_backends(store, todo, registry, crew.setup)
        outcomes = [run_plan(store, todo, crew, quiet) for todo in plans]
    if board:
        from benchmark.cli.show import print_board

        print_board(
            results_folder, registry, [todo.dataset.info.name for todo in plans], wanted, split, replicates, only
        )
    if not all(outcome.complete for outcome in outcomes):
        raise typer.Exit(3)


def make_executor(
    registry: Registry,
    workers: int | None,
    memory: str | None,
    device: str,
    backend: str,
    executor: str = options.LOCAL,
    background: str | None = None,
) -> Workers:
    """The executor that the options ask for, as a context manager that starts it."""
    if background is not None:
        background_colour(background)
    options.check_backend(backend, registry)
    budget = options.size(memory) if memory else None
    if executor.startswith(SCHEME):
        if not re.fullmatch(r"([^/:\s]+|\[[0-9a-fA-F:]+\]):\d+", executor.removeprefix(SCHEME)):
            raise UserError(f"--executor: expected {SCHEME}HOST:PORT, got {executor!r}")
        if workers is not None:
            raise UserError(f"--workers: {executor} has workers of its own; leave --workers out")
        setup = WorkerSetup(
            registry.plugins, "cpu" if device == "auto" else device, backend=backend, background=background
        )
        return DaskExecutor(setup, 1, registry, address=f"tcp://{executor.removeprefix(SCHEME)}", memory=budget)
    device = resolve_device(device)
    workers = workers or default_workers(device)
    if device == "cpu" and workers > cores():
        say(f"--workers {workers} is more than the {cores()} cores here: they will wait for each other")
    setup = WorkerSetup(
        registry.plugins, device, (budget or default_memory()) // workers, backend, background=background
    )
    if executor == "dask":
        return DaskExecutor(setup, workers, registry)
    if executor != options.LOCAL:
        raise UserError(f"--executor: expected local, dask or {SCHEME}HOST:PORT, got {executor!r}")
    return LocalExecutor(setup, workers)


def run_plan(store: Store, todo: Plan, executor: Executor, quiet: bool, *, kept: bool = True) -> Outcome:
    """Execute one plan under a progress bar; a signal ends it cleanly and says what is kept: nothing unless `kept`."""
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

            def on_unit(unit) -> None:
                nonlocal done
                done += sum(len(wanted.pairs) for wanted in unit.wanted)
                report(done, total, f"{name}: scores")

            outcome = execute(store, todo, executor, on_unit=on_unit)
    except KeyboardInterrupt:
        say(
            f"interrupted: of {total} scores on {name} none is kept; run the same command again to do it all"
            if not kept
            else f"interrupted: {todo.n_kept + done} of {todo.n_kept + total} scores on {name} are kept in {store.path}; "
            "run the same command again to do the rest"
        )
        raise typer.Exit(130) from None
    _tell(outcome, name, time.monotonic() - start, quiet, kept)
    return outcome


def _without_doubles(plans: list[Plan], asked: list[str]) -> list[Plan]:
    """One plan per data set; raises UserError for two different tables that would have one name."""
    found: dict[str, tuple[Plan, str]] = {}
    for todo, text in zip(plans, asked, strict=True):
        name = todo.dataset.info.name
        before, other = found.setdefault(name, (todo, text))
        if before.dataset.id != todo.dataset.id:
            raise UserError(
                f"--dataset: {other} and {text} are different tables of one name, {name}; give one of them another, for "
                f"example {TABLE}second={text.removeprefix(TABLE)}"
            )
    return [todo for todo, _ in found.values()]


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


def _tell_other_backends(store: Store, todo: Plan, registry: Registry, setup: WorkerSetup) -> None:
    """Where a backend was asked for, say which scores are kept that another one made."""
    for name, series in todo.series.items() if setup.backend != FASTEST else ():
        metric = registry.metric(name)
        if isinstance(metric, BackedMetric):
            wanted = metric.choose(setup.backend, setup.device).name
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
