"""Size, bit depth and animation as the header of a JPEG XL file tells them (ISO/IEC 18181-1, annexes A and D).

Its plugin decodes the whole image before Pillow can ask for its size.
"""

from __future__ import annotations

from benchmark.images.boxes import boxes

CODESTREAM = b"\xff\x0a"
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, as a size that names only its height may have them."""
MOST_PIXELS = 178_956_970
"""What Pillow takes for a decompression bomb in other formats."""


class _Bits:
    """Reads bits, the lowest of each byte first."""

    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content, "little")

    def read(self, count: int) -> int:
        value, self._value = self._value & ((1 << count) - 1), self._value >> count
        return value

    def choose(self, *choices: int | tuple[int, int]) -> int:
        """A number told by two bits: a constant, or (constant, bits) for the constant plus so many bits."""
        choice = choices[self.read(2)]
        return choice if isinstance(choice, int) else choice[0] + self.read(choice[1])


def jxl_depth(content: bytes) -> int:
    """Bits per channel of the image that was coded.

    Raises ValueError for an animation, for more pixels than are read, and without a header.
    """
    bits = _Bits(_codestream(content)[2:64])
    height, width = _size(bits)
    if height * width > MOST_PIXELS:
        raise ValueError(f"Image size ({height * width} pixels) exceeds limit of {MOST_PIXELS} pixels")
    if bits.read(1):  # all as usual
        return 8
    if bits.read(1):  # extra fields
        bits.read(3)  # orientation
        if bits.read(1):
            _size(bits)  # of display
        if bits.read(1):
            raise ValueError("JPEG XL with a preview image, expected one image")
        if bits.read(1):
            raise ValueError("animated JPEG XL, expected one image")
    if bits.read(1):  # floating point
        return bits.choose(32, 16, 24, (1, 6))
    return bits.choose(8, 10, 12, (1, 6))


def _codestream(content: bytes) -> bytes:
    if content.startswith(CODESTREAM):
        return content
    for kind, data in boxes(content):
        if kind == b"jxlc":
            return data
        if kind == b"jxlp":
            return data[4:]
    raise ValueError("no JPEG XL codestream")


def _size(bits: _Bits) -> tuple[int, int]:
    """Read a SizeHeader: height and width."""

    def side(small: int) -> int:
        return 8 * (1 + bits.read(5)) if small else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))

    small = bits.read(1)
    height, ratio = side(small), bits.read(3)
    if not ratio:
        return height, side(small)
    across, down = RATIOS[ratio - 1]
    return height, height * across // down
