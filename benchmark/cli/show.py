"""``list``, ``leaderboard`` and ``export``: what there is, and what was found; nothing is scored here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.terminal import results, say
from benchmark.registry import Registry
from benchmark.store import Store
from benchmark.types import UserError

FORMAT_OF_SUFFIX = {".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex"}


def list_names(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Protocols, licences and where data comes from.")
    ] = False,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """List metrics and data sets, and whether they can be used here.

    \b
    Example:
      python -m benchmark list --verbose --data-root ~/iqa
    """
    registry = Registry(tuple(plugin or ()))
    results.print(_metric_table(registry, verbose))
    results.print(_dataset_table(registry, data_root, verbose))
    for point, reason in registry.broken.items():
        say(f"not loaded: {point}: {reason}")


def _metric_table(registry: Registry, verbose: bool):
    from rich.table import Table

    table = Table("metric", "kind", "better", "status", box=None, header_style="bold")
    for title in ("protocol", "library", "licence") if verbose else ("title",):
        table.add_column(title)
    for name, metric in sorted(registry.metrics.items()):
        info, missing = metric.info, registry.metric_missing(metric)
        facts = (info.protocol, info.library, info.licence) if verbose else (info.title,)
        better = "higher" if info.higher_is_better else "lower"
        table.add_row(name, info.kind, better, f"needs {missing}" if missing else "ready", *facts)
    return table


def _dataset_table(registry: Registry, data_root: Path | None, verbose: bool):
    from rich.table import Table

    table = Table("data set", "pairs", "contents", "label", "better", "status", "title", box=None, header_style="bold")
    if verbose:
        for title in ("licence", "where"):
            table.add_column(title)
    for name, dataset in sorted(registry.datasets.items()):
        info = dataset.info
        better = "higher" if info.label_higher_is_better else "lower"
        missing = dataset.missing(data_root)
        table.add_row(
            name,
            f"{info.n_pairs:,}" if info.n_pairs else "any",
            str(info.n_contents or "any"),
            info.label_kind,
            better,
            "needs data" if missing else "ready",
            info.title,
            *((info.licence, info.url) if verbose else ()),
        )
    table.add_row(
        "table:FILE.csv",
        "any",
        "any",
        "declared",
        "declared",
        "yours",
        "Any CSV with distorted, reference, mos or dmos",
    )
    return table


def leaderboard(
    metrics: Annotated[
        str | None, typer.Option("--metrics", "-m", help="Only these. Example: --metrics ssim,lpips", metavar="NAMES")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="Only these. Example: --dataset live-kodak,tid2013", metavar="NAMES"),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="terminal, markdown, csv, json or latex; default by --output's ending. Example: --format latex",
        ),
    ] = None,
    output: options.Output = None,
    sort: Annotated[
        str, typer.Option(help="srcc, krcc, plcc, rmse, another statistic, name or time. Example: --sort plcc")
    ] = "srcc",
    subset: Annotated[
        str, typer.Option(help="Pairs that count: FIELD=VALUE,... Example: --subset distortion=jpeg,gblur")
    ] = "all",
    split: options.Split = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Also scores of other versions than this program's, each its own row."),
    ] = False,
    replicates: options.Replicates = 1000,
    results_folder: options.Results = Path("results"),
    plugin: options.Plugins = None,
) -> None:
    """Render the boards from the store; no image is touched.

    \b
    Examples:
      python -m benchmark leaderboard --sort plcc
      python -m benchmark leaderboard --format latex --output board.tex
      python -m benchmark leaderboard --subset distortion=jpeg --metrics ssim,lpips
    """
    from benchmark.files import write_whole
    from benchmark.leaderboard.build import build
    from benchmark.leaderboard.render import FORMATS, render

    chosen = output_format or (FORMAT_OF_SUFFIX.get(output.suffix.lower(), "") if output else "terminal")
    if chosen not in FORMATS or (output and chosen == "terminal"):
        raise UserError(
            f"--format: expected {', '.join(FORMATS)}, got {chosen!r}; a file takes any but terminal, "
            "and .md, .csv, .json and .tex say which"
        )
    registry = Registry(tuple(plugin or ()))
    with Store(options.store_path(results_folder), readonly=True) as store:
        board = build(
            store,
            registry,
            datasets=options.names(dataset, "--dataset") if dataset else None,
            metrics=options.names(metrics, "--metrics") if metrics else None,
            subset=subset,
            split=split,
            sort=sort,
            all_versions=all_versions,
            replicates=replicates,
        )
    rendered = render(board, chosen)
    if output:
        write_whole(output, rendered)
    elif chosen == "terminal":
        results.print(rendered)
    else:
        typer.echo(rendered, nl=False)


def print_board(
    results_folder: Path,
    registry: Registry,
    datasets: Sequence[str],
    metrics: Sequence[str],
    split: str | None,
    replicates: int,
) -> None:
    """Print the board of what a run was asked for."""
    from benchmark.leaderboard.build import build
    from benchmark.leaderboard.render import render

    with Store(options.store_path(results_folder), readonly=True) as store:
        board = build(store, registry, datasets=datasets, metrics=metrics, split=split, replicates=replicates)
    results.print(render(board, "terminal"))


def export(
    metrics: Annotated[
        str | None, typer.Option("--metrics", "-m", help="Only these. Example: --metrics ssim,lpips", metavar="NAMES")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only these. Example: --dataset tid2013", metavar="NAMES")
    ] = None,
    output: options.Output = None,
    results_folder: options.Results = Path("results"),
) -> None:
    """Write all per-image scores, labels and failures as CSV, sorted: equal stores give equal bytes.

    \b
    Example:
      python -m benchmark export --output scores.csv
    """
    from benchmark.files import write_whole

    with Store(options.store_path(results_folder), readonly=True) as store:
        text = store.export(
            metrics=options.names(metrics, "--metrics") if metrics else (),
            datasets=options.names(dataset, "--dataset") if dataset else (),
        )
    if output:
        write_whole(output, text)
    else:
        typer.echo(text, nl=False)
