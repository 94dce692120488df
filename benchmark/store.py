"""The only reader and writer of results/scores.sqlite: labels, scores, failures and timings.

A score is keyed by data set, label revision, metric, metric version, weights hash and pair: another version is another
row, never a mix. It names the content of the files that it was computed from, and the rules by which they were read; when
a pair's files have another content now, its scores are stale: they are kept, do not count, and are replaced by new ones.
The labels are kept beside the scores, so every table can be made again without touching an image. Write-ahead log, one
transaction per work unit: killing the program loses at most the units in flight, and several runs may write to one store
at once.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from types import MappingProxyType

from benchmark.content import FileState
from benchmark.filenames import printable
from benchmark.pairs import label_revision
from benchmark.store_export import export_lines
from benchmark.store_file import check_format, explained, open_to_read, open_to_write
from benchmark.store_files import FilesRecord, current_files, note_state, take_for
from benchmark.store_records import Series, SeriesResult, Stored, StoredDataset
from benchmark.store_schema import IMPORTED
from benchmark.store_unit import write_result
from benchmark.types import DatasetInfo, MetricInfo, Pair, UserError

__all__ = ["IMPORTED", "Series", "SeriesResult", "Store", "Stored", "StoredDataset"]

COUNTS = "(files IS NULL OR (SELECT current FROM files WHERE files.id = {table}.files) = 1)"
"""Whether a score or failure is of the files that the pair has now."""
Types = frozenset[type]
TEXT, NUMBER, KEY, NONE, ANY = (Types({kind}) for kind in (str, float, int, type(None), object))
"""What the cells of a column may be."""


def store_path(results: Path) -> Path:
    """Where the score store of a results folder lies."""
    return results / "scores.sqlite"


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
                (
                    dataset.id,
                    info.name,
                    info.version,
                    info.weights_sha256,
                    json.dumps(asdict(info)),
                    printable(not_run),
                ),
            )
            (key,) = connection.execute(
                "SELECT id FROM series WHERE dataset = ? AND metric = ? AND version = ? AND weights = ?",
                (dataset.id, info.name, info.version, info.weights_sha256),
            ).fetchone()
        return Series(key, info, not_run)

    def commit_unit(
        self,
        results: Iterable[SeriesResult],
        *,
        files: Mapping[str, FileState] = MappingProxyType({}),
        rules: str = "",
    ) -> list[str]:
        """Write all that one work unit brought, in one transaction; a score replaces a failure, and a failure a score.

        `files` says by pair what its files were as they were read, by the reading rules `rules`; they are the pair's files
        from now on. A failure leaves a score of other files alone. Returns the pairs whose content is not what it was.
        """
        changed: list[str] = []
        with self._transaction() as connection:
            known: dict[str, int] = {}
            for result in results:
                if files and not known:
                    (dataset,) = connection.execute(
                        "SELECT dataset FROM series WHERE id = ?", (result.series,)
                    ).fetchone()
                    for pair, state in files.items():
                        known[pair], other = note_state(connection, dataset, pair, state, rules)
                        changed += [pair] if other else []
                write_result(connection, result, known)
        return changed

    def note_files(
        self,
        dataset: StoredDataset,
        states: Mapping[str, FileState],
        rules: str,
        *,
        unhashed: Iterable[str] = (),
    ) -> list[str]:
        """Record what the files of pairs are now; nothing is deleted, and scores of other content become stale.

        `unhashed` are pairs whose record has no hash yet, and whose files look as they did when it was made: it is taken
        for theirs. Returns the pairs whose content is not what it was.
        """
        with self._transaction() as connection:
            for pair in unhashed:
                take_for(connection, dataset.id, pair, states[pair])
            noted = {pair: note_state(connection, dataset.id, pair, state, rules) for pair, state in states.items()}
        return [pair for pair, (_, other) in noted.items() if other]

    def remove(self, dataset: StoredDataset | int, series: Sequence[int] | None = None) -> None:
        """Delete a data set with all that belongs to it, or only some of its series by id."""
        key = dataset if isinstance(dataset, int) else dataset.id
        with self._transaction() as connection:
            every = [row[0] for row in connection.execute("SELECT id FROM series WHERE dataset = ?", (key,))]
            for one in every if series is None else series:
                for table in ("score", "failure", "timing"):
                    connection.execute(f"DELETE FROM {table} WHERE series = ?", (one,))
                connection.execute("DELETE FROM series WHERE id = ? AND dataset = ?", (one, key))
            if series is None:
                for table in ("files", "pair"):
                    connection.execute(f"DELETE FROM {table} WHERE dataset = ?", (key,))
                connection.execute("DELETE FROM dataset WHERE id = ?", (key,))

    # -- reading ------------------------------------------------------------------------------------------------------

    def datasets(self) -> list[StoredDataset]:
        """Every data set and label revision, in the order they were last used."""
        self._check_owners()
        rows = self._typed("a data set", (KEY, TEXT, ANY), "SELECT id, revision, facts FROM dataset ORDER BY used")
        return [
            StoredDataset(key, revision, self._from_facts(DatasetInfo, facts, f"data set {key}"))
            for key, revision, facts in rows
        ]

    def find(self, name: str) -> list[StoredDataset]:
        """The data sets of a name, in the order they were last used: of each label revision one, or with NAME@REVISION (its
        first characters suffice) those of that revision alone."""
        every = self.datasets()
        named = [dataset for dataset in every if dataset.info.name == name]
        base, _, revision = name.rpartition("@")
        if named or not revision:
            return named
        return [dataset for dataset in every if dataset.info.name == base and dataset.revision.startswith(revision)]

    def pairs(self, dataset: StoredDataset) -> list[Pair]:
        """The labels of a stored data set, sorted by id; image paths are not stored (`distorted` is the id)."""
        rows = self._typed(
            f"a label of {dataset.info.name}",
            (TEXT, TEXT, TEXT, NUMBER | NONE, NUMBER, NUMBER | NONE, KEY | NONE, TEXT | NONE),
            "SELECT id, content, distortion, level, label, label_std, n_ratings, split FROM pair WHERE dataset = ? ORDER BY id",
            dataset.id,
        )
        odd = next((row for row in rows if not (math.isfinite(row[4]) and 0 <= (row[5] or 0) < math.inf)), None)
        if odd is not None:
            raise self._damaged(f"the label of {odd[0]} is {odd[4]} with the deviation {odd[5]}")
        if not rows:
            raise self._damaged(f"{dataset.info.name} has no labels")
        return [
            Pair(key, Path(key), None, content, label, distortion, level, label_std, n_ratings, split)
            for key, content, distortion, level, label, label_std, n_ratings, split in rows
        ]

    def series(self, dataset: StoredDataset) -> list[Series]:
        """Every series on a stored data set, in the order they were last used."""
        rows = self._typed(
            f"a series of {dataset.info.name}",
            (KEY, ANY, TEXT),
            "SELECT id, facts, not_run FROM series WHERE dataset = ? ORDER BY used",
            dataset.id,
        )
        return [
            Series(key, self._from_facts(MetricInfo, facts, f"series {key}"), not_run) for key, facts, not_run in rows
        ]

    def files(self, dataset: StoredDataset) -> dict[str, FilesRecord]:
        """What is on record of each pair's files as they are now."""
        with explained(self.path):
            return current_files(self._connection, dataset.id)

    def scores(self, series: Series) -> dict[str, float]:
        """Raw scores by pair id, of the files that the pairs have now; `stale` has the others."""
        return self._numbers(f"series = ? AND {COUNTS.format(table='score')}", series.id)

    def stale(self, series: Series) -> dict[str, float]:
        """Raw scores by pair id that were computed from other files, or by other reading rules, than the pair has now."""
        return self._numbers(f"series = ? AND NOT {COUNTS.format(table='score')}", series.id)

    def failures(self, series: Series) -> dict[str, str]:
        """Reasons by pair id, of the pairs that failed when last tried."""
        rows = self._typed(
            f"a failure of {series.info.name}",
            (TEXT, TEXT),
            f"SELECT pair, reason FROM failure WHERE series = ? AND {COUNTS.format(table='failure')} AND NOT EXISTS"
            " (SELECT 1 FROM score WHERE score.series = failure.series AND score.pair = failure.pair"
            f" AND {COUNTS.format(table='score')}) ORDER BY pair",
            series.id,
        )
        return dict(rows)

    def stale_by_metric(self, dataset: StoredDataset) -> dict[str, int]:
        """How many stale scores each metric has on a data set, without those that have none."""
        return dict(
            self._rows(
                "SELECT s.metric, COUNT(*) FROM series s JOIN score ON score.series = s.id JOIN files f ON f.id = score.files"
                " WHERE s.dataset = ? AND NOT f.current GROUP BY s.metric ORDER BY s.metric",
                dataset.id,
            )
        )

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
        rows = self._typed(
            "a timing", (TEXT,), "SELECT DISTINCT backend FROM timing WHERE series = ? AND backend != ''", series.id
        )
        return sorted(name for (name,) in rows)

    def export(self, *, metrics: Sequence[str] = (), datasets: Sequence[str] = ()) -> str:
        """All scores and failures as CSV, sorted: equal stores give equal bytes, however their runs were cut.

        `datasets` are names as in `find`.
        """
        return "".join(self.export_lines(metrics=metrics, datasets=datasets))

    def export_lines(self, *, metrics: Sequence[str] = (), datasets: Sequence[str] = ()) -> Generator[str, None, None]:
        """Yield the lines of `export`, all of one moment, without holding them in memory."""
        self._check_owners()
        keys = [dataset.id for name in datasets for dataset in self.find(name)]
        with explained(self.path):
            yield from export_lines(self._connection, metrics, keys if datasets else None)

    def contents(self) -> list[Stored]:
        """What is stored, by name alone: the facts need not be readable; sorted by data set and metric."""
        rows = self._rows(
            "SELECT d.id, d.name, d.revision, s.id, s.metric, s.version, s.weights,"
            " (SELECT COUNT(*) FROM score WHERE series = s.id), (SELECT COUNT(*) FROM failure WHERE series = s.id)"
            " FROM dataset d LEFT JOIN series s ON s.dataset = d.id ORDER BY d.name, d.revision, s.metric, s.version, s.weights"
        )
        return [Stored(*row) for row in rows]

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

    def _numbers(self, condition: str, *arguments: object) -> dict[str, float]:
        query = f"SELECT pair, score FROM score WHERE {condition} ORDER BY pair"
        return dict(self._typed("a score", (TEXT, NUMBER), query, *arguments))

    def _typed(self, what: str, kinds: Sequence[Types], query: str, *arguments: object) -> list[tuple]:
        """Rows whose cells have the types of their columns; SQLite itself does not see to that."""
        rows = self._rows(query, *arguments)
        for allowed, column in zip(kinds, zip(*rows, strict=True), strict=False):
            if allowed != ANY and not set(map(type, column)) <= allowed:
                odd = next(cell for cell in column if type(cell) not in allowed)
                raise self._damaged(f"{what} holds {odd!r:.60}")
        return rows

    def _check_owners(self) -> None:
        ((lost,),) = self._rows("SELECT COUNT(*) FROM series WHERE dataset NOT IN (SELECT id FROM dataset)")
        if lost:
            raise self._damaged(f"the data set of {lost} series is gone")

    def _from_facts(self, kind: type, facts: str, what: str):
        """Rebuild a facts dataclass from JSON: lists become tuples, fields of another version are left out."""
        known = {entry.name for entry in fields(kind)}
        try:
            values = {
                name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(facts).items() if name in known
            }
            return kind(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise self._damaged(f"the facts of {what} cannot be read ({error})") from error

    def _damaged(self, what: str) -> UserError:
        return UserError(
            f"{self.path}: damaged: {what}; restore the results folder from a copy, or take out what is damaged with "
            "`python -m benchmark remove`, which names all that is here, and run it again"
        )
