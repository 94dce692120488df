"""Metrics without a reference at work in the harness: on full-reference sets, and on sets that have none."""

import csv
import io
import shutil

import numpy as np
import pytest
from command import benchmark

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.imagewise import ImagewiseMetric
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitScorer, Wanted, WorkerSetup
from benchmark.types import MetricInfo, Pair

MEMORY = 100_000_000
SIZE = (48, 64)


@pytest.fixture
def images(toy, tmp_path):
    """A folder with six noisy images, and their reference beside them."""
    shutil.copytree(toy / "a", tmp_path / "a")
    return tmp_path / "a"


class Unprepared:
    """A scorer that fails when it is given a reference."""

    def prepare(self, reference):
        raise AssertionError("a metric without a reference was asked to prepare one")

    def score(self, distorted, prepared):
        if prepared is not None:
            raise AssertionError("a metric without a reference was given one")
        return distorted.rgb.astype(np.float64).std(axis=(1, 2, 3))


class Spread:
    """The standard deviation of an image's samples, as a metric without a reference."""

    info = MetricInfo(
        name="spread",
        title="spread",
        version="1",
        higher_is_better=False,
        protocol="Standard deviation of RGB.",
        kind="no-reference",
    )

    def load(self, device):
        return Unprepared()


@pytest.fixture
def registry():
    found = Registry()
    found.metrics["spread"] = Spread()
    return found


def score(registry, pairs, *metrics):
    wanted = tuple(
        Wanted(series, metric, frozenset(pair.id for pair in pairs)) for series, metric in enumerate(metrics)
    )
    return UnitScorer(registry, WorkerSetup(memory=MEMORY))(Unit("a", tuple(pairs), wanted))


def pairs(folder, *, reference):
    return [
        Pair(id=name, distorted=folder / name, reference=reference, content="a", label=1.0)
        for name in sorted(path.name for path in folder.glob("[1-6].png"))
    ]


def expected(folder):
    return {path.name: read_rgb(path).astype(np.float64).std() for path in folder.glob("[1-6].png")}


def test_a_full_reference_sets_distorted_images_are_scored_without_preparing(images, registry):
    (result,) = score(registry, pairs(images, reference=images / "ref.png"), "spread").results
    assert result.failures == {}
    assert result.scores == pytest.approx(expected(images), abs=1e-12)


def test_a_set_without_references_is_scored_and_full_reference_metrics_say_what_they_need(images, registry):
    spread, psnr = score(registry, pairs(images, reference=None), "spread", "psnr").results
    assert spread.scores == pytest.approx(expected(images), abs=1e-12)
    assert psnr.scores == {}
    assert set(psnr.failures.values()) == {"needs a reference, and the data set has none"}


def test_metrics_with_and_without_a_reference_share_a_run(images, registry):
    todo = pairs(images, reference=images / "ref.png")
    both = score(registry, todo, "psnr", "spread").results
    assert [len(result.scores) for result in both] == [6, 6]
    assert both[1].scores == score(registry, todo, "spread").results[0].scores


def test_a_small_image_is_refused_with_the_size_that_is_needed(images, registry):
    (niqe,) = score(registry, pairs(images, reference=None), "niqe").results
    assert niqe.scores == {}
    assert all("192 pixels that niqe needs" in reason for reason in niqe.failures.values())


def test_an_image_without_structure_fails_alone_and_with_its_reason(tmp_path, registry):
    from PIL import Image

    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for name, image in (("1.png", noise), ("2.png", np.full_like(noise, 7)), ("3.png", noise.T.reshape(64, 64, 3))):
        Image.fromarray(image).save(tmp_path / name)
    (result,) = score(registry, pairs(tmp_path, reference=None), "brisque").results
    assert set(result.scores) == {"1.png", "3.png"}
    assert list(result.failures) == ["2.png"]
    assert "structure" in result.failures["2.png"]


def test_a_function_of_one_image_is_called_for_each():
    metric = ImagewiseMetric(Spread.info, lambda: lambda rgb: rgb.mean())
    batch = ImageBatch(np.stack([np.full((*SIZE, 3), value, np.uint8) for value in (3, 5)]))
    scores = metric.load("cpu").score(batch, None)
    np.testing.assert_array_equal(scores, [3, 5])
    assert scores.dtype == np.float64


def test_a_table_without_references_has_a_board_of_metrics_without_a_reference(images, tmp_path):
    rows = ["distorted,mos", *(f"{level}.png,{7 - level}" for level in range(1, 7))]
    (images / "scores.csv").write_text("\n".join(rows))
    done = benchmark(
        *("run", "--dataset", f"table:{images / 'scores.csv'}", "--metrics", "piqe,brisque,psnr"),
        *("--results", tmp_path / "results", "--workers", "1"),
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "needs a reference, and the data set has none" in done.stderr
    exported = benchmark("export", "--results", tmp_path / "results")
    found = [row for row in csv.DictReader(io.StringIO(exported.stdout)) if row.get("score")]
    assert sum(row["metric"] == "brisque" for row in found) == 6
    assert sum(row["metric"] == "piqe" for row in found) == 6
    assert not any(row["metric"] == "psnr" for row in found)


def test_a_function_of_the_distorted_image_alone_is_a_no_reference_metric(toy):
    import benchmark
    from benchmark.plugin import metric

    @metric(name="spread", higher_is_better=False, protocol="Standard deviation of RGB.")
    def spread(*, distorted):
        return distorted.std()

    assert spread.info.kind == "no-reference"
    benchmark.register(spread)
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert benchmark.metric("spread")(image) == image.astype(float).std()
    found = benchmark.score(toy / "a", metrics="spread", quiet=True)
    assert len(found.scores) == 7
    assert not found.failures

    @metric(name="either", higher_is_better=True, protocol="Takes anything.")
    def either(**images):
        return float(len(images))

    assert either.info.kind == "full-reference"
    with pytest.raises(TypeError, match=r"odd: expected a function of the keyword arguments distorted and reference"):
        metric(name="odd", higher_is_better=True, protocol="Odd.")(lambda x, y: 0.0)
