"""One work unit: decode each image once, prepare each reference once, score in bounded batches, name every failure.

This is what an executor's worker runs. A pair's score depends on its two files and the metric alone: not on the batch,
the order, the other metrics of the run or the number of workers.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.backends import FASTEST, load_with
from benchmark.metrics.protocol import Scorer
from benchmark.registry import Registry
from benchmark.store import SeriesResult
from benchmark.types import MetricInfo, Pair, PairError, UserError

BYTES_PER_PIXEL = 640
"""Working memory per pixel of one image in a batch: decoded image, shared views and a network's features."""
WRITES = "the metric wrote to its input, which other metrics read too; let it work on a copy"
MAX_BATCH = 8
"""More images in a batch gain nothing on a CPU and lose time to fresh memory pages."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pairs of a unit one metric is to score, and the series they go to."""

    series: int
    metric: str
    pairs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece of work that is done and stored as a whole: one content, every metric that misses it."""

    content: str
    pairs: tuple[Pair, ...]
    wanted: tuple[Wanted, ...]

    def by_metric(self) -> list[Unit]:
        """The same work, one metric at a time."""
        return [replace(self, wanted=(wanted,)) for wanted in self.wanted]

    def failed(self, reason: str) -> UnitResult:
        """What to store when the whole unit could not be done."""
        return UnitResult(
            [SeriesResult(w.series, self.content, failures=dict.fromkeys(w.pairs, reason)) for w in self.wanted]
        )


@dataclass(frozen=True, slots=True)
class UnitResult:
    """Scores and failures per series, and why a metric could not be loaded at all."""

    results: list[SeriesResult]
    not_run: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker is started with, wherever it runs."""

    plugins: tuple[Path, ...] = ()
    device: str = "cpu"
    memory: int = 2 << 30
    """Bytes that this worker may plan with."""
    backend: str = FASTEST
    """Which implementation of a protocol to use where there are several (`benchmark.metrics.backends`)."""


