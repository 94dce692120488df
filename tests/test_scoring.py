"""One work unit: images read ahead, batches that fit, memory that runs out; the same scores whatever happens."""

import math
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.devices import Processor, is_out_of_memory, open_device
from benchmark.images import ImageBatch, read_rgb
from benchmark.job import Appetite
from benchmark.plugin import MetricInfo
from benchmark.reading import ahead, read_all
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitScorer, Wanted, WorkerSetup
from benchmark.types import Pair, PairError

GIB = 1 << 30
SIZE = (24, 32)
PIXELS = SIZE[0] * SIZE[1]


class FakeDevice(Processor):
    """A device in all but the hardware: it sends, reads ahead, takes large batches, and has a memory that ends."""

    decoders = 3
    batches_ahead = 1
    largest_batch = 16

    def __init__(self, memory=float("inf")):
        self.memory = memory
        self.sent, self.released, self.used = [], 0, 0

    def gather(self, images):
        def send(rgb):
            self.sent.append(len(rgb))
            return torch.tensor(rgb)

        return ImageBatch(np.stack(images), "cpu", send)

    def room(self):
        return self.memory

    def watched(self):
        return self.used

    def release(self):
        self.released += 1


class Hungry:
    """Mean difference from the reference; more than `limit` images at once are more than its memory holds."""

    def __init__(self, limit, error=torch.OutOfMemoryError, *, device=None, at_prepare=0):
        self.info = MetricInfo("hungry", "Hungry", "1", False, "Mean difference.")
        self.limit, self.error, self.device, self.at_prepare = limit, error, device, at_prepare
        self.asked = []

    def load(self, device):
        return self

    def prepare(self, reference):
        if self.at_prepare:
            self.at_prepare -= 1
            raise self.error("out of memory")
        return reference.tensor

    def score(self, distorted, prepared):
        self.asked.append(len(distorted))
        if len(distorted) > self.limit:
            raise self.error("tried to allocate 20 GiB")
        if self.device is not None:
            self.device.used = 100 * PIXELS * len(distorted)
        return (distorted.tensor - prepared).double().mean(dim=(1, 2, 3))


class Difference:
    """The same in NumPy: reads the bytes, asks for no tensor."""

    info = MetricInfo("difference", "Difference", "1", False, "Mean difference.")

    def load(self, device):
        return self

    def prepare(self, reference):
        return reference.rgb

    def score(self, distorted, prepared):
        return (distorted.rgb.astype(float) - prepared).mean(axis=(1, 2, 3)) / 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A reference and 40 noisy versions of it."""
    folder, random = tmp_path_factory.mktemp("unit"), np.random.default_rng(3)
    reference = random.integers(0, 256, (*SIZE, 3))
    Image.fromarray(reference.astype(np.uint8)).save(folder / "ref.png")
    for i in range(40):
        noisy = (reference + random.normal(i - 20, 5, reference.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{i:02}.png")
    return folder


def pairs(folder):
    return tuple(Pair(p.name, p, folder / "ref.png", "a", 1.0) for p in sorted(folder.glob("[0-9]*.png")))


def score(todo, *metrics, device=None, memory=GIB, decoders=None):
    registry = Registry()
    registry.metrics |= {metric.info.name: metric for metric in metrics}
    scorer = UnitScorer(registry, WorkerSetup(memory=memory, decoders=decoders), device)
    ids = frozenset(pair.id for pair in todo)
    wanted = tuple(Wanted(i, metric.info.name, ids) for i, metric in enumerate(metrics))
    return scorer, scorer(Unit("a", tuple(todo), wanted)).results


def expected(folder):
    reference = read_rgb(folder / "ref.png").astype(float)
    return {pair.id: (read_rgb(pair.distorted) - reference).mean() / 255 for pair in pairs(folder)}


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
@pytest.mark.parametrize("limit", [1, 3, 15])
def test_batches_are_halved_when_memory_runs_out_and_every_pair_is_scored(folder, error, limit):
    device, metric = FakeDevice(), Hungry(limit, error)
    _, (result,) = score(pairs(folder), metric, device=device)
    assert result.failures == {}
    assert result.scores == pytest.approx(expected(folder), abs=1e-7)
    assert result.scores == score(pairs(folder), Hungry(40))[1][0].scores
    found = next(size for size in (16, 8, 4, 2, 1) if size <= limit)
    assert device.released == [16, 8, 4, 2, 1].index(found)
    assert max(metric.asked[device.released :]) == found


def test_a_smaller_batch_is_remembered_and_other_metrics_keep_theirs(folder):
    device, small, large = FakeDevice(), Hungry(4), Hungry(40)
    large.info = MetricInfo("large", "Large", "1", False, "Mean difference.")
    scorer, _ = score(pairs(folder), small, large, device=device)
    assert set(large.asked) == {16, 8}
    assert device.released == 2
    small.asked.clear()
    ids = frozenset(pair.id for pair in pairs(folder))
    again = scorer(Unit("a", pairs(folder), (Wanted(0, "hungry", ids),)))
    assert set(small.asked) == {4}
    assert device.released == 2
    assert not again.results[0].failures


def test_one_image_that_does_not_fit_is_a_named_failure(folder):
    _, (hungry, difference) = score(pairs(folder), Hungry(0), Difference(), device=FakeDevice())
    assert len(hungry.failures) == 40
    assert set(hungry.failures.values()) == {
        "one image of 32 x 24 is too much for the memory: OutOfMemoryError: tried to allocate 20 GiB"
    }
    assert difference.scores == pytest.approx(expected(folder), abs=1e-12)


def test_a_reference_that_did_not_fit_is_tried_once_more_when_memory_is_freed(folder):
    device = FakeDevice()
    _, (once,) = score(pairs(folder), Hungry(40, at_prepare=1), device=device)
    assert (len(once.scores), device.released) == (40, 1)
    _, (twice,) = score(pairs(folder), Hungry(40, at_prepare=2))
    assert set(twice.failures.values()) == {"reference: OutOfMemoryError: out of memory"}


def test_where_memory_can_be_measured_batches_fit_into_it_from_the_second_on(folder):
    device = FakeDevice(memory=500 * PIXELS)
    metric = Hungry(5, device=device)
    _, (result,) = score(pairs(folder), metric, device=device)
    assert result.failures == {}
    assert metric.asked[:4] == [1, 5, 5, 5]
    assert device.released == 0


def test_the_estimate_is_that_of_the_largest_batch():
    appetite = Appetite()
    assert appetite.images(100, 1e9) == 1
    appetite.measured(90_000, 100)
    assert appetite.images(100, 1e6) == 11
    appetite.measured(400_000, 1000)
    appetite.measured(90_000, 100)
    assert appetite.images(100, 1e6) == 25
    appetite.pixels = 700
    assert [appetite.images(each, 1e6) for each in (100, 300, 701)] == [7, 2, 1]


def test_a_metric_that_fails_on_one_image_costs_only_that_one(folder):
    class Picky(Difference):
        def score(self, distorted, prepared):
            scores = super().score(distorted, prepared)
            if (abs(scores) < 0.02).any():
                raise ValueError("too close")
            return scores

    close = [pair for pair, value in expected(folder).items() if abs(value) < 0.02]
    assert close
    _, (result,) = score(pairs(folder), Picky(), device=FakeDevice())
    assert result.failures == dict.fromkeys(close, "ValueError: too close")
    assert len(result.scores) == 40 - len(close)


@pytest.mark.parametrize("memory", [1, 10_000, GIB])
@pytest.mark.parametrize("decoders", [0, 1, 4])
def test_scores_are_the_same_bits_with_any_decoders_and_memory(folder, decoders, memory):
    here, there = (
        score(pairs(folder), Hungry(40), Difference(), decoders=decoders, memory=memory)[1],
        score(pairs(folder), Hungry(40), Difference())[1],
    )
    assert [result.scores for result in here] == [result.scores for result in there]
    assert [list(result.scores) for result in here] == [list(result.scores) for result in there]


def test_images_cross_over_once_and_only_where_a_metric_asks(folder):
    device = FakeDevice()
    score(pairs(folder), Difference(), device=device)
    assert device.sent == []
    score(pairs(folder), Difference(), Hungry(5), device=device)
    assert device.sent == [1, 16, 16, 8]


def test_failures_are_named_whoever_decodes(folder, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    Image.new("RGB", (5, 5)).save(tmp_path / "b.png")
    bad = [Pair(name, tmp_path / name, folder / "ref.png", "a", 1.0) for name in ("a.png", "b.png", "c.png")]
    for decoders in (0, 2):
        _, (result,) = score([*bad, *pairs(folder)], Difference(), decoders=decoders)
        assert len(result.scores) == 40
        assert "cannot be decoded" in result.failures["a.png"]
        assert result.failures["b.png"] == "b.png: 5 x 5, but its reference is 32 x 24"
        assert "no such file" in result.failures["c.png"]


class Reader:
    """Reads images that are their own number, and notes how many are read and not yet yielded."""

    def __init__(self):
        self.lock, self.read, self.threads = threading.Lock(), 0, set()

    def __call__(self, path):
        with self.lock:
            self.read += 1
            self.threads.add(threading.current_thread().name)
        if path.name == "bad":
            raise PairError("bad")
        return np.full((2, 2, 3), int(path.name), np.uint8)


def test_images_come_in_order_and_no_more_are_read_ahead_than_the_window_allows():
    from concurrent.futures import ThreadPoolExecutor

    paths = [Path(str(i)) if i != 7 else Path("bad") for i in range(60)]
    with ThreadPoolExecutor(4) as pool:
        for window in (0, 1, 5):
            reader, taken = Reader(), 0
            for path, image in read_all(paths, reader, pool, lambda pixels, window=window: window):
                taken += 1
                assert reader.read <= taken + max(1, window)
                assert path == paths[taken - 1]
                assert isinstance(image, PairError) if path.name == "bad" else image[0, 0, 0] == int(path.name)
            assert taken == reader.read == 60
            assert "MainThread" not in reader.threads


def test_the_window_is_told_the_largest_image_so_far():
    from concurrent.futures import ThreadPoolExecutor

    seen = []
    with ThreadPoolExecutor(1) as pool:
        list(read_all([Path("1"), Path("2")], Reader(), pool, lambda pixels: seen.append(pixels) or 1))
    assert seen[0] == 0
    assert set(seen[2:]) == {4}


def test_reading_that_ends_early_leaves_nothing_to_be_read():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        reader = Reader()
        images = read_all([Path(str(i)) for i in range(100)], reader, pool, lambda pixels: 3)
        next(images)
        images.close()
    assert reader.read <= 5


def test_items_are_taken_ahead_and_come_in_order():
    taken = []
    items = ahead((taken.append(i) or i for i in range(5)), 2)
    assert (next(items), taken) == (0, [0, 1, 2])
    assert list(items) == [1, 2, 3, 4]
    assert list(ahead([], 1)) == []


def test_a_batch_on_the_cpu_is_one_image_and_is_not_copied():
    device, image = open_device("cpu", None), np.zeros((*SIZE, 3), np.uint8)
    assert (device.decoders, device.largest_batch, device.batches_ahead) == (0, 1, 0)
    assert np.shares_memory(device.gather([image]).rgb, image)


@pytest.mark.parametrize("which", [slice(1, 3), [0, 3]])
def test_a_part_of_a_batch_has_the_same_views_as_a_batch_of_its_own(which):
    rgb = np.random.default_rng(5).integers(0, 256, (4, *SIZE, 3), dtype=np.uint8)
    for send in (None, torch.tensor):
        for made in (True, False):
            whole, alone = ImageBatch(rgb, "cpu", send), ImageBatch(rgb[which])
            if made:
                _ = whole.luma, whole.tensor, whole.luma_tensor
            part = whole.part(which)
            np.testing.assert_array_equal(part.rgb, alone.rgb)
            np.testing.assert_array_equal(part.luma, alone.luma)
            torch.testing.assert_close(part.tensor, alone.tensor, rtol=0, atol=0)
            torch.testing.assert_close(part.luma_tensor, alone.luma_tensor, rtol=0, atol=0)


def test_what_is_written_to_a_part_is_made_anew_in_the_whole():
    whole = ImageBatch(np.full((4, *SIZE, 3), 255, np.uint8))
    assert whole.tensor.min() == 1
    part = whole.part(slice(0, 2))
    part.tensor.zero_()
    assert part.modified
    part.forget_views()
    assert not part.modified
    assert part.tensor.min() == whole.tensor.min() == 1


def test_memory_that_ran_out_is_known_by_type_or_words():
    for error in (
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(SystemExit("out of memory"))
    with pytest.raises(Exception, match="allocat") as caught:
        np.empty(1 << 50)
    assert is_out_of_memory(caught.value)
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert is_out_of_memory(caught.value)


def test_a_batch_whose_whole_fits_after_its_first_image_is_scored_once(folder):
    device = FakeDevice(memory=1e12)
    metric = Hungry(16, device=device)
    _, (result,) = score(pairs(folder), metric, device=device)
    assert not result.failures
    assert set(result.scores) == {pair.id for pair in pairs(folder)}
    assert sum(metric.asked) == len(result.scores)
    assert max(metric.asked) > 1


class Extreme:
    """Infinite for every image, in the direction that is asked for."""

    def __init__(self, score, **facts):
        self.value, self.info = score, MetricInfo("extreme", "Extreme", "1", **{"protocol": "Made up.", **facts})

    def load(self, device):
        return self

    def prepare(self, reference):
        return None

    def score(self, distorted, prepared):
        return np.full(len(distorted), self.value)


@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinity_is_a_score_where_it_is_declared_and_best_and_else_a_named_failure(folder, value, declared, higher):
    metric = Extreme(value, higher_is_better=higher, infinite_as=60.0 if declared else None)
    _, (result,) = score(pairs(folder)[:3], metric)
    if declared and value == (math.inf if higher else -math.inf):
        assert list(result.scores.values()) == [value] * 3
        assert not result.failures
    else:
        assert not result.scores
        assert len(result.failures) == 3
        for reason in result.failures.values():
            assert reason.startswith(f"extreme is {value}, expected a finite number")
