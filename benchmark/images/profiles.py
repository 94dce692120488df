"""ICC profiles made from primaries and a transfer curve, for files that give numbers instead of a profile."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

Chromaticity = tuple[float, float]
D65: Chromaticity = (0.3127, 0.329)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Cone response of ICC.1:2022, annex E, by which the white of a profile is adapted to D50."""
D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the profile connection space, ICC.1:2022."""
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1: exponent, a, b, c, d of ICC's parametric curve 3."""


@dataclass(frozen=True, slots=True)
class Primaries:
    """CIE xy of white and of the three primaries."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity = D65


SRGB_PRIMARIES = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def make_profile(primaries: Primaries, gamma: float | None = None) -> bytes:
    """An ICC 4 display profile of such primaries; light is the code value to the power of `gamma`, None: as in sRGB.

    Raises ValueError for primaries that span no triangle.
    """
    curve = _curve(0, gamma) if gamma is not None else _curve(3, *SRGB_CURVE)
    adapt, matrix = _matrix(primaries)
    tags = {
        b"desc": _text("made from the file's numbers"),
        b"cprt": _text("none"),
        b"wtpt": _xyz(D50),
        b"chad": b"sf32" + bytes(4) + _fixed(*adapt.ravel()),
        b"rXYZ": _xyz(matrix[:, 0]),
        b"gXYZ": _xyz(matrix[:, 1]),
        b"bXYZ": _xyz(matrix[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, offset + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s28xI", offset + len(data), 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp", 0)
    return (header + _fixed(*D50)).ljust(128, b"\0") + table + data


def _matrix(primaries: Primaries) -> tuple[np.ndarray, np.ndarray]:
    """The adaptation of the white to D50, and the adapted matrix from linear RGB to XYZ, (3, 3) each."""
    corners = np.array([primaries.red, primaries.green, primaries.blue, primaries.white], dtype=float)
    if not np.all(corners[:, 1] > 0):
        raise ValueError(f"primaries without a colour: {primaries}")
    x, y = corners.T
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    if abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        raise ValueError(f"primaries that span no colours: {primaries}")
    to_xyz = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    adapt = np.linalg.solve(BRADFORD, (BRADFORD @ D50 / (BRADFORD @ xyz[:, 3]))[:, None] * BRADFORD)
    return adapt, adapt @ to_xyz


def _fixed(*values: float) -> bytes:
    """Numbers as s15Fixed16. Raises ValueError for one that is too large."""
    try:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
    except struct.error as error:
        raise ValueError(f"numbers of colour out of range: {values}") from error


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*values)


def _curve(kind: int, *parameters: float) -> bytes:
    return b"para" + struct.pack(">4xHH", kind, 0) + _fixed(*parameters)


def _text(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded
