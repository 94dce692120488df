"""Worker processes on this machine, one thread each, on the CPU or on its CUDA devices."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Thread

from benchmark.executors.crew import UNITS_AHEAD, Fate, Task, finish
from benchmark.executors.resources import cores, device_names, one_thread_each
from benchmark.executors.worker import ready, score, start
from benchmark.leftovers import temporary_folder
from benchmark.scoring import Unit, UnitResult, WorkerSetup
from benchmark.types import UserError

GRACE_SECONDS = 5.0
"""How long workers that were told to end may take: one that was stopped (SIGSTOP) would take for ever."""
OUT_OF_MEMORY = "most likely for lack of memory: take fewer --workers"


class LocalExecutor:
    """Worker processes, each started with `setup`; for the device "cuda" they share all CUDA devices in turn.

    As a context manager it starts its workers at once, so that they load while the caller plans, and keeps them from
    one call of `results` to the next; without, they live as long as one call. While they live, the environment of this
    process asks for one thread.
    """

    def __init__(self, setup: WorkerSetup, workers: int, *, devices: tuple[str, ...] = ()) -> None:
        self.setup = setup
        self.workers = workers
        self.devices = devices or device_names(setup.device)
        self._crew: _Crew | None = None

    def __enter__(self) -> LocalExecutor:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._crew is not None:
            self._crew.close()
            self._crew = None

    def _start(self) -> _Crew:
        devices = [self.devices[i % len(self.devices)] for i in range(self.workers)]
        decoders = None if self.setup.device == "cpu" else max(1, cores() // self.workers)
        setup = replace(self.setup, decoders=decoders) if self.setup.decoders is None else self.setup
        self._crew = _Crew([replace(setup, device=device) for device in devices])
        return self._crew

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Do `units`, yielding each with its result as it ends, in no fixed order.

        A unit that kills its worker twice is taken apart, down to the pairs that do it, which come back as failed.
        Closing the generator early ends the workers. Raises UserError when a worker cannot be started.
        """
        passing = self._crew is None
        crew = self._crew or self._start()
        ended = False
        try:
            yield from finish(units, crew)
            ended = True
        finally:
            if passing or not ended:
                self.__exit__()


@dataclass(eq=False, slots=True)
class _Worker:
    """One process behind a pool of its own, so that its death is told from that of others."""

    setup: WorkerSetup
    pool: ProcessPoolExecutor
    processes: list[BaseProcess]
    started: Future[int]
    load: int = 0
    """Units handed out to it."""
    replaced: bool = False
    blamed: bool = False
    """Whether its death has been laid to a unit: the first in its queue."""


def _start_worker(setup: WorkerSetup) -> _Worker:
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=start, initargs=(setup,))
    others = set(multiprocessing.active_children())
    started = pool.submit(ready)
    return _Worker(setup, pool, [p for p in multiprocessing.active_children() if p not in others], started)


def _ending(worker: _Worker) -> str:
    """How the process of a worker that is known to have ended did so."""
    worker.pool.shutdown(wait=True)  # until then the code may be on its way through the pool's own thread
    for process in worker.processes:
        code = process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"was killed by {name}{f' ({OUT_OF_MEMORY})' if -code == signal.SIGKILL else ''}"
        if code is not None:
            return f"ended with exit code {code}"
    return "ended"


class _Crew:
    """A worker per setup; none outlives the crew, whether the run ends, fails, is interrupted or killed.

    What workers write to their folder of temporary files goes with the crew, also when they are ended at work.
    """

    patience = 2

    def __init__(self, setups: list[WorkerSetup]) -> None:
        self._done: SimpleQueue[tuple[_Worker, Task, Future[UnitResult]]] = SimpleQueue()
        self._environment, self._left_behind = ExitStack(), ExitStack()
        folder = self._left_behind.enter_context(temporary_folder("iqa-run-"))
        self._environment.enter_context(one_thread_each(temporary=str(folder)))
        self._workers: list[_Worker] = []
        try:
            for setup in setups:
                self._workers.append(_start_worker(setup))
        except BaseException:
            self.close()
            raise

    @property
    def room(self) -> int:
        return UNITS_AHEAD * len(self._workers)

    def submit(self, task: Task) -> None:
        worker = min(self._workers, key=lambda worker: worker.load)
        try:
            future = worker.pool.submit(score, task.unit)
        except BrokenProcessPool:  # its death has not been heard of yet, or no unit was to blame
            self._replace(worker)
            self.submit(task)
        else:
            worker.load += 1
            future.add_done_callback(lambda done: self._done.put((worker, task, done)))

    def next(self) -> tuple[Task, UnitResult | Fate]:
        worker, task, future = self._done.get()
        worker.load -= 1
        error = future.exception()
        if error is None:
            return task, future.result()
        if not isinstance(error, BrokenProcessPool):
            raise error
        self._replace(worker)
        if worker.blamed:
            return task, Fate.LOST
        worker.blamed = True
        return task, Fate.KILLED

    def _replace(self, worker: _Worker) -> None:
        if worker.replaced:
            return
        if worker.started.exception() is not None:
            raise UserError(
                f"a worker process {_ending(worker)} while it started; what it said, if anything, stands above"
            )
        worker.replaced = True
        worker.pool.shutdown(wait=False)
        self._workers[self._workers.index(worker)] = _start_worker(worker.setup)

    def close(self) -> None:
        """End every worker: at once where it is at work or still starting, and by force where it does not answer."""
        self._environment.close()
        for worker in self._workers:
            if worker.load or not worker.started.done():
                for process in worker.processes:
                    process.terminate()
        ends = [Thread(target=worker.pool.shutdown, kwargs={"cancel_futures": True}) for worker in self._workers]
        for end in ends:
            end.start()
        _kill_the_deaf([process for worker in self._workers for process in worker.processes])
        for end in ends:
            end.join()
        self._left_behind.close()


def _kill_the_deaf(processes: list[BaseProcess]) -> None:
    """Wait until all have ended, and after `GRACE_SECONDS` kill those that have not: they hold nothing that counts."""
    end = time.monotonic() + GRACE_SECONDS
    alive = {process.sentinel: process for process in processes}
    while alive and (left := end - time.monotonic()) > 0:
        for sentinel in wait(list(alive), left):
            del alive[sentinel]  # type: ignore[arg-type]
    for process in alive.values():
        process.kill()
