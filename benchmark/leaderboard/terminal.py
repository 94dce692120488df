"""A board for the terminal: a Rich renderable that drops columns until it fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import Board, DatasetBoard, Row
from benchmark.leaderboard.cells import Footnotes
from benchmark.statistics import STATISTICS

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

DROPPED_FIRST = ("ms/pair", "krcc", "rmse")
"""Columns that give way on a narrow terminal, in this order."""
NARROW_DISTORTIONS = 11
"""Width of one metric's column in the table per distortion."""


@dataclass(frozen=True, slots=True)
class TerminalBoard:
    """Print it with a `rich.console.Console`."""

    board: Board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        """Yield tables and sentences that fit into `options.max_width`."""
        from rich.text import Text

        for note in cells.notes(self.board):
            yield Text(note)
        for dataset in self.board.datasets:
            yield from self._dataset(dataset, console, options)
        if self.board.overall is not None:
            yield _overall(self.board)
            yield Text(self.board.overall.rule, style="dim")
            for label, reason in self.board.overall.left_out.items():
                yield Text(f"Left out: {label}: {reason}", style="dim")
        yield Text(cells.signature(self.board), style="dim")

    def _dataset(self, board: DatasetBoard, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        from rich.text import Text

        yield Text()
        yield Text(f"{board.dataset.name}: {board.dataset.title}", style="bold")
        yield Text(cells.dataset_line(board))
        if board.dataset.note:
            yield Text(f"Note: {board.dataset.note}")
        for note in board.notes:
            yield Text(note)
        main, others = board.statistics(main=True), board.statistics(main=False)
        extra = tuple(key for key in others if key == self.board.sort)
        table, footnotes, dropped = _fitting(board, (*main, *extra), self.board.sort, console, options)
        yield table
        if dropped:
            titles = ", ".join(map(_title, dropped))
            yield Text(f"Too narrow for {titles}: widen the terminal, or ask for another --format.", style="yellow")
        yield from _others(board, [key for key in others if key not in extra], footnotes, console, options)
        yield from _distortions(board, footnotes, options.max_width)
        yield from _reported(board)
        for line in cells.problems(board):
            yield Text(line, style="yellow")
        for line in [*footnotes.lines(), *cells.legend(board)]:
            yield Text(line, style="dim")
        for row in board.rows:
            yield Text.assemble((row.label, "bold"), " ", (cells.protocol_line(row), "dim"))


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def _fitting(
    board: DatasetBoard, statistics: Sequence[str], sort: str, console: Console, options: ConsoleOptions
) -> tuple[Table, Footnotes, list[str]]:
    """The main table with as many columns as fit, the footnotes of those, and the columns that gave way.

    The column that the rows are sorted by stays.
    """
    from rich.measure import Measurement

    timed = any(row.seconds_per_pair is not None for row in board.rows)
    columns, footnotes = [*statistics, *(["ms/pair"] if timed else [])], Footnotes()
    table, dropped = _main(board, columns, footnotes), []
    for column in DROPPED_FIRST:
        if column not in columns or column == ("ms/pair" if sort == "time" else sort):
            continue
        if Measurement.get(console, options.update(max_width=1000), table).maximum <= options.max_width:
            break
        dropped.append(column)
        columns.remove(column)
        footnotes = Footnotes()
        table = _main(board, columns, footnotes)
    return table, footnotes, dropped


def _others(
    board: DatasetBoard, statistics: Sequence[str], footnotes: Footnotes, console: Console, options: ConsoleOptions
) -> Iterator[Any]:
    """The other statistics, in as many tables as the width asks for."""
    from rich.measure import Measurement
    from rich.text import Text

    rest = list(statistics)
    if rest:
        yield Text("Other statistics", style="bold")
    while rest:
        fitting = len(rest)
        while fitting > 1:
            table = _main(board, rest[:fitting], Footnotes(), counted=False)
            if Measurement.get(console, options.update(max_width=1000), table).maximum <= options.max_width:
                break
            fitting -= 1
        yield _main(board, rest[:fitting], footnotes, counted=False)
        rest = rest[fitting:]


def _title(column: str) -> str:
    return STATISTICS[column].title if column in STATISTICS else column


def _main(board: DatasetBoard, columns: Sequence[str], footnotes: Footnotes, *, counted: bool = True) -> Table:
    from rich.text import Text

    table = _table()
    table.add_column("rank")
    table.add_column("metric", overflow="fold", max_width=22)
    for column in columns:
        table.add_column(_title(column), justify="right", no_wrap=column in STATISTICS)
    if counted:
        table.add_column("scored", justify="right", max_width=10, overflow="fold")
    for row in board.rows:
        if row.agreement is None:
            values = ["not run", *[""] * (len(columns) - 1)][: len(columns)]
        else:
            values = [_value(board, row, column, footnotes) for column in columns]
        table.add_row(
            Text(cells.rank(row)),
            Text(cells.name(row), style="bold"),
            *map(Text, values),
            *([Text(cells.counts(row))] if counted else []),
        )
    return table


def _value(board: DatasetBoard, row: Row, column: str, footnotes: Footnotes) -> str:
    if column == "ms/pair":
        return "-" if row.seconds_per_pair is None else f"{1000 * row.seconds_per_pair:.3g}"
    value, interval = cells.cell(row.estimate(column), cells.decimals(column, board.dataset), footnotes)
    return _stacked(value, interval)


def _stacked(value: str, interval: str) -> str:
    """The interval below its value: people read down a column."""
    return f"{value}\n{interval.replace(', ', ' ')}" if interval else value


def _distortions(board: DatasetBoard, footnotes: Footnotes, width: int) -> Iterator[Any]:
    """SRCC per distortion, metrics across; several tables when the metrics do not fit side by side."""
    from rich.text import Text

    rows = [row for row in board.rows if row.by_distortion]
    if not board.distortions or not rows:
        return
    first = max(len(name) for name in ("distortion", *board.distortions))
    widest = max(NARROW_DISTORTIONS + 4, *(len(cells.name(row)) + 2 for row in rows))
    together = max(1, (width - first - 10) // widest)
    yield Text("SRCC per distortion", style="bold")
    for start in range(0, len(rows), together):
        part = rows[start : start + together]
        table = _table()
        table.add_column("distortion", overflow="fold")
        table.add_column("pairs", justify="right")
        for row in part:
            table.add_column(Text(cells.name(row)), justify="right", overflow="fold")
        for distortion in board.distortions:
            texts = []
            for row in part:
                value, interval = cells.part_cell(row, distortion, footnotes)
                texts.append(Text(_stacked(value, interval)))
            table.add_row(Text(distortion), cells.part_size(part, distortion), *texts)
        yield table


def _reported(board: DatasetBoard) -> Iterator[Any]:
    from rich.text import Text

    if not any(row.reported for row in board.rows):
        return
    table = _table()
    for title in ("metric", "statistic", "measured", "reported", "difference", "source and protocol"):
        right = title in ("measured", "reported", "difference")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in board.rows:
        for reported in row.reported:
            table.add_row(
                Text(row.label),
                Text(STATISTICS[reported.statistic].title),
                cells.number(row.value(reported.statistic), 4),
                cells.number(reported.reported, 4),
                cells.difference(reported.difference, 4),
                Text(f"{reported.source}; {reported.protocol}"),
            )
    yield Text("Reported beside measured", style="bold")
    yield table


def _overall(board: Board) -> Table:
    from rich.text import Text

    table = _table()
    table.title = "Overall"
    names = [dataset.dataset.name for dataset in board.datasets]
    for title in ("rank", "metric", "mean rank", *names):
        table.add_column(Text(title), justify="left" if title == "metric" else "right", overflow="fold")
    for row in board.overall.rows if board.overall else ():
        ranks = (f"{row.ranks[name]:.2f}" if name in row.ranks else "-" for name in names)
        table.add_row(str(row.position), Text(row.label), f"{row.mean_rank:.2f}", *ranks)
    return table
