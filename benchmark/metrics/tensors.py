"""What piq's functions are given: float64 tensors, brought near a common viewing size as the authors' MATLAB code does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

VIEWING_SIZE = 256
"""Shorter side, in pixels, that many authors bring an image near to before they score it."""


def unit_tensor(image: np.ndarray) -> torch.Tensor:
    """Return uint8 RGB (H, W, 3) or luma (H, W) in [0, 255] as float64 (1, 3 or 1, H, W) in [0, 1]."""
    import torch

    planes = np.moveaxis(image, -1, 0) if image.ndim == 3 else image[None]
    return torch.tensor(planes / 255.0, dtype=torch.float64)[None]


def near_viewing_size(images: torch.Tensor) -> torch.Tensor:
    """Average f x f pixels (zeros beyond the border) and take every f-th, f = max(1, round(shorter side / 256)).

    As `conv2(image, fspecial('average', f), 'same')` and `(1:f:end, 1:f:end)`; halves round up, as MATLAB's do. What
    comes back is small enough for piq to leave its size alone.
    """
    import torch.nn.functional as F

    factor = max(1, int(min(images.shape[-2:]) / VIEWING_SIZE + 0.5))
    before, after = (factor - 1) // 2, factor // 2
    return F.avg_pool2d(F.pad(images, (before, after, before, after)), factor)
