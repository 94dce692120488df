"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAIL = "FAIL"
    NOTE = "note"
    """A fact that the user should know, and that need not be a mistake."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    verdict: Verdict
    sentence: str
    """What was found; for a failure also what is its usual cause."""


def ok(check: str, sentence: str) -> Finding:
    """A check that passed."""
    return Finding(check, Verdict.OK, sentence)


def fail(check: str, sentence: str) -> Finding:
    """A check that failed; the sentence says the usual cause."""
    return Finding(check, Verdict.FAIL, sentence)


def note(check: str, sentence: str) -> Finding:
    """A fact that need not be a mistake."""
    return Finding(check, Verdict.NOTE, sentence)
