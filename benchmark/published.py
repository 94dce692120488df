"""Published agreement values: facts with their source and protocol, to stand beside what is measured here.

The numbers are facts; each row of `published.csv` names where it was read. `metric` is this program's name, and is filled
only where the published protocol is known to be the one of that name; elsewhere it is empty and the value stands for
itself under the source's own name. `sign` turns the printed value so that a good metric is positive: -1 where the
source correlates raw scores and labels that point opposite ways.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from benchmark.types import UserError

COLUMNS = ["metric", "name", "dataset", "statistic", "value", "sign", "protocol", "source"]


@dataclass(frozen=True, slots=True)
class Published:
    """One published value."""

    metric: str
    """This program's name of the same protocol, "" where that is not known."""
    name: str
    """The source's name."""
    dataset: str
    statistic: str
    value: float
    """As printed."""
    sign: int
    protocol: str
    source: str

    @property
    def oriented(self) -> float:
        """The value with a good metric positive, as on every board."""
        return self.sign * self.value


@cache
def published() -> tuple[Published, ...]:
    """Read the table that comes with the program; raises UserError when it is damaged."""
    text = (files("benchmark") / "published.csv").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> tuple[Published, ...]:
    """Read a table of published values; raises UserError naming the line that is wrong."""
    reader = csv.DictReader(text.splitlines())
    if reader.fieldnames != COLUMNS:
        raise UserError(f"published values: expected the columns {', '.join(COLUMNS)}, got {reader.fieldnames}")
    facts = []
    for line, row in enumerate(reader, 2):
        try:
            facts.append(_fact(row))
        except (TypeError, ValueError) as error:
            raise UserError(f"published values, line {line}: {error}") from error
    return tuple(facts)


def _fact(row: dict[str, Any]) -> Published:
    sign = int(row["sign"])
    if sign not in (1, -1):
        raise ValueError(f"expected sign 1 or -1, got {sign}")
    value = float(row["value"])
    if not -1 <= value <= 1:
        raise ValueError(f"expected a correlation in [-1, 1], got {value}")
    for column in ("name", "dataset", "statistic", "protocol", "source"):
        if not row[column]:
            raise ValueError(f"{column} is empty")
    return Published(**{**row, "value": value, "sign": sign})


def matching(*, metric: str, dataset: str) -> list[Published]:
    """Published values of the same protocol on the same data set."""
    return [fact for fact in published() if fact.metric == metric and fact.dataset == dataset]
