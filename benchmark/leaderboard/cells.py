"""Numbers and sentences as every rendered table shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmark.leaderboard.board import ORIENTATION, RANK_RULE, TIE_RULE, Board, DatasetBoard, Row
from benchmark.measured import version_name
from benchmark.statistics import STATISTICS
from benchmark.table_names import to_ask_for
from benchmark.types import DatasetInfo, Estimate

CORRELATION_DECIMALS = 3
IN_SAMPLE = "†"
IN_SAMPLE_SENTENCE = (
    f"{IN_SAMPLE} trained on labels of this data set, or of one that shares pictures with it: in-sample, no evidence for "
    "new images."
)


class Footnotes:
    """Numbers the reasons of a table, each once."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def mark(self, reason: str) -> int:
        """The number of a reason, from 1."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason) + 1

    def lines(self) -> list[str]:
        """One line per reason."""
        return [f"[{number}] {reason}" for number, reason in enumerate(self.reasons, 1)]


def decimals(statistic: str, dataset: DatasetInfo) -> int:
    """Decimals of a statistic: 3, or for RMSE in the label's unit about four digits of the label's range."""
    low, high = dataset.label_range
    if not STATISTICS[statistic].in_label_units or not math.isfinite(high - low) or high <= low:
        return CORRELATION_DECIMALS
    return min(4, max(0, 4 - round(math.log10(high - low))))


def title(statistic: str, dataset: DatasetInfo) -> str:
    """The title of a statistic's column, with the label's unit where it has that."""
    of = STATISTICS[statistic]
    return f"{of.title} ({dataset.label_kind})" if of.in_label_units else of.title


def number(value: float, places: int) -> str:
    """Fixed decimals, no negative zero; "undefined" for nan."""
    if math.isnan(value):
        return "undefined"
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text


def difference(value: float, places: int) -> str:
    """A signed difference; "0.0000" without a sign when it rounds to nothing."""
    text = f"{value:+.{places}f}"
    return text[1:] if float(text) == 0 else text


def cell(estimate: Estimate | None, places: int, footnotes: Footnotes) -> tuple[str, str]:
    """(value, interval) as text: "0.935", "[0.912, 0.951]"; a footnote number where one of them is missing and why."""
    if estimate is None:
        return "", ""
    value = number(estimate.value, places)
    if math.isnan(estimate.value):
        return f"{value} [{footnotes.mark(estimate.method or 'no reason recorded')}]", ""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return f"{value} [{footnotes.mark(estimate.method or 'no interval')}]", ""
    _, _, remark = estimate.method.partition("; ")
    if remark:
        value = f"{value} [{footnotes.mark(remark)}]"
    return value, f"[{number(estimate.low, places)}, {number(estimate.high, places)}]"


def part_cell(row: Row, distortion: str, footnotes: Footnotes) -> tuple[str, str]:
    """SRCC on one distortion as `cell` gives it; a footnote where pairs of it have no score."""
    agreement = row.by_distortion.get(distortion)
    if agreement is None:
        return "", ""
    value, interval = cell(agreement.statistics.get("srcc"), CORRELATION_DECIMALS, footnotes)
    if agreement.n_scored < agreement.n_expected:
        value += f" [{footnotes.mark(f'incomplete: {agreement.n_scored} of {agreement.n_expected} pairs scored')}]"
    return value, interval


def part_size(rows: Sequence[Row], distortion: str) -> str:
    """How many pairs a distortion has."""
    return str(next((row.by_distortion[distortion].n_expected for row in rows if distortion in row.by_distortion), ""))


def direction(row: Row) -> str:
    """The metric's declared direction."""
    return "higher is better" if row.metric.higher_is_better else "lower is better"


def counts(row: Row) -> str:
    """ "210" when complete, else "203 of 210, 7 failed"."""
    agreement = row.agreement
    if agreement is None:
        return "0"
    if row.complete:
        return str(agreement.n_scored)
    failed = f", {agreement.n_failed} failed" if agreement.n_failed else ""
    stale = f", {row.n_stale} stale" if row.n_stale else ""
    missing = agreement.n_expected - agreement.n_scored - agreement.n_failed - row.n_stale
    return f"{agreement.n_scored} of {agreement.n_expected}{failed}{stale}" + (
        f", {missing} not scored yet" if missing else ""
    )


def rank(row: Row) -> str:
    """ "2 b": the rank and its tie group; "-" when not ranked."""
    return "-" if row.rank is None else f"{row.rank} {row.tie_group}".strip()


def name(row: Row) -> str:
    """The metric's label, marked when in-sample."""
    return f"{row.label}{IN_SAMPLE}" if row.in_sample else row.label


def protocol_line(row: Row) -> str:
    """What fixes the metric's value: direction, version, weights, library, and the protocol's sentence."""
    metric = row.metric
    facts = [direction(row), f"version {version_name(metric)}"]
    if metric.library:
        others = [name for name in row.backends if name != metric.library]
        facts.append(f"{metric.library} (computed by {', '.join(row.backends)})" if others else metric.library)
    if metric.trained_on:
        through = f" ({row.seen_through})" if row.seen_through else ""
        facts.append(f"trained on {', '.join(metric.trained_on)}{through}")
    note = f" Note: {metric.note.rstrip('.')}." if metric.note else ""
    return f"({'; '.join(facts)}): {metric.protocol.rstrip('.')}.{note}"


def dataset_line(board: DatasetBoard) -> str:
    """Counts, label and its direction, revision, licence."""
    info = board.dataset
    better = "higher is better" if info.label_higher_is_better else "lower is better"
    subset = "" if board.subset == "all" else f"Subset {board.subset}: "
    return (
        f"{subset}{board.n_pairs} pairs from {board.n_contents} contents. Label: {info.label_kind}, {better}. "
        f"Correlations are oriented: positive is good. Label revision {board.revision[:12]}. Licence: {info.licence.rstrip('.')}."
    )


def legend(board: DatasetBoard) -> list[str]:
    """The sentences that a table needs to be read."""
    lines = [ORIENTATION, RANK_RULE, TIE_RULE, board.tests, board.interval]
    if any(row.in_sample for row in board.rows):
        lines.append(IN_SAMPLE_SENTENCE)
    return [line for line in lines if line]


def problems(board: DatasetBoard) -> list[str]:
    """Warnings, failed pairs and metrics that did not run, one sentence each."""
    lines = []
    for row in board.rows:
        if row.agreement is not None:
            lines += [f"Warning: {warning}." for warning in row.agreement.warnings]
            if row.failures:
                more = row.agreement.n_failed - len(row.failures)
                tail = f"; and {more} more" if more > 0 else ""
                lines.append(f"Failed: {row.label}: {'; '.join(row.failures)}{tail}.")
        if row.n_stale:
            lines.append(
                f"Stale: {row.label}: {row.n_stale} scores are of other files, or other reading rules, than these pairs have "
                f"now; they are kept and do not count: run `python -m benchmark run --dataset {to_ask_for(board.dataset.name)} "
                f"--metrics {row.metric.name}` to make them again."
            )
        if row.not_run:
            lines.append(f"Not run: {row.label}: {row.not_run}.")
    return lines


def notes(board: Board) -> list[str]:
    """What is missing from the whole board, one sentence each."""
    return [*board.notes, *(f"Not shown: {reason}" for reason in board.failed)]


def signature(board: Board) -> str:
    """Which program wrote the table."""
    return f"Written by {board.program}."
