"""One metric at work on one unit: prepare the reference, score batches no larger than memory allows, name failures."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.devices import Processor, is_out_of_memory
from benchmark.filenames import printable
from benchmark.images import ImageBatch
from benchmark.metrics.protocol import Scorer
from benchmark.store import SeriesResult
from benchmark.types import MetricInfo, Pair, PairError, UserError

WRITES = "the metric wrote to its input, which other metrics read too; let it work on a copy"


@dataclass(slots=True)
class Appetite:
    """How large a batch of one metric may be on one device: as learned, for as long as the process lives."""

    pixels: float = math.inf
    """Of all images of a batch together: half of what memory once ran out with."""
    bytes_per_pixel: float | None = None
    """What the metric worked with, as measured with its largest batch; None before its first image."""
    largest: int = 0
    """Pixels of that batch."""

    def images(self, pixels: int, room: float) -> int:
        """How many images of so many pixels each fit into `room` bytes: one before the first, and always one."""
        allowed = self.pixels
        if math.isfinite(room):
            if self.bytes_per_pixel is None:
                return 1
            allowed = min(allowed, room / max(self.bytes_per_pixel, 1.0))
        return max(1, int(allowed // pixels)) if math.isfinite(allowed) else sys.maxsize

    def measured(self, used: int, pixels: int) -> None:
        """Remember what a batch of so many pixels worked with."""
        if pixels >= self.largest:
            self.bytes_per_pixel, self.largest = used / pixels, pixels


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a metric gave no scores. Holds no exception: its traceback would keep the metric's memory."""

    reason: str
    out_of_memory: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Trouble:
        """Take down what was raised."""
        return cls(reason_of(error), is_out_of_memory(error))


@dataclass(slots=True)
class Job:
    """One metric at work on one unit.

    Seconds in the result are the device's (`clock`): processor time on a CPU, wall time around synchronised calls on
    others. What metrics share (views of a batch) is on the account of the first that asks.
    """

    info: MetricInfo
    scorer: Scorer
    pairs: frozenset[str]
    result: SeriesResult
    device: Processor
    appetite: Appetite = field(default_factory=Appetite)
    prepared: Any = None

    def _misses(self, pairs: Sequence[Pair]) -> bool:
        """Whether any of the pairs is to be scored."""
        return any(pair.id in self.pairs for pair in pairs)

    def fail(self, pairs: Sequence[Pair], reason: str) -> None:
        """Record why those of the pairs that this metric misses have no score."""
        self.result.failures.update({pair.id: reason for pair in pairs if pair.id in self.pairs})

    def prepare(self, reference: ImageBatch | None, pairs: Sequence[Pair]) -> bool:
        """Do what depends on the reference alone; on failure every pair of it fails, and False comes back."""
        if not self._misses(pairs):
            return False
        if self.info.kind == "no-reference":
            return True
        if reference is None:
            self.fail(pairs, "needs a reference, and the data set has none")
            return False
        if min(reference.size) < self.info.min_size:
            self.fail(pairs, self._too_small(reference))
            return False
        start = self.device.clock()
        trouble = self._prepare(reference)
        if trouble is not None and trouble.out_of_memory:
            self._make_room(reference)
            trouble = self._prepare(reference)
        self.result.seconds += self.device.clock() - start
        if trouble is None and _written_to(reference):
            trouble = Trouble(WRITES)
        if trouble is not None:
            self.fail(pairs, f"reference: {trouble.reason}")
        return trouble is None

    def _prepare(self, reference: ImageBatch) -> Trouble | None:
        try:
            self.prepared = self.scorer.prepare(reference)
        except (Exception, SystemExit) as error:
            return Trouble.of(error)
        return None

    def score(self, images: Sequence[list[Pair]], batch: ImageBatch) -> None:
        """Score those images of the batch that this metric misses; `images` names the pairs of each."""
        keep = [i for i, same in enumerate(images) if self._misses(same)]
        if len(keep) < len(images):
            if not keep:
                return
            images, batch = [images[i] for i in keep], batch.part(keep)
        if min(batch.size) < self.info.min_size:
            for same in images:
                self.fail(same, self._too_small(batch))
            return
        start = self.device.clock()
        outcomes = self._outcomes(batch)
        self.result.seconds += self.device.clock() - start
        for same, outcome in zip(images, outcomes, strict=True):
            if isinstance(outcome, str):
                self.fail(same, outcome)
                continue
            for pair in same:
                if pair.id in self.pairs:
                    self.result.scores[pair.id] = outcome

    def _outcomes(self, batch: ImageBatch) -> list[float | str]:
        """A score or the reason for none, per image.

        The batch is scored in parts of what the metric can take; when memory runs out, in halves of that from then on.
        """
        if len(batch) == 1:
            return self._alone(batch)
        outcomes: list[float | str] = []
        pixels = batch.size[0] * batch.size[1]
        while len(outcomes) < len(batch):
            done = len(outcomes)
            most = self.appetite.images(pixels, self.device.room())
            part = batch if not done and most >= len(batch) else batch.part(slice(done, done + most))
            scores = self._attempt(part)
            if not isinstance(scores, Trouble):
                outcomes += self._checked(scores)
            elif len(part) > 1 and scores.out_of_memory:
                self._make_room(part)
                self.appetite.pixels = len(part) // 2 * pixels
            else:
                for i in range(len(part)):
                    outcomes += self._alone(part.part(slice(i, i + 1)))
        return outcomes

    def _alone(self, batch: ImageBatch) -> list[float | str]:
        """The score of one image, or the reason for none; without memory, once more when all is freed."""
        scores = self._attempt(batch)
        if isinstance(scores, Trouble) and scores.out_of_memory:
            self._make_room(batch)
            scores = self._attempt(ImageBatch(batch.rgb, batch.device))
            if isinstance(scores, Trouble) and scores.out_of_memory:
                scores = Trouble(f"one image of {size(batch.size)} is too much for the memory: {scores.reason}")
        return [scores.reason] if isinstance(scores, Trouble) else self._checked(scores)

    def _checked(self, scores: list[float]) -> list[float | str]:
        """Scores, or the words for a number that is none."""
        return [self.info.why_no_score(score) or score for score in scores]

    def _attempt(self, batch: ImageBatch) -> list[float] | Trouble:
        """Score a batch as a whole."""
        self.device.watch()
        try:
            scores = _as_floats(self.scorer.score(batch, self.prepared), len(batch))
        except (Exception, SystemExit) as error:
            return Trouble.of(error)
        self.appetite.measured(self.device.watched(), len(batch) * batch.size[0] * batch.size[1])
        return Trouble(WRITES) if _written_to(batch) else scores

    def _make_room(self, batch: ImageBatch) -> None:
        batch.forget_views()
        self.device.release()

    def _too_small(self, batch: ImageBatch) -> str:
        return f"{size(batch.size)} is below the {self.info.min_size} pixels that {self.info.name} needs on each side"


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


def reason_of(error: BaseException) -> str:
    """What to record of an exception: the words of one that is meant to be read, or its type and words.

    An exception of a plugin may hold anything, and even fail to say it: the record is text that can be stored.
    """
    try:
        text = str(error)
    except Exception as failure:
        text = f"(its text cannot be made: {type(failure).__name__})"
    return printable(text if isinstance(error, PairError | UserError) else f"{type(error).__name__}: {text}")


def size(shape: Sequence[int]) -> str:
    """Width x height of (height, width, ...)."""
    return f"{shape[1]} x {shape[0]}"
