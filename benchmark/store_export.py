"""Everything in a store as CSV: scores, labels and failures, one line each, sorted.

Equal stores give equal bytes. A text cell that begins with = + - @, a tab or an apostrophe gets an apostrophe before it: a
spreadsheet would take it for a formula. Taking one leading apostrophe away gives the text back.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator, Sequence

EXPORT_COLUMNS = [
    "dataset",
    "revision",
    "metric",
    "version",
    "weights",
    "pair",
    "content",
    "distortion",
    "level",
    "label",
    "label_std",
    "n_ratings",
    "split",
    "score",
    "failure",
]
FORMULA = ("=", "+", "-", "@", "\t", "'")
"""How a text begins that a spreadsheet would not show as it is."""


def export_lines(
    connection: sqlite3.Connection, metrics: Sequence[str], datasets: Sequence[int] | None
) -> Iterator[str]:
    """Yield the header and a line for each score or failure of the named metrics (all without names), on the data sets with these keys.

    A score that was computed from other files than the pair has now is no score: its line says so as a failure.
    """
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")  # whatever holds one of these characters is then quoted
    writer.writerow(EXPORT_COLUMNS)
    yield lines.line
    connection.execute("BEGIN")  # one moment, whatever other runs write meanwhile
    try:
        for series, *facts in _series(connection, metrics, datasets):
            for row in _rows(connection, series):
                *labels, score, counts, reason = row
                if not isinstance(labels[4], float) or not isinstance(score, float | None):
                    raise sqlite3.DataError(f"the label or score of {row[0]!r:.60} is no number")
                if score is not None and not counts:
                    stale = f"the score {score!r} is of files or reading rules that are not those of now; run it again"
                    score, reason = None, reason or stale
                elif score is not None:
                    reason = None
                writer.writerow([_cell(cell) for cell in (*facts, *labels, score, reason)])
                yield lines.line
    finally:
        connection.execute("COMMIT")


class _Lines:
    """What a CSV writer writes to: holds the last line, ended by a line feed."""

    line = ""

    def write(self, text: str) -> None:
        self.line = f"{text[:-2]}\n"


def _series(
    connection: sqlite3.Connection, metrics: Sequence[str], datasets: Sequence[int] | None
) -> list[tuple[int, str, str, str, str, str]]:
    """Key, data set, revision, metric, version and weights of the series that are asked for, sorted."""
    wanted = (("d.id", datasets), ("s.metric", metrics or None))
    conditions = [f"{column} IN ({', '.join('?' * len(of))})" for column, of in wanted if of is not None]
    return connection.execute(
        "SELECT s.id, d.name, d.revision, s.metric, s.version, s.weights FROM series s JOIN dataset d ON d.id = s.dataset"
        + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        + " ORDER BY d.name, d.revision, s.metric, s.version, s.weights",
        (*(datasets or ()), *metrics),
    ).fetchall()


def _rows(connection: sqlite3.Connection, series: int) -> Iterator[tuple]:
    """A pair's id and labels, its score and whether it counts, and why it failed, of the pairs that were tried."""
    return connection.execute(
        "SELECT p.id, p.content, p.distortion, p.level, p.label, p.label_std, p.n_ratings, p.split, score.score,"
        " score.files IS NULL OR (SELECT current FROM files WHERE id = score.files),"
        " CASE WHEN failure.files IS NULL OR (SELECT current FROM files WHERE id = failure.files) THEN failure.reason END"
        " FROM series s JOIN pair p ON p.dataset = s.dataset"
        " LEFT JOIN score ON score.series = s.id AND score.pair = p.id"
        " LEFT JOIN failure ON failure.series = s.id AND failure.pair = p.id"
        " WHERE s.id = ? AND (score.score IS NOT NULL OR failure.reason IS NOT NULL) ORDER BY p.id",
        (series,),
    )


def _cell(cell: str | float | None) -> str | float:
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
