"""Pairs per second of metrics and of the whole worker, beside pyiqa's loop on the same device in the same run."""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import samples

from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, UnitScorer, Wanted, WorkerSetup
from benchmark.types import Pair

METRICS = ("asna", "lpips", "lpips-vgg", "dists", "psnr", "ssim", "ms-ssim", "gmsd")
QUICK = ("psnr", "lpips")
PYIQA = {"psnr": "psnr", "ssim": "ssimc", "ms-ssim": "ms_ssim", "gmsd": "gmsd", "lpips": "lpips"}
"""pyiqa's model nearest to each metric."""
PYIQA_PAIRS = 10


def unit(pairs: tuple[Pair, ...], *metrics: str) -> Unit:
    """All metrics on all pairs."""
    ids = frozenset(pair.id for pair in pairs)
    return Unit("bikes", pairs, tuple(Wanted(i, name, ids) for i, name in enumerate(metrics)))


def timed(scorer: UnitScorer, work: Unit) -> tuple[float, UnitResult]:
    """Wall time of a unit, its metrics loaded and warm."""
    scorer(work)
    start = time.perf_counter()
    result = scorer(work)
    return time.perf_counter() - start, result


def throughput(device: str, size: tuple[int, int], quick: bool) -> tuple[bool, str, dict[str, Any]]:
    """Each metric alone, all together, and pyiqa on a few of the pairs."""
    scorer, count = UnitScorer(Registry(), WorkerSetup(device=device)), 8 if quick else 116
    numbers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        pairs = samples.content(Path(name), size, count)
        ready = []
        for metric in QUICK if quick else METRICS:
            seconds, result = timed(scorer, unit(pairs, metric))
            if result.not_run or result.results[0].failures:
                reason = result.not_run.get(metric) or next(iter(result.results[0].failures.values()))
                numbers[metric] = {"not run": reason}
                continue
            ready.append(metric)
            numbers[metric] = {"pairs_per_second": count / seconds, "busy": result.results[0].seconds / seconds}
        seconds, result = timed(scorer, unit(pairs, *ready))
        busy = sum(part.seconds for part in result.results) / seconds
        numbers["together"] = {"metrics": ready, "pairs_per_second": count / seconds, "busy": busy}
        numbers["pyiqa"] = peers = {metric: _pyiqa(PYIQA[metric], device, pairs) for metric in ready if metric in PYIQA}
    each = ", ".join(f"{metric} {numbers[metric]['pairs_per_second']:.0f}" for metric in ready)
    ratios = [
        f"{metric} {numbers[metric]['pairs_per_second'] / speed:.1f}"
        for metric, speed in peers.items()
        if isinstance(speed, float)
    ]
    beside = f"; times pyiqa: {', '.join(ratios)}" if ratios else "; pyiqa is not installed or cannot run here"
    finding = f"pairs/s: {each}; together {count / seconds:.0f}, {busy:.0%} of the time in metrics{beside}"
    absent = [metric for metric in QUICK if metric not in ready]
    return not absent, finding + (f"; not run: {', '.join(absent)}" if absent else ""), numbers


def _pyiqa(model: str, device: str, pairs: tuple[Pair, ...]) -> float | str:
    """Pairs per second of pyiqa's own loop, which reads both files for each pair; or why there is none."""
    if find_spec("pyiqa") is None:
        return "pyiqa is not installed"
    try:
        import pyiqa

        metric = pyiqa.create_metric(model, device=device)
        some = pairs[:PYIQA_PAIRS]
        float(metric(str(some[0].distorted), str(some[0].reference)))
        start = time.perf_counter()
        for pair in some:
            float(metric(str(pair.distorted), str(pair.reference)))
    except Exception as error:  # mostly: weights that cannot be fetched
        return f"{type(error).__name__}: {error}"
    return len(some) / (time.perf_counter() - start)
