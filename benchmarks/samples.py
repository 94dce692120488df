"""Arithmetic of repeated timings: medians, ranges, and ratios of runs that alternated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of repeated measurements, in whatever unit they had."""

    median: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """For example "12.3 (11.9 to 14)"."""
        middle, low, high = (significant(value, digits) for value in (self.median, self.low, self.high))
        return middle if low == high else f"{middle} ({low} to {high})"


def spread(values: Sequence[float]) -> Spread:
    """Median, smallest and largest of one or more values."""
    return Spread(median(values), min(values), max(values))


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Spread of the ratios of what was measured in the same round: the machine's mood of a round cancels out.

    Raises ValueError when the two do not have the same number of rounds.
    """
    return spread([above / below for above, below in zip(numerators, denominators, strict=True)])


def rates(amount: float, seconds: Sequence[float]) -> Spread:
    """Spread of `amount` per second."""
    return spread([amount / each for each in seconds])


def significant(value: float, digits: int = 3) -> str:
    """`value` with that many significant digits, never in exponents above 1: 23200, 1.78, 0.0042, 1e-09."""
    if value == 0 or abs(value) < 1e-4:
        return f"{value:.1e}" if value else "0"
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text else text
