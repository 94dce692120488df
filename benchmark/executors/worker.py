"""What runs inside a local worker process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

from benchmark.allocator import keep_freed_memory
from benchmark.images import quiet_decoders
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, UnitScorer, WorkerSetup
from benchmark.types import UserError

_scorer: UnitScorer | str | None = None
"""The worker process's own, or why there is none; set once by `start`."""


def start(setup: WorkerSetup) -> None:
    """Make the process a worker: deaf to Ctrl-C, which is the parent's to handle, and never outliving the parent."""
    global _scorer  # noqa: PLW0603  a worker process has one scorer for its whole life
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what metrics print is talk, not results
    keep_freed_memory()
    quiet_decoders()
    try:
        _scorer = UnitScorer(Registry(setup.plugins), setup)
    except UserError as error:
        _scorer = str(error)


def _end_with_parent() -> None:
    """End this worker when the run is killed: the pool's own pipes would keep it waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def ready() -> int:
    """Tell the process's id, once it has started."""
    return os.getpid()


def score(unit: Unit) -> UnitResult:
    """Score a unit with the process's scorer; a process without one gives its reason for every metric."""
    if _scorer is None:
        raise RuntimeError("the worker was not started by LocalExecutor")
    if isinstance(_scorer, str):
        return UnitResult([], {wanted.metric: _scorer for wanted in unit.wanted})
    return _scorer(unit)
