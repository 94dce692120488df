"""What the runner itself costs, and what a second worker brings."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import alone
import harness
import page
import warm_run
from pipal_shape import part, repeated
from samples import Spread, ratios, spread

OVERHEAD, REACHED, SECOND_WORKER = 0.10, 0.80, 1.8
SETS = {("psnr",): 10, ("psnr", "ssim", "ms-ssim", "gmsd"): 1}
"""Metrics -> how often the tree is gone through: the cheapest would be done before a clock can tell."""


@dataclass(slots=True)
class Measured:
    """Wall seconds of each round, by number of workers."""

    alone: dict[int, list[float]] = field(default_factory=dict)
    """Decoding and arithmetic in so many processes, with nothing around them."""
    warm: dict[int, list[float]] = field(default_factory=dict)
    """Planning and execution with workers that are ready."""
    whole: dict[int, list[float]] = field(default_factory=dict)
    """The command, start-up included."""
    processor: dict[str, list[float]] = field(default_factory=dict)
    """Processor seconds with one worker, "alone" and "ready": what a busy machine disturbs least."""
    parts: dict[str, list[float]] = field(default_factory=dict)
    """What else is told in the table."""


def measure(table: Path, rounds: int) -> tuple[list[page.Bar], str]:
    """Bars and a table: runs with one and two workers, beside decoding and arithmetic alone."""
    bars: list[page.Bar] = []
    rows: list[list[str]] = []
    few = part(table, contents=8, distorted=1)
    for metrics, times in SETS.items():
        many = repeated(table, times)
        found = Measured()
        for number in range(rounds):
            print(f"run of {','.join(metrics)}, round {number + 1} of {rounds}", file=sys.stderr)
            _one_round(found, few, many, metrics)
        name = ", ".join(metrics)
        bars += judge(name, found)
        rows += [[name, what, spread(seconds).text()] for what, seconds in _told(found).items()]
    text = (
        "Wall seconds. Alone: decoding and arithmetic in one process, or one per worker, of one thread, after loading, one "
        "image at a time. Ready: planning and execution by a runner whose workers have loaded everything. Whole: "
        f"`run --no-board` from the shell. The tree is gone through {SETS[('psnr',)]} times for psnr, under as many names.\n\n"
    )
    return bars, text + page.table(["metrics", "what", "seconds"], rows)


def _one_round(found: Measured, few: Path, many: Path, metrics: tuple[str, ...]) -> None:
    split = alone.measure(many, metrics)
    found.alone.setdefault(1, []).append(split.seconds)
    found.alone.setdefault(2, []).append(alone.together(many, metrics, workers=2, threads=1))
    found.parts.setdefault("of alone, 1: decoding", []).append(split.decode)
    found.parts.setdefault("of alone, 1: arithmetic", []).append(split.compute)
    found.processor.setdefault("alone", []).append(split.processor)
    for workers in (1, 2):
        ready = warm_run.measure(few, many, metrics, workers)
        found.warm.setdefault(workers, []).append(ready.seconds)
        if workers == 1:
            found.processor.setdefault("ready", []).append(ready.processor)
        found.parts.setdefault(f"of ready, {workers}: planning", []).append(ready.plan)
        options = ("--no-board", "--quiet", "--workers", str(workers))
        found.whole.setdefault(workers, []).append(harness.run(many, metrics, *options).seconds)


def _told(found: Measured) -> dict[str, list[float]]:
    timed = {"alone": found.alone, "ready": found.warm, "whole": found.whole}
    by_workers = {f"{what}, {n}": seconds for what, times in timed.items() for n, seconds in times.items()}
    start_up = {
        f"start-up, {n} (whole less ready)": [a - b for a, b in zip(found.whole[n], found.warm[n], strict=True)]
        for n in found.whole
    }
    processor = {f"processor, {what}, 1": seconds for what, seconds in found.processor.items()}
    return by_workers | found.parts | processor | start_up


def judge(name: str, found: Measured) -> list[page.Bar]:
    """Overhead, share reached and the gain of a second worker: with workers that are ready, and start-up included."""
    bars = []
    for workers in found.alone:
        reached = ratios(found.alone[workers], found.warm[workers])
        whole = ratios(found.alone[workers], found.whole[workers])
        what = f"{name}, {workers} worker{'s' * (workers > 1)}"
        overhead = Spread(1 - reached.median, 1 - reached.high, 1 - reached.low)
        bars += [
            page.Bar(
                f"{what}: overhead of the runner",
                f"< {percent(OVERHEAD)}",
                f"{_percents(overhead)}; with start-up {percent(1 - whole.median)}",
                overhead.median < OVERHEAD,
            ),
            page.Bar(
                f"{what}: share of decode-plus-compute reached",
                f">= {percent(REACHED)}",
                f"{_percents(reached)}; with start-up {percent(whole.median)}",
                reached.median >= REACHED,
            ),
        ]
    used = ratios(found.processor["alone"], found.processor["ready"])
    over = Spread(1 - used.median, 1 - used.high, 1 - used.low)
    what = f"{name}, 1 worker, processor time: overhead of the runner"
    bars.append(page.Bar(what, f"< {percent(OVERHEAD)}", _percents(over), over.median < OVERHEAD))
    gain, limit = ratios(found.warm[1], found.warm[2]), ratios(found.alone[1], found.alone[2])
    whole = ratios(found.whole[1], found.whole[2])
    bars.append(
        page.Bar(
            f"{name}: two workers against one",
            f">= {SECOND_WORKER}",
            f"{gain.text()}; with start-up {whole.text()}; alone {limit.text()}",
            gain.median >= SECOND_WORKER,
        )
    )
    return bars


def percent(share: float) -> str:
    """For example "12 %"."""
    return f"{100 * share:.0f} %"


def _percents(found: Spread) -> str:
    return f"{percent(found.median)} ({percent(found.low)} to {percent(found.high)})"
