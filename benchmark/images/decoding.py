"""The bytes of an image file -> pixels, by the rules of `benchmark.images`; plain BMP files never come here."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.decoders import has_profile
from benchmark.images import png
from benchmark.images.boxes import BoxFacts, heif_facts, jpeg2000_facts
from benchmark.images.colour import ColourError, png_profile, to_srgb
from benchmark.images.formats import FORMATS, JPEG_XL, KIND_OF_FORMAT, kind_of, prepare_decoder
from benchmark.images.jpeg import decode_jpeg
from benchmark.images.jxl import jxl_depth

if TYPE_CHECKING:
    from PIL import Image

MODES = {"RGB", "L", "1", "P", "RGBA", "LA", "PA", "RGBX"}
DEEP_MODES = ("I", "F")
"""How Pillow's names of integer and float modes begin."""
EIGHT_BITS = 8
OPAQUE = 255
TIFF_BITS_PER_SAMPLE = 258
TIFF_SAMPLE_FORMAT = 339
TIFF_COMPRESSION, OLD_JPEG, JPEG = 259, 6, 7
TIFF_JPEG_TABLES = 347
TIFF_PARTS = ((273, 279), (324, 325))
"""Tags of the offsets and lengths of strips, and of tiles."""
TIFF_UNSIGNED = {1, 4}
"""Unsigned integers, and "undefined", which is read as these."""
ORIENTATION = 0x0112
UPRIGHT = 1
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.swapaxes(0, 1),
    6: lambda rgb: np.rot90(rgb, -1),
    7: lambda rgb: rgb[::-1, ::-1].swapaxes(0, 1),
    8: lambda rgb: np.rot90(rgb, 1),
}
"""By EXIF orientation, how the stored rows and columns become the upright image."""

Background = tuple[int, int, int]


class Refused(ValueError):
    """What the rules do not read: the message completes "FILE: ", and says what was expected and what to do."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image as the rules make it."""

    rgb: np.ndarray
    """uint8 (H, W, 3), sRGB, upright."""
    turned: bool = False
    """Whether an EXIF orientation turned or mirrored it."""


def decode(content: bytes, background: Background | None = None) -> Decoded:
    """Decode a file's bytes.

    Raises Refused or ColourError for what the rules refuse, and whatever a decoder raises for what it cannot read.
    """
    from PIL import Image

    prepare_decoder(content)
    _refuse_unfinished_text(content)
    png_facts = png.png_facts(content)
    jxl_bits = jxl_depth(content) if kind_of(content) == JPEG_XL else 0
    with Image.open(io.BytesIO(content)) as image:
        _refuse_other_kinds(image)
        box_facts = BoxFacts(jxl_bits) if jxl_bits else _box_facts(image, content)
        _refuse_unless_8_bit_colour(image, content, png_facts, box_facts)
        orientation = _orientation(image) if image.format == "TIFF" else UPRIGHT  # Pillow turns it while loading
        alpha = None
        if image.format in ("JPEG", "MPO"):
            rgb = decode_jpeg(content)
        else:
            if image.format == "TIFF":
                _check_jpeg_of_tiff(image, content)
            image.load()
            if png_facts is not None and _may_lack_rows(image, png_facts) and not png.is_complete(content, png_facts):
                raise ValueError("truncated: the image data end early")
            rgb, alpha = _channels(image, png_facts)
        turn = TURNS.get(_orientation(image)) if image.format != "TIFF" else None
        profile = image.info.get("icc_profile")
        if profile is None and "icc_profile" in image.info:  # Pillow found one that is cut or damaged
            raise ColourError("a damaged colour profile; convert it to sRGB, or remove the profile")
    if png_facts is not None:
        profile = png_profile(png_facts.chunks, profile)
    elif box_facts is not None:
        profile = profile or box_facts.profile or (box_facts.cicp and box_facts.cicp.profile())
    rgb = to_srgb(rgb, profile)
    if alpha is not None:
        rgb = _composite(rgb, alpha, background)
    turned = turn is not None or orientation in TURNS
    return Decoded(rgb if turn is None else np.ascontiguousarray(turn(rgb)), turned)


