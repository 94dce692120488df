"""The input: embedded photographs at any size, and JPEG and noise made of them. No random images: those cost otherwise."""

from __future__ import annotations

from functools import cache
from itertools import chain, islice

import numpy as np

from benchmark.doctor.stimuli import LADDERS
from benchmark.images import read_rgb
from benchmark.registry import Registry

DATASET = "live-kodak"
JPEG, NOISE = LADDERS["jpeg"], LADDERS["noise"]
LEVELS = tuple(zip(JPEG[1], NOISE[1], strict=False))
"""Quality of JPEG and standard deviation of noise, from light to heavy; the longer ladder's last level is not used."""
VARIETY = 4
"""Distorted images that are cycled through, at least: a metric that remembers its last image gains nothing."""
SENTENCE = (
    f"Input: photographs of {DATASET}, cropped at the centre, or continued by reflection where they are smaller than the "
    f"size; distorted in turn by JPEG (quality {', '.join(str(quality) for quality, _ in LEVELS)}) and noise (sigma "
    f"{', '.join(str(sigma) for _, sigma in LEVELS)})."
)


def reference(height: int, width: int, index: int = 0) -> np.ndarray:
    """Return a photograph as uint8 RGB (height, width, 3): the `index`-th of the data set, counted round."""
    files = _files()
    return fitted(read_rgb(files[index % len(files)]), height, width)


def distorted(image: np.ndarray, count: int) -> np.ndarray:
    """Return `count` distorted versions of an image as uint8 (count, H, W, 3); they repeat when the levels run out."""
    kinds = chain.from_iterable(((JPEG[0], quality), (NOISE[0], sigma)) for quality, sigma in LEVELS)
    made = [distort(image, level) for distort, level in islice(kinds, count)]
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
