"""The data of a leaderboard: what every format renders, and nothing else.

A board can be written as JSON and read again: `schema` is its version, raised when a field changes its meaning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark.statistics import STATISTICS
from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
TEXT_WIDTH = 120
"""Columns of a board as plain text."""

MAIN_STATISTICS = tuple(name for name, statistic in STATISTICS.items() if statistic.main)

RANK_RULE = (
    "Rank: by SRCC among complete rows; equal SRCC share a rank. Rows that are incomplete, undefined or not run are "
    "shown and not ranked."
)
TIE_RULE = (
    "Ties: scores of a metric that lie within its declared tolerance of each other are equal, and infinite scores in the "
    "best direction share the highest rank."
)
ORIENTATION = (
    "Correlations are oriented: scores and labels are turned once by their declared directions, so a good metric is "
    "positive and a negative value means that it runs against people."
)


@dataclass(frozen=True, slots=True)
class Reported:
    """A published value beside the measured one, both oriented."""

    statistic: str
    reported: float
    difference: float
    """Measured minus reported."""
    protocol: str
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """One metric (one version of it) on one subset of one data set."""

    label: str
    """The metric's name, with its version where the board shows several."""
    metric: MetricInfo
    agreement: Agreement | None
    """None when the metric did not run."""
    by_distortion: dict[str, Agreement] = field(default_factory=dict)
    rank: int | None = None
    tie_group: str = ""
    """Letters: two ranked metrics that share one could not be told apart by the paired tests."""
    in_sample: bool = False
    """The metric has seen labels of this data set."""
    seen_through: str = ""
    """The other data set through which it has, in a few words; "" where it was trained on this one, or has not."""
    not_run: str = ""
    failures: tuple[str, ...] = ()
    """The first few failed pairs, each with its reason."""
    seconds_per_pair: float | None = None
    backends: tuple[str, ...] = ()
    """Which implementations of the protocol made the scores, where that is on record."""
    reported: tuple[Reported, ...] = ()
    n_stale: int = 0
    """Pairs without a score whose former score is of other files, or other reading rules, than the pair has now."""

    @property
    def complete(self) -> bool:
        """Whether every expected pair has a score."""
        return self.agreement is not None and 0 < self.agreement.n_expected == self.agreement.n_scored

    def estimate(self, statistic: str) -> Estimate | None:
        """The statistic with its interval; None when it was not computed."""
        return None if self.agreement is None else self.agreement.statistics.get(statistic)

    def value(self, statistic: str) -> float:
        """The statistic, nan when undefined or not computed."""
        estimate = self.estimate(statistic)
        return math.nan if estimate is None else estimate.value


@dataclass(frozen=True, slots=True)
class DatasetBoard:
    """All rows on one subset of one data set."""

    dataset: DatasetInfo
    revision: str
    """sha256 of ids and labels."""
    subset: str
    n_pairs: int
    n_contents: int
    distortions: tuple[str, ...]
    rows: tuple[Row, ...]
    """In the order asked for."""
    interval: str
    """How the intervals were made."""
    tests: str
    """How the tie groups were made."""
    notes: tuple[str, ...] = ()

    def statistics(self, *, main: bool) -> tuple[str, ...]:
        """Names of the statistics that some row has, those of the main table or the others, in the table's order."""
        computed = {name for row in self.rows if row.agreement for name in row.agreement.statistics}
        return tuple(name for name, of in STATISTICS.items() if name in computed and of.main == main)


@dataclass(frozen=True, slots=True)
class OverallRow:
    """One metric over all data sets."""

    label: str
    position: int
    """By mean rank; equal mean ranks share a position."""
    mean_rank: float
    ranks: dict[str, float]
    """By data set; a data set whose labels the metric has seen is left out."""


@dataclass(frozen=True, slots=True)
class Overall:
    """The rank over data sets."""

    rule: str
    rows: tuple[OverallRow, ...]
    left_out: dict[str, str]
    """Why, by metric."""


@dataclass(frozen=True, slots=True, repr=False)
class Board:
    """Everything that one leaderboard shows."""

    datasets: tuple[DatasetBoard, ...]
    overall: Overall | None
    sort: str
    program: str
    notes: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Data sets that have no board since their statistics could not be computed, each with the reason."""
    schema: int = SCHEMA

    def to_frame(self) -> pd.DataFrame:
        """Every statistic with its interval, one row per data set, subset, metric and statistic.

        The columns are `benchmark.frames.AGREEMENT`.
        """
        from benchmark.frames import agreement_frame

        return agreement_frame(self)

    def render(self, format: str = "markdown") -> str:
        """Return the board as text: markdown, csv, json, latex or terminal (plain, 120 columns wide).

        Raises UserError for another format.
        """
        from benchmark.leaderboard.render import render

        made = render(self, format)
        return made if isinstance(made, str) else _plain(made)

    def __repr__(self) -> str:
        parts = (f"{len(board.rows)} metrics on {board.dataset.name} ({board.subset})" for board in self.datasets)
        return f"<board: {', '.join(parts)}>"

    def __str__(self) -> str:
        return self.render("terminal")

    def _repr_html_(self) -> str:
        """Shown by notebooks: ranks, the main statistics with their intervals, and what a reader must know."""
        from benchmark.leaderboard.html import html

        return html(self)


def _plain(renderable: Any) -> str:
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    Console(file=out, width=TEXT_WIDTH, emoji=False, markup=False, highlight=False).print(renderable)
    return out.getvalue()
