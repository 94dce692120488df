"""Processor time of metrics and of decoding: ``pytest tests/bench_metrics.py -n 0 --benchmark-only``.

One thread, 384 x 512, reference prepared once; run it on an idle machine.
"""

import time

import numpy as np
import pytest
from photographs import METRICS, photograph
from PIL import Image

from benchmark.images import ImageBatch, read_rgb
from benchmark.types import UserError

SIZE = (slice(0, 384), slice(0, 512))
FORMATS = ["bmp", "png", "jpg", "tif", "webp"]

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=True, warmup_iterations=1, min_rounds=5)


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pair():
    """(distorted, reference) as new batches, so that the views of the distorted image are timed with the metric."""
    return [ImageBatch(photograph(name)[SIZE][None]) for name in ("jpeg/bikes_q012.jpg", "ref/bikes.png")]


def load(name):
    try:
        return METRICS[name].load("cpu")
    except UserError as error:
        return pytest.skip(str(error))


@pytest.mark.parametrize("name", METRICS)
def test_score_with_the_reference_reused(benchmark, name):
    scorer = load(name)
    prepared = scorer.prepare(pair()[1])
    benchmark(lambda: scorer.score(pair()[0], prepared))


@pytest.mark.parametrize("name", METRICS)
def test_prepare_the_reference_and_score(benchmark, name):
    scorer = load(name)

    def both():
        distorted, reference = pair()
        return scorer.score(distorted, scorer.prepare(reference))

    benchmark(both)


@pytest.mark.parametrize("ending", FORMATS)
def test_decode(benchmark, ending, tmp_path):
    path = tmp_path / f"image.{ending}"
    Image.fromarray(np.ascontiguousarray(photograph("ref/bikes.png")[SIZE])).save(path)
    benchmark(read_rgb, path)
