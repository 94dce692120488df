"""``remove``: take a data set, or some of its metrics, out of the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.names import unknown_name
from benchmark.output.console import results, say
from benchmark.store import Store, Stored, store_path
from benchmark.types import UserError


def remove(
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            help="The data set as the boards name it, NAME@REVISION for one of its label revisions. Example: --dataset table:mine",
            metavar="NAME",
        ),
    ],
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            "-m",
            help="Only the scores of these, in every version; the labels stay. Example: --metrics dssim",
            metavar="NAMES",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    results_folder: options.Results = Path("results"),
) -> None:
    """Remove a data set with all its labels and scores from the store, or only the scores of some metrics.

    What is removed is named with its counts, and asked for before. Nothing but the store is touched.

    \b
    Examples:
      python -m benchmark remove --dataset table:mine --dry-run
      python -m benchmark remove --dataset tid2013 --metrics dssim --yes
    """
    path = store_path(results_folder)
    with Store(path, readonly=True) as store:
        stored = store.contents()
    found = _chosen(stored, dataset, None if metrics is None else options.names(metrics, "--metrics"))
    for one in found:
        results.print(_sentence(one), markup=False, highlight=False, soft_wrap=True)
    if dry_run:
        say("nothing was removed (--dry-run)")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UserError(
                "remove: nothing was removed: there is no terminal to ask at; say --yes, or look with --dry-run"
            )
        if not typer.confirm(f"Remove this from {path}?", err=True):
            say("nothing was removed")
            return
    with Store(path) as store:
        for key in dict.fromkeys(one.dataset for one in found):
            of_it = [one.series for one in found if one.dataset == key and one.series is not None]
            store.remove(key, None if metrics is None else of_it)
    say(f"removed from {path}: {sum(one.n_scores for one in found)} scores of {dataset}")


def _chosen(stored: list[Stored], dataset: str, metrics: list[str] | None) -> list[Stored]:
    """What is stored of a data set, or of some of its metrics; raises UserError for a name that is not there."""
    found = [one for one in stored if one.name == dataset]
    base, _, revision = dataset.rpartition("@")
    if not found and revision:
        found = [one for one in stored if one.name == base and one.revision.startswith(revision)]
    if not found:
        raise unknown_name("stored data set", dataset, {one.name for one in stored})
    for metric in metrics or ():
        if metric not in {one.metric for one in found}:
            raise unknown_name(f"metric of {dataset}", metric, {one.metric for one in found if one.metric})
    return found if metrics is None else [one for one in found if one.metric in metrics]


def _sentence(one: Stored) -> str:
    name = f"{one.name} (label revision {one.revision[:12]})"
    if one.series is None:
        return f"{name}: labels, no scores"
    weights = f", weights {one.weights[:8]}" if one.weights else ""
    return f"{name}: {one.metric} version {one.version}{weights}: {one.n_scores} scores, {one.n_failures} failures"
