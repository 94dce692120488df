"""Colour that is not sRGB becomes sRGB, by LittleCMS (Pillow's ImageCms).

Relative colorimetric with black point compensation: white stays white, black stays black, colours that sRGB holds keep
their appearance exactly, and those outside are clipped. The perceptual intent would compress differently with each
profile that has tables for it; profiles of primaries and curves, nearly all, know no other intent than this.
LittleCMS may work such profiles out in integers (within 1 of 255 of its exact way, in a tenth of the time), and those of
tables by its finest one.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmark.images.profiles import SRGB_PRIMARIES, Primaries, make_profile

Convert = Callable[[np.ndarray], np.ndarray]
MOST_MOVED, MEAN_MOVED = 3, 0.05
"""A profile is sRGB if its transform moves no probe by more than the first, of 255, and all by less than the second on
average. Makers round sRGB's primaries to four decimals, each its own way: that moves dark channels of saturated colours
by 2, where the curve is steep, and the mean by .02. The nearest relative, a gamma of 2.2, moves greys by 9, the mean by
1.7; primaries that differ by .001 move the mean by .4."""
PROBE_STEP = 15
"""The probes are all colours whose channels are multiples of this, and all 256 greys."""

UNSPECIFIED = 2
SRGB_LIKE_TRANSFERS = {1, UNSPECIFIED, 6, 13, 14, 15}
"""sRGB, and the camera curves of BT.709, BT.601 and BT.2020: pictures made with these are shown by a display's curve,
which browsers take to be that of sRGB."""
GAMMA_TRANSFERS = {4: 2.2, 5: 2.8, 8: 1.0}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
CODED_PRIMARIES = {
    1: SRGB_PRIMARIES,
    UNSPECIFIED: SRGB_PRIMARIES,
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: Primaries((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    7: Primaries((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), white=(0.314, 0.351)),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""ITU-T H.273, table 2."""
SRGB_GAMMA = 0.45455
GAMMA_MARGIN = 0.00005
PRIMARIES_MARGIN = 0.001
"""`gAMA` and `cHRM` this close to what the PNG specification tells writers of sRGB to put mean sRGB itself."""


class ColourError(ValueError):
    """Colour that has no rule, or cannot be converted: the message completes "FILE: "."""


@dataclass(frozen=True, slots=True)
class Cicp:
    """Coding-independent code points (ITU-T H.273): primaries and transfer by number."""

    primaries: int
    transfer: int

    def profile(self) -> bytes | None:
        """An ICC profile of the same colour; None for sRGB. Raises ColourError for HDR and numbers without a rule."""
        if self.transfer in HDR_TRANSFERS:
            raise ColourError(
                f"HDR ({HDR_TRANSFERS[self.transfer]}), expected SDR; tone-map it, so that the choice is yours"
            )
        if self.primaries not in CODED_PRIMARIES or self.transfer not in SRGB_LIKE_TRANSFERS | GAMMA_TRANSFERS.keys():
            raise ColourError(
                f"colour coded as primaries {self.primaries}, transfer {self.transfer}, for which there is no rule; "
                "convert it to sRGB"
            )
        gamma = GAMMA_TRANSFERS.get(self.transfer)
        primaries = CODED_PRIMARIES[self.primaries]
        return None if gamma is None and primaries == SRGB_PRIMARIES else make_profile(primaries, gamma)


