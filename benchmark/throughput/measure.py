"""What is measured, and how: one metric, or the decoder, in the process that this runs in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.backends import load_with
from benchmark.metrics.protocol import Scorer
from benchmark.registry import Registry
from benchmark.throughput import photographs
from benchmark.throughput.meters import Budget, PeakMemory, synchroniser, time_calls
from benchmark.throughput.processes import reason
from benchmark.throughput.report import Cell, Decoding, Reuse
from benchmark.types import MetricInfo, UserError

ENDINGS = {"BMP": "bmp", "PNG": "png", "JPEG": "jpg"}
JPEG_QUALITY = 75
THREADS = 1
WAKING_SIZE = 64


@dataclass(frozen=True, slots=True)
class Task:
    """What to measure."""

    plugins: tuple[Path, ...]
    sizes: tuple[tuple[int, int], ...]
    """(height, width) in pixels."""
    batches: tuple[int, ...]
    device: str
    backend: str
    budget: Budget

    def cells(self, info: MetricInfo) -> list[Cell]:
        """The cells of one metric, empty, from the smallest to the largest.

        Memory that a smaller one leaves behind then hides nothing of a larger one's peak.
        """
        once: Reuse = "none" if info.kind == "no-reference" else "once"
        found = []
        for height, width in self.sizes:
            empty = Cell(info.name, info.version, info.library, height, width, 1, "each")
            found += [empty] if once == "once" else []
            found += [replace(empty, batch=batch, reference=once) for batch in self.batches]
        return sorted(found, key=lambda cell: cell.height * cell.width * cell.batch)


def measure_metric(name: str, task: Task) -> Iterator[Cell]:
    """Load a metric and yield its cells, measured or failed with their reasons; raises when it cannot be loaded."""
    metric = Registry(task.plugins).metric(name)
    empty = task.cells(metric.info)
    inputs = {size: _Input(size, max(photographs.VARIETY, *task.batches)) for size in task.sizes}
    scorer, backend = load_with(metric, task.device, task.backend)
    _wake(scorer, metric.info, task.device)
    memory = PeakMemory(task.device)
    for cell in empty:
        cell = replace(cell, backend=backend)
        try:
            yield _measured(cell, metric.info, scorer, inputs[cell.height, cell.width], task, memory)
        except (Exception, SystemExit) as error:
            yield replace(cell, failure=reason(error))


class _Input:
    """A photograph of one size and its distorted versions, decoded."""

    def __init__(self, size: tuple[int, int], count: int) -> None:
        self.reference = photographs.reference(*size)[np.newaxis]
        self.distorted = photographs.distorted(self.reference[0], count)

    def fresh_reference(self, device: str) -> ImageBatch:
        """The photograph, as if just decoded: no view of it is made yet."""
        return ImageBatch(self.reference.copy(), device)

    def batch(self, i: int, size: int, device: str) -> ImageBatch:
        """The `i`-th batch: distorted images in turn, as if just decoded."""
        indices = (np.arange(size) + i * size) % len(self.distorted)
        return ImageBatch(self.distorted[indices], device)


def _wake(scorer: Scorer, info: MetricInfo, device: str) -> None:
    """Score one small pair, so that libraries that are imported at the first call count as loaded, not as a call's memory.

    What it raises is no matter here: the cells raise it again, and carry it.
    """
    side = max(WAKING_SIZE, info.min_size)
    small = _Input((side, side), 1)
    with contextlib.suppress(Exception, SystemExit):
        prepared = None if info.kind == "no-reference" else scorer.prepare(small.fresh_reference(device))
        scorer.score(small.batch(0, 1, device), prepared)


def _measured(cell: Cell, info: MetricInfo, scorer: Scorer, given: _Input, task: Task, memory: PeakMemory) -> Cell:
    """Measure one cell; raises whatever the metric raises, and UserError for what it must not return."""
    if min(cell.height, cell.width) < info.min_size:
        raise UserError(f"needs images of at least {info.min_size} pixels on each side")
    device = task.device
    memory.reset()
    arrange: Callable[[int], Any]
    call: Callable[[Any], Any]
    if cell.reference == "each":

        def arrange(i: int) -> tuple[ImageBatch, ImageBatch]:
            return given.fresh_reference(device), given.batch(i, 1, device)

        def call(pair: tuple[ImageBatch, ImageBatch]) -> np.ndarray:
            return _scores(scorer, pair[1], scorer.prepare(pair[0]))

    else:
        prepared = scorer.prepare(given.fresh_reference(device)) if cell.reference == "once" else None

        def arrange(i: int) -> ImageBatch:
            return given.batch(i, cell.batch, device)

        def call(batch: ImageBatch) -> np.ndarray:
            return _scores(scorer, batch, prepared)

    timing = time_calls(arrange, call, task.budget, synchroniser(device))
    return replace(cell, timing=timing, peak_memory=memory.bytes())


def _scores(scorer: Scorer, batch: ImageBatch, prepared: Any) -> np.ndarray:
    """Scores as the runner takes them: finite numbers on the host, one per image."""
    scores = scorer.score(batch, prepared)
    values = np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float64)
    if values.shape != (len(batch),) or not np.isfinite(values).all():
        raise UserError(f"expected {len(batch)} finite scores, got {values.tolist()}")
    return values


def measure_decoding(sizes: tuple[tuple[int, int], ...], budget: Budget, folder: Path) -> Iterator[Decoding]:
    """Write a photograph of each size in each format to `folder`, and time how `read_rgb` reads it back."""
    from PIL import Image

    for height, width in sizes:
        image = Image.fromarray(photographs.reference(height, width))
        for kind, ending in ENDINGS.items():
            path = folder / f"{height}x{width}.{ending}"
            image.save(path, kind, **({"quality": JPEG_QUALITY} if kind == "JPEG" else {}))
            timing = time_calls(partial(_same, path), read_rgb, budget, synchroniser("cpu"))
            yield Decoding(kind, height, width, path.stat().st_size, timing)


def _same(path: Path, _: int) -> Path:
    return path
