"""``gate``: fail a build when a metric or a correlation changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.gate import DROP, Baseline, Finding, compare, read_baseline, take_reading, write_baseline
from benchmark.leftovers import temporary_folder
from benchmark.metrics.backends import FASTEST
from benchmark.output.console import progress, results, say
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Outcome, plan
from benchmark.store import Store, StoredDataset, store_path
from benchmark.table_names import is_table
from benchmark.types import UserError
from benchmark.workflows.run import Where, make_executor, run_plan

if TYPE_CHECKING:
    from rich.console import RenderableType


def gate(
    baseline: Annotated[
        Path, typer.Option(help="The committed baseline. Example: --baseline results/baseline.json", metavar="FILE")
    ] = Path("results/baseline.json"),
    update: Annotated[
        bool, typer.Option("--update", help="Write the baseline anew instead of comparing with it.")
    ] = False,
    drop: Annotated[
        float,
        typer.Option(
            min=0.0, help="Largest drop of a correlation that passes. Example: --drop 0.002", metavar="NUMBER"
        ),
    ] = DROP,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            "-m",
            help="Metrics; default those of the baseline, or all that are ready. Example: --metrics ssim,lpips",
            metavar="NAMES",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", "-d", help="Data set; default that of the baseline, else live-kodak.", metavar="NAME"
        ),
    ] = None,
    data_root: options.DataRoot = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    device: options.Device = "cpu",
    backend: options.Backend = FASTEST,
    executor: options.Executor = options.AUTO,
    plugin: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare fresh scores and correlations with a committed baseline; exit 1 on a regression.

    Every score is computed anew: nothing is taken from the score store. With --metrics only those are compared, or
    with --update replaced.

    \b
    Examples:
      python -m benchmark gate --baseline results/baseline.json
      python -m benchmark gate --update --metrics all-ready
    """
    registry = Registry(tuple(plugin or ()))
    named = None if metrics is None else options.metric_names(metrics, registry)
    before = _before(baseline, update=update, needed=named is not None)
    name = dataset or (before.dataset if before else options.DEFAULT_DATASET)
    if not dataset and is_table(name):
        raise UserError(f"{baseline}: is of the table {name}: say where that lies with --dataset table:FILE.csv")
    wanted = _wanted(baseline, before, named, registry, update=update)
    where = Where(executor, workers, options.size(memory) if memory else None, device, backend)
    crew = make_executor(registry, where)
    with (
        temporary_folder("iqa-gate-") as folder,
        Store(store_path(folder)) as store,
        crew,
    ):
        with progress(quiet) as report:
            todo = plan(store, registry, name, wanted, data_root, workers=crew.workers, progress=report)
        if update and before is not None and named is not None:
            _refuse_other_data(baseline, before, todo.dataset)
        outcome = run_plan(store, todo, crew, quiet=quiet, kept=False)
        if update:
            _refuse_incomplete(baseline, outcome)
        now = take_reading(store, todo.dataset)
    if update:
        if before is not None and named is not None:
            now = now.joined(before.metrics)
        write_baseline(baseline, now)
        say(f"{baseline}: baseline of {len(now.metrics)} metrics on {now.dataset} written", quiet=quiet)
    elif before is not None:
        before = before if named is None else before.only(named)
        findings = compare(before, now, drop=drop)
        results.print(_report(findings, len(before.metrics), now.dataset))
        if any(finding.fails for finding in findings):
            raise typer.Exit(1)


def _before(path: Path, *, update: bool, needed: bool) -> Baseline | None:
    """The baseline as it is; None where --update makes the first one, or a new one for one that cannot be read."""
    if not update or (needed and path.exists()):
        return read_baseline(path)
    if not path.exists():
        return None
    try:
        return read_baseline(path)
    except UserError as error:
        say(f"{error}\nit is written anew, with every metric that is ready")
        return None


def _wanted(
    path: Path, before: Baseline | None, named: list[str] | None, registry: Registry, *, update: bool
) -> list[str]:
    """The metrics to score: those named, else those of the baseline that exist, else all that are ready."""
    if before is None:
        return named or options.metric_names(options.ALL_READY, registry)
    if not update:
        unknown = [name for name in named or () if name not in before.metrics]
        if unknown or not before.metrics:
            what = f"{', '.join(unknown)} not in the baseline" if unknown else "the baseline holds no metric"
            raise UserError(
                f"{path}: {what}, so there is nothing to compare with; it has {', '.join(before.metrics) or 'none'}; "
                "add what is missing with --update --metrics NAMES"
            )
    if named is not None:
        return named
    gone = [name for name in sorted(before.metrics) if not _exists(registry, name)]
    if update and gone:
        say(f"{path}: {', '.join(gone)} left out: no such metric here any more")
    return sorted(set(before.metrics) - set(gone))


def _exists(registry: Registry, metric: str) -> bool:
    try:
        registry.metric(metric)
    except UserError:
        return False
    return True


def _refuse_other_data(path: Path, before: Baseline, now: StoredDataset) -> None:
    """Raise UserError unless `now` is the data set and the labels that the other metrics of the baseline are of."""
    if before.dataset != now.info.name and not (is_table(before.dataset) and is_table(now.info.name)):
        difference = f"is of the data set {before.dataset}, not {now.info.name}"
    elif before.revision != now.revision:
        difference = f"is of other labels of {before.dataset} ({before.revision[:12]}, now {now.revision[:12]})"
    else:
        return
    raise UserError(
        f"{path}: {difference}, and one baseline holds one data set; name another file with --baseline, or write it "
        "anew with --update without --metrics"
    )


def _refuse_incomplete(path: Path, outcome: Outcome) -> None:
    """Raise UserError when a metric did not run or a pair failed: such a baseline would pass what is broken."""
    reasons = [f"{metric} not run: {reason}" for metric, reason in outcome.not_run.items()]
    reasons += [
        f"{metric} on {pair}: {why}"
        for metric, pairs in outcome.failures.items()
        for pair, why in sorted(pairs.items())
    ]
    if reasons or not outcome.n_scored:
        raise UserError(
            f"{path}: not written: {len(reasons)} scores or metrics are missing: {first_few(reasons) or 'all'}; mend "
            "them, or leave those metrics out with --metrics"
        )


def _report(findings: list[Finding], n_metrics: int, dataset: str) -> RenderableType:
    """The findings by metric and distortion, and the verdict."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    failed = sum(finding.fails for finding in findings)
    verdict = (
        f"gate FAILED: {failed} regressions"
        if failed
        else f"gate passed: {n_metrics} metrics on {dataset} as the baseline has them"
    )
    if not findings:
        return Text(verdict)
    table = Table(box=None, header_style="bold")
    for title in ("", "metric", "subset", "what changed"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        table.add_row(*map(Text, ("FAIL" if finding.fails else "note", finding.metric, finding.subset, finding.text)))
    return Group(table, Text(verdict))
