"""Which formats are read: by the first bytes of a file, by Pillow's name, and by the ending that files of it have."""

from __future__ import annotations

from importlib import import_module

JPEG_XL = "JPEG XL"
KIND_OF_FORMAT = {
    "PNG": "PNG",
    "BMP": "BMP",
    "DIB": "BMP",
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "TIFF": "TIFF",
    "WEBP": "WebP",
    "GIF": "GIF",
    "PPM": "PPM",
    "AVIF": "AVIF",
    "JPEG2000": "JPEG 2000",
    "JXL": JPEG_XL,
    "HEIF": "HEIC",
}
"""Pillow's name -> the usual one."""
FORMATS = frozenset(KIND_OF_FORMAT)

IMAGE_SUFFIXES = (
    *(".png", ".bmp", ".jpg", ".jpeg", ".mpo", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".heic", ".heif"),
)
"""Endings of the formats that are read; some need an extra."""
OTHER_IMAGE_SUFFIXES = (
    *(".exr", ".hdr", ".jxr", ".jph", ".jls", ".bpg", ".vvc", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".psd", ".tga"),
    *(".pfm", ".ico", ".svg", ".yuv", ".y4m", ".flif", ".qoi", ".pcx", ".dds", ".raw", ".npy", ".mat"),
)
"""Endings of pictures that are not read."""

EXTRAS = {JPEG_XL: ("pillow_jxl", "jxl"), "HEIC": ("pillow_heif", "heic")}
"""Formats that a plugin of Pillow reads: its module, and the extra of this package that installs it."""
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class MissingDecoder(ValueError):
    """A format that could be read if a package were installed: the message completes "FILE: "."""


def kind_of(content: bytes) -> str:
    """The usual name of a file's format where that is told by its first bytes and Pillow alone may not know it, else ""."""
    if content[:2] == b"\xff\x0a" or content[:12] == b"\x00\x00\x00\x0cJXL \r\n\x87\n":
        return JPEG_XL
    if content[4:8] == b"ftyp":
        brands = {content[i : i + 4] for i in range(8, min(int.from_bytes(content[:4], "big"), 256), 4)}
        return "AVIF" if brands & {b"avif", b"avis"} else "HEIC" if brands & HEIC_BRANDS else ""
    if content[:4] == b"\x76\x2f\x31\x01":
        return "OpenEXR"
    return ""


def prepare_decoder(content: bytes) -> None:
    """Load the plugin that this file needs. Raises MissingDecoder with what to install where it is not there."""
    kind = kind_of(content)
    if kind in EXTRAS:
        module, extra = EXTRAS[kind]
        try:
            plugin = import_module(module)
        except ImportError as error:
            raise MissingDecoder(
                f"{kind} needs the package {module.replace('_', '-')}: pip install 'iqa-benchmark[{extra}]'"
            ) from error
        if kind == "HEIC":
            plugin.register_heif_opener()
    elif kind == "AVIF":
        from PIL import features

        if not features.check("avif"):
            raise MissingDecoder("AVIF needs a Pillow that was built with it: pip install --upgrade pillow")
    elif kind == "OpenEXR":
        raise MissingDecoder("OpenEXR holds light as floating-point numbers, expected 8 bits per channel; tone-map it")
