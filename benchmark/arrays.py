"""Images that are already in memory -> uint8 RGB: NumPy arrays, torch tensors and PIL images, by stated rules.

* **Layout** follows the type, as each library has it. A NumPy array is (H, W, 3) RGB, (H, W, 1) or (H, W) grey, and a
  batch is (N, H, W, 3) or (N, H, W, 1). A tensor is (3, H, W), (1, H, W) or (H, W), and a batch (N, 3, H, W) or
  (N, 1, H, W). Nothing is guessed from the numbers: an array whose channels come first is refused.
* **Range**: uint8 is what it is. Floats need their range declared: `data_range=1.0` for [0, 1], 255 for [0, 255], or
  (low, high), for example (-1, 1). Values outside it, NaN and other integer types are refused.
* **Rounding**: metrics are defined on 8-bit images. Floats are scaled to [0, 255] and rounded to the nearest whole
  number, halves up, as writing them to an 8-bit file does.
* A PIL image follows the rules for files (`benchmark.images`): 8-bit RGB, grey or palette, its profile converted to sRGB,
  its EXIF orientation applied; transparency is refused.
"""

from __future__ import annotations

import sys
from numbers import Real
from typing import Any

import numpy as np

from benchmark.types import UserError

DataRange = float | tuple[float, float] | None
"""The range of a float image: its largest value (the smallest is then 0), or (smallest, largest)."""
CHANNELS = (1, 3)
HOW = "expected uint8 RGB of shape (H, W, 3)"


def images_of(
    value: Any, *, data_range: DataRange = None, background: str | None = None, name: str = "image"
) -> tuple[np.ndarray, bool]:
    """Return uint8 RGB (N, H, W, 3), and whether `value` was a batch, by the rules on top of this module.

    Raises UserError that says what was expected, what came, and what to do; `name` is what the caller calls the image.
    """
    if _is_pil(value):
        return _from_pil(value, background, name)[np.newaxis], False
    if _is_tensor(value):
        array = (value.detach().float() if value.is_floating_point() else value.detach()).cpu().numpy()
        channels_first = True
    elif isinstance(value, np.ndarray):
        array, channels_first = value, False
    else:
        raise UserError(
            f"{name}: expected a path, a PIL image, a NumPy array or a torch tensor, got {type(value).__name__}"
        )
    array, is_batch = _channels_last(array, channels_first, name)
    levels = _to_uint8(array, data_range, name)
    rgb = levels if levels.shape[3] == 3 else np.repeat(levels, 3, axis=3)
    if 0 in rgb.shape:
        raise UserError(f"{name}: expected an image with pixels, got shape {tuple(array.shape)}")
    return np.ascontiguousarray(rgb), is_batch


def _is_pil(value: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _from_pil(image: Any, background: str | None, name: str) -> np.ndarray:
    from benchmark.images import background_colour
    from benchmark.images.colour import ColourError
    from benchmark.images.decoding import Refused, from_pil

    try:
        return from_pil(image, None if background is None else background_colour(background))
    except (Refused, ColourError) as error:
        raise UserError(f"{name}: {error}") from error


def _channels_last(array: np.ndarray, channels_first: bool, name: str) -> tuple[np.ndarray, bool]:
    """Return (N, H, W, 1 or 3), and whether the array was a batch."""
    shape = tuple(array.shape)
    if array.ndim == 2:
        return array[np.newaxis, :, :, np.newaxis], False
    if array.ndim not in (3, 4) or shape[-3 if channels_first else -1] not in CHANNELS:
        raise UserError(f"{name}: {_expected_shape(channels_first)}, got {shape}{_hint(shape, channels_first)}")
    batch = array if array.ndim == 4 else array[np.newaxis]
    return (batch.transpose(0, 2, 3, 1) if channels_first else batch), array.ndim == 4


def _expected_shape(channels_first: bool) -> str:
    if channels_first:
        return "a tensor has its channels first: expected (3, H, W), (1, H, W), (H, W), or (N, 3, H, W)"
    return "a NumPy array has its channels last: expected (H, W, 3), (H, W, 1), (H, W), or (N, H, W, 3)"


def _hint(shape: tuple[int, ...], channels_first: bool) -> str:
    if len(shape) not in (3, 4):
        return ""
    if shape[-3 if channels_first else -1] == 4:
        return "; a fourth channel is transparency: compose the image on the background that was shown"
    if channels_first and shape[-1] in CHANNELS:
        return "; its channels come last: use .permute(2, 0, 1), or pass .numpy()"
    if not channels_first and shape[-3] in CHANNELS:
        return "; its channels come first: use np.moveaxis(image, -3, -1), or pass a torch tensor"
    return ""


def _to_uint8(array: np.ndarray, data_range: DataRange, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array  # data_range is of floats
    if not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{name}: expected uint8, or floats with a declared range, got {array.dtype}; convert it, so that the "
            "rounding is yours: for values of 0 to 255, image.astype(np.uint8)"
        )
    if data_range is None:
        raise UserError(
            f"{name}: {array.dtype} without a range; declare it: data_range=1.0 for [0, 1], 255 for [0, 255], (-1, 1), ..."
        )
    low, high = _limits(data_range)
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise UserError(f"{name}: expected finite numbers, got NaN or infinity")
    smallest, largest = (float(values.min()), float(values.max())) if values.size else (low, high)
    if smallest < low or largest > high:
        raise UserError(
            f"{name}: expected values from {low:g} to {high:g} (data_range), got {smallest:g} to {largest:g}; "
            "declare the true range, or clip the image as it was shown"
        )
    return np.floor((values - low) * (255.0 / (high - low)) + 0.5).astype(np.uint8)


def _limits(data_range: float | tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (0.0, float(data_range)) if isinstance(data_range, Real) else map(float, tuple(data_range))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise UserError(
            f"data_range: expected a number or (smallest, largest), got {data_range!r}; for example 1.0 or (-1, 1)"
        ) from error
    if not (np.isfinite([low, high]).all() and low < high):
        raise UserError(f"data_range: expected a smallest value below the largest, got {low:g} and {high:g}")
    return low, high
