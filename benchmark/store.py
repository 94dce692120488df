"""The only reader and writer of results/scores.sqlite: labels, scores, failures and timings, and their export.

A score is keyed by data set, label revision, metric, metric version, weights hash and pair: another version is another
row, never a mix. The labels are kept beside the scores, so every table can be made again without touching an image.
Write-ahead log, one transaction per work unit: killing the program loses at most the units in flight, and several runs
may write to one store at once.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from benchmark.pairs import label_revision
from benchmark.store_file import check_format, explained, open_to_read, open_to_write
from benchmark.types import DatasetInfo, MetricInfo, Pair

IMPORTED = "imported-"
"""How the version of a series begins whose scores were computed elsewhere."""
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


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A data set as its labels were when something was scored on it."""

    id: int
    revision: str
    info: DatasetInfo


@dataclass(frozen=True, slots=True)
class Series:
    """The scores of one metric, version and weights on one stored data set."""

    id: int
    info: MetricInfo
    not_run: str = ""
    """Why the metric could not run at all; "" when it could."""


@dataclass(slots=True)
class SeriesResult:
    """What one work unit brings for one series."""

    series: int
    content: str
    scores: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Processor time of the metric alone."""
    backend: str = ""
    """Which implementation of the protocol computed the scores."""


class Store:
    """One store file, opened for writing (made when missing) or, with `readonly`, for reading only.

    Raises UserError when the file is missing (readonly), foreign, damaged, of a newer format, locked for long, or when
    the disk is full or the folder cannot be written.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        with explained(path):
            self._connection = open_to_read(path) if readonly else open_to_write(path)
            check_format(self._connection, path)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    # -- writing ------------------------------------------------------------------------------------------------------

    def add_dataset(self, info: DatasetInfo, pairs: Sequence[Pair]) -> StoredDataset:
        """Record a data set with its labels, or find it again; the revision is the hash of ids and labels."""
        revision = label_revision(pairs)
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO dataset (name, revision, facts, used) "
                "VALUES (?, ?, ?, (SELECT COALESCE(MAX(used), 0) + 1 FROM dataset)) "
                "ON CONFLICT (name, revision) DO UPDATE SET facts = excluded.facts, used = excluded.used",
                (info.name, revision, json.dumps(asdict(info))),
            )
            (key,) = connection.execute(
                "SELECT id FROM dataset WHERE name = ? AND revision = ?", (info.name, revision)
            ).fetchone()
            connection.executemany(
                "INSERT OR REPLACE INTO pair VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (key, p.id, p.content, p.distortion, p.level, p.label, p.label_std, p.n_ratings, p.split)
                    for p in pairs
                ),
            )
        return StoredDataset(key, revision, info)

    def add_series(self, dataset: StoredDataset, info: MetricInfo, *, not_run: str = "") -> Series:
        """Record that a metric runs, or with `not_run` why it cannot, on a data set; earlier scores are kept."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO series (dataset, metric, version, weights, facts, not_run, used) "
                "VALUES (?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(used), 0) + 1 FROM series)) "
                "ON CONFLICT (dataset, metric, version, weights) "
                "DO UPDATE SET facts = excluded.facts, not_run = excluded.not_run, used = excluded.used",
                (dataset.id, info.name, info.version, info.weights_sha256, json.dumps(asdict(info)), not_run),
            )
            (key,) = connection.execute(
                "SELECT id FROM series WHERE dataset = ? AND metric = ? AND version = ? AND weights = ?",
                (dataset.id, info.name, info.version, info.weights_sha256),
            ).fetchone()
        return Series(key, info, not_run)

    def commit_unit(self, results: Iterable[SeriesResult]) -> None:
        """Write all that one work unit brought, in one transaction; a score replaces a failure, and a failure a score."""
        with self._transaction() as connection:
            for result in results:
                scores = [(result.series, pair, score) for pair, score in result.scores.items()]
                failures = [(result.series, pair, reason) for pair, reason in result.failures.items()]
                connection.executemany("INSERT OR REPLACE INTO score VALUES (?, ?, ?)", scores)
                connection.executemany(
                    "DELETE FROM failure WHERE series = ? AND pair = ?", ((key, pair) for key, pair, _ in scores)
                )
                connection.executemany("INSERT OR REPLACE INTO failure VALUES (?, ?, ?)", failures)
                connection.executemany(
                    "DELETE FROM score WHERE series = ? AND pair = ?", ((key, pair) for key, pair, _ in failures)
                )
                if scores:
                    connection.execute(
                        "INSERT INTO timing VALUES (?, ?, ?, ?, ?)",
                        (result.series, result.content, len(scores), result.seconds, result.backend),
                    )

    def note_files(self, dataset: StoredDataset, states: Mapping[str, str]) -> list[str]:
        """Record the state of each pair's files, and drop what was computed from files that have changed since.

        `states` maps pair ids to any text that changes with the files. Returns the pairs whose scores were dropped;
        imported scores stay, as they were not computed here.
        """
        with self._transaction() as connection:
            known = dict(connection.execute("SELECT pair, state FROM files WHERE dataset = ?", (dataset.id,)))
            changed = [pair for pair, state in states.items() if pair in known and known[pair] != state]
            for table in ("score", "failure"):
                connection.executemany(
                    f"DELETE FROM {table} WHERE pair = ? AND series IN "
                    "(SELECT id FROM series WHERE dataset = ? AND version NOT LIKE ?)",
                    ((pair, dataset.id, f"{IMPORTED}%") for pair in changed),
                )
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                ((dataset.id, pair, state) for pair, state in states.items() if known.get(pair) != state),
            )
        return changed

    # -- reading ------------------------------------------------------------------------------------------------------

    def datasets(self) -> list[StoredDataset]:
        """Every data set and label revision, in the order they were last used."""
        rows = self._rows("SELECT id, revision, facts FROM dataset ORDER BY used")
        return [StoredDataset(key, revision, _from_facts(DatasetInfo, facts)) for key, revision, facts in rows]

    def pairs(self, dataset: StoredDataset) -> list[Pair]:
        """The labels of a stored data set, sorted by id; image paths are not stored (`distorted` is the id)."""
        rows = self._rows(
            "SELECT id, content, distortion, level, label, label_std, n_ratings, split FROM pair WHERE dataset = ? ORDER BY id",
            dataset.id,
        )
        return [
            Pair(key, Path(key), None, content, label, distortion, level, label_std, n_ratings, split)
            for key, content, distortion, level, label, label_std, n_ratings, split in rows
        ]

    def series(self, dataset: StoredDataset) -> list[Series]:
        """Every series on a stored data set, in the order they were last used."""
        rows = self._rows("SELECT id, facts, not_run FROM series WHERE dataset = ? ORDER BY used", dataset.id)
        return [Series(key, _from_facts(MetricInfo, facts), not_run) for key, facts, not_run in rows]

    def scores(self, series: Series) -> dict[str, float]:
        """Raw scores by pair id."""
        return dict(self._rows("SELECT pair, score FROM score WHERE series = ? ORDER BY pair", series.id))

    def failures(self, series: Series) -> dict[str, str]:
        """Reasons by pair id, of the pairs that failed when last tried."""
        return dict(self._rows("SELECT pair, reason FROM failure WHERE series = ? ORDER BY pair", series.id))

    def seconds_per_pair(self, series: Series) -> float | None:
        """Mean processor time per pair in the workers, decoding excluded; None where nothing was timed."""
        ((pairs, seconds),) = self._rows("SELECT SUM(pairs), SUM(seconds) FROM timing WHERE series = ?", series.id)
        return seconds / pairs if pairs else None

    def seconds_by_metric(self) -> dict[str, float]:
        """Mean processor time per pair of every metric that was timed, over all its series and data sets."""
        return dict(
            self._rows(
                "SELECT s.metric, SUM(t.seconds) / SUM(t.pairs) FROM timing t JOIN series s ON s.id = t.series GROUP BY s.metric"
            )
        )

    def backends(self, series: Series) -> list[str]:
        """Names of the implementations that computed scores of a series, sorted; empty where none is on record."""
        rows = self._rows("SELECT DISTINCT backend FROM timing WHERE series = ? AND backend != ''", series.id)
        return sorted(name for (name,) in rows)

    def export(self, *, metrics: Sequence[str] = (), datasets: Sequence[str] = ()) -> str:
        """All scores and failures as CSV, sorted: equal stores give equal bytes, however their runs were cut."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(EXPORT_COLUMNS)
        rows = self._rows(
            "SELECT d.name, d.revision, s.metric, s.version, s.weights, p.id, p.content, p.distortion, p.level, p.label,"
            " p.label_std, p.n_ratings, p.split, score.score, failure.reason FROM series s JOIN dataset d ON d.id = s.dataset"
            " JOIN pair p ON p.dataset = d.id"
            " LEFT JOIN score ON score.series = s.id AND score.pair = p.id"
            " LEFT JOIN failure ON failure.series = s.id AND failure.pair = p.id"
            " WHERE score.score IS NOT NULL OR failure.reason IS NOT NULL"
            " ORDER BY d.name, d.revision, s.metric, s.version, s.weights, p.id"
        )
        for row in rows:
            if (not datasets or row[0] in datasets) and (not metrics or row[2] in metrics):
                writer.writerow(["" if cell is None else cell for cell in row])
        return out.getvalue()

    # -- the file -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _rows(self, query: str, *arguments: object) -> list[tuple]:
        with explained(self.path):
            return self._connection.execute(query, arguments).fetchall()


def _from_facts(kind: type, facts: str):
    """Rebuild a facts dataclass from JSON: lists become tuples, fields of another version are left out."""
    known = {entry.name for entry in fields(kind)}
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(facts).items() if name in known}
    return kind(**values)