class UnitScorer:
    """Scores units with the metrics of a registry as `setup` says; metrics are loaded when first wanted, and kept."""

    def __init__(self, registry: Registry, setup: WorkerSetup) -> None:
        self.registry = registry
        self.setup = setup
        self._loaded: dict[str, tuple[Scorer, str] | str] = {}

    def __call__(self, unit: Unit) -> UnitResult:
        """Score one unit; nothing of an image or a metric raises, it becomes a named failure."""
        jobs, not_run = [], {}
        for wanted in unit.wanted:
            loaded = self._load(wanted.metric)
            if isinstance(loaded, str):
                not_run[wanted.metric] = loaded
            else:
                scorer, backend = loaded
                info = self.registry.metric(wanted.metric).info
                result = SeriesResult(wanted.series, unit.content, backend=backend)
                jobs.append(_Job(info, scorer, wanted.pairs, result))
        if jobs:
            for reference, pairs in _by_reference(unit.pairs):
                self._score_reference(reference, pairs, jobs)
        return UnitResult([job.result for job in jobs], not_run)

    def _load(self, name: str) -> tuple[Scorer, str] | str:
        if name not in self._loaded:
            try:
                self._loaded[name] = load_with(self.registry.metric(name), self.setup.device, self.setup.backend)
            except (Exception, SystemExit) as error:
                self._loaded[name] = _reason(error)
        return self._loaded[name]

    def _score_reference(self, reference: Path | None, pairs: Sequence[Pair], jobs: Sequence[_Job]) -> None:
        """Score all pairs that share a reference (None: no reference)."""
        batch = None
        if reference is not None:
            try:
                batch = ImageBatch(read_rgb(reference)[np.newaxis], self.setup.device)
            except PairError as error:
                for job in jobs:
                    job.fail(pairs, f"reference {error}")
                return
        ready = [job for job in jobs if job.prepare(batch, pairs)]
        for images, rgb in self._batches(pairs, batch, ready):
            distorted = ImageBatch(rgb, self.setup.device)
            for job in ready:
                job.score(images, distorted)

    def _batches(
        self, pairs: Sequence[Pair], reference: ImageBatch | None, jobs: Sequence[_Job]
    ) -> Iterator[tuple[list[list[Pair]], np.ndarray]]:
        """Decode each distorted image once; yield (the pairs of each image, images of one size) within the budget."""
        by_file: dict[Path, list[Pair]] = defaultdict(list)
        for pair in pairs:
            if any(pair.id in job.pairs for job in jobs):
                by_file[pair.distorted].append(pair)
        held: list[list[Pair]] = []
        images: list[np.ndarray] = []
        for path, same in by_file.items():
            try:
                image = read_rgb(path)
                if reference is not None and image.shape[:2] != reference.size:
                    raise PairError(f"{path.name}: {_size(image.shape)}, but its reference is {_size(reference.size)}")
            except PairError as error:
                for job in jobs:
                    job.fail(same, str(error))
                continue
            if images and (image.shape != images[0].shape or len(images) >= self._batch_size(image)):
                yield held, np.stack(images)
                held, images = [], []
            held.append(same)
            images.append(image)
        if images:
            yield held, np.stack(images)

    def _batch_size(self, image: np.ndarray) -> int:
        return max(1, min(MAX_BATCH, self.setup.memory // (image.shape[0] * image.shape[1] * BYTES_PER_PIXEL)))


@dataclass(slots=True)
class _Job:
    """One metric at work on one unit."""

    info: MetricInfo
    scorer: Scorer
    pairs: frozenset[str]
    result: SeriesResult
    prepared: Any = None

    def fail(self, pairs: Sequence[Pair], reason: str) -> None:
        self.result.failures.update({pair.id: reason for pair in pairs if pair.id in self.pairs})

    def prepare(self, reference: ImageBatch | None, pairs: Sequence[Pair]) -> bool:
        """Do what depends on the reference alone; on failure every pair of it fails, and False comes back."""
        if not any(pair.id in self.pairs for pair in pairs):
            return False
        if self.info.kind == "no-reference":
            return True
        if reference is None:
            self.fail(pairs, "needs a reference, and the data set has none")
            return False
        if min(reference.size) < self.info.min_size:
            self.fail(pairs, self._too_small(reference))
            return False
        try:
            start = time.process_time()
            self.prepared = self.scorer.prepare(reference)
            self.result.seconds += time.process_time() - start
        except (Exception, SystemExit) as error:
            self.fail(pairs, f"reference: {_reason(error)}")
            return False
        if _written_to(reference):
            self.fail(pairs, f"reference: {WRITES}")
            return False
        return True

    def score(self, images: Sequence[list[Pair]], batch: ImageBatch) -> None:
        """Score those images of the batch that this metric misses."""
        keep = [i for i, same in enumerate(images) if any(pair.id in self.pairs for pair in same)]
        if not keep:
            return
        if len(keep) < len(images):
            images, batch = [images[i] for i in keep], ImageBatch(batch.rgb[keep], batch.device)
        if min(batch.size) < self.info.min_size:
            for same in images:
                self.fail(same, self._too_small(batch))
            return
        start = time.process_time()
        for same, outcome in zip(images, self._outcomes(batch), strict=True):
            if isinstance(outcome, str):
                self.fail(same, outcome)
            else:
                self.result.scores.update({pair.id: outcome for pair in same if pair.id in self.pairs})
        self.result.seconds += time.process_time() - start

    def _outcomes(self, batch: ImageBatch) -> list[float | str]:
        """A finite score or the reason for none, per image; a batch that raises is tried again image by image."""
        try:
            scores = _as_floats(self.scorer.score(batch, self.prepared), len(batch))
        except (Exception, SystemExit) as error:
            if len(batch) == 1:
                return [_reason(error)]
            parts = (ImageBatch(batch.rgb[i : i + 1], batch.device) for i in range(len(batch)))
            return [outcome for part in parts for outcome in self._outcomes(part)]
        if _written_to(batch):
            return [WRITES] * len(batch)
        return [
            score if math.isfinite(score) else f"{self.info.name} is {score}, expected a finite number"
            for score in scores
        ]

    def _too_small(self, batch: ImageBatch) -> str:
        return f"{_size(batch.size)} is below the {self.info.min_size} pixels that {self.info.name} needs on each side"


def _by_reference(pairs: Sequence[Pair]) -> list[tuple[Path | None, list[Pair]]]:
    groups: dict[Path | None, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.reference].append(pair)
    return list(groups.items())


def _as_floats(scores: Any, expected: int) -> list[float]:
    values = np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float64)
    if values.shape != (expected,):
        raise TypeError(
            f"the metric returned shape {values.shape}, expected ({expected},): one score per distorted image"
        )
    return values.tolist()


def _written_to(batch: ImageBatch) -> bool:
    """Whether a metric wrote to a tensor view; the views are then dropped, so that the next metric gets true ones."""
    written = batch.modified
    if written:
        batch.forget_views()
    return written


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, PairError | UserError) else f"{type(error).__name__}: {error}"


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"
