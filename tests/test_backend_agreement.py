"""Every backend of every metric gives the number of its reference implementation, on easy and on awkward images."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from photographs import METRICS, PAIRS, photograph

from benchmark.images import ImageBatch
from benchmark.metrics.backends import BackedMetric
from benchmark.types import PairError, UserError

BACKED = {name: metric for name, metric in METRICS.items() if isinstance(metric, BackedMetric)}
FASTER = [(name, backend.name) for name, metric in BACKED.items() for backend in metric.backends[:-1]]
BOTH = [(name, backend.name) for name, metric in BACKED.items() for backend in metric.backends]
SHARING = [("fsim", "fsimc"), ("ssim", "ms-ssim"), ("ssim", "ssim-down"), ("ssim-rgb", "ms-ssim-rgb")]
"""Metrics that compute something once for both, where a batch is scored with both."""


@cache
def load(name, backend):
    metric = BACKED[name]
    if not next(choice for choice in metric.backends if choice.name == backend).serves("cpu"):
        return pytest.skip(f"{backend} of {name} does not run here")
    try:
        return metric.load("cpu", backend)
    except UserError as error:
        return pytest.skip(f"{name} cannot run here: {error}")


def outcome(scorer, distorted, reference):
    """The score, or NaN where the metric refuses the pair: that a backend must do too."""
    try:
        prepared = scorer.prepare(ImageBatch(reference[None]))
        return float(scorer.score(ImageBatch(distorted[None]), prepared)[0])
    except (ValueError, PairError, UserError):
        return np.nan


def crop(name, height, width):
    return photograph(name)[100 : 100 + height, 200 : 200 + width]


def noise(height, width, seed, values=256):
    return np.random.default_rng(seed).integers(0, values, (height, width, 3), dtype=np.uint8)


def flat(height, width, level):
    return np.full((height, width, 3), level, np.uint8)


def pairs(smallest):
    """(what, distorted, reference) of sizes that hold a metric's smallest, even and odd."""
    height, width = max(smallest, 64) + 10, max(smallest, 64) + 37
    for distorted, reference in PAIRS:
        yield f"{distorted} of even size", crop(distorted, 400, 392), crop(reference, 400, 392)
        yield f"{distorted} of odd size", crop(distorted, 389, 393), crop(reference, 389, 393)
        yield f"{distorted} of the smallest", *(crop(name, smallest, smallest + 1) for name in (distorted, reference))
    photo = crop(PAIRS[0][1], height, width)
    yield "the same photograph", photo, photo
    yield "its negative", 255 - photo, photo
    yield "one pixel off by one", np.where(np.arange(photo.size).reshape(photo.shape) == 999, photo ^ 1, photo), photo
    yield "noise", noise(height, width, 1), noise(height, width, 2)
    yield "only 0 and 255", 255 * noise(height, width, 3, 2), 255 * noise(height, width, 4, 2)
    yield "flat against a photograph", flat(height, width, 128), photo
    yield "a photograph against flat", photo, flat(height, width, 128)
    yield "flat, one level apart", flat(height, width, 200), flat(height, width, 201)
    yield "black against white", flat(height, width, 0), flat(height, width, 255)
    for level in (0, 77, 255):
        yield f"flat, both {level}", flat(height, width, level), flat(height, width, level)


def test_the_metrics_that_a_slower_library_proves_have_a_faster_backend():
    expected = {
        "psnr",
        "psnr-y",
        "ssim",
        "ssim-down",
        "ssim-rgb",
        "ms-ssim",
        "ms-ssim-rgb",
        "gmsd",
        "ms-gmsd",
        "ms-gmsd-c",
        "sr-sim",
        "mdsi",
        "haarpsi",
        "iw-ssim",
    }
    assert expected <= {name for name, _ in FASTER}


@pytest.mark.parametrize(("name", "backend"), FASTER)
def test_a_backend_agrees_with_the_reference_within_the_metrics_tolerance(name, backend):
    metric = BACKED[name]
    ours, reference = load(name, backend), load(name, metric.backends[-1].name)
    for what, distorted, original in pairs(metric.info.min_size):
        expected = outcome(reference, distorted, original)
        actual = outcome(ours, distorted, original)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=metric.info.tolerance, err_msg=what)


@pytest.mark.parametrize(("name", "backend"), BOTH)
def test_each_backend_scores_an_image_to_the_bit_the_same_alone_and_in_a_batch(name, backend):
    scorer = load(name, backend)
    size = max(BACKED[name].info.min_size, 64) + 3
    images = [crop(PAIRS[0][0], size, size), noise(size, size, 5), flat(size, size, 255), crop(PAIRS[0][1], size, size)]
    prepared = scorer.prepare(ImageBatch(crop(PAIRS[0][1], size, size)[None]))
    together = scorer.score(ImageBatch(np.stack(images)), prepared)
    alone = [scorer.score(ImageBatch(image[None]), prepared)[0] for image in images]
    np.testing.assert_array_equal(np.asarray(together), alone)


@pytest.mark.parametrize("names", [names for pair in SHARING for names in (pair, pair[::-1])])
def test_a_score_is_to_the_bit_the_same_after_a_metric_that_shares_its_work(names):
    first, second = (METRICS[name].load("cpu") for name in names)
    distorted, reference = (crop(name, 290, 301)[None] for name in PAIRS[0])
    alone = second.score(ImageBatch(distorted), second.prepare(ImageBatch(reference)))

    batch, original = ImageBatch(distorted), ImageBatch(reference)
    ready = first.prepare(original), second.prepare(original)
    first.score(batch, ready[0])
    np.testing.assert_array_equal(second.score(batch, ready[1]), alone)


def test_what_one_reference_left_with_a_batch_is_not_taken_for_anothers():
    scorer = BACKED["ssim"].load("cpu")
    batch = ImageBatch(crop(PAIRS[0][0], 200, 200)[None])
    originals = [crop(PAIRS[0][1], 200, 200), noise(200, 200, 6)]
    expected = [outcome(scorer, batch.rgb[0], original) for original in originals]
    actual = [float(scorer.score(batch, scorer.prepare(ImageBatch(original[None])))[0]) for original in originals]
    assert actual == expected


def test_scratch_arrays_are_large_enough_whatever_sizes_came_before():
    for name in ("ms-ssim", "ssim-down", "gmsd", "fsimc", "vsi", "mdsi"):
        scorer = METRICS[name].load("cpu")
        sizes = [(161, 300), (400, 170), (200, 200), (400, 400), (161, 161)]
        scores = [outcome(scorer, *(crop(which, *size) for which in PAIRS[1])) for size in sizes]
        again = [outcome(scorer, *(crop(which, *size) for which in PAIRS[1])) for size in reversed(sizes)]
        assert scores == again[::-1]


@pytest.mark.parametrize("name", ["ms-ssim", "ms-gmsd", "fsimc", "mdsi", "vsi"])
def test_threads_do_not_share_scratch_arrays(name):
    scorer = METRICS[name].load("cpu")
    images = [noise(300, 300, seed) for seed in range(24)]
    prepared = scorer.prepare(ImageBatch(images[0][None]))

    def score(image):
        return float(scorer.score(ImageBatch(image[None]), prepared)[0])

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(score, images)) == [score(image) for image in images]
