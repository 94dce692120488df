"""The SQLite file behind the store: its schema and format, how it is opened, and what its errors mean to a user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.types import UserError

FORMAT = 2
"""Version of the schema below, kept in the file's `user_version`."""
UPGRADES = {1: "ALTER TABLE timing ADD COLUMN backend TEXT NOT NULL DEFAULT ''"}
"""By format: what makes the next one of it, without touching what it holds."""
APPLICATION_ID = 0x49514142
"""Marks a SQLite file as a store of this program ("IQAB")."""
BUSY_SECONDS = 120
"""How long a writer waits for another run's transaction."""

SCHEMA = """
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, revision TEXT NOT NULL, facts TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, UNIQUE (name, revision));
CREATE TABLE pair (
    dataset INTEGER NOT NULL REFERENCES dataset, id TEXT NOT NULL, content TEXT NOT NULL, distortion TEXT NOT NULL,
    level REAL, label REAL NOT NULL, label_std REAL, n_ratings INTEGER, split TEXT,
    PRIMARY KEY (dataset, id)) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES dataset, metric TEXT NOT NULL, version TEXT NOT NULL,
    weights TEXT NOT NULL, facts TEXT NOT NULL, not_run TEXT NOT NULL DEFAULT '', used INTEGER NOT NULL DEFAULT 0,
    UNIQUE (dataset, metric, version, weights));
CREATE TABLE score (
    series INTEGER NOT NULL REFERENCES series, pair TEXT NOT NULL, score REAL NOT NULL,
    PRIMARY KEY (series, pair)) WITHOUT ROWID;
CREATE TABLE failure (
    series INTEGER NOT NULL REFERENCES series, pair TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (series, pair)) WITHOUT ROWID;
CREATE TABLE files (
    dataset INTEGER NOT NULL REFERENCES dataset, pair TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (dataset, pair)) WITHOUT ROWID;
CREATE TABLE timing (
    series INTEGER NOT NULL REFERENCES series, content TEXT NOT NULL, pairs INTEGER NOT NULL, seconds REAL NOT NULL,
    backend TEXT NOT NULL DEFAULT '');
"""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a store, made when missing, brought to this format when of an earlier one; raises UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{path.parent}: the results folder cannot be made ({error.strerror}); choose another with --results"
        ) from error
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    (empty,) = connection.execute("SELECT COUNT(*) = 0 FROM sqlite_master").fetchone()
    if empty:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN EXCLUSIVE")
        (still_empty,) = connection.execute("SELECT COUNT(*) = 0 FROM sqlite_master").fetchone()
        if still_empty:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in UPGRADES:
        _upgrade(connection)
    return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring a store of an earlier format to this one, in one transaction; foreign files are left alone."""
    connection.execute("BEGIN IMMEDIATE")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    while application == APPLICATION_ID and version in UPGRADES:
        connection.execute(UPGRADES[version])
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a store for reading only; raises UserError when there is none."""
    if not path.is_file():
        raise UserError(
            f"{path}: no scores here yet; run `python -m benchmark run` first, or name the folder with --results"
        )
    location = path.resolve().as_uri()
    connection = sqlite3.connect(f"{location}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version in UPGRADES:
            open_to_write(path).close()
    except sqlite3.OperationalError:
        # a write-ahead log cannot be opened in a read-only folder, unless the file is promised not to change
        connection.close()
        connection = sqlite3.connect(f"{location}?immutable=1", uri=True, isolation_level=None)
    return connection


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UserError for a file of another program, or of a newer format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise UserError(f"{path}: a SQLite file, but not a store of this program; choose another folder with --results")
    if version != FORMAT:
        raise UserError(
            f"{path}: store format {version}, this program reads {FORMAT}; "
            + (
                "update the program"
                if version > FORMAT
                else "copy it to where it can be written and brought up to date"
            )
            + ", or choose another folder with --results"
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into what the user can do; what was committed before is always kept."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        remedy = _REMEDIES.get(primary, f"cannot be used ({error})")
        raise UserError(f"{path}: {remedy}") from error


_KEPT = "; all committed scores are kept"
_REMEDIES: Mapping[int | None, str] = {
    sqlite3.SQLITE_FULL: f"the disk is full; free some space and run the same command again{_KEPT}",
    sqlite3.SQLITE_IOERR: f"the disk cannot be read or written (full, or failing); mend it and run the same command again{_KEPT}",
    sqlite3.SQLITE_READONLY: f"cannot be written: the file or its folder is read-only; choose another with --results{_KEPT}",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: the folder is missing or not writable; choose another with --results",
    sqlite3.SQLITE_NOTADB: "not a SQLite file; move it away, or choose another folder with --results",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away (or recover it with `sqlite3 FILE .recover`) and run again",
    sqlite3.SQLITE_BUSY: f"another run has held the store for {BUSY_SECONDS} s; wait for it to end and run again{_KEPT}",
}
