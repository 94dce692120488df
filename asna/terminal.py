"""What the commands of ``python -m asna`` share: a progress bar, and the choice of a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """A progress bar on standard error, and a function (done, total, what) that moves it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from benchmark.output.console import messages

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
    )
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def choose_device(name: str) -> str:
    """`auto` is CUDA where there is one. Raises UserError for a device that is not here."""
    import torch

    from benchmark.types import UserError

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device {name}: no CUDA device here; use --device cpu or auto")
    return name
