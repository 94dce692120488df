"""What every registered metric promises, whichever it is: built-in, trained here, or brought by a plugin."""

import contextlib
import io
import math
import os
import random
import warnings
from functools import cache

import numpy as np
import pytest
import torch
from photographs import METRICS, photograph
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmark.images import ImageBatch
from benchmark.metrics.protocol import Metric
from benchmark.types import PairError, UserError

FULL_REFERENCE = [name for name, metric in METRICS.items() if metric.info.kind == "full-reference"]
NO_REFERENCE = [name for name, metric in METRICS.items() if metric.info.kind == "no-reference"]
COMPANIONS = [name for name in ("psnr", "ssim", "gmsd", "lpips", "niqe") if name in METRICS]
"""Metrics that share a batch's views with the one under test: one of each kind of view."""
UNDEFINED_FOR_A_FLAT_REFERENCE = {"iw-ssim"}
"""Its weights are the information in the reference: where there is none they are 0 / 0, and the pair fails by name."""
SIZE = 256
RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def load():
    """Load a metric on the CPU, once; skips, with its reason, one that cannot run here."""

    @cache
    def load(name):
        try:
            return METRICS[name].load("cpu")
        except UserError as error:
            return pytest.skip(f"{name} cannot run here: {error}")

    return load


def scores(scorer, *, distorted, reference):
    """Scores of uint8 images (H, W, 3) against one reference, through fresh batches."""
    return scorer.score(ImageBatch(np.stack(distorted)), scorer.prepare(ImageBatch(reference[None])))


def reference_image():
    return photograph("ref/bikes.png")[100 : 100 + SIZE, 200 : 200 + SIZE]


def rounded(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def noise(image, sigma):
    return rounded(image + sigma * np.random.default_rng(3).standard_normal(image.shape))


def blur(image, sigma):
    return rounded(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)))


def jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


LADDERS = {
    "noise": [noise(reference_image(), sigma) for sigma in (2, 5, 10, 20, 40)],
    "blur": [blur(reference_image(), sigma) for sigma in (0.6, 1, 2, 4, 8)],
    "jpeg": [jpeg(reference_image(), quality) for quality in (95, 75, 50, 25, 10, 4)],
}


@pytest.mark.parametrize("name", METRICS)
def test_the_facts_of_a_metric_are_complete(name):
    metric = METRICS[name]
    info = metric.info
    assert isinstance(metric, Metric)
    for fact in ("title", "version", "protocol", "library", "licence", "citation"):
        assert getattr(info, fact), f"{fact} is empty"
    assert info.protocol.endswith(".")
    assert ". " not in info.protocol, "a protocol is one sentence"
    assert info.score_range[0] < info.score_range[1]
    assert info.min_size >= 1
    assert 0 < info.tolerance < 0.1


@pytest.mark.parametrize("name", FULL_REFERENCE)
def test_no_image_is_better_than_the_reference_itself(name, load):
    info = METRICS[name].info
    reference = reference_image()
    images = [reference, *(ladder[0] for ladder in LADDERS.values())]
    same, *others = scores(load(name), distorted=images, reference=reference)
    best = info.score_range[1] if info.higher_is_better else info.score_range[0]
    if math.isfinite(best) or math.isinf(same):
        np.testing.assert_allclose(same, best, rtol=0, atol=info.tolerance)
    for other in others:
        assert same > other if info.higher_is_better else same < other


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("name", FULL_REFERENCE)
def test_more_distortion_scores_worse_in_the_declared_direction(name, ladder, load):
    values = scores(load(name), distorted=LADDERS[ladder], reference=reference_image())
    better = 1 if METRICS[name].info.higher_is_better else -1
    assert np.all(np.diff(values) * better < 0), values


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("name", NO_REFERENCE)
def test_without_a_reference_the_heaviest_distortion_scores_worse_than_the_lightest_and_than_none(name, ladder, load):
    """A little noise or blur may please a metric that has not seen the original; much of it may not."""
    images = [reference_image(), LADDERS[ladder][0], LADDERS[ladder][-1]]
    values = np.asarray(load(name).score(ImageBatch(np.stack(images)), None))
    better = 1 if METRICS[name].info.higher_is_better else -1
    assert np.all(values[:2] * better > values[2] * better), values


@pytest.mark.parametrize("name", NO_REFERENCE)
def test_without_a_reference_a_score_is_of_the_distorted_image_alone(name, load):
    images = ImageBatch(np.stack(LADDERS["jpeg"][:2]))
    alone = np.asarray(load(name).score(images, None))
    for reference in (reference_image(), LADDERS["blur"][-1]):
        np.testing.assert_array_equal(load(name).score(images, load(name).prepare(ImageBatch(reference[None]))), alone)


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_one_float64_per_image(name, load):
    for n in (1, 3):
        values = np.asarray(scores(load(name), distorted=LADDERS["jpeg"][:n], reference=reference_image()))
        assert values.dtype == np.float64
        assert values.shape == (n,)


