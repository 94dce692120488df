"""``gate``: fail a build when a metric or a correlation changed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.run import make_executor, run_plan
from benchmark.cli.terminal import progress, results, say
from benchmark.gate import DROP, Finding, compare, read_baseline, take_reading, write_baseline
from benchmark.registry import Registry
from benchmark.runner import plan
from benchmark.store import Store


def gate(
    baseline: Annotated[
        Path, typer.Option(help="The committed baseline. Example: --baseline results/baseline.json", metavar="FILE")
    ] = Path("results/baseline.json"),
    update: Annotated[
        bool, typer.Option("--update", help="Write the baseline anew instead of comparing with it.")
    ] = False,
    drop: Annotated[
        float, typer.Option(min=0.0, help="Largest drop of a correlation that passes. Example: --drop 0.002")
    ] = DROP,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            "-m",
            help="Metrics; default those of the baseline. Example: --metrics ssim,lpips",
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
    before = read_baseline(baseline) if baseline.exists() or not update else None
    name = dataset or (before.dataset if before else options.DEFAULT_DATASET)
    wanted = (
        options.metric_names(metrics, registry) if metrics else sorted(before.metrics if before else registry.metrics)
    )
    with tempfile.TemporaryDirectory(prefix="iqa-gate-") as folder, Store(Path(folder) / "scores.sqlite") as store:
        with progress(quiet) as report:
            known = [metric for metric in wanted if metric in registry.metrics]
            todo = plan(store, registry, name, known, data_root, progress=report)
        run_plan(store, todo, make_executor(registry, workers, memory, device), quiet)
        now = take_reading(store, todo.dataset)
    if before is None or update:
        if before is not None and metrics:
            now = now.joined(before.metrics)
        write_baseline(baseline, now)
        say(f"{baseline}: baseline of {len(now.metrics)} metrics on {name} written", quiet=quiet)
        return
    before = before.only(wanted) if metrics else before
    findings = compare(before, now, drop=drop)
    results.print(_report(findings, len(before.metrics), name), highlight=False)
    if any(finding.fails for finding in findings):
        raise typer.Exit(1)


def _report(findings: list[Finding], n_metrics: int, dataset: str):
    """The findings by metric and distortion, and the verdict."""
    from rich.console import Group
    from rich.table import Table

    failed = sum(finding.fails for finding in findings)
    verdict = (
        f"gate FAILED: {failed} regressions"
        if failed
        else f"gate passed: {n_metrics} metrics on {dataset} as the baseline has them"
    )
    if not findings:
        return verdict
    table = Table("", "metric", "subset", "what changed", box=None, header_style="bold")
    for finding in findings:
        table.add_row("FAIL" if finding.fails else "note", finding.metric, finding.subset, finding.text)
    return Group(table, verdict)
