"""How an image of any size reaches a head: tiles for the flattened one, the whole for the pooled one."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor
from torch.nn import functional

TILE = 288
"""Side of the paper's input, in pixels; its flattened head takes no other."""

STRIDE = 16
"""The four poolings divide the sides by this; other sizes are padded to a multiple."""


def tile_origins(length: int, tile: int = TILE) -> list[int]:
    """Where tiles begin along a side of `length` >= `tile` pixels: as few as cover it, evenly spread, both ends included.

    512 -> [0, 224]; 288 -> [0]; 768 -> [0, 240, 480].
    """
    if length < tile:
        raise ValueError(f"expected a side of at least {tile} pixels, got {length}; pad it first")
    n = math.ceil(length / tile)
    return [round(i * (length - tile) / (n - 1)) for i in range(n)] if n > 1 else [0]


def reflect_to(image: Tensor, *, height: int, width: int) -> Tensor:
    """Extend (N, C, H, W) at the lower and right border by reflection, the border pixel not repeated.

    An image too small for one reflection is reflected again and again; a single row or column is repeated.
    """
    while image.shape[2] < height or image.shape[3] < width:
        down = min(height - image.shape[2], max(image.shape[2] - 1, 1))
        right = min(width - image.shape[3], max(image.shape[3] - 1, 1))
        single = (image.shape[2] == 1 and down > 0) or (image.shape[3] == 1 and right > 0)
        image = functional.pad(image, (0, right, 0, down), mode="replicate" if single else "reflect")
    return image


def cut_tiles(image: Tensor, head: Literal["flatten", "gap"]) -> list[Tensor]:
    """Return the parts of images (N, 3, H, W) that a head sees one by one.

    "gap": the image itself, reflected up to a multiple of 16 pixels a side. "flatten": tiles of 288 x 288 that cover the
    image with even overlap (`tile_origins`), after reflection up to 288 where a side is shorter.
    """
    height, width = image.shape[2:]
    if head == "gap":
        return [reflect_to(image, height=math.ceil(height / STRIDE) * STRIDE, width=math.ceil(width / STRIDE) * STRIDE)]
    image = reflect_to(image, height=max(height, TILE), width=max(width, TILE))
    return [
        image[:, :, top : top + TILE, left : left + TILE]
        for top in tile_origins(image.shape[2])
        for left in tile_origins(image.shape[3])
    ]
