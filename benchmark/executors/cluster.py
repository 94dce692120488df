"""A Dask cluster: worker processes of this machine, or those of a scheduler's address.

Units travel out, scores come back; images are read by the workers where the pairs say. Only the client writes the store.

Whoever may talk to a Dask scheduler or worker may run code there. The processes of a cluster of this machine therefore
know each other by a certificate that is made for the run and never leaves their memory: other users of the machine
cannot connect. The cluster of an address is as safe as its owner made it; where Dask's own configuration names
certificates, they are used.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from benchmark import __version__
from benchmark.executors.cluster_worker import fingerprint, identities, introduce, score
from benchmark.executors.crew import UNITS_AHEAD, Fate, Task, finish
from benchmark.executors.resources import THREAD_VARIABLES, machine_memory, one_thread_each
from benchmark.metrics.described import Package
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, WorkerSetup
from benchmark.types import Pair, UserError

if TYPE_CHECKING:
    from distributed import Client

PACKAGE = Package("distributed", "distributed", "dask")
CERTIFICATES = Package("cryptography", "cryptography", "dask")
"""Makes the certificates of a cluster of this machine."""
SCHEME = "dask://"
CONNECT_SECONDS = 20
"""How long a scheduler, and then its first worker, may take to answer."""
LOOK_SECONDS = 10
"""How often the workers are counted while none brings anything."""
LONELY_SECONDS = 120
"""How long a cluster may be without a worker before the run ends."""
SAMPLED_UNITS = 8
"""Units whose files are looked for on every worker before anything is sent."""
LOCAL_CONFIGURATION = {
    "distributed.scheduler.allowed-failures": 1,  # a unit is tried twice, as by the local executor
    "distributed.scheduler.worker-saturation": 1.0,  # one unit in each worker: its death is laid to that unit alone
    "distributed.worker.memory.target": False,  # workers hold no data that could be spilled
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # nothing would ever end the pause
    "distributed.worker.memory.terminate": 0.95,
    "distributed.scheduler.http.routes": [],  # pages that any user of the machine could read
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,  # it would stop the workers every 10 ms to look at them
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREAD_VARIABLES, 1),
}


class DaskExecutor:
    """A cluster of so many local workers, or with `address` ("tcp://host:port") that of a scheduler.

    As a context manager it connects at once and stays connected; `workers` is then how many the cluster has. Without,
    it lives as long as one call of `results`. `memory` is what all workers together may plan with.
    """

    def __init__(
        self, setup: WorkerSetup, workers: int, registry: Registry, *, address: str = "", memory: int | None = None
    ) -> None:
        if missing := PACKAGE.missing() or (not address and CERTIFICATES.missing()):
            raise UserError(f"--executor dask needs {missing}")
        self.setup = replace(setup, plugins=tuple(path.absolute() for path in setup.plugins))
        self.workers = workers
        self.registry = registry
        self.address = address
        self.memory = memory
        self._resources = ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> DaskExecutor:
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._client = None
        self._resources.close()

    def _connect(self) -> Client:
        with ExitStack() as stack:
            client = stack.enter_context(_scheduler(self.address) if self.address else _local_cluster(self.workers))
            self._resources = stack.pop_all()
        if self.address:
            self.workers = len(client.nthreads())
        if self.memory is not None:
            self.setup = replace(self.setup, memory=self.memory // self.workers)
        self._client = client
        return client

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Do `units`, yielding each with its result as it ends, in no fixed order.

        A unit whose worker dies is done again elsewhere, as often as the scheduler allows (`allowed-failures`), then
        metric by metric, and what then still kills comes back as failed. Raises UserError when a worker would compute
        something else, sees none of the images, or none is left.
        """
        units = list(units)
        passing = self._client is None
        client = self._client or self._connect()
        ended = False
        try:
            if units:
                check_workers(client, self.setup, self.registry, units)
                yield from finish(units, _Crew(client, self.setup, self.registry))
            ended = True
        finally:
            if passing or not ended:
                self.__exit__()


