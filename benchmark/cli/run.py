"""``run``: score what is missing, then show the board."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.terminal import progress, say
from benchmark.executors import LocalExecutor, default_memory, default_workers, resolve_device
from benchmark.metrics.backends import FASTEST
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Outcome, Plan, execute, plan
from benchmark.scoring import WorkerSetup
from benchmark.store import Store

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
    results_folder: options.Results = Path("results"),
    plugin: options.Plugins = None,
    replicates: options.Replicates = 1000,
    quiet: options.Quiet = False,
    board: Annotated[bool, typer.Option(help="Show the leaderboard when done.")] = True,
) -> None:
    """Score a data set with metrics and show how well they agree with people.

    Only what the store lacks is computed: kill it at any time and run the same command again.

    \b
    Examples:
      python -m benchmark run
      python -m benchmark run --metrics psnr,ssim,lpips --workers 2
      python -m benchmark run --dataset tid2013,kadid10k --data-root ~/iqa --metrics all-ready
      python -m benchmark run --dataset table:my/scores.csv --metrics ssim --plugin my_metric.py
    """
    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    datasets = options.dataset_names(dataset)
    executor = make_executor(registry, workers, memory, device, backend)
    with Store(options.store_path(results_folder)) as store:
        with progress(quiet) as report:
            plans = [plan(store, registry, name, wanted, data_root, split=split, progress=report) for name in datasets]
        outcomes = [run_plan(store, todo, executor, quiet) for todo in plans]
    if board:
        from benchmark.cli.show import print_board

        print_board(results_folder, registry, [todo.dataset.info.name for todo in plans], wanted, split, replicates)
    if not all(outcome.complete for outcome in outcomes):
        raise typer.Exit(3)


def make_executor(
    registry: Registry, workers: int | None, memory: str | None, device: str, backend: str
) -> LocalExecutor:
    """The local pool that the options ask for."""
    device = resolve_device(device)
    options.check_backend(backend, registry)
    workers = workers or default_workers(device)
    budget = options.size(memory) if memory else default_memory()
    return LocalExecutor(WorkerSetup(registry.plugins, device, budget // workers, backend), workers)


def run_plan(store: Store, todo: Plan, executor: LocalExecutor, quiet: bool, *, kept: bool = True) -> Outcome:
    """Execute one plan under a progress bar; a signal ends it cleanly and says what is kept: nothing unless `kept`."""
    name, total = todo.dataset.info.name, todo.n_missing
    if todo.changed:
        say(f"{name}: the files of {len(todo.changed)} pairs changed since they were scored: {first_few(todo.changed)}")
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


def _tell(outcome: Outcome, name: str, seconds: float, quiet: bool, kept: bool) -> None:
    """Say what was done; failures are said even when quiet."""
    say(
        f"{name}: {outcome.n_scored} scores made in {seconds:.1f} s, {outcome.n_kept} kept from before, "
        f"{outcome.n_failed} failed",
        quiet=quiet,
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
