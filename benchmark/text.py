"""Text from outside made safe to show: names in data sets, files and plugins may hold anything."""

from __future__ import annotations

import re

from benchmark.filenames import printable

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters (C0, DEL and C1: what starts a terminal's escape sequences), and what turns the direction of writing or
breaks lines. Tabs and line ends are not among them."""


def visible(text: str) -> str:
    """`text` with each character of `UNSEEN` as an escape such as ``\\x1b``, so that a terminal shows it and does nothing.

    Bytes of file names that are not UTF-8 are written as everywhere (`benchmark.filenames`).
    """
    return UNSEEN.sub(_escape, printable(text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
