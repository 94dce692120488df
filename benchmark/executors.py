"""Where work units are done: local worker processes, on the CPU or one CUDA device.

Every worker computes with one thread, so that scores do not depend on the number of workers and cores are not fought
over. A worker that dies (out of memory, a crash in native code) costs nothing but its unit's second try.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path

from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, UnitScorer, WorkerSetup
from benchmark.types import UserError

UNITS_AHEAD = 2
"""Units handed out per worker: enough that none waits, few enough that a killed run loses little."""
THREAD_VARIABLES = (
    "OPENCV_FOR_THREADS_NUM",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
MEMORY_SHARE = 0.5
"""Share of the machine's memory that the workers together may plan with when `--memory` is not given."""
DIED = "the worker process died while scoring it (out of memory, or a crash in native code)"


def default_workers(device: str) -> int:
    """One worker per core that this process may use; one for a CUDA device."""
    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_memory() -> int:
    """Bytes that all workers together may plan with: half of the machine's memory."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return int(MEMORY_SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return 4 << 30


def resolve_device(device: str) -> str:
    """Turn "auto" into "cuda" where a CUDA device answers, else "cpu"; check "cpu", "cuda" and "cuda:N".

    Raises UserError for another name, and for a CUDA device that is not there. Torch is imported only when a driver is.
    """
    if device == "cpu" or (device == "auto" and not any(Path("/dev").glob("nvidia[0-9]*"))):
        return "cpu"
    if not re.fullmatch(r"auto|cuda(:\d+)?", device):
        raise UserError(f"device: expected auto, cpu, cuda or cuda:N, got {device!r}")
    import torch

    if torch.cuda.is_available():
        index = int(device.partition(":")[2] or 0)
        if index < torch.cuda.device_count():
            return device if device != "auto" else "cuda"
    if device == "auto":
        return "cpu"
    raise UserError(f"device {device}: torch sees {torch.cuda.device_count()} CUDA devices here; use --device cpu")


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """A pool of worker processes on this machine, each started with `setup`."""

    setup: WorkerSetup
    workers: int

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Do `units`, yielding each with its result as it ends, in no fixed order.

        When a worker dies, the units that were in flight are done again one at a time; the one that kills its worker
        twice is done metric by metric, and what then still kills it comes back as failed.
        """
        waiting: deque[Unit] = deque(units)
        suspects: deque[Unit] = deque()
        while waiting or suspects:
            lost: list[Unit] = []
            queue, ahead = (suspects, 1) if suspects else (waiting, UNITS_AHEAD * self.workers)
            with self._pool() as pool:
                yield from _drain(pool, queue, ahead, lost)
            if queue is waiting:
                suspects.extend(lost)
            for unit in lost if queue is suspects else ():
                if len(unit.wanted) > 1:
                    suspects.extendleft(unit.by_metric())
                else:
                    yield unit, unit.failed(DIED)

    def _pool(self) -> _Pool:
        return _Pool(self)


def _drain(
    pool: _Pool, queue: deque[Unit], ahead: int, lost: list[Unit]
) -> Generator[tuple[Unit, UnitResult], None, None]:
    """Yield results until the queue is empty or the pool breaks; `lost` then names the units that were in flight."""
    flying: dict[Future[UnitResult], Unit] = {}
    while queue or flying:
        try:
            while queue and len(flying) < ahead:
                unit = queue.popleft()
                try:
                    flying[pool.submit(unit)] = unit
                except BrokenProcessPool:
                    queue.appendleft(unit)
                    raise
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                yield flying.pop(future), result
        except BrokenProcessPool:
            lost.extend(flying.values())
            return


class _Pool:
    """A process pool that leaves no process behind, whether the run ends, fails, is interrupted or killed."""

    def __init__(self, executor: LocalExecutor) -> None:
        self._executor = executor
        self._environment: dict[str, str | None] = {}

    def __enter__(self) -> _Pool:
        self._environment = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        executor = self._executor
        self._pool = ProcessPoolExecutor(
            executor.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(executor.setup,),
        )
        return self

    def submit(self, unit: Unit) -> Future[UnitResult]:
        return self._pool.submit(_score, unit)

    def __exit__(self, kind: type | None, *_: object) -> None:
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for child in multiprocessing.active_children():
                child.terminate()


_scorer: UnitScorer | str | None = None
"""The worker process's own, or why there is none; set once by `_start_worker`."""


def _start_worker(setup: WorkerSetup) -> None:
    global _scorer  # noqa: PLW0603  a worker process has one scorer for its whole life
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what metrics print is talk, not results
    try:
        _scorer = UnitScorer(Registry(setup.plugins), setup)
    except UserError as error:
        _scorer = str(error)


def _end_with_parent() -> None:
    """End this worker when the run is killed: the pool's own pipes would keep it waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(1)


def _score(unit: Unit) -> UnitResult:
    if _scorer is None:
        raise RuntimeError("the worker was not started by LocalExecutor")
    if isinstance(_scorer, str):
        return UnitResult([], {wanted.metric: _scorer for wanted in unit.wanted})
    return _scorer(unit)
