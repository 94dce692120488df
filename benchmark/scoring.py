"""One work unit: decode each image once, prepare each reference once, score in bounded batches, name every failure.

This is what an executor's worker runs. A pair's score depends on its two files and the metric alone: not on the order,
the other metrics of the run or the number of workers. On a CPU that holds to the last bit; on a CUDA device, whose
libraries choose their kernels by the size of a batch, within the metric's tolerance.

Memory: a worker holds its metrics' weights, what the metrics prepared of one reference, and the images of a batch with
their shared views, `VIEW_BYTES_PER_PIXEL` each, which `WorkerSetup.memory` bounds (one image at least: on a CPU a batch
is one image). To that comes what the metrics work with: on a CPU for one image, from some 100 bytes per pixel (PSNR,
GMSD) to 2,800 (a VGG); on a CUDA device the device's own memory (`Appetite`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmark.content import FileState, files_of, look, pair_state, read_state, written_since
from benchmark.devices import VIEW_BYTES_PER_PIXEL, Processor, open_device
from benchmark.filenames import printable
from benchmark.images import ImageBatch, read_rgb
from benchmark.job import Appetite, Job, reason_of, size
from benchmark.metrics.backends import FASTEST, load_with
from benchmark.metrics.protocol import Scorer
from benchmark.reading import ahead, read_all
from benchmark.registry import Registry
from benchmark.store import SeriesResult
from benchmark.types import Pair, PairError

READING_BYTES_PER_PIXEL = 16
"""Of an image that is being decoded, or waits: 3 are the image's, the rest is the decoder's."""
READING_SHARE = 0.25
"""Share of a worker's memory that images read ahead may take."""


DISTORTED_TURNED = "the distorted image carries an EXIF orientation, which was applied, and its reference none"
REFERENCE_TURNED = "the reference carries an EXIF orientation, which was applied, and the distorted image none"
"""The likely reason of a low score or another size."""


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
    files: dict[str, FileState] = field(default_factory=dict)
    """By pair, what its files hold as long as they look so: then they need not be hashed again."""

    def by_metric(self) -> list[Unit]:
        """The same work, one metric at a time."""
        return [replace(self, wanted=(wanted,)) for wanted in self.wanted]

    def halves(self) -> list[Unit]:
        """The same work on the first and on the second half of the pairs."""
        middle = len(self.pairs) // 2
        parts = []
        for pairs in (self.pairs[:middle], self.pairs[middle:]):
            ids = frozenset(pair.id for pair in pairs)
            wanted = tuple(replace(one, pairs=one.pairs & ids) for one in self.wanted if one.pairs & ids)
            parts += [replace(self, pairs=pairs, wanted=wanted)] if wanted else []
        return parts

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
    warnings: dict[str, str] = field(default_factory=dict)
    """Pair -> what the user should know of its images, though it was scored."""
    files: dict[str, FileState] = field(default_factory=dict)
    """By pair, what its files held as they were read; a pair whose files were not both read is not here."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker is started with, wherever it runs."""

    plugins: tuple[Path, ...] = ()
    device: str = "cpu"
    memory: int = 2 << 30
    """Bytes that this worker may plan with."""
    backend: str = FASTEST
    """Which implementation of a protocol to use where there are several (`benchmark.metrics.backends`)."""
    decoders: int | None = None
    """Threads that decode images ahead of the scoring. None: none on a CPU, one per core for a CUDA device."""
    background: str | None = None
    """What transparent images are composed on (`benchmark.images.background_colour`). None: they are refused."""