def png_profile(chunks: dict[bytes, bytes], embedded: bytes | None) -> bytes | None:
    """The profile that a PNG's colour chunks amount to, None for sRGB.

    In the order of the PNG specification (third edition, 4.3): `cICP`, then the embedded profile, then `sRGB`, then
    `gAMA` and `cHRM`. Raises ColourError for what has no rule.
    """
    if (coded := chunks.get(b"cICP")) is not None:
        if len(coded) != 4 or coded[2:] != b"\x00\x01":
            raise ColourError("a cICP chunk that is not of full-range RGB; convert it to sRGB")
        return Cicp(coded[0], coded[1]).profile()
    if embedded is not None or b"sRGB" in chunks:
        return embedded
    gamma = _hundred_thousandths(chunks, b"gAMA", 1)
    corners = _hundred_thousandths(chunks, b"cHRM", 8)
    if gamma and not gamma[0]:
        raise ColourError("a gAMA chunk of 0; convert it to sRGB")
    primaries = usual = SRGB_PRIMARIES
    if corners:
        white, red, green, blue = zip(corners[::2], corners[1::2], strict=True)
        primaries = Primaries(red, green, blue, white)
    expected = (*usual.white, *usual.red, *usual.green, *usual.blue)
    if not corners or np.allclose(corners, expected, rtol=0, atol=PRIMARIES_MARGIN):
        if not gamma or abs(gamma[0] - SRGB_GAMMA) <= GAMMA_MARGIN:
            return None
        primaries = usual
    try:
        return make_profile(primaries, 1 / gamma[0] if gamma else None)
    except ValueError as error:
        raise ColourError(f"colour chunks that make no sense ({error}); convert it to sRGB") from error


def _hundred_thousandths(chunks: dict[bytes, bytes], kind: bytes, count: int) -> tuple[float, ...]:
    """The numbers of a chunk; none when it is not there. Raises ColourError for one of another length."""
    data = chunks.get(kind)
    if data is None:
        return ()
    if len(data) != 4 * count:
        raise ColourError(f"a {kind.decode()} chunk of {len(data)} bytes, expected {4 * count}; convert it to sRGB")
    return tuple(value / 100_000 for value in struct.unpack(f">{count}I", data))


def to_srgb(rgb: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Convert uint8 RGB (H, W, 3) from the colours of an ICC profile to sRGB; the same array where it is sRGB already.

    Raises ColourError for a profile that cannot be read or does not fit.
    """
    if not profile:
        return rgb
    convert = _conversion(profile)
    return rgb if convert is None else convert(rgb)


@lru_cache(maxsize=16)
def _conversion(profile: bytes) -> Convert | None:
    """How pixels of a profile become sRGB; None where they are."""
    from PIL import ImageCms

    _refuse_hdr(profile)
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise ColourError("a colour profile that cannot be read; convert it to sRGB, or remove the profile") from error
    space = source.profile.xcolor_space.strip()
    if space not in ("RGB", "GRAY"):
        raise ColourError(f"a colour profile for {space}, expected one for RGB or grey; convert it to sRGB")
    mode = "RGB" if space == "RGB" else "L"
    try:
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=flags,
        )
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise ColourError(f"a colour profile that cannot be used ({error}); convert it to sRGB") from error

    def convert(rgb: np.ndarray) -> np.ndarray:
        from PIL import Image

        if mode == "L" and not (rgb[..., :1] == rgb).all():
            raise ColourError("a colour profile for grey in a file of colours; convert it to sRGB")
        image = Image.fromarray(rgb if mode == "RGB" else np.ascontiguousarray(rgb[..., 0]))
        converted = ImageCms.applyTransform(image, transform)
        if converted is None:
            raise ColourError("a colour profile that could not be applied; convert it to sRGB")
        return np.asarray(converted)

    probes = _greys() if mode == "L" else np.concatenate([_lattice(), _greys()])
    moved = np.abs(convert(probes).astype(int) - probes)
    return None if moved.max() <= MOST_MOVED and moved.mean() <= MEAN_MOVED else convert


def _refuse_hdr(profile: bytes) -> None:
    """Raise ColourError where the profile's tag "cicp" names an HDR transfer, which its curves only imitate."""
    for number in range(min(int.from_bytes(profile[128:132], "big"), 200)):
        name, offset, _ = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number].ljust(12, b"\0"))
        if name == b"cicp" and len(profile) > offset + 9 and profile[offset + 9] in HDR_TRANSFERS:
            Cicp(profile[offset + 8], profile[offset + 9]).profile()


def _lattice() -> np.ndarray:
    steps = np.arange(0, 256, PROBE_STEP, dtype=np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 1, 3)


def _greys() -> np.ndarray:
    return np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
