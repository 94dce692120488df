"""Every metric that computes on the device agrees with its CPU score within its stated tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import samples

from benchmark.images import ImageBatch
from benchmark.metrics.protocol import Scorer
from benchmark.registry import Registry

QUICK = ("psnr", "lpips", "asna")
SIZE = (320, 384)
IMAGES = 4


def metrics_agree(device: str, quick: bool) -> tuple[bool, str, dict[str, Any]]:
    """Score one batch of real images on both, by every metric that can run here."""
    registry, numbers, wrong, absent = Registry(), {}, [], []
    names = [name for name in registry.metrics if not quick or name in QUICK]
    for name in names:
        metric = registry.metrics[name]
        if missing := registry.metric_missing(metric):
            absent.append(name)
            numbers[name] = {"not run": missing}
            continue
        try:
            expected, _ = _scores(metric.load("cpu"), "cpu")
            found, on_device = _scores(metric.load(device), device)
        except Exception as error:
            numbers[name] = {"failed": f"{type(error).__name__}: {error}"}
            wrong.append(name)
            continue
        difference = float(np.abs(found - expected).max())
        numbers[name] = {"difference": difference, "tolerance": metric.info.tolerance, "uses the device": on_device}
        if not difference <= metric.info.tolerance:
            wrong.append(f"{name} by {difference:.2g} (tolerance {metric.info.tolerance:.2g})")
    done = len(names) - len(absent)
    finding = f"{done - len(wrong)} of {done} agree"
    finding += f"; not: {', '.join(wrong)}" if wrong else ""
    finding += f"; not run: {', '.join(absent)}" if absent else ""
    return not wrong, finding, numbers


def _scores(scorer: Scorer, device: str) -> tuple[np.ndarray, bool]:
    """Scores of a batch, and whether the metric asked for it as a tensor."""
    batch = ImageBatch(samples.distorted(SIZE, IMAGES), device)
    prepared = scorer.prepare(ImageBatch(samples.reference(SIZE)[None], device))
    scores = scorer.score(batch, prepared)
    values = np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float64)
    return values, any(view in vars(batch) for view in ("tensor", "luma_tensor"))
