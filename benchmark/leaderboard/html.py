"""A board as HTML for notebooks: one table per data set, and below it what a reader must know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import Board, DatasetBoard
from benchmark.leaderboard.cells import Footnotes
from benchmark.statistics import STATISTICS

STYLE = "text-align: left; vertical-align: top"


def html(board: Board) -> str:
    """Render all tables of a board; every name and reason is escaped."""
    parts = [f"<p>{escape(note)}</p>" for note in cells.notes(board)]
    parts += [_dataset(dataset) for dataset in board.datasets]
    if board.overall is not None:
        rows = [(str(row.position), row.label, f"{row.mean_rank:.2f}") for row in board.overall.rows]
        parts += [
            "<h4>Over all data sets</h4>",
            _table(("position", "metric", "mean rank"), rows),
            f"<p>{escape(board.overall.rule)}</p>",
        ]
    return "".join([*parts, f"<p><small>{escape(cells.signature(board))}</small></p>"])


def _dataset(board: DatasetBoard) -> str:
    footnotes = Footnotes()
    statistics = [*board.statistics(main=True), *board.statistics(main=False)]
    header = ["rank", "metric", "pairs", *(STATISTICS[name].title for name in statistics)]
    rows = []
    for row in board.rows:
        values = [" ".join(_cell(board, row, name, footnotes)).strip() for name in statistics]
        rows.append([cells.rank(row), cells.name(row), cells.counts(row), *values])
    lines = [*cells.problems(board), *footnotes.lines(), *cells.legend(board), *board.notes]
    return "".join(
        [
            f"<h4>{escape(board.dataset.name)}: {escape(board.dataset.title)}</h4>",
            f"<p>{escape(cells.dataset_line(board))} {escape(board.dataset.note)}</p>",
            _table(header, rows),
            "<details><summary>How to read this</summary><ul>",
            *(f"<li>{escape(line)}</li>" for line in lines),
            "</ul></details>",
        ]
    )


def _cell(board: DatasetBoard, row: cells.Row, statistic: str, footnotes: Footnotes) -> tuple[str, str]:
    return cells.cell(row.estimate(statistic), cells.decimals(statistic, board.dataset), footnotes)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th style="{STYLE}">{escape(title)}</th>' for title in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{STYLE}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
