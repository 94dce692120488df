"""``leaderboard`` and ``export``: what was found; nothing is scored here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.names import unknown_name
from benchmark.output.console import results, say, write
from benchmark.pairs import label_revision
from benchmark.registry import Registry
from benchmark.store import Store, store_path
from benchmark.table_names import is_table, table_name
from benchmark.types import UserError

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Board

FORMAT_OF_SUFFIX = {".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex"}


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
            metavar="FORMAT",
        ),
    ] = None,
    output: options.Output = None,
    sort: Annotated[
        str,
        typer.Option(
            help="srcc, krcc, plcc, rmse, another statistic, name or time. Example: --sort plcc", metavar="KEY"
        ),
    ] = "srcc",
    subset: Annotated[
        str,
        typer.Option(
            help="Pairs that count: FIELD=VALUE,... Example: --subset distortion=jpeg,gblur", metavar="SUBSET"
        ),
    ] = "all",
    split: options.Split = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Also scores of other versions than this program's, each its own row."),
    ] = False,
    statistics: options.Statistics = None,
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
      python -m benchmark leaderboard --statistics srcc,plcc
    """
    from benchmark.files import write_whole
    from benchmark.leaderboard.render import FORMATS, render
    from benchmark.workflows.board import stored_board

    chosen = output_format or (FORMAT_OF_SUFFIX.get(output.suffix.lower(), "") if output else "terminal")
    if chosen not in FORMATS or (output and chosen == "terminal"):
        raise UserError(
            f"--format: expected {', '.join(FORMATS)}, got {chosen!r}; a file takes any but terminal, "
            "and .md, .csv, .json and .tex say which"
        )
    only = options.statistic_names(statistics)
    registry = Registry(tuple(plugin or ()))
    with Store(store_path(results_folder), readonly=True) as store:
        datasets = _stored_datasets(store, dataset)
    board = stored_board(
        results_folder,
        registry,
        datasets=datasets,
        metrics=None if metrics is None else options.names(metrics, "--metrics"),
        subset=subset,
        split=split,
        sort=sort,
        statistics=only,
        all_versions=all_versions,
        replicates=replicates,
    )
    rendered = render(board, chosen)
    if output:
        write_whole(output, rendered)
    elif chosen == "terminal":
        results.print(rendered)
    else:
        write(rendered)
    _tell_failed(board)


def _tell_failed(board: Board) -> None:
    """Name the data sets that have no board, and exit with 3: the rest was shown."""
    for reason in board.failed:
        say(f"not shown: {reason}")
    if board.failed:
        raise typer.Exit(3)


def print_board(
    results_folder: Path,
    registry: Registry,
    datasets: Sequence[str],
    metrics: Sequence[str],
    split: str | None,
    replicates: int,
    statistics: Sequence[str] | None = None,
) -> None:
    """Print the board of what a run was asked for; exits with 3 where a data set's statistics cannot be computed."""
    from benchmark.leaderboard.render import render
    from benchmark.workflows.board import stored_board

    board = stored_board(
        results_folder,
        registry,
        datasets=datasets,
        metrics=metrics,
        split=split,
        replicates=replicates,
        statistics=statistics,
    )
    results.print(render(board, "terminal"))
    _tell_failed(board)


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

    A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or an apostrophe) has an apostrophe
    before it.

    \b
    Example:
      python -m benchmark export --output scores.csv
    """
    from benchmark.files import whole_file

    with Store(store_path(results_folder), readonly=True) as store:
        lines = store.export_lines(
            metrics=_stored_metrics(store, metrics) or (),
            datasets=_stored_datasets(store, dataset) or (),
        )
        with closing(lines):
            if output:
                with whole_file(output) as file:
                    file.writelines(line.encode() for line in lines)
            else:
                for line in lines:
                    write(line)


def _stored_datasets(store: Store, text: str | None) -> list[str] | None:
    """Read --dataset among what is stored; None without it."""
    if text is None:
        return None
    stored = {dataset.info.name for dataset in store.datasets()}
    names = [_stored_table(store, name) for name in options.dataset_names(text, stored)]
    return [name for name in names if store.find(name) or _known("stored data set", [name], stored)]


def _stored_table(store: Store, name: str) -> str:
    """The stored name of a table that is named by its file, with its revision where others have that name too.

    Raises UserError where only another table of that name is stored.
    """
    if not is_table(name) or store.find(name):
        return name
    table = table_name(name)
    named = store.find(table.name)
    if not named or not table.path.is_file():
        return table.name
    revision = label_revision(Registry().dataset(name).pairs(None, images=False))
    if revision not in {dataset.revision for dataset in named}:
        raise UserError(
            f"{table.path}: no scores of this table are stored: those of {table.name} are of other labels; run it first, or "
            f"show those with --dataset {table.name}"
        )
    return f"{table.name}@{revision[:12]}" if len(named) > 1 else table.name


def _stored_metrics(store: Store, text: str | None) -> list[str] | None:
    """Read --metrics among what is stored; None without it."""
    if text is None:
        return None
    stored = {series.info.name for dataset in store.datasets() for series in store.series(dataset)}
    return _known("stored metric", options.names(text, "--metrics"), stored)


def _known(kind: str, names: list[str], stored: set[str]) -> list[str]:
    for name in names:
        if name not in stored:
            raise UserError(f"{unknown_name(kind, name, stored)}; only what was run or imported is here")
    return names
