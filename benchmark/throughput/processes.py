"""Work in a process of its own, so that no memory and no state of one metric leaks into the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from benchmark.executors.resources import one_thread_each
from benchmark.types import PairError, UserError

DIED = "its process died (out of memory, or a crash in native code)"

PATIENCE = 10
"""Seconds that a process that has done its work may take to end by itself."""


class WorkerError(Exception):
    """Why the work ended early; the message says it."""


def in_fresh_process(work: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
    """Yield what `work(*arguments)` yields in a new process that computes with one thread, each as it comes.

    Raises WorkerError when the work raises or its process dies. The process is gone when this ends, however it ends.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, work, arguments), daemon=True)
    with one_thread_each():
        process.start()
    sender.close()
    try:
        while (message := _receive(receiver)) is not None:
            if isinstance(message, WorkerError):
                raise message
            yield message
        process.join(PATIENCE)
    finally:
        process.terminate()
        process.join()
        receiver.close()


def reason(error: BaseException) -> str:
    """Why something failed, in one line."""
    if isinstance(error, PairError | UserError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _receive(receiver: Connection) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        raise WorkerError(DIED) from None


def _child(sender: Connection, work: Callable[..., Iterator[Any]], arguments: tuple[Any, ...]) -> None:
    """Send what the work yields, then None; or the reason why it ended early."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    os.dup2(2, 1)  # what metrics print is talk, not results
    try:
        for item in work(*arguments):
            sender.send(item)
        sender.send(None)
    except BrokenPipeError:
        return  # nobody listens any more
    except (Exception, SystemExit) as error:
        sender.send(WorkerError(reason(error)))
