"""Estimate how long KADID-10k, PIPAL and TID2013 take with many metrics on 1, 16 and 256 workers.

    python benchmarks/cluster_estimate.py                       # seconds per pair from benchmark/costs.csv
    python benchmarks/cluster_estimate.py --store results/scores.sqlite --pixels 393216

Measured: seconds per pair and metric (the table of costs, or what a store's runs took), decoding and the start of a
worker (here, now), what a unit costs the client and a worker beyond its scores (`--client-ms`, `--unit-ms`: see below).
Computed: the runner's own units (`benchmark.units`), handed to the workers one after another, the data sets in turn.

Assumed: every worker is as fast as the machine that was measured and has a core of its own; images come from shared
storage as fast as from the local cache; arithmetic takes time in proportion to the pixels; a metric whose preparation
of a reference was not measured takes as long for it as for a pair.
"""

from __future__ import annotations

import argparse
import heapq
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.costs import COSTS, Cost, read
from benchmark.scoring import Unit
from benchmark.store import Store
from benchmark.types import Pair
from benchmark.units import cut, group

WORKERS = (1, 16, 256)
CLIENT_MS = 5.0
"""Processor ms of client and scheduler per unit, and its store; measured with 1,303 units of a metric that costs nothing."""
UNIT_MS = 7.0
"""Processor ms of a worker per unit beyond scoring, measured likewise."""


@dataclass(frozen=True)
class Set:
    """The shape of a data set."""

    name: str
    contents: int
    pairs: int
    """Per content."""
    height: int
    width: int
    suffix: str

    @property
    def pixels(self) -> int:
        """Pixels of one image."""
        return self.height * self.width


SETS = (
    Set("KADID-10k", 81, 125, 384, 512, ".png"),
    Set("PIPAL", 200, 116, 288, 288, ".bmp"),
    Set("TID2013", 25, 120, 384, 512, ".bmp"),
)


@dataclass(frozen=True)
class Seconds:
    """What a metric takes for a pair, and to prepare a reference."""

    pair: float
    prepare: float


def from_costs(costs: Iterable[Cost], pixels: int) -> dict[str, Seconds]:
    """Seconds by metric from the measurement at the nearest size, in proportion to the pixels; CPU only."""
    nearest: dict[str, Cost] = {}
    for cost in costs:
        best = nearest.get(cost.metric)
        if cost.device == "cpu" and (best is None or _distance(cost, pixels) < _distance(best, pixels)):
            nearest[cost.metric] = cost
    found = {}
    for name, cost in nearest.items():
        scale = pixels / (cost.height * cost.width)
        found[name] = Seconds(scale * cost.seconds, scale * max(0.0, cost.seconds_alone - cost.seconds))
    return found


def _distance(cost: Cost, pixels: int) -> int:
    return abs(cost.height * cost.width - pixels)


def from_store(path: Path, measured_pixels: int, pixels: int) -> dict[str, Seconds]:
    """Seconds by metric as a store's runs took, whose images had `measured_pixels`."""
    with Store(path, readonly=True) as store:
        taken = store.seconds_by_metric()
    scale = pixels / measured_pixels
    return {name: Seconds(scale * seconds, scale * seconds) for name, seconds in taken.items() if seconds > 0}


