"""A board in one of `FORMATS`."""

from __future__ import annotations

from typing import Any

from benchmark.leaderboard.board import Board
from benchmark.names import unknown_name

FORMATS = ("terminal", "markdown", "csv", "json", "latex")


def render(board: Board, format: str = "terminal") -> Any:
    """Return the board as text; for "terminal" as something a `rich.console.Console` prints.

    Markdown, CSV and LaTeX hold no timings, so that one store always gives the same bytes; the terminal and JSON do.
    Raises UserError for an unknown format.
    """
    if format == "terminal":
        from benchmark.leaderboard.terminal import TerminalBoard

        return TerminalBoard(board)
    if format == "markdown":
        from benchmark.leaderboard.markdown import markdown

        return markdown(board)
    if format == "csv":
        from benchmark.leaderboard.tidy import csv_table

        return csv_table(board)
    if format == "json":
        from benchmark.leaderboard.tidy import json_text

        return json_text(board)
    if format == "latex":
        from benchmark.leaderboard.latex import latex

        return latex(board)
    raise unknown_name("format", format, FORMATS)
