"""How what one work unit brings is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from benchmark.filenames import printable
from benchmark.store_records import SeriesResult


def write_result(connection: sqlite3.Connection, result: SeriesResult, files: Mapping[str, int]) -> None:
    """Write one series' part of a unit; `files` are the keys of the pairs' files where they are known."""
    key = result.series
    connection.executemany(
        "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?)",
        ((key, pair, score, files.get(pair)) for pair, score in result.scores.items()),
    )
    if connection.execute("SELECT EXISTS (SELECT 1 FROM failure WHERE series = ?)", (key,)).fetchone() == (1,):
        connection.executemany(
            "DELETE FROM failure WHERE series = ? AND pair = ?", ((key, pair) for pair in result.scores)
        )
    failures = [(key, pair, printable(reason), files.get(pair)) for pair, reason in result.failures.items()]
    connection.executemany("INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?)", failures)
    connection.executemany(
        "DELETE FROM score WHERE series = ? AND pair = ? AND files IS ?",
        ((key, pair, of) for _, pair, _, of in failures),
    )
    if result.scores:
        connection.execute(
            "INSERT INTO timing VALUES (?, ?, ?, ?, ?)",
            (key, result.content, len(result.scores), result.seconds, result.backend),
        )
