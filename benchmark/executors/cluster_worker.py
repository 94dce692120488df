"""What runs on a worker of a Dask cluster: the same scoring as everywhere, and who the worker is.

Answers are plain dictionaries: they must be readable even where another version of this program made them.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark import __version__
from benchmark.allocator import keep_freed_memory
from benchmark.executors.resources import THREAD_VARIABLES, device_names, resolve_device
from benchmark.executors.threads import limit_to_one_thread
from benchmark.images import quiet_decoders
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, UnitScorer, WorkerSetup
from benchmark.types import UserError

_scorer: tuple[WorkerSetup, UnitScorer] | None = None
"""The worker process's own, and what it was made for."""


def dask_setup(worker: Any) -> None:
    """Called by Dask in a worker that this program started: Ctrl-C is the parent's to handle, and stdout for results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)


def identities(registry: Registry, metrics: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Version and weights of each metric; empty texts for one that is not known here."""
    found = {}
    for name in metrics:
        try:
            info = registry.metric(name).info
        except UserError:
            found[name] = ("", "")
        else:
            found[name] = (info.version, info.weights_sha256)
    return found


def fingerprint(registry: Registry, metrics: Iterable[str]) -> str:
    """A hash of this program's version and the identities of metrics: equal where the same scores are computed."""
    text = repr((__version__, sorted(identities(registry, metrics).items())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def introduce(
    setup: WorkerSetup, metrics: Sequence[str], files: Sequence[Path], *, dask_worker: Any = None
) -> dict[str, Any]:
    """Make this worker's scorer anew, and tell what the client compares: version, metrics, and whether it sees files.

    Dask itself passes `dask_worker` to what runs on every worker.
    """
    registry = _start(setup, dask_worker.name).registry
    return {
        "version": __version__,
        "metrics": identities(registry, metrics),
        "missing": {
            name: registry.metric_missing(registry.metrics[name]) for name in metrics if name in registry.metrics
        },
        "sees": any(path.is_file() for path in files),
    }


def score(setup: WorkerSetup, expected: str, unit: Unit) -> UnitResult:
    """Score a unit. Raises UserError where this worker would compute something else than the client asks for."""
    from distributed import get_worker

    worker = get_worker()
    name = worker.name
    if worker.state.nthreads != 1:
        raise UserError(f"worker {name} joined with {worker.state.nthreads} threads; start it with --nthreads 1")
    scorer = _scorer[1] if _scorer is not None and _scorer[0] == setup else _start(setup, name)
    if fingerprint(scorer.registry, (wanted.metric for wanted in unit.wanted)) != expected:
        raise UserError(
            f"worker {name}: it joined with another version of this program or of a metric; install the same "
            "version everywhere and run the same command again"
        )
    return scorer(unit)


def _start(setup: WorkerSetup, name: object) -> UnitScorer:
    global _scorer  # noqa: PLW0603  a worker process has one scorer at a time
    _compute_with_one_thread()
    keep_freed_memory()
    quiet_decoders()
    scorer = UnitScorer(Registry(setup.plugins), replace(setup, device=_device(setup.device, name)))
    _scorer = setup, scorer
    return scorer


def _compute_with_one_thread() -> None:
    """Libraries that are loaded later read the environment; those that are loaded already are told."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    limit_to_one_thread()


def _device(wanted: str, name: object) -> str:
    """The device of the worker of that name: workers that this program numbered share all CUDA devices in turn."""
    device = resolve_device(wanted)
    if not isinstance(name, int):
        return device
    devices = device_names(device)
    return devices[name % len(devices)]
