"""A run without its start-up: workers are started and every metric loaded by a small run, then a large one is timed.

    python benchmarks/warm_run.py FEW.csv MANY.csv psnr,ssim WORKERS

Prints JSON: seconds of planning (labels, files, what is missing) and of execution (all units scored and committed), and
processor seconds of both, workers included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import harness

from benchmark.executors import LocalExecutor, default_memory
from benchmark.registry import Registry
from benchmark.runner import execute, plan
from benchmark.scoring import WorkerSetup
from benchmark.store import Store


@dataclass(frozen=True, slots=True)
class Warm:
    """Wall seconds of a run whose workers are ready, and processor seconds of all its processes."""

    plan: float
    execute: float
    processor: float

    @property
    def seconds(self) -> float:
        """Both."""
        return self.plan + self.execute


def measure(few: Path, many: Path, metrics: Sequence[str], workers: int) -> Warm:
    """Time it in a process of its own; `few` has a content or more for every worker."""
    command = [sys.executable, str(Path(__file__).resolve()), str(few.resolve()), str(many.resolve())]
    done = subprocess.run(
        [*command, ",".join(metrics), str(workers)],
        env=harness.users_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Warm(**json.loads(done.stdout))


def warm(few: Path, many: Path, metrics: Sequence[str], workers: int) -> Warm:
    """Run `few`, then `many` with the same workers, each into a new store; raises RuntimeError when a score is missing."""
    registry = Registry()
    with LocalExecutor(WorkerSetup(memory=default_memory() // workers), workers) as executor:
        for table in (few, many):
            with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "scores.sqlite") as store:
                used, start = _processor(), time.perf_counter()
                todo = plan(store, registry, f"table:{table}", metrics, None, workers=workers)
                planned = time.perf_counter()
                outcome = execute(store, todo, executor)
                found = Warm(planned - start, time.perf_counter() - planned, _processor() - used)
                if not outcome.complete:
                    raise RuntimeError(f"{table}: {outcome}")
    return found


def _processor() -> float:
    """Processor seconds of this process and its workers so far, from /proc."""
    ticks = 0
    for pid in [os.getpid(), *(child.pid for child in multiprocessing.active_children())]:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Serve `measure`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("few", type=Path)
    parser.add_argument("many", type=Path)
    parser.add_argument("metrics")
    parser.add_argument("workers", type=int)
    given = parser.parse_args()
    print(json.dumps(asdict(warm(given.few, given.many, given.metrics.split(","), given.workers))))


if __name__ == "__main__":
    main()