class UnitScorer:
    """Scores units with the metrics of a registry as `setup` says; metrics are loaded when first wanted, and kept.

    `device` replaces the one that `setup` names. `appetites` holds what was learned of each metric's need of memory.
    """

    def __init__(self, registry: Registry, setup: WorkerSetup, device: Processor | None = None) -> None:
        self.registry = registry
        self.setup = setup
        self._loaded: dict[str, tuple[Scorer, str] | str] = {}
        self.appetites: defaultdict[str, Appetite] = defaultdict(Appetite)
        self._turned: set[Path] = set()
        self._warnings: dict[str, str] = {}
        self._states: dict[Path, FileState] = {}
        self._trusted: dict[Path, str | None] = {}
        """How files looked when the unit began that need no hash."""
        if device is not None:
            self.device = device

    @cached_property
    def device(self) -> Processor:
        """Opened when the first unit comes."""
        return open_device(self.setup.device, self.setup.decoders)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor | None:
        """The threads that decode ahead; None where the scoring thread decodes."""
        count = self.device.decoders
        return ThreadPoolExecutor(count, thread_name_prefix="decode") if count else None

    def __call__(self, unit: Unit) -> UnitResult:
        """Score one unit; nothing of an image or a metric raises, it becomes a named failure."""
        jobs, not_run = [], {}
        self._turned, self._warnings = set(), {}
        known = [pair for pair in unit.pairs if pair.id in unit.files]
        looks = {path: look(path) for pair in known for path in files_of(pair)}
        files = {
            pair.id: unit.files[pair.id]
            for pair in known
            if unit.files[pair.id].look == "|".join(looks[path] or "" for path in files_of(pair))
        }
        unhashed = {path for pair in unit.pairs if pair.id not in files for path in files_of(pair)}
        self._states, self._trusted = {}, {path: seen for path, seen in looks.items() if path not in unhashed}
        for wanted in unit.wanted:
            loaded = self._load(wanted.metric)
            if isinstance(loaded, str):
                not_run[wanted.metric] = loaded
            else:
                scorer, backend = loaded
                info = self.registry.metric(wanted.metric).info
                result = SeriesResult(wanted.series, unit.content, backend=backend)
                jobs.append(Job(info, scorer, wanted.pairs, result, self.device, self.appetites[wanted.metric]))
        if jobs:
            for reference, pairs in _by_reference(unit.pairs):
                self._score_reference(reference, pairs, jobs)
        for pair in unit.pairs:
            if pair.id not in files and (state := pair_state(pair, self._states)) is not None:
                files[pair.id] = state
        return UnitResult([job.result for job in jobs], not_run, self._warnings, files)

    def _read(self, path: Path) -> np.ndarray:
        """Decode an image, and note what its file held and whether an EXIF orientation turned it.

        Raises PairError, also for a file that changed meanwhile.
        """
        if path in self._trusted:
            seen = self._trusted[path]
        elif (state := read_state(path)) is not None:
            seen = state.look
            self._states[path] = state
        else:
            seen = None
        image = read_rgb(path, background=self.setup.background, turned=self._turned.add)
        if seen is not None and written_since(path, seen):
            self._states.pop(path, None)
            raise PairError(f"{printable(path.name)}: changed while it was read; run again once nothing writes to it")
        return image

    def load(self, metrics: Iterable[str]) -> None:
        """Load metrics before their first unit; why one cannot be loaded is said with the unit."""
        for name in metrics:
            self._load(name)

    def _load(self, name: str) -> tuple[Scorer, str] | str:
        if name not in self._loaded:
            try:
                self._loaded[name] = load_with(self.registry.metric(name), self.setup.device, self.setup.backend)
            except (Exception, SystemExit) as error:
                self._loaded[name] = reason_of(error).removeprefix(f"{name}: ")  # the reader is told the name
        return self._loaded[name]

    def _score_reference(self, reference: Path | None, pairs: Sequence[Pair], jobs: Sequence[Job]) -> None:
        """Score all pairs that share a reference (None: no reference)."""
        batch = None
        if reference is not None:
            try:
                batch = self.device.gather([self._read(reference)])
            except PairError as error:
                for job in jobs:
                    job.fail(pairs, f"reference {error}")
                return
        ready = [job for job in jobs if job.prepare(batch, pairs)]
        with closing(self._batches(pairs, batch, ready)) as batches:
            for images, distorted in ahead(batches, self.device.batches_ahead):
                for job in ready:
                    job.score(images, distorted)

    def _batches(
        self, pairs: Sequence[Pair], reference: ImageBatch | None, jobs: Sequence[Job]
    ) -> Generator[tuple[list[list[Pair]], ImageBatch], None, None]:
        """Decode each distorted image once; yield (the pairs of each image, images of one size) within the budget."""
        by_file: dict[Path, list[Pair]] = defaultdict(list)
        wanted = frozenset().union(*(job.pairs for job in jobs))
        for pair in pairs:
            if pair.id in wanted:
                by_file[pair.distorted].append(pair)
        held: list[list[Pair]] = []
        images: list[np.ndarray] = []
        with closing(read_all(by_file, self._read, self._pool, self._images_ahead)) as read:
            for path, image in read:
                warning = self._orientation_of_one(path, pairs[0].reference) if isinstance(image, np.ndarray) else ""
                if isinstance(image, np.ndarray) and reference is not None and image.shape[:2] != reference.size:
                    sizes = f"{size(image.shape)}, but its reference is {size(reference.size)}"
                    image = PairError(f"{printable(path.name)}: {sizes}{warning and '; '}{warning}")
                if isinstance(image, PairError):
                    for job in jobs:
                        job.fail(by_file[path], str(image))
                    continue
                if warning:
                    self._warnings.update({pair.id: warning for pair in by_file[path]})
                if images and image.shape != images[0].shape:
                    yield held, self.device.gather(images)
                    held, images = [], []
                held.append(by_file[path])
                images.append(image)
                if len(images) >= self._batch_size(image):  # at once, while the last one is in the processor's cache
                    yield held, self.device.gather(images)
                    held, images = [], []
        if images:
            yield held, self.device.gather(images)

    def _orientation_of_one(self, distorted: Path, reference: Path | None) -> str:
        """The warning where an EXIF orientation turned only one image of a pair; "" where it did not."""
        if reference is None or (distorted in self._turned) == (reference in self._turned):
            return ""
        return DISTORTED_TURNED if distorted in self._turned else REFERENCE_TURNED

    def _batch_size(self, image: np.ndarray) -> int:
        """Images of this size whose views fit into the memory, of which as many batches are held as are made ahead."""
        fitting = self.setup.memory // (1 + self.device.batches_ahead) // (_pixels(image) * VIEW_BYTES_PER_PIXEL)
        return max(1, min(self.device.largest_batch, fitting))

    def _images_ahead(self, pixels: int) -> int:
        """Images of so many pixels that may be read ahead: two batches, or what the memory allows."""
        fitting = READING_SHARE * self.setup.memory / (max(1, pixels) * READING_BYTES_PER_PIXEL)
        wanted = 2 * max(self.device.largest_batch, self.device.decoders) if pixels else self.device.decoders
        return int(min(wanted, fitting))


def _by_reference(pairs: Sequence[Pair]) -> list[tuple[Path | None, list[Pair]]]:
    groups: dict[Path | None, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.reference].append(pair)
    return list(groups.items())


def _pixels(image: np.ndarray) -> int:
    return image.shape[0] * image.shape[1]
