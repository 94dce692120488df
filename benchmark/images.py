"""File -> uint8 RGB, and the views that metrics share. The only way to read an image.

What a file may hold, and what becomes of it:

* PNG, BMP, JPEG, TIFF, WebP, GIF and 8-bit PPM/PGM/PBM are read, by content and not by the name's ending. Other
  formats are refused: some of their decoders cut deeper images to 8 bits without a word.
* 8-bit RGB: as it is. Grey of up to 8 bits: the one channel three times. Palette: its RGB colours.
* An alpha channel that is opaque everywhere is dropped; any transparency is refused, since the colour a viewer
  saw depends on a background that the file does not name.
* 16-bit, integer and float images are refused: the metrics are defined on 8 bits, and how to round is a choice.
* CMYK, Lab, HSV and YCCK are refused: their RGB depends on a profile.
* EXIF orientation is applied, as every viewer does. ICC profiles are ignored, as the field does.
* Several frames (animation, multi-page TIFF) are refused.
* A truncated file is refused, never filled with grey; so is one that claims more than 178 million pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.decoders import plain_bmp
from benchmark.types import PairError

if TYPE_CHECKING:
    import torch
    from PIL import Image

LUMA_BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G, B in luma, ITU-R BT.601."""

READING_RULES = "rules-1"
"""Changes whenever the same file may give other pixels."""
FORMATS = {"PNG", "BMP", "DIB", "JPEG", "MPO", "TIFF", "WEBP", "GIF", "PPM"}
MODES = {"RGB", "L", "1", "P", "RGBA", "LA", "PA", "RGBX"}
DEEP_MODES = ("I", "F")
"""How Pillow's names of integer and float modes begin."""
EIGHT_BITS = 8
PNG_BIT_DEPTH_OFFSET = 24
TIFF_BITS_PER_SAMPLE = 258
LARGE_FILE = 4 * 2**20
"""Bytes. Pillow warns of a "decompression bomb" above 89 million pixels; a file of this size is just a large image."""


def reading_rules(background: str | None = None) -> str:
    """Name the rules of this module that fix an image's pixels, and the background where one is given.

    Kept with every score: scores of images that were read by other rules are made again.
    """
    return READING_RULES if background is None else f"{READING_RULES} background={background}"


def read_rgb(path: Path) -> np.ndarray:
    """Decode an image file to uint8 RGB of shape (H, W, 3), by the rules on top of this module.

    Raises PairError naming the file and the reason: missing, unreadable, truncated, or of a kind that is refused.
    """
    try:
        plain = plain_bmp(path)
        if plain is not None:
            return plain
        if path.stat().st_size < LARGE_FILE:
            return _decode(path)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")
            return _decode(path)
    except PairError:
        raise
    except FileNotFoundError as error:
        raise PairError(f"{path.name}: no such file in {path.parent}") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything
        raise PairError(f"{path.name}: cannot be decoded ({_reason(error)})") from error


def _decode(path: Path) -> np.ndarray:
    """Decode, or raise PairError for what the rules refuse, or whatever Pillow raises for what it cannot read."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        _refuse_unless_8_bit_colour(path, image)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if image.has_transparency_data:
            opaque = image.convert("RGBA")
            if np.asarray(opaque)[..., 3].min() < 255:
                raise PairError(f"{path.name}: has transparent pixels; composite it on the background that was shown")
            return np.asarray(opaque.convert("RGB"))
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _refuse_unless_8_bit_colour(path: Path, image: Image.Image) -> None:
    """Raise PairError for what cannot become 8-bit RGB without a choice that belongs to the user."""
    if image.format not in FORMATS:
        raise PairError(
            f"{path.name}: format {image.format}, expected PNG, BMP, JPEG, TIFF, WebP, GIF or PPM; convert it to PNG"
        )
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise PairError(f"{path.name}: holds {frames} frames, expected one; save the frame that was rated")
    bits = _bits_per_channel(path, image)
    if bits > EIGHT_BITS or image.mode.startswith(DEEP_MODES):
        kind = f"{bits}-bit" if bits > EIGHT_BITS else f"mode {image.mode}"
        raise PairError(f"{path.name}: {kind}, expected 8 bits per channel; convert it, so that the rounding is yours")
    if image.mode not in MODES:
        raise PairError(
            f"{path.name}: colour mode {image.mode}, expected RGB, grey or palette; convert it to RGB with its profile"
        )


def _bits_per_channel(path: Path, image: Image.Image) -> int:
    """Bits per channel as the file has them: Pillow cuts 16-bit RGB to 8 without a word."""
    from PIL.PngImagePlugin import PngImageFile
    from PIL.PpmImagePlugin import PpmImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    if isinstance(image, PngImageFile):
        with path.open("rb") as file:
            return file.read(PNG_BIT_DEPTH_OFFSET + 1)[PNG_BIT_DEPTH_OFFSET]
    if isinstance(image, TiffImageFile):
        return max(image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (EIGHT_BITS,)))
    if isinstance(image, PpmImageFile):
        decoder, _, _, arguments = image.tile[0]
        if decoder != "raw" and isinstance(arguments, tuple) and isinstance(arguments[-1], int):
            return arguments[-1].bit_length()  # the largest value that the header allows
    return EIGHT_BITS


def _reason(error: Exception) -> str:
    """What went wrong, in words that are the same on every machine: no path."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image in a format that can be read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


