"""The SQLite file behind the store: how it is opened, and what its errors mean to a user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.store_schema import APPLICATION_ID, FORMAT, UPGRADES, create, upgrade
from benchmark.types import UserError

BUSY_SECONDS = 120
"""How long a writer waits for another run's transaction."""


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
    if _is_empty(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN EXCLUSIVE")
        if _is_empty(connection):
            create(connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint")  # the file alone then says what it is
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in UPGRADES:
        upgrade(connection)
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a store for reading only, brought to this format when of an earlier one; raises UserError when it cannot be.

    A store in a folder that cannot be written is read as it lies, unless a write-ahead log holds its last scores: SQLite
    would have to write beside it, and without the log the answer would be an old one.
    """
    if not path.is_file():
        raise UserError(
            f"{path}: no scores here yet; run `python -m benchmark run` first, or name the folder with --results"
        )
    location = path.resolve().as_uri()
    connection = sqlite3.connect(f"{location}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if _primary(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if _has_content(log := path.with_name(f"{path.name}-wal")):
            raise UserError(
                f"{path}: its last scores lie in {log.name}, which can only be read where the folder can be written, and "
                "without them the answer would be an old one; copy both files to such a folder and name it with "
                "--results, or make this one writable"
            ) from error
        connection = sqlite3.connect(f"{location}?immutable=1", uri=True, isolation_level=None)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and version in UPGRADES:
        try:
            open_to_write(path).close()
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_READONLY:
                raise  # a folder that cannot be written: `check_format` says what to do
    return connection


def _is_empty(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return tables == 0


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UserError for a file of another program, or of a newer format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID and _is_empty(connection):
        raise UserError(
            f"{path}: empty: nothing was stored here, or its scores lay in {path.name}-wal and were not copied with it; "
            "copy both files, or move this one away"
        )
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
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the module cannot decode what SQLite says of damaged names
        remedy = _REMEDIES.get(_primary(error), f"cannot be used ({error}); {DAMAGED}")
        raise UserError(f"{path}: {remedy}") from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise UserError(f"{path}: a number or name cannot be stored ({error}); change it in the label list") from error


def _primary(error: Exception) -> int | None:
    """SQLite's primary code of an error; None where the module itself raised it."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


DAMAGED = (
    "if the file is damaged, restore the results folder from a copy, or move it away (or recover it with "
    "`sqlite3 FILE .recover`) and run again"
)
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