@contextmanager
def _local_cluster(workers: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    with (
        one_thread_each(),
        _environment_kept(),
        dask.config.set(LOCAL_CONFIGURATION),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            memory_limit=machine_memory() // workers,
            preload=["benchmark.executors.cluster_worker"],
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what Dask writes into this process's environment for its workers."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _scheduler(address: str) -> Iterator[Client]:
    from distributed import Client
    from distributed.security import Security

    if Security().get_connection_args("client").get("ssl_context"):
        address = address.replace("tcp://", "tls://", 1)
    try:  # a client that cannot connect would hold up the end of the program
        host, _, port = address.partition("://")[2].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise UserError(
                f"the scheduler at {address} has no worker; start some with `dask worker {address} --nthreads 1`"
            ) from error
        yield client


def check_workers(client: Client, setup: WorkerSetup, registry: Registry, units: Sequence[Unit]) -> None:
    """Start every worker's scorer, and refuse workers that would compute something else or cannot read the images.

    Raises UserError naming the first workers and what to do.
    """
    metrics = sorted({wanted.metric for unit in units for wanted in unit.wanted})
    sample = [_absolute(unit.pairs[0]) for unit in units[:: max(1, len(units) // SAMPLED_UNITS)]]
    named = [path for pair in sample for path in (pair.distorted, pair.reference) if path is not None]
    files = [path for path in named if _is_here(path)]  # a table may name images that are nowhere
    crowded = [name for name, threads in client.nthreads().items() if threads != 1]
    if crowded:
        raise UserError(
            f"{len(crowded)} workers score several units at once: {first_few(crowded)}; start them with --nthreads 1"
        )
    answers: dict[str, Any] = client.run(introduce, setup, metrics, files, on_error="return")
    wanted = identities(registry, metrics)
    problems = {name: problem for name, answer in answers.items() if (problem := _difference(answer, wanted))}
    if problems:
        raise UserError("\n".join([f"{len(problems)} of {len(answers)} workers cannot take part:", *_lines(problems)]))
    blind = [name for name, answer in answers.items() if files and not answer["sees"]]
    if blind:
        who = "no worker sees" if len(blind) == len(answers) else f"{len(blind)} workers do not see"
        raise UserError(
            f"{who} the images, such as {files[0]}: {first_few(blind)}; the data must lie under the same path on every "
            "worker, for example on shared storage"
        )
    for metric in metrics:
        lacking = {name: answer["missing"].get(metric) for name, answer in answers.items()}
        if None in lacking.values() and any(lacking.values()):
            reasons = {name: f"{metric} needs {reason}" for name, reason in lacking.items() if reason}
            raise UserError("\n".join(["some workers lack what others have:", *_lines(reasons)]))


def _is_here(path: Path) -> bool:
    return os.path.isfile(path)


def _difference(answer: Any, wanted: dict[str, tuple[str, str]]) -> str:
    """Why a worker cannot take part; "" when it can."""
    if isinstance(answer, UserError):
        return (
            f"{answer} (every worker must be able to read it under this path)"
            if "plugin" in str(answer)
            else str(answer)
        )
    if isinstance(answer, BaseException):
        return f"{type(answer).__name__}: {answer}; install iqa-benchmark {__version__} there"
    if answer["version"] != __version__:
        return f"runs iqa-benchmark {answer['version']}, expected {__version__}; install the same version there"
    others = [name for name, identity in wanted.items() if tuple(answer["metrics"][name]) != identity]
    if others:
        return f"has other versions or weights of {first_few(others)}; install the same packages and plugin files there"
    return ""


def _lines(problems: dict[str, str]) -> list[str]:
    """One line per reason, with the workers that have it."""
    by_reason: dict[str, list[str]] = {}
    for name, problem in problems.items():
        by_reason.setdefault(problem, []).append(name)
    return [f"  {first_few(names)}: {reason}" for reason, names in by_reason.items()]


def _absolute(pair: Pair) -> Pair:
    """The same pair with paths that hold in any folder."""
    if pair.distorted.is_absolute() and (pair.reference is None or pair.reference.is_absolute()):
        return pair
    reference = pair.reference.absolute() if pair.reference is not None else None
    return replace(pair, distorted=pair.distorted.absolute(), reference=reference)


class _Crew:
    """The workers of a cluster, however many there are at the time."""

    patience = 1

    def __init__(self, client: Client, setup: WorkerSetup, registry: Registry) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._setup = setup
        self._registry = registry
        self._done: SimpleQueue[tuple[Task, Future[UnitResult]]] = SimpleQueue()
        self._workers = len(client.nthreads())
        self._counted = self._seen = time.monotonic()

    @property
    def room(self) -> int:
        if time.monotonic() - self._counted > LOOK_SECONDS:
            self._count()
        return UNITS_AHEAD * max(1, self._workers)

    def submit(self, task: Task) -> None:
        unit = replace(task.unit, pairs=tuple(map(_absolute, task.unit.pairs)))
        expected = fingerprint(self._registry, (wanted.metric for wanted in unit.wanted))
        future = self._executor.submit(score, self._setup, expected, unit)
        future.add_done_callback(lambda done: self._done.put((task, done)))

    def next(self) -> tuple[Task, UnitResult | Fate]:
        from distributed.scheduler import KilledWorker

        while True:
            try:
                task, future = self._done.get(timeout=LOOK_SECONDS)
                break
            except Empty:
                self._count()
        try:
            return task, future.result()
        except KilledWorker:
            return task, Fate.KILLED
        except CancelledError as error:
            raise UserError(
                "the Dask scheduler is gone; what was scored is kept, run the same command again"
            ) from error

    def _count(self) -> None:
        """Count the workers; raises UserError when there has been none for long."""
        self._workers, self._counted = len(self._client.nthreads()), time.monotonic()
        if self._workers:
            self._seen = self._counted
        elif self._counted - self._seen > LONELY_SECONDS:
            raise UserError(
                f"the cluster has had no worker for {LONELY_SECONDS} s; what was scored is kept, start workers and run "
                "the same command again"
            )
