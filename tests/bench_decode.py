"""Processor time of decoding, by format: ``pytest tests/bench_decode.py -n 0 --benchmark-only``."""

import time

import numpy as np
import pytest
from photographs import photograph
from PIL import Image

from benchmark.images import read_rgb

SIZES = {"384x512": (384, 512), "288x288": (288, 288)}
FORMATS = ["bmp", "png", "jpg", "tif", "webp"]

pytestmark = pytest.mark.benchmark(timer=time.process_time, min_rounds=5, max_time=0.3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ending", FORMATS)
def test_decode(benchmark, ending, size, tmp_path):
    height, width = SIZES[size]
    path = tmp_path / f"image.{ending}"
    Image.fromarray(np.ascontiguousarray(photograph("ref/bikes.png")[:height, :width])).save(path)
    decoded = benchmark(read_rgb, path)
    assert decoded.shape == (height, width, 3)
