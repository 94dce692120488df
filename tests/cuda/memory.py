"""The peak for a content of PIPAL's shape, and that batches shrink and go on when the device's memory ends."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import samples
import torch
from speed import unit

from benchmark.registry import Registry
from benchmark.scoring import UnitScorer, WorkerSetup

PAIRS = 116
METRICS = ("lpips", "asna", "psnr")
SHARE = 0.5
"""Of the peak that was measured: what is then allowed."""


def large_content(device: str, quick: bool) -> tuple[bool, str, dict[str, Any]]:
    """Score 116 distorted images freely, then with half of the memory that this took."""
    size, count = ((64, 96), 12) if quick else ((288, 288), PAIRS)
    budget = 1 << (20 if quick else 30)
    with tempfile.TemporaryDirectory() as name:
        work = unit(samples.content(Path(name), size, count), *METRICS)
        free = UnitScorer(Registry(), WorkerSetup(device=device, memory=budget))
        peak, first = _peak(free, work, device)
        if device == "cpu":
            again = UnitScorer(Registry(), WorkerSetup(device=device, memory=1))(work)
            second_peak, halved = 0, {}
        else:
            total = torch.cuda.get_device_properties(device).total_memory
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction(SHARE * peak / total, device)
            try:
                second_peak, again = _peak(free, work, device)
            finally:
                torch.cuda.set_per_process_memory_fraction(1.0, device)
            halved = {metric: free.appetites[metric].pixels for metric in METRICS}
    failures = sum(len(part.failures) for result in (first, again) for part in result.results)
    apart = {
        metric: max((abs(a.scores[pair] - b.scores[pair]) for pair in a.scores), default=0.0)
        for metric, a, b in zip(METRICS, first.results, again.results, strict=True)
    }
    registry = Registry()
    passed = not failures and all(apart[metric] <= registry.metric(metric).info.tolerance for metric in METRICS)
    numbers = {
        "pairs": count,
        "host_budget": budget,
        "peak": peak,
        "peak_when_limited": second_peak,
        "pixels_per_batch_when_limited": {name: value for name, value in halved.items() if value != float("inf")},
        "differences": apart,
        "failures": failures,
    }
    shrunk = f"halved for {', '.join(numbers['pixels_per_batch_when_limited']) or 'none'}"
    return (
        passed,
        f"peak {peak / 2**20:.0f} MiB; with {SHARE:.0%} of it {second_peak / 2**20:.0f} MiB, {shrunk}, {failures} failures",
        numbers,
    )


def _peak(scorer: UnitScorer, work: Any, device: str) -> tuple[int, Any]:
    """Most bytes that torch held on the device during a unit (0 on a CPU), and the unit's result.

    The scorer itself asks torch for peaks, batch by batch: what it reserved is the peak of them all.
    """
    if device == "cpu":
        return 0, scorer(work)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    result = scorer(work)
    return torch.cuda.memory_reserved(device), result