TENSOR_VIEWS = ("tensor", "luma_tensor")
VIEWS = ("luma", *TENSOR_VIEWS)


class ImageBatch:
    """N images of one size, with the views that metrics share: each is made once, when first asked for.

    `rgb` is uint8 (N, H, W, 3). A batch belongs to one device; only the tensor views live there. Views must not be
    written to, since other metrics read them too: arrays refuse it, and tensors tell by `modified`. `send` brings `rgb`
    to another device than the CPU, as it is; without it that is done when a tensor is first asked for.
    """

    def __init__(
        self, rgb: np.ndarray, device: str = "cpu", send: Callable[[np.ndarray], torch.Tensor] | None = None
    ) -> None:
        if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected uint8 images of shape (N, H, W, 3), got {rgb.dtype} {rgb.shape}")
        self.rgb = _read_only(rgb)
        self.device = device
        self._send = send
        self._whole: ImageBatch | None = None
        self._shared: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.rgb)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[2]

    def part(self, which: slice | list[int]) -> ImageBatch:
        """Return some of the images as a batch, with the same parts of those views that are there already."""
        part = ImageBatch(self.rgb[which], self.device, self._send and (lambda _: self._sent[which]))
        part._whole = self
        part.__dict__.update({name: self.__dict__[name][which] for name in VIEWS if name in self.__dict__})
        return part

    @cached_property
    def luma(self) -> np.ndarray:
        """BT.601 luma, full range, unrounded: float64 (N, H, W) in [0, 255]; of a grey image exactly its grey."""
        import cv2

        weights = np.rint([[1000 * weight for weight in LUMA_BT601]]).astype(np.float32)
        luma = np.empty(self.rgb.shape[:3])
        image, thousandths = np.empty((*self.size, 3), np.float32), np.empty(self.size, np.float32)
        for rgb, out in zip(self.rgb, luma, strict=True):
            np.copyto(image, rgb)
            sums = cv2.transform(image, weights, dst=thousandths)  # whole numbers below 2^24: exact in float32
            np.divide(sums, 1000.0, out=out, dtype=np.float64)
        return _read_only(luma)

    @property
    def modified(self) -> bool:
        """Whether somebody wrote to a tensor view."""
        made = self.__dict__
        return any(name in made and made[name]._version != 0 for name in TENSOR_VIEWS)

    def forget_views(self) -> None:
        """Drop all views, here and in the batch that this is a part of: they are made anew when next asked for."""
        self._shared.clear()
        for name in VIEWS:
            self.__dict__.pop(name, None)
        if self._whole is not None:
            self._whole.forget_views()

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` gave when `key` was first asked for, so that metrics share more than the views here.

        What is made must follow from the images and the key alone, and must not be written to.
        """
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    @cached_property
    def _sent(self) -> torch.Tensor:
        """`rgb` as it is, on the batch's device."""
        import torch

        return torch.tensor(self.rgb, device=self.device) if self._send is None else self._send(self.rgb)

    @cached_property
    def tensor(self) -> torch.Tensor:
        """RGB as float32 (N, 3, H, W) in [0, 1], on the batch's device."""
        import torch

        with torch.inference_mode(False):  # whichever metric asks first, all get an ordinary tensor
            return self._sent.permute(0, 3, 1, 2).to(torch.float32).div(255.0).detach()

    @cached_property
    def luma_tensor(self) -> torch.Tensor:
        """BT.601 luma, full range, unrounded: float32 (N, 1, H, W) in [0, 1], on the batch's device."""
        import torch

        with torch.inference_mode(False):
            if self._send is None:
                return torch.from_numpy(self.luma / 255.0).to(self.device, torch.float32).unsqueeze(1)
            weights = torch.tensor([round(1000 * weight) for weight in LUMA_BT601], device=self.device)
            thousandths = (self._sent.double() * weights).sum(3)  # whole numbers: the same bits as on the CPU
            return (thousandths / 1000.0 / 255.0).to(torch.float32).unsqueeze(1)
