"""The two consoles, and progress that is watched on a terminal and silent elsewhere. Results go to stdout alone."""

from __future__ import annotations

import logging
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text

from benchmark.text import visible
from benchmark.types import Progress as Report

if TYPE_CHECKING:
    from rich.table import Table

PIPED_WIDTH = 160
"""Columns of what is written to a file or a pipe, unless the environment variable COLUMNS says otherwise."""


class SafeConsole(Console):
    """A console whose own styles and movements are the only control characters that reach the terminal."""

    def render(self, *arguments: Any, **options: Any) -> Iterator[Segment]:
        """Yield what is to be written, the control characters of texts as escapes."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def _console(*, stderr: bool) -> Console:
    """A console that shows every text as it is: names of files and metrics are no markup and hold no emoji."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if os.environ.get("COLUMNS") or (stream and stream.isatty()) else PIPED_WIDTH
    return SafeConsole(stderr=stderr, width=width, emoji=False, markup=False, highlight=False)


Facts = list[tuple[str, str]]
"""What is known of a thing: titles and texts, "" where nothing is."""
INDENT = 4

messages = _console(stderr=True)
"""For progress, warnings and errors."""
results = _console(stderr=False)
"""For what the command was asked for."""


class Rate(ProgressColumn):
    """Work per second."""

    def render(self, task: Task) -> Text:
        """Show the recent speed, else the mean one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s", style="progress.data.speed")


@contextmanager
def progress(quiet: bool) -> Iterator[Report]:
    """Yield a callback (done, total, what); a new `what` starts a new bar. Draws only on a terminal."""
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=messages,
        disable=quiet or not (messages.is_terminal or messages.is_jupyter),
    )
    tasks: dict[str, TaskID] = {}

    def report(done: int, total: int, what: str) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)

    with bars:
        yield report


def say(text: str, *, quiet: bool = False) -> None:
    """Print a message to stderr, unless quiet."""
    if not quiet:
        messages.print(text, soft_wrap=True)


def show_warnings() -> None:
    """Show what the packages log (how a table was read, which images are missing) as messages from now on."""
    for package in ("benchmark", "iqa_datasets"):
        logging.getLogger(package).addHandler(Warnings())


class Warnings(logging.Handler):
    """Shows what is logged as messages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        say(record.getMessage())


def print_line(text: str) -> None:
    """Print a line of a result to stdout, however long."""
    results.print(text, soft_wrap=True)


def write(text: str) -> None:
    """Write data to stdout as it is; on a terminal its control characters become escapes."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """A table whose cells wrap and are never cut; those of the first column do not even wrap."""
    from rich.table import Table

    found = Table(box=None, header_style="bold")
    for number, title in enumerate(titles):
        found.add_column(title, overflow="fold", no_wrap=number == 0)
    for row in rows:
        found.add_row(*map(Text, row))
    return found


def print_block(name: str, facts: Facts) -> None:
    """The name, and below it the facts that are known, indented; long ones wrap, nothing is cut."""
    results.print(Text(name, style="bold"), soft_wrap=True)
    for title, text in facts:
        first, *more = (f"{title}: {text}" if "\n" not in text else f"{title}:\n{text}").splitlines()
        lines = [*_wrapped(first, INDENT), *(line for part in more for line in _wrapped(part, 2 * INDENT))]
        for line in lines if text else ():
            results.print(Text(line), soft_wrap=True)
    results.print()


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of the console's width; a word that is longer (a hash, an address) stays whole."""
    return textwrap.wrap(
        text,
        results.width,
        initial_indent=" " * indent,
        subsequent_indent=" " * 2 * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
