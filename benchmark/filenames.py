"""Names of files as text that can be written anywhere."""

from __future__ import annotations

import re

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
FIRST_ESCAPED = 0xDC80
"""How Python keeps the bytes 0x80 to 0xFF of a name that is not UTF-8 (PEP 383): from here to 0xDCFF."""


def printable(name: object) -> str:
    r"""Return a file's name as valid Unicode: bytes that are not UTF-8 become \xNN, as in ``caf\xe9.png``.

    POSIX names are bytes; Python keeps those that are not UTF-8 as lone surrogates, which no file, terminal or database
    takes. Names that are valid come back as they are.
    """
    return LONE_SURROGATE.sub(_escaped, str(name))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if FIRST_ESCAPED <= code <= 0xDCFF else f"\\u{code:04x}"
