"""``doctor``: what is wrong with a metric or a data set, before it costs a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.doctor.finding import Finding, Verdict
from benchmark.output.console import progress, results, say
from benchmark.registry import Registry
from benchmark.types import UserError

app = typer.Typer(
    help="Check a metric or a data set for the classic mistakes; each failure comes with its usual cause.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMPANIONS = ("psnr", "ssim", "gmsd")
"""Metrics that share a batch's views with the one under examination."""
STYLES = {Verdict.OK: "green", Verdict.FAIL: "bold red", Verdict.NOTE: "yellow"}
WIDTH = 20
"""Columns of a check's name."""


@app.command("metric")
def metric(
    name: Annotated[
        str | None, typer.Argument(help="A metric; default every metric of the plugins. Example: ssim", metavar="NAME")
    ] = None,
    plugins: options.Plugins = None,
) -> None:
    """Run a metric against the contract that all metrics keep, on embedded photographs and the CPU.

    Exit code 0 when all checks pass (notes do not count), 3 when one fails, 2 when the metric cannot run here.

    \b
    Examples:
      python -m benchmark doctor metric --plugin my_metric.py
      python -m benchmark doctor metric ssim
    """
    from benchmark.doctor import opened
    from benchmark.doctor.examination import examine
    from benchmark.doctor.state import imported

    if name is None and not plugins:
        raise UserError("doctor metric: expected a NAME or --plugin FILE")
    registry = Registry()
    known = set(registry.metrics)
    failed = 0
    files: set[Path] = set()
    if plugins:
        loaded: list[Registry] = []
        with opened.watched() as files:
            failed += _report([imported(lambda: loaded.append(Registry(plugins)))])
        registry = loaded[0]
    names = [name] if name is not None else sorted(set(registry.metrics) - known)
    if not names:
        raise UserError("doctor metric: the plugin holds no metric; name one, or see `doctor dataset`")
    companions = [registry.metric(companion) for companion in COMPANIONS if companion in registry.metrics]
    for each in names:
        if len(names) > 1:
            results.print(f"{each}:")
        failed += _report(examine(registry.metric(each), companions, read_before=files))
    _end(failed)


@app.command("dataset")
def dataset(
    name: Annotated[str, typer.Argument(help="A data set, or table:FILE.csv. Example: tid2013", metavar="NAME")],
    data_root: options.DataRoot = None,
    plugins: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Check counts, labels, their direction, references, duplicates, sizes and every file of a data set.

    Exit code 0 when all checks pass (notes do not count), 3 when one fails, 2 when the data set is not here.

    \b
    Examples:
      python -m benchmark doctor dataset table:ratings.csv
      python -m benchmark doctor dataset tid2013 --data-root ~/iqa
    """
    from benchmark.doctor.dataset import examine

    chosen = Registry(tuple(plugins or ())).dataset(name)
    with progress(quiet) as report:
        findings = list(examine(chosen, data_root, report))
    _end(_report(findings))


def _report(findings: Iterable[Finding]) -> int:
    """Print each finding as it comes; return how many failed."""
    from rich.text import Text

    failed = 0
    for finding in findings:
        failed += finding.verdict is Verdict.FAIL
        verdict = (f"{finding.verdict.value:<6}", STYLES[finding.verdict])
        line = Text.assemble(verdict, f"{finding.check:<{WIDTH}}", finding.sentence)
        results.print(line, soft_wrap=True, highlight=False)
    return failed


def _end(failed: int) -> None:
    if failed:
        say(f"{failed} failed")
        raise typer.Exit(3)
