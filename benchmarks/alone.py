"""Decoding and metric arithmetic with nothing around them: what a run could reach if the runner cost nothing.

`start` runs this file as a process: it loads, scores one pair, says that it is ready, and starts at a line of input, so
that several can start at once. One image at a time, each decoded once, the reference prepared once per content.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import harness
import numpy as np
from pipal_shape import Row, read_table

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.backends import FASTEST, load_with
from benchmark.metrics.protocol import Scorer
from benchmark.registry import Registry

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@dataclass(frozen=True, slots=True)
class Alone:
    """Wall seconds of one pass over a table, and the processor seconds of both together."""

    decode: float
    compute: float
    processor: float = 0.0

    @property
    def seconds(self) -> float:
        """Both."""
        return self.decode + self.compute


def together(table: Path, metrics: Sequence[str], *, workers: int, threads: int) -> float:
    """Wall seconds of a pass over `table`, its contents dealt to `workers` processes of `threads` threads each."""
    processes = [start(table, metrics, threads=threads, part=(i, workers)) for i in range(workers)]
    for process in processes:
        wait_until_ready(process)
    begin = time.perf_counter()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.close()
    lines = [process.stdout.readline() for process in processes]
    seconds = time.perf_counter() - begin  # the end of the processes themselves is not part of it
    for process, line in zip(processes, lines, strict=True):
        finish(process, line)
    return seconds


def measure(table: Path, metrics: Sequence[str]) -> Alone:
    """One process with one thread."""
    process = start(table, metrics, threads=1, part=(0, 1))
    wait_until_ready(process)
    process.stdin.write("go\n")
    process.stdin.close()
    return finish(process, process.stdout.readline())


def start(table: Path, metrics: Sequence[str], *, threads: int, part: tuple[int, int]) -> subprocess.Popen[str]:
    """Start a process that takes every n-th content, from the k-th: `part` is (k, n)."""
    command = [sys.executable, str(Path(__file__).resolve()), str(table.resolve()), ",".join(metrics)]
    return subprocess.Popen(
        [*command, str(threads), str(part[0]), str(part[1])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=harness.users_environment(**dict.fromkeys(LIMITS, str(threads))),
    )


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Return when the process has loaded its metrics; raises RuntimeError when it ended instead."""
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{process.args} ended with {process.wait()} before it was ready")


def finish(process: subprocess.Popen[str], line: str) -> Alone:
    """Wait for its end, and return what it measured, which is on its last `line`."""
    if process.wait() != 0:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    return Alone(**json.loads(line))


def once(rows: Sequence[Row], folder: Path, scorers: Sequence[Scorer]) -> Alone:
    """Decode and score `rows`, which are sorted by content."""
    decode = compute = 0.0
    used = time.process_time()
    for _, group in groupby(rows, key=lambda row: row.reference):
        of_one = list(group)
        begin = time.perf_counter()
        reference = ImageBatch(read_rgb(folder / of_one[0].reference)[np.newaxis])
        decoded = time.perf_counter()
        prepared = [scorer.prepare(reference) for scorer in scorers]
        decode, compute = decode + decoded - begin, compute + time.perf_counter() - decoded
        for row in of_one:
            begin = time.perf_counter()
            distorted = ImageBatch(read_rgb(folder / row.distorted)[np.newaxis])
            decoded = time.perf_counter()
            for scorer, ready in zip(scorers, prepared, strict=True):
                np.asarray(scorer.score(distorted, ready))
            decode, compute = decode + decoded - begin, compute + time.perf_counter() - decoded
    return Alone(decode, compute, time.process_time() - used)


def main() -> None:
    """Serve `start`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("metrics")
    for name in ("threads", "first", "step"):
        parser.add_argument(name, type=int)
    given = parser.parse_args()
    import cv2
    import torch

    cv2.setNumThreads(given.threads)
    torch.set_num_threads(given.threads)
    registry = Registry()
    scorers = [load_with(registry.metric(name), "cpu", FASTEST)[0] for name in given.metrics.split(",")]
    rows = read_table(given.table)
    mine = sorted({row.content for row in rows})[given.first :: given.step]
    rows = [row for row in rows if row.content in mine]
    once(rows[:1], given.table.parent, scorers)
    print("ready", flush=True)
    sys.stdin.readline()
    found = once(rows, given.table.parent, scorers)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
