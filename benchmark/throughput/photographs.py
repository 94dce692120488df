"""The input: embedded photographs at any size, and JPEG and noise made of them. No random images: those cost otherwise."""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np

from benchmark.doctor.stimuli import LADDERS
from benchmark.images import read_rgb
from benchmark.registry import Registry

DATASET = "live-kodak"
DISTORTIONS = ("jpeg", "noise")
VARIETY = 4
"""Distorted images that are cycled through, at least: a metric that remembers its last image gains nothing."""
SENTENCE = (
    f"Input: photographs of {DATASET}, cropped at the centre, or continued by reflection where they are smaller than the "
    "size; distorted by JPEG (qualities "
    f"{', '.join(map(str, LADDERS['jpeg'][1]))}) and noise (sigma {', '.join(map(str, LADDERS['noise'][1]))}) in turn."
)


def reference(height: int, width: int, index: int = 0) -> np.ndarray:
    """Return a photograph as uint8 RGB (height, width, 3): the `index`-th of the data set, counted round."""
    files = _files()
    return fitted(read_rgb(files[index % len(files)]), height, width)


def distorted(image: np.ndarray, count: int) -> np.ndarray:
    """Return `count` distorted versions of an image as uint8 (count, H, W, 3); they repeat when the levels run out."""
    ladders = [[(LADDERS[name][0], level) for level in LADDERS[name][1]] for name in DISTORTIONS]
    kinds = list(chain.from_iterable(zip(*ladders, strict=False)))
    made = [distort(image, level) for distort, level in kinds[:count]]
    return np.stack([made[i % len(made)] for i in range(count)])


def fitted(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Crop an image (H, W, 3) at its centre, or continue it by reflection, to the size."""
    for axis, wanted in enumerate((height, width)):
        have = image.shape[axis]
        if wanted <= have:
            image = image.take(range((have - wanted) // 2, (have - wanted) // 2 + wanted), axis)
        else:
            padding = [(0, 0)] * image.ndim
            padding[axis] = (0, wanted - have)
            image = np.pad(image, padding, mode="symmetric")
    return np.ascontiguousarray(image)


@cache
def _files() -> tuple:
    pairs = Registry().dataset(DATASET).pairs(None, images=False)
    return tuple(sorted({pair.reference for pair in pairs if pair.reference is not None}))