def decode_seconds(shape: Set) -> float:
    """Median time to decode an image of this size and format: smooth noise, as natural images compress about so."""
    from PIL import Image

    from benchmark.images import read_rgb

    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (shape.height // 8, shape.width // 8, 3), dtype=np.uint8))
    image = np.asarray(coarse.resize((shape.width, shape.height), Image.Resampling.BICUBIC)).astype(float)
    noisy = (image + random.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"image{shape.suffix}"
        Image.fromarray(noisy).save(path)
        times = []
        for _ in range(21):
            start = time.process_time()
            read_rgb(path)
            times.append(time.process_time() - start)
    return float(np.median(times))


LOAD_ALL = """
import sys, time
from benchmark.registry import Registry
registry = Registry()
for name in sys.argv[1:]:
    try:
        registry.metric(name).load("cpu")
    except Exception as error:
        print(name, error, file=sys.stderr)
print(time.process_time())
"""


def start_seconds(metrics: Iterable[str]) -> float:
    """Processor time of a process that imports everything and loads every metric once."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, *metrics],
        capture_output=True,
        text=True,
        check=True,
        cwd=tempfile.gettempdir(),
    )
    return float(done.stdout.split()[-1])


def units_of(shape: Set, metrics: Iterable[str], workers: int, seconds: Callable[[str], float]) -> list[Unit]:
    """The units that the runner would make of a whole data set."""
    pairs = [
        Pair(f"{c:03d}-{i:03d}", Path(f"{i}"), Path(f"{c}"), f"{c:03d}", 0.0)
        for c in range(shape.contents)
        for i in range(shape.pairs)
    ]
    ids = frozenset(pair.id for pair in pairs)
    numbers = {name: i for i, name in enumerate(metrics)}
    return cut(group(pairs, numbers, dict.fromkeys(numbers, ids)), workers, seconds)


def unit_seconds(unit: Unit, metrics: dict[str, Seconds], decode: float, overhead: float) -> float:
    """What a worker spends on a unit: its images and their reference decoded once, each metric prepared once."""
    scoring = sum(metrics[w.metric].prepare + len(w.pairs) * metrics[w.metric].pair for w in unit.wanted)
    return overhead + decode * (len(unit.pairs) + 1) + scoring


def makespan(durations: Iterable[float], workers: int, between: float) -> float:
    """When the last unit ends: each goes to the worker that is free first, handed out `between` seconds apart."""
    free = [0.0] * workers
    handed = 0.0
    for duration in durations:
        handed = max(handed + between, heapq.heappop(free))
        heapq.heappush(free, handed + duration)
    return max(free)


def duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def main() -> None:
    """Print the estimate as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costs", type=Path, default=COSTS, help="table of costs; default the packaged one")
    parser.add_argument("--store", type=Path, help="take the seconds from a store's runs instead")
    parser.add_argument("--pixels", type=int, default=768 * 512, help="pixels of the images behind --store")
    parser.add_argument("--metrics", help="comma-separated; default all that were measured")
    parser.add_argument("--client-ms", type=float, default=CLIENT_MS)
    parser.add_argument("--unit-ms", type=float, default=UNIT_MS)
    arguments = parser.parse_args()
    totals = dict.fromkeys(WORKERS, 0.0)
    rows, start, names = [], 0.0, []
    for shape in SETS:
        known = (
            from_store(arguments.store, arguments.pixels, shape.pixels)
            if arguments.store
            else from_costs(read(arguments.costs), shape.pixels)
        )
        names = arguments.metrics.split(",") if arguments.metrics else sorted(known)
        if missing := [name for name in names if name not in known]:
            parser.error(f"not measured: {', '.join(missing)}")
        if not names:
            parser.error(
                f"{arguments.costs}: nothing was measured; `python -m benchmark throughput --save-costs` does it"
            )
        start = start or start_seconds(names)
        decode = decode_seconds(shape)
        cells = []
        for workers in WORKERS:
            units = units_of(shape, names, workers, lambda name, known=known: known[name].pair)
            times = [unit_seconds(unit, known, decode, arguments.unit_ms / 1e3) for unit in units]
            took = makespan(times, workers, arguments.client_ms / 1e3)
            totals[workers] += took
            cells.append(f"{duration(took)} ({len(units):,} units, {100 * sum(times) / workers / took:.0f} % busy)")
        count = f"{shape.contents * shape.pairs:,}"
        rows.append(f"| {shape.name}, {count} pairs, decode {1e3 * decode:.2f} ms | " + " | ".join(cells) + " |")
    print(f"{len(names)} metrics: {', '.join(names)}\n")
    print("| | " + " | ".join(f"{workers} worker{'s' * (workers > 1)}" for workers in WORKERS) + " |")
    print("| :-- |" + " --: |" * len(WORKERS))
    print("\n".join(rows))
    print(f"| start of a worker, all metrics loaded | {' | '.join([duration(start)] * len(WORKERS))} |")
    print("| **all** | " + " | ".join(f"**{duration(total + start)}**" for total in totals.values()) + " |")


if __name__ == "__main__":
    main()
