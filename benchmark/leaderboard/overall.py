"""One rank over several data sets, by a rule that is printed with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmark.leaderboard.board import DatasetBoard, Overall, OverallRow, Row

RULE = (
    "Overall: mean over data sets of the rank by SRCC. Compared are the metrics that are complete, with a defined SRCC, "
    "on every data set shown; the others are listed as left out. Within a data set the compared metrics are ranked "
    "among themselves, equal SRCC sharing the mean of their ranks. A cell whose labels the metric was trained on is "
    "left out, and the ranks of the other n metrics there are stretched evenly from 1..n to 1..(number compared), so "
    "that leaving it out favours nobody. Equal mean ranks share a position."
)


def overall(boards: Sequence[DatasetBoard]) -> Overall | None:
    """Rank metrics over `boards`; None for fewer than two data sets."""
    if len(boards) < 2:
        return None
    cells = {board.dataset.name: {row.label: row for row in board.rows} for board in boards}
    labels = list(dict.fromkeys(row.label for board in boards for row in board.rows))
    left_out = {label: reason for label in labels if (reason := _left_out(label, cells))}
    compared = [label for label in labels if label not in left_out]
    ranks: dict[str, dict[str, float]] = {label: {} for label in compared}
    for name, rows in cells.items():
        judged = {label: rows[label].value("srcc") for label in compared if not rows[label].in_sample}
        if len(judged) < 2:
            continue
        stretch = (len(compared) - 1) / (len(judged) - 1)
        for label, rank in mean_ranks(judged).items():
            ranks[label][name] = 1 + (rank - 1) * stretch
    for label in [label for label in compared if not ranks[label]]:
        left_out[label] = "compared with no other metric on any data set whose labels it has not seen"
        del ranks[label]
    means = {label: math.fsum(of.values()) / len(of) for label, of in ranks.items()}
    places = [
        OverallRow(
            label=label,
            position=1 + sum(_below(other, mean) for other in means.values()),
            mean_rank=mean,
            ranks=ranks[label],
        )
        for label, mean in sorted(means.items(), key=lambda item: (round(item[1], 9), item[0]))
    ]
    return Overall(RULE, tuple(places), left_out)


def _below(mean: float, limit: float) -> bool:
    """Whether `mean` is less by more than the rounding of a mean of ranks."""
    return mean < limit - 1e-9


def mean_ranks(values: Mapping[str, float]) -> dict[str, float]:
    """Rank 1 for the largest value; equal values share the mean of their ranks."""
    return {
        name: 1
        + sum(other > value for other in values.values())
        + (sum(other == value for other in values.values()) - 1) / 2
        for name, value in values.items()
    }


def _left_out(label: str, cells: Mapping[str, Mapping[str, Row]]) -> str:
    """Why a metric cannot be compared over all data sets; "" when it can."""
    for name, rows in cells.items():
        row = rows.get(label)
        if row is None or row.agreement is None:
            return f"not run on {name}"
        if not row.complete:
            return f"incomplete on {name}"
        if math.isnan(row.value("srcc")):
            return f"SRCC undefined on {name}"
    return ""
