"""Image files made by hand, byte by byte, for the tests of reading."""

import struct
import zlib

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def smooth(height, width, seed=0):
    """A colourful picture without sharp edges, uint8 (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def chunk(kind, data):
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(rows, *, width, depth, colour, before=b"", between=b""):
    """A PNG of packed rows; `before` stands before the header, `between` between the header and the image data."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join([PNG_SIGNATURE, before, chunk(b"IHDR", header), between, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def rgb_png(rgb, between=b""):
    """An 8-bit RGB PNG with further chunks."""
    return png_bytes([row.tobytes() for row in rgb], width=rgb.shape[1], depth=8, colour=2, between=between)