def from_pil(image: Image.Image, background: Background | None = None) -> np.ndarray:
    """A PIL image, as it is in memory, as uint8 sRGB (H, W, 3), upright.

    Raises Refused or ColourError for what the rules refuse. Damage to a file is found when that is read by its path.
    """
    if image.mode.startswith(DEEP_MODES):
        raise Refused(f"mode {image.mode}, expected 8 bits per channel; convert it, so that the rounding is yours")
    if image.mode not in MODES:
        raise Refused(f"colour mode {image.mode}, expected RGB, grey or palette; convert it to RGB with its profile")
    turn = TURNS.get(_orientation(image)) if image.format != "TIFF" else None  # Pillow turns a TIFF while loading
    rgb, alpha = _channels(image, None)
    rgb = to_srgb(rgb, image.info.get("icc_profile"))
    if alpha is not None:
        rgb = _composite(rgb, alpha, background)
    return rgb if turn is None else np.ascontiguousarray(turn(rgb))


def _refuse_other_kinds(image: Image.Image) -> None:
    """Raise Refused for formats without a rule, and for more than one image."""
    if image.format not in FORMATS:
        kinds = ", ".join(dict.fromkeys(KIND_OF_FORMAT.values()))
        raise Refused(f"format {image.format}, expected one of {kinds}; convert it to PNG")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise Refused(f"holds {frames} frames, expected one; save the frame that was rated")


def _box_facts(image: Image.Image, content: bytes) -> BoxFacts | None:
    """What the file's headers say where Pillow does not: None for formats where it does."""
    if image.format in ("AVIF", "HEIF"):
        return heif_facts(content)
    if image.format == "JPEG2000":
        return jpeg2000_facts(content)
    return None


def _refuse_unless_8_bit_colour(
    image: Image.Image, content: bytes, png_facts: png.PngFacts | None, box_facts: BoxFacts | None
) -> None:
    """Raise Refused for what cannot become 8-bit RGB without a choice that belongs to the user."""
    facts = box_facts or png_facts
    bits = _bits_per_channel(image) if facts is None else facts.bits
    if bits > EIGHT_BITS or image.mode.startswith(DEEP_MODES):
        kind = f"{bits}-bit" if bits > EIGHT_BITS else f"mode {image.mode}"
        raise Refused(f"{kind}, expected 8 bits per channel; convert it, so that the rounding is yours")
    if box_facts is not None and (bits != EIGHT_BITS or box_facts.signed):
        kind = f"{'signed ' if box_facts.signed else ''}{bits}-bit" if bits else "of unknown depth"
        raise Refused(f"{kind}, expected 8 unsigned bits per channel; convert it, so that the scaling is yours")
    if image.format == "TIFF" and not TIFF_UNSIGNED.issuperset(_tiff_numbers(image, TIFF_SAMPLE_FORMAT, 1)):
        raise Refused("signed or floating-point samples, expected unsigned 8 bits per channel; convert it")
    if image.mode not in MODES:
        raise Refused(f"colour mode {image.mode}, expected RGB, grey or palette; convert it to RGB with its profile")
    if image.format == "BMP" and has_profile(content):
        raise Refused("a BMP with a colour profile, which is not read; convert it to PNG with the profile, or to sRGB")


def _bits_per_channel(image: Image.Image) -> int:
    """Bits per channel as the file has them: Pillow cuts 16-bit RGB to 8 without a word."""
    from PIL.PpmImagePlugin import PpmImageFile

    if image.format == "TIFF":
        return max(_tiff_numbers(image, TIFF_BITS_PER_SAMPLE, EIGHT_BITS))
    if isinstance(image, PpmImageFile):
        decoder, _, _, arguments = image.tile[0]
        if decoder != "raw" and isinstance(arguments, tuple) and isinstance(arguments[-1], int):
            return arguments[-1].bit_length()  # the largest value that the header allows
    return EIGHT_BITS


