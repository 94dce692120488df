"""The two consoles, and progress that is watched on a terminal and silent elsewhere. Results go to stdout alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
from rich.text import Text

from benchmark.types import Progress as Report

PIPED_WIDTH = 160
"""Columns of what is written to a file or a pipe, unless the environment variable COLUMNS says otherwise."""


def _console(*, stderr: bool) -> Console:
    """A console that shows every text as it is: names of files and metrics are no markup and hold no emoji."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if os.environ.get("COLUMNS") or stream.isatty() else PIPED_WIDTH
    return Console(stderr=stderr, width=width, emoji=False, markup=False, highlight=False)


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
        disable=quiet or not messages.is_terminal,
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
