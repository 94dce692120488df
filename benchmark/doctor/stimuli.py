"""The images that a metric is examined with: an embedded photograph, ladders of distortions, and awkward pairs.

All are uint8 RGB (H, W, 3), the same on every run.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmark.images import read_rgb
from benchmark.registry import Registry

SIZE = 256
DATASET, CONTENT = "live-kodak", "bikes"
TOP, LEFT = 100, 200
"""Corner of the crop."""


class Awkward(NamedTuple):
    """A pair that makes careless arithmetic divide by zero."""

    name: str
    distorted: np.ndarray
    reference: np.ndarray


@cache
def reference_image() -> np.ndarray:
    """Crop of an embedded photograph, SIZE x SIZE."""
    pairs = Registry().dataset(DATASET).pairs(None, images=False)
    path = next(pair.reference for pair in pairs if pair.content == CONTENT)
    if path is None:
        raise ValueError(f"{DATASET} holds no reference of {CONTENT}")
    return _frozen(read_rgb(path)[TOP : TOP + SIZE, LEFT : LEFT + SIZE])


@cache
def ladder(name: str) -> tuple[np.ndarray, ...]:
    """`reference_image` ever more distorted by "noise", "blur" or "jpeg"; neighbours differ clearly to the eye."""
    distort, levels = LADDERS[name]
    return tuple(_frozen(distort(reference_image(), level)) for level in levels)


def _noise(image: np.ndarray, sigma: float) -> np.ndarray:
    return _rounded(image + sigma * np.random.default_rng(3).standard_normal(image.shape))


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return _rounded(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)))


def _jpeg(image: np.ndarray, quality: float) -> np.ndarray:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(quality))
    return np.array(Image.open(buffer))


LADDERS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = {
    "noise": (_noise, (2, 5, 10, 20, 40)),
    "blur": (_blur, (0.6, 1, 2, 4, 8)),
    "jpeg": (_jpeg, (95, 75, 50, 25, 10, 4)),
}
"""Standard deviations of noise (grey levels) and blur (pixels), and qualities of JPEG, from light to heavy."""


def awkward_pairs(min_size: int) -> list[Awkward]:
    """Constant, tiny, odd-sized and extreme images for a metric that is defined from `min_size` pixels on."""
    random = np.random.default_rng(11)
    shape = (max(97, min_size | 1), max(131, min_size + 1 | 1), 3)
    texture = random.integers(0, 256, shape, dtype=np.uint8)
    smallest = random.integers(0, 256, (2, min_size, min_size, 3), dtype=np.uint8)
    grey = np.full(shape, 127, np.uint8)
    return [
        Awkward("odd size", _rounded(texture * 0.8), texture),
        Awkward("smallest size", smallest[0], smallest[1]),
        Awkward("constant for texture", grey, texture),
        Awkward("texture for constant", texture, grey),
        Awkward("negative", 255 - texture, texture),
        *_constant_pairs(shape),
        *(Awkward(f"smallest size, {pair.name}", *pair[1:]) for pair in _constant_pairs(smallest[0].shape)[::2]),
    ]


def _constant_pairs(shape: tuple[int, ...]) -> list[Awkward]:
    """Images of one colour for themselves and for others, and black but for one pixel."""
    colours = {"black": (0, 0, 0), "grey": (127, 127, 127), "white": (255, 255, 255), "red": (255, 0, 0)}
    images = {name: np.broadcast_to(np.array(value, np.uint8), shape) for name, value in colours.items()}
    for name, value in (("nearly black", (1, 0, 0)), ("black with a white pixel", (255, 255, 255))):
        images[name] = images["black"].copy()
        images[name][shape[0] // 2, shape[1] // 2] = value
    pairs = [(name, name) for name in images]
    pairs += [("grey", "black"), ("black", "grey"), ("white", "black"), ("black", "white"), ("red", "grey")]
    pairs += [("nearly black", "black"), ("black with a white pixel", "black"), ("black", "black with a white pixel")]
    return [Awkward(f"{one} for {other}", images[one], images[other]) for one, other in pairs]


def is_flat(image: np.ndarray) -> bool:
    """Whether uint8 RGB (H, W, 3) has one colour, but for one pixel at most."""
    return int((image != image[0, 0]).any(axis=2).sum()) <= 1


def _rounded(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _frozen(image: np.ndarray) -> np.ndarray:
    """A copy that nobody can write to: it is used again."""
    image = image.copy()
    image.flags.writeable = False
    return image
