"""``weights``: which files of parameters the metrics need, which are here, and how the others come here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.terminal import progress, results, say
from benchmark.types import UserError
from benchmark.weights import cache
from benchmark.weights.catalogue import FILES, WeightsFile, needed_by

app = typer.Typer(
    help="Weights: which files the metrics need, which are here, and how the others come here.\n\n"
    "They are kept in a folder of the harness's own: the environment variable IQA_WEIGHTS, or the user's cache.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SHOWN_UNKNOWN = 5


@app.command("list")
def list_files(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Full sha256 and where each comes from.")] = False,
) -> None:
    """List every file of weights: for which metrics, its size and licence, and whether it is here.

    \b
    Example:
      python -m benchmark weights list --verbose
    """
    from rich.table import Table

    table = Table("file", "metrics", "size", "status", "licence", box=None, header_style="bold")
    for title in ("sha256", "from", "note") if verbose else ("sha256",):
        table.add_column(title, no_wrap=verbose)
    for file in FILES:
        hashes = [edition.sha256 or "not known" for edition in file.editions]
        source = file.url or ("embedded" if file.embedded else "to be supplied")
        table.add_row(
            file.name,
            ", ".join(file.metrics),
            "\n".join(cache.size_text(edition.size) if edition.size else "?" for edition in file.editions),
            _status(file),
            file.licence,
            "\n".join(hashes if verbose else (text[:12] for text in hashes)),
            *((source, file.note) if verbose else ()),
        )
    results.print(table)
    say(f"weights folder: {cache.folder()}")


@app.command("check")
def check() -> None:
    """Read every file that is here and compare its sha256. Exit code 3 when one is damaged.

    \b
    Example:
      python -m benchmark weights check
    """
    damaged = 0
    for file in FILES:
        state = cache.state(file)
        damaged += state is cache.State.DAMAGED
        where = "" if state is cache.State.ABSENT else f"  {cache.path_of(file)}"
        typer.echo(f"{state.value:9} {file.name}{where}")
    if damaged:
        say(f"{damaged} damaged: delete it and run `python -m benchmark weights add PATH` or `weights fetch METRIC`")
        raise typer.Exit(3)


@app.command("add")
def add(
    paths: Annotated[
        list[Path], typer.Argument(help="Files or folders. Example: ~/downloads/vgg16-397923af.pth", metavar="PATH...")
    ],
    quiet: options.Quiet = False,
) -> None:
    """Take files of weights, or all that a folder holds, after comparing their sha256. Nothing is unpickled.

    \b
    Examples:
      python -m benchmark weights add vgg16-397923af.pth
      python -m benchmark weights add ~/weights
    """
    with progress(quiet) as report:
        taken = list(cache.add(paths, progress=report))
    for item in taken:
        if item.outcome in ("taken", "already here") and item.file is not None:
            metrics = ", ".join(item.file.metrics)
            typer.echo(f"{item.outcome}: {item.path} as {item.file.name}, for {metrics}{_because(item.reason)}")
    damaged = [item for item in taken if item.outcome == "damaged"]
    for item in damaged:
        say(f"damaged: {item.path}{_because(item.reason)}")
    unknown = [item.path for item in taken if item.outcome == "unknown"]
    if unknown:
        more = f" and {len(unknown) - SHOWN_UNKNOWN} more" if len(unknown) > SHOWN_UNKNOWN else ""
        say(f"unknown, left alone: {', '.join(map(str, unknown[:SHOWN_UNKNOWN]))}{more}", quiet=quiet)
    if damaged or any(path in unknown for path in paths):
        raise typer.Exit(3)


@app.command("fetch")
def fetch(
    metrics: Annotated[list[str], typer.Argument(help="Metrics. Example: lpips-vgg dists", metavar="METRIC...")],
    quiet: options.Quiet = False,
) -> None:
    """Fetch what metrics need over the network, and compare its sha256; without network, say what to put where.

    \b
    Example:
      python -m benchmark weights fetch dists
    """
    from benchmark.weights.fetch import fetch as bring

    for metric in metrics:
        needed = [file for file in needed_by(metric) if not file.embedded]
        if not needed_by(metric):
            raise UserError(f"{metric}: no file of weights is known for it; see `python -m benchmark weights list`")
        for file in needed:
            if cache.missing([file]):
                with progress(quiet) as report:
                    bring(file, report)
            typer.echo(f"here: {cache.path_of(file)}")


def _status(file: WeightsFile) -> str:
    if file.embedded:
        return "embedded"
    return "absent" if cache.missing([file]) else "here"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
