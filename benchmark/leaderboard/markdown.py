"""A board as Markdown: the same bytes from the same store, so that it can be committed. Holds no timings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import Board, DatasetBoard, Overall, Row
from benchmark.leaderboard.cells import Footnotes
from benchmark.statistics import STATISTICS

_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#"})


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return " ".join(text.split()).translate(_SPECIAL)


def markdown(board: Board) -> str:
    """Render all tables of a board."""
    parts = ["# Leaderboard", ""]
    notes = cells.notes(board)
    parts += [f"- {escape(note)}" for note in notes] + ([""] if notes else [])
    for dataset in board.datasets:
        parts += _dataset(dataset)
    if board.overall is not None:
        parts += _overall(board, board.overall)
    parts += [escape(cells.signature(board))]
    return "\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> list[str]:
    """A table; cells are taken as they are, the first `left` columns left-aligned."""
    marks = [":--" if column < left else "--:" for column in range(len(header))]
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(marks) + " |"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


def _dataset(board: DatasetBoard) -> list[str]:
    info, footnotes = board.dataset, Footnotes()
    lines = [f"## {escape(info.name)}: {escape(info.title)}", "", escape(cells.dataset_line(board)), ""]
    if info.note:
        lines += [f"**Note.** {escape(info.note)}", ""]
    lines += [f"- {escape(note)}" for note in board.notes] + ([""] if board.notes else [])
    lines += [*_main(board, board.statistics(main=True), footnotes), ""]
    if others := board.statistics(main=False):
        lines += ["### Other statistics", "", *_main(board, others, footnotes), ""]
    if board.distortions:
        lines += ["### SRCC per distortion", "", *_distortions(board, footnotes), ""]
    lines += _reported(board)
    lines += [f"{escape(line)}\n" for line in cells.problems(board)]
    lines += [f"- {escape(line)}" for line in [*footnotes.lines(), *cells.legend(board)]]
    lines += ["", "### Protocols", ""]
    lines += [f"- **{escape(row.label)}** {escape(cells.protocol_line(row))}" for row in board.rows]
    return [*lines, ""]


def _main(board: DatasetBoard, statistics: Sequence[str], footnotes: Footnotes) -> list[str]:
    header = [
        "rank",
        "metric",
        *(escape(cells.title(key, board.dataset)) for key in statistics),
        "scored",
        "version",
        "weights",
    ]
    rows = []
    for row in board.rows:
        if row.agreement is None:
            values = [f"not run: {escape(row.not_run)}", *[""] * (len(statistics) - 1)][: len(statistics)]
        else:
            values = [_cell(board, row, key, footnotes) for key in statistics]
        weights = row.metric.weights_sha256[:8] or "-"
        rows.append(
            [cells.rank(row), escape(cells.name(row)), *values, cells.counts(row), escape(row.metric.version), weights]
        )
    return table(header, rows, left=2)


def _cell(board: DatasetBoard, row: Row, statistic: str, footnotes: Footnotes) -> str:
    value, interval = cells.cell(row.estimate(statistic), cells.decimals(statistic, board.dataset), footnotes)
    return escape(f"{value} {interval}".strip())


def _distortions(board: DatasetBoard, footnotes: Footnotes) -> list[str]:
    rows = [row for row in board.rows if row.by_distortion]
    header = ["distortion", "pairs", *(escape(cells.name(row)) for row in rows)]
    lines = []
    for distortion in board.distortions:
        values = (escape(" ".join(cells.part_cell(row, distortion, footnotes)).strip()) for row in rows)
        lines.append([escape(distortion), cells.part_size(rows, distortion), *values])
    return table(header, lines)


def _reported(board: DatasetBoard) -> list[str]:
    rows = [
        [
            escape(row.label),
            escape(STATISTICS[reported.statistic].title),
            cells.number(row.value(reported.statistic), 4),
            cells.number(reported.reported, 4),
            cells.difference(reported.difference, 4),
            escape(f"{reported.source}; {reported.protocol}"),
        ]
        for row in board.rows
        for reported in row.reported
    ]
    if not rows:
        return []
    header = ["metric", "statistic", "measured", "reported", "difference", "source and protocol"]
    return ["### Reported beside measured", "", *table(header, rows, left=2), ""]


def _overall(board: Board, overall: Overall) -> list[str]:
    names = [dataset.dataset.name for dataset in board.datasets]
    rows = [
        [
            str(row.position),
            escape(row.label),
            f"{row.mean_rank:.2f}",
            *(f"{row.ranks[name]:.2f}" if name in row.ranks else "-" for name in names),
        ]
        for row in overall.rows
    ]
    lines = ["## Overall", "", escape(overall.rule), ""]
    lines += [*table(["rank", "metric", "mean rank", *map(escape, names)], rows, left=2), ""]
    lines += [f"- Left out: {escape(label)}: {escape(reason)}" for label, reason in overall.left_out.items()]
    return [*lines, ""]
