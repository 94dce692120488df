"""`python -m benchmark run` as a user starts it: a process of its own, timed whole, into a results folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.store import Store

LIMITS_THREADS = ("_NUM_THREADS", "_THREADS_NUM")
"""How the names of environment variables end that limit the threads of a numerical library."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one whole command brought."""

    seconds: float
    """Wall time from starting the process to its end."""
    scores: dict[str, dict[str, float]]
    """metric -> pair -> score."""
    backends: dict[str, list[str]]
    """metric -> which implementation computed it."""


def users_environment(**changes: str) -> dict[str, str]:
    """This process's environment without limits on threads, which a user's would not have."""
    return {name: value for name, value in os.environ.items() if not name.endswith(LIMITS_THREADS)} | changes


def run(table: Path, metrics: Sequence[str], *options: str) -> Run:
    """Score `table` with `metrics` in a fresh store; raises RuntimeError unless every score was made."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmark", "run", "--metrics", ",".join(metrics)]
        command += ["--dataset", f"table:{table.resolve()}", "--results", folder, "--device", "cpu", *options]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=users_environment(), capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        with Store(Path(folder) / "scores.sqlite", readonly=True) as store:
            (dataset,) = store.datasets()
            every = store.series(dataset)
            return Run(
                seconds,
                {series.info.name: store.scores(series) for series in every},
                {series.info.name: store.backends(series) for series in every},
            )
