"""One metric as a function of images: no store, no data set, no process is started."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.arrays import DataRange, images_of
from benchmark.devices import Processor, open_device
from benchmark.executors.threads import OneThread
from benchmark.images import ImageBatch, read_rgb
from benchmark.job import WRITES
from benchmark.metrics.backends import FASTEST, load_with
from benchmark.metrics.protocol import Metric
from benchmark.types import MetricInfo, PairError, UserError


class MetricFunction:
    """A metric that is called with images and gives its raw scores, as the store holds them to the last bit.

    Images are paths, PIL images, NumPy arrays or torch tensors (`benchmark.arrays` has the rules).
    """

    def __init__(self, metric: Metric, *, device: str = "cpu", backend: str = FASTEST) -> None:
        self.info: MetricInfo = metric.info
        self._metric = metric
        self._device: Processor = open_device(device, 0)
        self._scorer, self.backend = load_with(metric, device, backend)
        self._one_thread = OneThread()

    def __repr__(self) -> str:
        better = "higher" if self.info.higher_is_better else "lower"
        return f"<metric {self.info.name} {self.info.version}: {better} is better; {self.info.protocol}>"

    def __call__(self, distorted: Any, reference: Any = None, *, data_range: DataRange = None) -> Any:
        """Score one image (a float), or a batch or a list of images (float64 of shape (N,)).

        One reference serves all images of a batch, and is prepared once; a batch of references is taken image by image.
        `data_range` declares the range of float images. Metrics of one image take no reference.
        Raises UserError for images that do not fit: another type, size or number, or too small for the metric.
        """
        images, is_batch = read_images(distorted, data_range, "distorted")
        if self.info.kind == "no-reference":
            if reference is not None:
                raise UserError(f"{self.info.name}: scores one image alone; leave the reference out")
            scores = self._scores(images, [None] * len(images))
            return np.array(scores, dtype=np.float64) if is_batch else scores[0]
        if reference is None:
            raise UserError(
                f"{self.info.name}: compares an image with its reference; give both: metric(distorted, reference)"
            )
        references, several = read_images(reference, data_range, "reference")
        if several and len(references) != len(images):
            raise UserError(
                f"{self.info.name}: expected one reference, or as many as distorted images, got {len(references)} for {len(images)}"
            )
        if several and not is_batch:
            raise UserError(f"{self.info.name}: one distorted image, but a batch of references; give one reference")
        scores = self._scores(images, references if several else references * len(images))
        return np.array(scores, dtype=np.float64) if is_batch else scores[0]

    def _scores(self, images: Sequence[np.ndarray], references: Sequence[np.ndarray | None]) -> list[float]:
        """One image at a time, as the scoring of a data set does on a CPU: no score depends on a batch."""
        found = self._score_all(images, references)
        if self._one_thread.came():  # a library that was loaded on the way computed with several threads
            found = self._score_all(images, references)
        return found

    def _score_all(self, images: Sequence[np.ndarray], references: Sequence[np.ndarray | None]) -> list[float]:
        prepared, last, shared = None, None, None
        scores = []
        with self._one_thread() if self._device.name == "cpu" else nullcontext():
            for image, reference in zip(images, references, strict=True):
                self._check(image, reference)
                if reference is not None and reference is not last:
                    shared = self._device.gather([reference])
                    prepared = self._scorer.prepare(shared)
                    last = reference
                batch = self._device.gather([image])
                value = self._scorer.score(batch, prepared)
                if batch.modified or (shared is not None and shared.modified):
                    raise UserError(f"{self.info.name}: {WRITES}")
                scores.append(float(value[0]))
        return scores

    def _check(self, image: np.ndarray, reference: np.ndarray | None) -> None:
        height, width = image.shape[:2]
        if reference is not None and reference.shape != image.shape:
            raise UserError(
                f"{self.info.name}: the distorted image is {width} x {height} pixels, its reference "
                f"{reference.shape[1]} x {reference.shape[0]}; expected one size"
            )
        if min(height, width) < self.info.min_size:
            raise UserError(
                f"{self.info.name}: {width} x {height} is below the {self.info.min_size} pixels that it needs on each side"
            )


def read_images(
    value: Any, data_range: DataRange, name: str, background: str | None = None
) -> tuple[list[np.ndarray], bool]:
    """Return uint8 RGB images (H, W, 3), and whether several were given."""
    if isinstance(value, str | Path):
        try:
            return [read_rgb(Path(value).expanduser(), background=background)], False
        except PairError as error:
            raise UserError(f"{name}: {error}") from error
    if isinstance(value, list | tuple):
        if not value:
            raise UserError(f"{name}: expected one or more images, got an empty list")
        return [_read_one(one, data_range, f"{name}[{number}]", background) for number, one in enumerate(value)], True
    if isinstance(value, ImageBatch):
        return list(value.rgb), True
    images, is_batch = images_of(value, data_range=data_range, background=background, name=name)
    return list(images), is_batch


def _read_one(value: Any, data_range: DataRange, name: str, background: str | None) -> np.ndarray:
    images, is_batch = read_images(value, data_range, name, background)
    if is_batch:
        raise UserError(f"{name}: a batch inside a list; give either a list of images or one batch")
    return images[0]
