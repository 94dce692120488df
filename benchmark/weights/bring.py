"""Fetching files of weights with words and progress for a user who watches."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from benchmark.output.console import progress, say
from benchmark.registry import Registry
from benchmark.types import UserError
from benchmark.weights import cache
from benchmark.weights.catalogue import WeightsFile, needed_by

KILOBYTE = 1000


def bring_lacking(registry: Registry, metrics: Iterable[str], *, quiet: bool) -> None:
    """Fetch the files that metrics lack to run; say in one line per file what cannot be had, and what to put where.

    Asks nothing. Leaves alone what the user has to supply, and metrics that lack something else.
    """
    from benchmark.weights.fetch import offline

    lacking: dict[str, WeightsFile] = {}
    for name in metrics if not offline() else ():
        missing = registry.metric_missing(registry.metric(name)) or ""
        lacking |= {file.name: file for file in needed_by(name) if file.url and file.name in missing}
    for file in lacking.values():
        try:
            bring(file, quiet=quiet)
        except UserError as error:
            say(str(error))


def bring(file: WeightsFile, *, quiet: bool) -> None:
    """Fetch one file, saying so; raises UserError in one line."""
    from benchmark.weights.fetch import fetch, offline

    size = file.editions[0].size
    sized = f"{file.name} ({cache.size_text(size)})" if size else file.name
    say(f"fetching {sized} from {source(file)}", quiet=quiet or offline())
    with progress(quiet) as report:
        fetch(file, lambda done, total, name: report(done // KILOBYTE, total // KILOBYTE, f"{name} (kB)"))
    if cache.state(file) is cache.State.UNVERIFIED:
        say(f"{file.name} is not verified, but taken as it came: nobody here knows its sha256")


def source(file: WeightsFile) -> str:
    """Where a file comes from, in a word."""
    if file.embedded:
        return "this package"
    return urlsplit(file.url).netloc or "you"
