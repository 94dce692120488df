"""A report as tidy CSV, as Markdown and as JSON: the same numbers, with the same digits."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from benchmark.files import plain
from benchmark.leaderboard.markdown import escape, table
from benchmark.throughput.report import Cell, Decoding, Machine, Report

DIGITS = 4
"""Significant digits of everything measured: more is noise."""

COLUMNS: dict[str, Callable[[Any], Any]] = {
    "calls": lambda one: one.timing.calls,
    "warm_up_calls": lambda one: one.timing.warm_up_calls,
    "warm_up_seconds": lambda one: one.timing.warm_up_seconds,
    "latency_ms": lambda one: 1e3 * one.timing.latency_median,
    "latency_p95_ms": lambda one: 1e3 * one.timing.latency_p95,
    "processor_ms": lambda one: 1e3 * one.timing.processor_median,
    "processor_p95_ms": lambda one: 1e3 * one.timing.processor_p95,
}
"""What metrics and decoding have in common; milliseconds are of one call."""
CELL_COLUMNS: dict[str, Callable[[Cell], Any]] = {
    "metric": lambda cell: cell.metric,
    "version": lambda cell: cell.version,
    "backend": lambda cell: cell.backend,
    "height": lambda cell: cell.height,
    "width": lambda cell: cell.width,
    "batch": lambda cell: cell.batch,
    "reference": lambda cell: cell.reference,
    "pairs_per_second": lambda cell: cell.pairs_per_second,
    "megapixels_per_second": lambda cell: cell.megapixels_per_second,
    "processor_ms_per_pair": lambda cell: 1e3 * cell.processor_per_pair,
    **COLUMNS,
    "peak_memory": lambda cell: cell.peak_memory,
    "failure": lambda cell: cell.failure,
}
DECODING_COLUMNS: dict[str, Callable[[Decoding], Any]] = {
    "metric": lambda one: f"decode {one.kind}",
    "height": lambda one: one.height,
    "width": lambda one: one.width,
    "pairs_per_second": lambda one: one.timing.per_second,
    "megapixels_per_second": lambda one: one.timing.per_second * one.height * one.width / 1e6,
    **COLUMNS,
    "file_size": lambda one: one.file_size,
    "failure": lambda one: one.failure,
}
"""Decoding as rows of the metrics' table: an image is what a pair is there."""
MACHINE_COLUMNS = ("device", "machine", "threads", "python", "libraries", "load", "date")


def rows(report: Report) -> list[dict[str, Any]]:
    """One row per metric, size, batch and use of the reference, and one per file format and size; numbers rounded."""
    found = [_row(CELL_COLUMNS, cell) for cell in report.cells]
    return found + [_row(DECODING_COLUMNS, one) for one in report.decoding]


def csv_text(report: Report) -> str:
    """Tidy CSV: `rows`, each with the machine. Empty where nothing was measured or nothing is known."""
    machine = report.machine
    values = (
        machine.device,
        machine.name,
        machine.threads,
        machine.python,
        libraries(machine),
        "" if math.isnan(machine.load) else machine.load,
        machine.date,
    )
    facts = dict(zip(MACHINE_COLUMNS, values, strict=True))
    out = io.StringIO()
    columns = list(dict.fromkeys([*CELL_COLUMNS, *DECODING_COLUMNS, *MACHINE_COLUMNS]))
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows(report):
        writer.writerow({key: _text(value) for key, value in (row | facts).items()})
    return out.getvalue()


def json_text(report: Report) -> str:
    """The machine, the rules and `rows`; null where nothing was measured or nothing is known."""
    document = {
        "schema": report.schema,
        "program": report.program,
        "machine": asdict(report.machine),
        "images": report.images,
        "rules": report.rules,
        "rows": rows(report),
    }
    return json.dumps(plain(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


MARKDOWN_COLUMNS = {
    "metric": "metric",
    "backend": "backend",
    "batch": "batch",
    "reference": "reference prepared",
    "pairs_per_second": "pairs/s",
    "megapixels_per_second": "MP/s",
    "latency_ms": "ms/call",
    "latency_p95_ms": "p95 ms/call",
    "processor_ms_per_pair": "CPU ms/pair",
    "peak_memory": "peak memory, bytes",
    "calls": "calls",
    "warm_up_calls": "warm-up calls",
}
MARKDOWN_DECODING = {
    "metric": "format",
    "pairs_per_second": "images/s",
    "megapixels_per_second": "MP/s",
    "latency_ms": "ms",
    "latency_p95_ms": "p95 ms",
    "processor_ms": "CPU ms",
    "file_size": "bytes",
    "calls": "calls",
}


def markdown(report: Report) -> str:
    """A page: the machine, a table per size, decoding apart, and what could not be measured."""
    lines = ["# Throughput", "", escape(machine_sentence(report.machine)), ""]
    lines += [escape(report.rules), "", escape(report.images), ""]
    for height, width in sizes(report):
        lines += [f"## {height}x{width} (height x width)", ""]
        here = _at(report, height, width)
        lines += _markdown_table(
            MARKDOWN_COLUMNS, [_row(CELL_COLUMNS, cell) for cell in here.cells if not cell.failure]
        )
        lines += ["Decoding:", ""]
        done = [_row(DECODING_COLUMNS, one) for one in here.decoding if not one.failure]
        lines += _markdown_table(MARKDOWN_DECODING, done)
    lines += [f"- not measured: {escape(place)}: {escape(reason)}" for place, reason in report.failures.items()]
    return "\n".join([*lines, *([""] if report.failures else []), escape(report.program)]) + "\n"


def _markdown_table(columns: Mapping[str, str], found: list[dict[str, Any]]) -> list[str]:
    body = [[escape(_text(row[key])) for key in columns] for row in found]
    return [*table(list(columns.values()), body), ""]


def short(backend: str) -> str:
    """A backend without what its name says in brackets."""
    return backend.partition(" (")[0]


def machine_sentence(machine: Machine) -> str:
    """Where it was measured, in one sentence."""
    device = "" if machine.device == "cpu" else f"{machine.device}; "
    load = "" if math.isnan(machine.load) else f" Load average before the start: {machine.load:g}."
    return (
        f"{device}{machine.name}, {machine.system}; {machine.threads} thread per process; Python {machine.python}, "
        f"{libraries(machine)}; {machine.date} UTC.{load}"
    )


def libraries(machine: Machine) -> str:
    """ "numpy 2.4.6, torch 2.14.1"."""
    return ", ".join(f"{name} {version}" for name, version in machine.libraries.items())


def sizes(report: Report) -> list[tuple[int, int]]:
    """(height, width) of what was asked for, in that order."""
    return list(dict.fromkeys((one.height, one.width) for one in report.decoding))


def _at(report: Report, height: int, width: int) -> Report:
    """The part of a report that is about one size."""
    return replace(
        report,
        cells=tuple(cell for cell in report.cells if (cell.height, cell.width) == (height, width)),
        decoding=tuple(one for one in report.decoding if (one.height, one.width) == (height, width)),
    )


def _row(columns: Mapping[str, Callable[[Any], Any]], one: Any) -> dict[str, Any]:
    values = {key: value(one) for key, value in columns.items()}
    return {key: _rounded(value) if isinstance(value, float) else value for key, value in values.items()}


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.{DIGITS}g}")


def _text(value: Any) -> str:
    """A value as CSV and Markdown show it."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


RENDERERS: dict[str, Callable[[Report], str]] = {".csv": csv_text, ".md": markdown, ".json": json_text}
"""What writes a file, by its ending."""
