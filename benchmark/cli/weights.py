"""``weights``: which files of parameters the metrics need, which are here, and how the others come here."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.output.console import Facts, print_block, print_line, progress, results, say, table
from benchmark.types import UserError
from benchmark.weights import cache
from benchmark.weights.bring import bring, source
from benchmark.weights.catalogue import FILES, Edition, WeightsFile, needed_by

app = typer.Typer(
    help="Weights: which files the metrics need, which are here, and how the others come here.\n\n"
    "They are kept in a folder of the harness's own: the environment variable IQA_WEIGHTS, or the user's cache.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SHOWN_UNKNOWN = 5
UNKNOWN = "not known"


@app.callback()
def _clear_leftovers() -> None:
    cache.clear_leftovers()


@app.command("list", short_help="List the files, what for, from where, and which are here.")
def list_files(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Full sha256 and where each comes from.")] = False,
) -> None:
    """List every file of weights: for which metrics, its size and licence, and whether it is here.

    \b
    Example:
      python -m benchmark weights list --verbose
    """
    if verbose:
        for file in FILES:
            print_block(file.name, _facts(file))
    else:
        titles = ("file", "for", "size", "status", "from", "licence", "sha256")
        results.print(table(titles, map(_cells, FILES)))
    say(f"weights folder: {cache.folder()}")


@app.command("check", short_help="Compare the sha256 of every file that is here.")
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
        print_line(f"{state.value:9} {file.name}{where}")
    if damaged:
        say(f"{damaged} damaged: delete it and run `python -m benchmark weights add PATH` or `weights fetch METRIC`")
        raise typer.Exit(3)


@app.command("add", short_help="Take files from a disk, verified by their sha256.")
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
            print_line(f"{item.outcome}: {item.path} as {item.file.name}, for {metrics}{_because(item.reason)}")
    damaged = [item for item in taken if item.outcome == "damaged"]
    for item in damaged:
        say(f"damaged: {item.path}{_because(item.reason)}")
    unknown = [item.path for item in taken if item.outcome == "unknown"]
    if unknown:
        more = f" and {len(unknown) - SHOWN_UNKNOWN} more" if len(unknown) > SHOWN_UNKNOWN else ""
        say(f"unknown, left alone: {', '.join(map(str, unknown[:SHOWN_UNKNOWN]))}{more}", quiet=quiet)
    if damaged or any(path in unknown for path in paths):
        raise typer.Exit(3)


@app.command("fetch", short_help="Fetch what metrics need over the network, verified.")
def fetch(
    metrics: Annotated[list[str], typer.Argument(help="Metrics. Example: lpips-vgg dists", metavar="METRIC...")],
    quiet: options.Quiet = False,
) -> None:
    """Fetch what metrics need over the network, and compare its sha256; without network, say what to put where.

    \b
    Example:
      python -m benchmark weights fetch dists
    """
    for metric in metrics:
        if not needed_by(metric):
            raise UserError(
                f"{metric}: no file of weights is known for it{_nearest(metric)}; see `python -m benchmark weights list`"
            )
        for file in needed_by(metric):
            if cache.missing([file]):
                bring(file, quiet=quiet)
            print_line(f"here: {cache.path_of(file)}")


def _nearest(metric: str) -> str:
    """The name of a metric with weights that was perhaps meant."""
    known = {name for file in FILES for name in file.metrics}
    near = get_close_matches(metric, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _cells(file: WeightsFile) -> list[str]:
    """What the table tells of a file; one line per edition."""
    return [
        file.name,
        ", ".join(file.metrics),
        "\n".join(map(_size, file.editions)),
        _status(file),
        source(file),
        file.licence,
        "\n".join(edition.sha256[:12] or UNKNOWN for edition in file.editions),
    ]


def _facts(file: WeightsFile) -> Facts:
    """All that is known of a file."""
    return [
        ("for", ", ".join(file.metrics)),
        *(("sha256", f"{edition.sha256 or UNKNOWN} ({_size(edition)})") for edition in file.editions),
        ("from", file.url or source(file)),
        ("licence", file.licence),
        ("note", file.note),
        ("status", _status(file)),
        ("place", str(cache.path_of(file))),
    ]


def _size(edition: Edition) -> str:
    return cache.size_text(edition.size) if edition.size else UNKNOWN


def _status(file: WeightsFile) -> str:
    """Whether a file is here, and which edition where there are several."""
    if file.embedded:
        return "embedded"
    if cache.missing([file]):
        return "absent"
    if not file.expected:
        return "here, not verified"
    return "here" if len(file.editions) == 1 else f"here: {cache.size_text(cache.path_of(file).stat().st_size)}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