@pytest.mark.parametrize("name", METRICS)
def test_a_score_does_not_depend_on_its_batch_its_order_or_other_metrics(name, load):
    reference, images = reference_image(), [ladder[i] for ladder in LADDERS.values() for i in (1, 3)]
    scorer = load(name)
    alone = np.concatenate([scores(scorer, distorted=[image], reference=reference) for image in images])
    np.testing.assert_array_equal(scores(scorer, distorted=images, reference=reference), alone)
    np.testing.assert_array_equal(scores(scorer, distorted=images[::-1], reference=reference), alone[::-1])
    shared_reference, shared_images = ImageBatch(reference[None]), ImageBatch(np.stack(images))
    for other in [*COMPANIONS, name]:
        values = load(other).score(shared_images, load(other).prepare(shared_reference))
    np.testing.assert_array_equal(values, alone)


@pytest.mark.parametrize("name", METRICS)
def test_a_prepared_reference_serves_again_and_loading_again_changes_nothing(name, load):
    reference, images = reference_image(), ImageBatch(np.stack(LADDERS["jpeg"][:2]))
    scorer = load(name)
    prepared = scorer.prepare(ImageBatch(reference[None]))
    first = np.asarray(scorer.score(images, prepared)).copy()
    np.testing.assert_array_equal(scorer.score(images, prepared), first)
    again = METRICS[name].load("cpu")
    np.testing.assert_array_equal(again.score(images, again.prepare(ImageBatch(reference[None]))), first)


def awkward_pairs(low):
    """Pairs (name, distorted, reference) of which no metric may make a NaN; `low` is the smallest size."""
    shape = (max(97, low | 1), max(131, low + 1 | 1), 3)
    texture = RNG.integers(0, 256, shape, dtype=np.uint8)
    black, grey, white = (np.full(shape, value, np.uint8) for value in (0, 127, 255))
    smallest = RNG.integers(0, 256, (2, low, low, 3), dtype=np.uint8)
    return [
        ("odd size", rounded(texture * 0.8), texture),
        ("smallest size", smallest[0], smallest[1]),
        ("smallest size, flat", np.zeros_like(smallest[0]), np.full_like(smallest[0], 255)),
        ("two constants", grey, white),
        ("constant for texture", grey, texture),
        ("texture for constant", texture, grey),
        ("black for white", black, white),
        ("white for black", white, black),
        ("negative", 255 - texture, texture),
        ("one pixel of black", np.where(np.arange(black.size).reshape(shape) == 0, 1, black).astype(np.uint8), black),
    ]


@pytest.mark.parametrize("name", METRICS)
def test_awkward_images_get_a_finite_score_in_the_stated_range(name, load):
    info = METRICS[name].info
    low, high = info.score_range
    for what, distorted, reference in awkward_pairs(info.min_size):
        refused = info.kind == "no-reference" and np.ptp(distorted) <= 1  # "nothing to see" may be the answer then
        refused |= name in UNDEFINED_FOR_A_FLAT_REFERENCE and np.ptp(reference) == 0
        with contextlib.suppress(PairError) if refused else contextlib.nullcontext():
            value = scores(load(name), distorted=[distorted], reference=reference)[0]
            assert math.isfinite(value), f"{what}: {value}"
            assert low - info.tolerance <= value <= high + info.tolerance, f"{what}: {value}"


def global_state():
    random_bits = np.random.get_state()  # noqa: NPY002  the global state is what is watched
    return {
        "torch threads": torch.get_num_threads(),
        "torch gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "torch dtype": torch.get_default_dtype(),
        "torch determinism": torch.are_deterministic_algorithms_enabled(),
        "torch random state": torch.get_rng_state().tolist(),
        "numpy random state": (random_bits[1].tolist(), random_bits[2:]),
        "numpy errors": np.geterr(),
        "random state": random.getstate(),
        "warning filters": list(warnings.filters),
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
    }


@pytest.mark.parametrize("name", METRICS)
def test_loading_and_scoring_print_nothing_and_change_no_global_state(name, load, capfd):
    load(name)  # what a library does when it is imported is not the metric's doing
    scores(load(name), distorted=LADDERS["jpeg"][:1], reference=reference_image())
    capfd.readouterr()
    before = global_state()
    scorer = METRICS[name].load("cpu")
    scores(scorer, distorted=[reference_image(), *LADDERS["jpeg"]], reference=reference_image())
    after = global_state()
    assert capfd.readouterr() == ("", "")
    for what, value in before.items():
        assert after[what] == value, f"{name} changed: {what}"


@pytest.mark.parametrize("name", METRICS)
def test_images_are_not_written_to(name, load):
    reference, images = reference_image().copy(), np.stack(LADDERS["jpeg"][:2])
    batch, prepared = ImageBatch(images.copy()), ImageBatch(reference.copy()[None])
    views = [view.copy() for view in (batch.luma, batch.tensor.numpy(), batch.luma_tensor.numpy())]
    load(name).score(batch, load(name).prepare(prepared))
    np.testing.assert_array_equal(batch.rgb, images)
    np.testing.assert_array_equal(prepared.rgb[0], reference)
    for view, before in zip((batch.luma, batch.tensor.numpy(), batch.luma_tensor.numpy()), views, strict=True):
        np.testing.assert_array_equal(view, before)