def _tiff_numbers(image: Image.Image, tag: int, *default: int) -> tuple[int, ...]:
    """The numbers of a tag, `default` where it is not there."""
    found = image.tag_v2.get(tag, default)  # type: ignore[attr-defined]
    return found if isinstance(found, tuple) else (found,)


def _may_lack_rows(image: Image.Image, facts: png.PngFacts) -> bool:
    """Whether the last row is all zeros, as rows are that Pillow did not find; of an interlaced image it cannot be told."""
    last = (0, image.height - 1, image.width, image.height)
    return facts.interlaced or image.crop(last).getbbox(alpha_only=False) is None


def _check_jpeg_of_tiff(image: Image.Image, content: bytes) -> None:
    """Decode the strips or tiles of a TIFF that holds JPEG strictly, since libtiff fills gaps. Raises as `decode_jpeg`."""
    compression = _tiff_numbers(image, TIFF_COMPRESSION, 0)[0]
    if compression == OLD_JPEG:
        raise Refused("a TIFF with JPEG of the old style (compression 6), which is not read; convert it to PNG")
    if compression == JPEG:
        tables = bytes(image.tag_v2.get(TIFF_JPEG_TABLES, b"\xff\xd8\xff\xd9"))  # type: ignore[attr-defined]
        for offsets, lengths in TIFF_PARTS:
            for offset, length in zip(_tiff_numbers(image, offsets), _tiff_numbers(image, lengths), strict=True):
                decode_jpeg(tables[:-2] + content[offset + 2 : offset + length])


def _channels(image: Image.Image, png_facts: png.PngFacts | None) -> tuple[np.ndarray, np.ndarray | None]:
    """uint8 RGB (H, W, 3) as stored, and alpha (H, W) where it is not opaque everywhere."""
    if not image.has_transparency_data:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB")), None
    if png_facts is not None and png_facts.colour_type == png.GREY:
        rgb = np.asarray(image.convert("L").convert("RGB"))
        key = int.from_bytes(png_facts.chunks[b"tRNS"], "big") * OPAQUE // (2**png_facts.bits - 1)  # in the file's bits
        alpha = np.where(rgb[..., 0] == key, np.uint8(0), np.uint8(OPAQUE))
    else:
        rgba = np.asarray(image.convert("RGBA"))
        rgb, alpha = np.ascontiguousarray(rgba[..., :3]), rgba[..., 3]
    return rgb, None if alpha.min() == OPAQUE else alpha


def _composite(rgb: np.ndarray, alpha: np.ndarray, background: Background | None) -> np.ndarray:
    """Put the image on the background, in sRGB code values, rounded to the nearest. Raises Refused without one."""
    if background is None:
        raise Refused(
            "has transparent pixels; give the background that was shown (--background white), or composite it"
        )
    weight = alpha[..., None].astype(np.uint32)
    mixed = rgb * weight + np.array(background, np.uint32) * (OPAQUE - weight)
    return ((mixed + OPAQUE // 2) // OPAQUE).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation that a viewer would apply to what Pillow decodes."""
    if image.format in ("JPEG", "MPO") and not {"exif", "xmp"} & image.info.keys():
        return UPRIGHT
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return UPRIGHT  # libjxl has turned it
    found = image.getexif().get(ORIENTATION, UPRIGHT)
    return found if isinstance(found, int) else UPRIGHT


def _refuse_unfinished_text(content: bytes) -> None:
    """Raise ValueError for a text PPM or PGM whose last number may be cut: it must end with white space."""
    if content[:2] in (b"P2", b"P3") and content[2:3].isspace() and not content[-1:].isspace():
        raise ValueError("truncated: its last number may be cut, since no line end follows")
