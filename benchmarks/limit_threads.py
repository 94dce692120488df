"""Two cores: two workers of one thread, or one worker of two threads? By metric family."""

from __future__ import annotations

import sys
from pathlib import Path

import alone
import page
from pipal_shape import part
from samples import rates, ratios

from benchmark.registry import Registry

FAMILIES = {
    "NumPy and OpenCV": (("psnr", "ssim", "ms-ssim", "gmsd"), 116),
    "LPIPS (AlexNet)": (("lpips",), 60),
    "DISTS (VGG)": (("dists",), 6),
    "ASNA": (("asna",), 30),
}
"""Family -> metrics, pairs of each of two contents."""


def measure(table: Path, rounds: int) -> tuple[list[page.Bar], str]:
    """No bar: a table of pairs per second with either split, and their ratio."""
    registry = Registry()
    rows = []
    for family, (metrics, pairs) in FAMILIES.items():
        lacking = [why for name in metrics if (why := registry.metric_missing(registry.metric(name)))]
        if lacking:
            rows.append([family, ", ".join(metrics), "", f"not run: {lacking[0]}", ""])
            continue
        some = part(table, contents=2, distorted=pairs)
        found: dict[int, list[float]] = {1: [], 2: []}
        for number in range(rounds):
            print(f"threads of {family}, round {number + 1} of {rounds}", file=sys.stderr)
            for workers in found:
                found[workers].append(alone.together(some, metrics, workers=workers, threads=2 // workers))
        rates_of = {workers: rates(2 * pairs, seconds).text() for workers, seconds in found.items()}
        rows.append([family, ", ".join(metrics), rates_of[2], rates_of[1], ratios(found[1], found[2]).text()])
    text = "Decoding and arithmetic, after start-up, on two cores.\n\n"
    header = ["family", "metrics", "2 workers x 1 thread, pairs/s", "1 worker x 2 threads, pairs/s", "faster by"]
    return [], text + page.table(header, rows)
