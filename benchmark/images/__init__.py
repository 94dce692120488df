"""File -> uint8 sRGB, and the views that metrics share. The only way to read an image.

What a file may hold, and what becomes of it:

* Formats: PNG, BMP, JPEG, TIFF, WebP, GIF, PPM/PGM/PBM, AVIF and JPEG 2000 are read, by content and not by the name's
  ending; JPEG XL and HEIC with the extras `jxl` and `heic`. Others are refused by name.
* Depth: 8-bit RGB as it is; grey of up to 8 bits as the one channel three times; a palette as its RGB colours. Deeper,
  signed, integer and float images are refused: the metrics are defined on 8 bits, and how to round is a choice.
* Colour: an embedded ICC profile, a PNG's `cICP`, `gAMA` and `cHRM`, and the coded colour of AVIF and HEIC are
  converted to sRGB (relative colorimetric, black point compensation: `benchmark.images.colour`). What is sRGB already,
  in any of its forms, stays as it is to the bit: a profile whose conversion moves colours by .05 of 255 or less on
  average and none by more than 3, and a `gAMA` of 45455 with sRGB's primaries or none. HDR (PQ, HLG) and profiles that do not fit or cannot be read are refused;
  so are CMYK, Lab, HSV and YCCK. EXIF's colour space tag and the calibration numbers of BMP and TIFF are ignored, as browsers do.
* Orientation: EXIF's is applied to every image, as every viewer does; scoring warns where only one image of a pair
  has it.
* Transparency: alpha that is opaque everywhere is dropped. Any transparency is refused, since the colour a viewer saw
  depends on a background that the file does not name, unless one is given: then the image, after its conversion to
  sRGB, is composed on it in sRGB code values, as browsers do, rounded to the nearest.
* Frames: animations and multi-page files are refused. Of an MPO, a JPEG with more pictures behind it, the primary one
  is read.
* Damage: a file that is truncated, or damaged where its format lets that be seen, is refused, never filled with grey:
  every warning of the JPEG decoder counts (two harmless ones apart: `benchmark.images.jpeg`), and every checksum of a
  PNG. Formats without checksums hide damage that leaves valid codes: of JPEG photographs with 40 bytes of the scan
  overwritten, one in ten or twenty decodes as if nothing were wrong. So is one that claims more than 178 million pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark.decoders import plain_bmp
from benchmark.filenames import printable
from benchmark.images.batch import LUMA_BT601, ImageBatch
from benchmark.images.colour import ColourError
from benchmark.images.decoding import Background, Decoded, Refused, decode
from benchmark.images.formats import FORMATS, IMAGE_SUFFIXES, MissingDecoder
from benchmark.types import PairError, UserError

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "LUMA_BT601",
    "ImageBatch",
    "background_colour",
    "quiet_decoders",
    "read_rgb",
    "reading_rules",
]

READING_RULES = "rules-2"
"""Changes whenever the same file may give other pixels."""
NAMED_BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0)}
LARGE_FILE = 4 * 2**20
"""Bytes. Pillow warns of a "decompression bomb" above 89 million pixels; a file of this size is just a large image."""


def reading_rules(background: str | None = None) -> str:
    """Name the rules of this module that fix an image's pixels, and the background where one is given.

    Kept with every score: scores of images that were read by other rules are made again.
    """
    if background is None:
        return READING_RULES
    return f"{READING_RULES} background={','.join(map(str, background_colour(background)))}"


def background_colour(text: str) -> Background:
    """Read a background: white, black, or R,G,B of 0 to 255 each. Raises UserError for anything else."""
    if text in NAMED_BACKGROUNDS:
        return NAMED_BACKGROUNDS[text]
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and int(part) <= 255 for part in parts):
        raise UserError(
            f"background: expected white, black or R,G,B of 0 to 255 each, such as 128,128,128; got {text!r}"
        )
    red, green, blue = map(int, parts)
    return red, green, blue


def read_rgb(
    path: Path, *, background: str | None = None, turned: Callable[[Path], object] | None = None
) -> np.ndarray:
    """Decode an image file to uint8 sRGB of shape (H, W, 3), by the rules on top of this module.

    `background` (as of `background_colour`) composes what is transparent. `turned` is called with the path of an image
    that an EXIF orientation turned or mirrored.
    Raises PairError naming the file and the reason: missing, unreadable, damaged, or of a kind that is refused.
    """
    name = printable(path.name)
    colour = background_colour(background) if background is not None else None
    try:
        plain = plain_bmp(path)
        if plain is not None:
            return plain
        decoded = _decode(path.read_bytes(), colour)
    except (Refused, ColourError, MissingDecoder) as error:
        raise PairError(f"{name}: {error}") from error
    except FileNotFoundError as error:
        raise PairError(f"{name}: no such file in {printable(path.parent)}") from error
    except Exception as error:  # a damaged file makes decoders raise almost anything
        raise PairError(f"{name}: cannot be decoded ({printable(_reason(error))})") from error
    if decoded.turned and turned is not None:
        turned(path)
    return decoded.rgb


def quiet_decoders() -> None:
    """Silence Pillow's warnings in this process, for worker processes: they name no file, and what they tell of (metadata
    that are odd, images that are large) changes no pixel. What does is refused with the file's name.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.|pillow_")


def _decode(content: bytes, background: Background | None) -> Decoded:
    if len(content) < LARGE_FILE:
        return decode(content, background)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")
        return decode(content, background)


def _reason(error: Exception) -> str:
    """What went wrong, in words that are the same on every machine: no path."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image in a format that can be read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = " ".join(str(error).split())  # some decoders speak in several lines
    if words.startswith("Generic Error. Please build `libjxl`"):
        return "damaged or truncated JPEG XL"
    return words or type(error).__name__
