"""File -> uint8 RGB, and the views that metrics share. The only decoder.

What a file may hold, and what becomes of it:

* 8-bit RGB: as it is. 8-bit or 1-bit grey: the one channel three times. Palette: its RGB colours.
* An alpha channel that is opaque everywhere is dropped; any transparency is refused, since the colour a viewer
  saw depends on a background that the file does not name.
* 16-bit, integer and float images are refused: the metrics are defined on 8 bits, and how to round is a choice.
* CMYK, Lab, HSV and YCCK are refused: their RGB depends on a profile.
* EXIF orientation is applied, as every viewer does. ICC profiles are ignored, as the field does.
* Several frames (animation, multi-page TIFF) are refused.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.types import PairError

if TYPE_CHECKING:
    import torch

LUMA_BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G, B in luma, ITU-R BT.601."""

MODES = {"RGB", "L", "1", "P", "RGBA", "LA", "PA", "RGBX"}
EIGHT_BITS = 8
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_BIT_DEPTH_OFFSET = 24
TIFF_BITS_PER_SAMPLE = 258


def read_rgb(path: Path) -> np.ndarray:
    """Decode an image file to uint8 RGB of shape (H, W, 3), by the rules on top of this module.

    Raises PairError naming the file and the reason: missing, unreadable, truncated, or of a kind that is refused.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise PairError(
                    f"{path.name}: holds {image.n_frames} frames, expected one; save the frame that was rated"
                )
            bits = _bits_per_channel(path, image)
            if bits > EIGHT_BITS or image.mode.startswith(("I", "F")):
                raise PairError(
                    f"{path.name}: {max(bits, 16)}-bit, expected 8 bits per channel; convert it, so that the rounding is yours"
                )
            if image.mode not in MODES:
                raise PairError(
                    f"{path.name}: colour mode {image.mode}, expected RGB, grey or palette; convert it to RGB with its profile"
                )
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.has_transparency_data:
                image = image.convert("RGBA")
                if image.getchannel("A").getextrema()[0] < 255:
                    raise PairError(
                        f"{path.name}: has transparent pixels; composite it on the background that was shown"
                    )
            return np.asarray(image.convert("RGB"))
    except PairError:
        raise
    except FileNotFoundError as error:
        raise PairError(f"{path.name}: no such file in {path.parent}") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PairError(f"{path.name}: cannot be decoded ({error})") from error


def _bits_per_channel(path: Path, image) -> int:
    """Bits per channel as the file has them: Pillow cuts 16-bit RGB to 8 without a word."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(PNG_BIT_DEPTH_OFFSET + 1)
        return head[PNG_BIT_DEPTH_OFFSET] if head.startswith(PNG_SIGNATURE) else EIGHT_BITS
    if image.format == "TIFF":
        return max(image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (EIGHT_BITS,)))
    return EIGHT_BITS


class ImageBatch:
    """N images of one size, with the views that metrics share: each is made once, when first asked for.

    `rgb` is uint8 (N, H, W, 3). Views must not be written to. A batch belongs to one device; only the tensor views
    live there.
    """

    def __init__(self, rgb: np.ndarray, device: str = "cpu") -> None:
        if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected uint8 images of shape (N, H, W, 3), got {rgb.dtype} {rgb.shape}")
        self.rgb = rgb
        self.device = device

    def __len__(self) -> int:
        return len(self.rgb)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[2]

    @cached_property
    def luma(self) -> np.ndarray:
        """BT.601 luma, full range, unrounded: float64 (N, H, W) in [0, 255]."""
        red, green, blue = LUMA_BT601
        return red * self.rgb[..., 0] + green * self.rgb[..., 1] + blue * self.rgb[..., 2]

    @cached_property
    def tensor(self) -> torch.Tensor:
        """RGB as float32 (N, 3, H, W) in [0, 1], on the batch's device."""
        import torch

        return torch.tensor(self.rgb, device=self.device).permute(0, 3, 1, 2).to(torch.float32).div(255.0)

    @cached_property
    def luma_tensor(self) -> torch.Tensor:
        """BT.601 luma, full range, unrounded: float32 (N, 1, H, W) in [0, 1], on the batch's device."""
        import torch

        return torch.from_numpy(self.luma / 255.0).to(self.device, torch.float32).unsqueeze(1)
