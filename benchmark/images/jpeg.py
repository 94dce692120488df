"""JPEG, decoded strictly: whatever the decoder would paper over is an error.

libjpeg reports damage as warnings (bytes left over, data that ends early, impossible codes) and fills the gap, and
Pillow drops the warnings. `simplejpeg` runs libjpeg-turbo so that the first warning ends the decoding. Its pixels are
those of Pillow, to the bit: both use the slow integer DCT and smooth upsampling.

Two warnings say nothing about the pixels, and files of real cameras cause them: scan headers of sequential images that
name another range of coefficients than all (some Samsung phones), and zeros between the image and its end marker.
"""

from __future__ import annotations

import re

import numpy as np

WRONG_SCAN_HEADER = "Invalid SOS parameters"
LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
SEQUENTIAL_FRAMES = (0xC0, 0xC1)
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
ALL_COEFFICIENTS = bytes([0, 63, 0])
"""What the scan header of a sequential image ends with: first and last coefficient, no successive approximation."""
END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""The next marker that is no restart."""


def decode_jpeg(content: bytes) -> np.ndarray:
    """Decode the primary image of a JPEG or MPO file to uint8 RGB (H, W, 3).

    Raises ValueError with the decoder's words when anything is wrong with the image.
    """
    import simplejpeg

    try:
        return simplejpeg.decode_jpeg(content, "RGB")
    except ValueError as error:
        mended = _without_harmless_fault(content, str(error))
        if mended is None:
            raise
    return decode_jpeg(mended)


def _without_harmless_fault(content: bytes, warning: str) -> bytes | None:
    """The same image without a fault that says nothing about its pixels; None where the warning is of another kind."""
    left_over = LEFT_OVER.search(warning)
    if WRONG_SCAN_HEADER not in warning and left_over is None:
        return None
    mended, frame, position = bytearray(content), 0, 2
    while (marker := END_OF_SCAN.search(content, position)) is not None:
        code, position = content[marker.end() - 1], marker.end()
        if code == END_OF_IMAGE:
            end, count = marker.start(), int(left_over[1]) if left_over else 0
            if not any(content[end - count : end]):
                del mended[end - count : end]
            break
        position += int.from_bytes(content[position : position + 2], "big")
        if code in SEQUENTIAL_FRAMES:
            frame = code
        elif code == START_OF_SCAN and frame:
            mended[position - 3 : position] = ALL_COEFFICIENTS
    return bytes(mended) if mended != content else None
