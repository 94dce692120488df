"""Bit depth and colour as the headers of AVIF, HEIC and JPEG 2000 tell them: their decoders cut deeper images to 8 bits.

These formats are made of boxes: a length, a kind of four letters, and data that may be boxes again (ISO/IEC 14496-12
for AVIF and HEIC, with items and their properties as in 23008-12; ISO/IEC 15444-1 for JPEG 2000). Profiles of AVIF and
HEIC are left to Pillow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.images.colour import Cicp

CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 codestream: the markers SOC and SIZ."""
ENUMERATED = {16: "sRGB", 17: "grey", 18: "sYCC"}
"""Colour spaces that a JP2 file may name by number and that end as sRGB or as grey with its curve."""


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What the headers say; `bits` is 0 where they say nothing."""

    bits: int
    signed: bool = False
    cicp: Cicp | None = None
    profile: bytes | None = None


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each box. Raises ValueError for one that is longer than what is there."""
    position = 0
    while position + 8 <= len(content):
        length, start = int.from_bytes(content[position : position + 4], "big"), position + 8
        if length == 1:
            length, start = int.from_bytes(content[start : start + 8], "big"), start + 8
        end = len(content) if length == 0 else position + length
        kind = content[position + 4 : position + 8]
        if end < start or end > len(content):
            raise ValueError(f"truncated or damaged in the box {kind.decode('ascii', 'backslashreplace')}")
        yield kind, content[start:end]
        position = end


def heif_facts(content: bytes) -> BoxFacts:
    """Depth and coded colour of the primary image of an AVIF or HEIC file."""
    meta = dict(boxes(content)).get(b"meta", b"")
    parts = dict(boxes(meta[4:]))
    primary = parts.get(b"pitm", b"")
    item = int.from_bytes(primary[4:8] if primary[:1] == b"\x01" else primary[4:6], "big")
    properties: list[tuple[bytes, bytes]] = []
    of_item: set[int] = set()
    for kind, data in boxes(parts.get(b"iprp", b"")):
        if kind == b"ipco":
            properties = list(boxes(data))
        elif kind == b"ipma":
            of_item |= _associated(data, item)
    own = [properties[index - 1] for index in sorted(of_item) if 0 < index <= len(properties)]
    depths = [_depth(*one) for one in own]
    if not any(depths):  # the primary image is put together from tiles
        depths = [_depth(*one) for one in properties]
    coded = [data for kind, data in own if kind == b"colr" and data[:4] == b"nclx"]
    cicp = Cicp(*struct.unpack_from(">HH", coded[0], 4)) if coded else None
    return BoxFacts(max(depths, default=0), cicp=cicp)


def _associated(data: bytes, wanted: int) -> set[int]:
    """Numbers (from 1) of the properties that belong to an item, from a box "ipma"."""
    wide_items, wide_numbers = data[0] > 0, data[3] & 1
    found: set[int] = set()
    position = 8
    for _ in range(int.from_bytes(data[4:8], "big")):
        width = 4 if wide_items else 2
        item = int.from_bytes(data[position : position + width], "big")
        position += width
        count, position = data[position], position + 1
        for _ in range(count):
            number = int.from_bytes(data[position : position + 1 + wide_numbers], "big")
            position += 1 + wide_numbers
            if item == wanted:
                found.add(number & (0x7FFF if wide_numbers else 0x7F))
    return found


def _depth(kind: bytes, data: bytes) -> int:
    """Bits per channel that one property tells; 0 for a property of another kind."""
    if kind == b"pixi":
        return max(data[5:], default=0)
    if kind == b"av1C":
        return 8 if not data[2] & 0x40 else 12 if data[2] & 0x20 else 10
    if kind == b"hvcC":
        return 8 + (data[17] & 7)
    return 0


def jpeg2000_facts(content: bytes) -> BoxFacts:
    """Depth, sign and colour of a JP2 file or a bare codestream. Raises ValueError for a colour space without a rule."""
    if content.startswith(CODESTREAM):
        return _components(content)
    cicp, profile, bits = None, None, 0
    codestream = b""
    for kind, data in boxes(content):
        if kind == b"jp2c":
            codestream = codestream or data
        elif kind == b"jp2h":
            for inner, value in boxes(data):
                if inner == b"colr" and value[0] == 1:
                    number = int.from_bytes(value[3:7], "big")
                    if number not in ENUMERATED:
                        raise ValueError(f"JPEG 2000 colour space {number}, expected sRGB, grey or sYCC")
                elif inner == b"colr" and value[0] in (2, 3):
                    profile = profile or value[3:]
                elif inner == b"pclr":
                    bits = max((depth & 0x7F) + 1 for depth in value[3 : 3 + value[2]])
    found = _components(codestream)
    return BoxFacts(max(bits, found.bits), found.signed, cicp, profile)


def _components(codestream: bytes) -> BoxFacts:
    """Depth and sign of the components of a JPEG 2000 codestream."""
    if not codestream.startswith(CODESTREAM):
        raise ValueError("no JPEG 2000 codestream")
    count = int.from_bytes(codestream[40:42], "big")
    depths = [codestream[42 + 3 * number] for number in range(count)]
    return BoxFacts(max((depth & 0x7F) + 1 for depth in depths), any(depth & 0x80 for depth in depths))
