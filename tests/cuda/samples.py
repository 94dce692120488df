"""Real photographs with real and added distortion, as arrays and as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.images import read_rgb
from benchmark.types import Pair

LIVE_KODAK = Path(__file__).resolve().parents[2] / "datasets" / "live_kodak"


def reference(size: tuple[int, int]) -> np.ndarray:
    """A photograph, cut to (height, width) of at most 512 x 768."""
    return np.ascontiguousarray(read_rgb(LIVE_KODAK / "ref" / "bikes.png")[: size[0], : size[1]])


def distorted(size: tuple[int, int], count: int) -> np.ndarray:
    """So many versions of it with more and more noise, uint8 (N, H, W, 3)."""
    random, image = np.random.default_rng(11), reference(size)
    noisy = [image + random.normal(0, 2 + 40 * i / count, image.shape) for i in range(count)]
    return np.stack([each.clip(0, 255).astype(np.uint8) for each in noisy])


def content(folder: Path, size: tuple[int, int], count: int) -> tuple[Pair, ...]:
    """The same as BMP files of one content."""
    Image.fromarray(reference(size)).save(folder / "ref.bmp")
    for i, image in enumerate(distorted(size, count)):
        Image.fromarray(image).save(folder / f"{i:03}.bmp")
    names = [f"{i:03}.bmp" for i in range(count)]
    return tuple(Pair(name, folder / name, folder / "ref.bmp", "bikes", 0.0) for name in names)
