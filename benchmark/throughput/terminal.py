"""A report for the terminal: a Rich renderable that drops columns until it fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.throughput.render import machine_sentence, short, sizes
from benchmark.throughput.report import Cell, Decoding, Report

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

HEADER = (
    "metric",
    "backend",
    "batch",
    "pairs/s",
    "MP/s",
    "ms/call",
    "p95",
    "CPU ms/pair",
    "alone",
    "memory MB",
    "calls",
)
LEFT = ("metric", "backend")
DROPPED_FIRST = ("MP/s", "calls", "p95", "backend", "batch")
"""Columns that give way on a narrow terminal, in this order."""
LEGEND = (
    "ms/call: by the clock, median and 95th percentile; a call scores one batch. CPU ms/pair: processor time, median, with "
    "the reference prepared once; alone: with the reference prepared for each pair (batch 1). memory: peak above the "
    "loaded metric and its input."
)


@dataclass(frozen=True, slots=True)
class TerminalReport:
    """Print it with a `rich.console.Console`."""

    report: Report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        """Yield tables and sentences that fit into `options.max_width`."""
        from rich.text import Text

        report = self.report
        for height, width in sizes(report):
            yield Text()
            yield Text(f"{height}x{width} (height x width)", style="bold")
            cells = [cell for cell in report.cells if (cell.height, cell.width) == (height, width)]
            yield _fitting(_body(cells), console, options)
            yield _decoding([one for one in report.decoding if (one.height, one.width) == (height, width)])
        for place, reason in report.failures.items():
            yield Text(f"not measured: {place}: {reason}", style="yellow")
        for line in (LEGEND, report.rules, report.images, machine_sentence(report.machine), report.program):
            yield Text(line, style="dim")


def _body(cells: Sequence[Cell]) -> list[dict[str, str]]:
    """One row per metric and batch; what preparing the reference each time costs stands in the row of batch 1."""
    each = {cell.metric: cell for cell in cells if cell.reference == "each"}
    shown = [cell for cell in cells if cell.reference != "each" and not cell.failure]
    first = {cell.metric: cell.batch for cell in reversed(shown)}
    rows = []
    for cell in shown:
        alone = each.get(cell.metric) if cell.batch == first[cell.metric] else None
        timing, memory = cell.timing, cell.peak_memory
        values = (
            cell.metric,
            short(cell.backend),
            str(cell.batch),
            _number(cell.pairs_per_second),
            _number(cell.megapixels_per_second),
            _number(1e3 * timing.latency_median),
            _number(1e3 * timing.latency_p95),
            _number(1e3 * cell.processor_per_pair),
            _number(1e3 * alone.processor_per_pair) if alone else "-",
            "-" if memory is None else _number(memory / 1e6),
            str(timing.calls),
        )
        rows.append(dict(zip(HEADER, values, strict=True)))
    return rows


def _fitting(rows: Sequence[dict[str, str]], console: Console, options: ConsoleOptions) -> Table:
    from rich.measure import Measurement

    columns = list(HEADER)
    waiting = list(DROPPED_FIRST)
    if len({row["batch"] for row in rows}) > 1:
        waiting.remove("batch")
    while True:
        table = _table(columns, [[row[column] for column in columns] for row in rows])
        wide = Measurement.get(console, options.update(max_width=1000), table).maximum > options.max_width
        if not wide or not waiting:
            return table
        columns.remove(waiting.pop(0))


def _decoding(found: Sequence[Decoding]) -> Table:
    rows = [
        [
            one.kind,
            _number(one.timing.per_second),
            _number(1e3 * one.timing.latency_median),
            _number(1e3 * one.timing.latency_p95),
            _number(1e3 * one.timing.processor_median),
            _number(one.file_size / 1e3),
            str(one.timing.calls),
        ]
        for one in found
        if not one.failure
    ]
    return _table(["decode", "images/s", "ms", "p95", "CPU ms", "file kB", "calls"], rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _number(value: float) -> str:
    """Three significant digits, and never an exponent."""
    if math.isnan(value):
        return "-"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}" if digits else f"{float(f'{value:.3g}'):,.0f}"
