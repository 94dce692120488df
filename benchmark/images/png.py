"""The chunks of a PNG file: whether the file is whole, and what it says of depth and colour.

Pillow reads on when a checksum of the image data is wrong, when the header is not the first chunk, and when the end is
missing. Checksums cost little beside the decoding.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBB")
"""Width, height, bits per channel, colour type."""
GREY, RGB = 0, 2
KEPT = (b"cICP", b"sRGB", b"gAMA", b"cHRM", b"tRNS")
"""Chunks of colour and transparency that are short; the profile is left to Pillow."""
CHANNELS = {GREY: 1, RGB: 3, 3: 1, 4: 2, 6: 4}
"""By colour type: 3 is a palette, 4 and 6 have alpha."""
ADAM7 = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""Of each pass of an interlaced image: first column and step, first row and step."""


@dataclass(frozen=True, slots=True)
class PngFacts:
    """What a PNG file says of itself."""

    bits: int
    """Per channel, or per index of a palette."""
    colour_type: int
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    """The chunks of `KEPT` that are there."""
    interlaced: bool = False


def png_facts(content: bytes) -> PngFacts | None:
    """Read the chunks of a PNG; None for any other file. Raises ValueError for a file that is damaged or cut short."""
    if not content.startswith(SIGNATURE):
        return None
    facts: PngFacts | None = None
    for kind, data in _chunks(content):
        if facts is None:
            if kind != b"IHDR" or len(data) != 13:
                raise ValueError(f"begins with the chunk {_name(kind)}, expected IHDR")
            _, _, bits, colour_type = HEADER.unpack_from(data)
            facts = PngFacts(bits, colour_type, interlaced=data[12] != 0)
        elif kind in KEPT:
            facts.chunks.setdefault(kind, bytes(data))
    return facts


def is_complete(content: bytes, facts: PngFacts) -> bool:
    """Whether the compressed data hold as many bytes as the header asks for: Pillow leaves rows that lack black.

    Decompresses everything once more.
    """
    width, height = HEADER.unpack_from(content, len(SIGNATURE) + 8)[:2]
    bits = facts.bits * CHANNELS[facts.colour_type]
    expected = 0
    for left, across, top, down in ADAM7 if facts.interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        expected += rows * (1 + -(-columns * bits // 8)) if columns > 0 else 0
    stream, found = zlib.decompressobj(), 0
    for kind, data in _chunks(content):
        if kind == b"IDAT" and not stream.eof:
            found += len(stream.decompress(data))
    return found >= expected


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and data of every chunk up to IEND."""
    view, position, kind = memoryview(content), len(SIGNATURE), b""
    while kind != b"IEND":
        if position + 12 > len(content):
            raise ValueError("truncated: no IEND chunk")
        length = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(content):
            raise ValueError(f"truncated in the chunk {_name(kind)}")
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError(f"damaged: wrong checksum of the chunk {_name(kind)}")
        yield kind, view[position + 8 : end]
        position = end + 4


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "backslashreplace")
