"""The tables of a store, and how a store of an earlier format becomes one of this format, without losing a score."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import PurePath

from benchmark.table_names import TABLE

FORMAT = 3
"""Version of the schema below, kept in the file's `user_version`."""
APPLICATION_ID = 0x49514142
"""Marks a SQLite file as a store of this program ("IQAB")."""
IMPORTED = "imported-"
"""How the version of a series begins whose scores were computed elsewhere."""


FORMER_RULES = "rules-1"
"""The reading rules (`benchmark.images.reading_rules`) of everything that stores of the formats 1 and 2 hold."""

FILES = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES dataset, pair TEXT NOT NULL, look TEXT NOT NULL,
    content TEXT NOT NULL, rules TEXT NOT NULL, current INTEGER NOT NULL, UNIQUE (dataset, pair, content, rules));
CREATE UNIQUE INDEX current_files ON files (dataset, pair) WHERE current
"""
SCHEMA = f"""
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
    series INTEGER NOT NULL REFERENCES series, pair TEXT NOT NULL, score REAL NOT NULL, files INTEGER REFERENCES files,
    PRIMARY KEY (series, pair)) WITHOUT ROWID;
CREATE TABLE failure (
    series INTEGER NOT NULL REFERENCES series, pair TEXT NOT NULL, reason TEXT NOT NULL, files INTEGER REFERENCES files,
    PRIMARY KEY (series, pair)) WITHOUT ROWID;
{FILES};
CREATE TABLE timing (
    series INTEGER NOT NULL REFERENCES series, content TEXT NOT NULL, pairs INTEGER NOT NULL, seconds REAL NOT NULL,
    backend TEXT NOT NULL DEFAULT '');
"""
"""`files` has a row for every content that a pair's files have had, with the rules by which images were read; one row of
a pair is `current`. A score names the row that it was computed from, and counts while that row is current; one that names
none, such as an imported score, always counts."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file, within a transaction of the caller."""
    _execute(connection, SCHEMA)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a store of an earlier format to this one, in one transaction; foreign files are left alone."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        while application == APPLICATION_ID and version in UPGRADES:
            UPGRADES[version](connection)
            version += 1
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement)


def _name_backends(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE timing ADD COLUMN backend TEXT NOT NULL DEFAULT ''")


def _know_contents(connection: sqlite3.Connection) -> None:
    """Let scores name what they were computed from: files that looked as recorded, whose bytes nobody has hashed yet."""
    connection.execute("ALTER TABLE files RENAME TO former_files")
    _execute(connection, FILES)
    connection.execute(
        "INSERT INTO files (dataset, pair, look, content, rules, current) SELECT dataset, pair, state, '', ?, 1 FROM former_files",
        (FORMER_RULES,),
    )
    connection.execute("DROP TABLE former_files")
    for table in ("score", "failure"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN files INTEGER REFERENCES files")
        connection.execute(
            f"UPDATE {table} SET files = (SELECT f.id FROM series s JOIN files f ON f.dataset = s.dataset"
            f" WHERE s.id = {table}.series AND f.pair = {table}.pair AND s.version NOT LIKE ?)",
            (f"{IMPORTED}%",),
        )
    _name_tables(connection)


def _name_tables(connection: sqlite3.Connection) -> None:
    """Name tables of labels by their stem, and join what was stored of one table by two paths, the last used first.

    Where two tables have equal labels and files that look different, the second gets a number behind its name.
    """
    rows = connection.execute("SELECT id, name, revision, facts FROM dataset ORDER BY used DESC").fetchall()
    for key, name, revision, facts in rows:
        if not isinstance(name, str) or not name.startswith(TABLE):
            continue
        stem = f"{TABLE}{PurePath(name.removeprefix(TABLE)).stem}"
        new, number = stem, 1
        while new != name and (twin := _dataset(connection, new, revision)) is not None:
            if _same_files(connection, key, twin):
                _join(connection, key, twin)
                break
            number += 1
            new = f"{stem}-{number}"
        else:
            connection.execute("UPDATE dataset SET name = ?, facts = ? WHERE id = ?", (new, _named(facts, new), key))


def _dataset(connection: sqlite3.Connection, name: str, revision: str) -> int | None:
    row = connection.execute("SELECT id FROM dataset WHERE name = ? AND revision = ?", (name, revision)).fetchone()
    return None if row is None else row[0]


def _named(facts: str, name: str) -> str:
    """The facts with another name and without the path; as they are where they cannot be read."""
    try:
        return json.dumps({**json.loads(facts), "name": name, "url": ""})
    except (ValueError, TypeError):
        return facts


def _same_files(connection: sqlite3.Connection, one: int, other: int) -> bool:
    """Whether two data sets of equal labels have files that look the same, as far as both were scored."""
    (different,) = connection.execute(
        "SELECT COUNT(*) FROM files a JOIN files b ON a.pair = b.pair"
        " WHERE a.dataset = ? AND b.dataset = ? AND a.look != b.look",
        (one, other),
    ).fetchone()
    return different == 0


def _join(connection: sqlite3.Connection, gone: int, kept: int) -> None:
    """Move what is stored of the data set `gone` to `kept`, of the same labels and files; what `kept` has itself stays."""
    connection.execute(
        "INSERT OR IGNORE INTO files (dataset, pair, look, content, rules, current)"
        " SELECT ?, pair, look, content, rules, current FROM files WHERE dataset = ?",
        (kept, gone),
    )
    for table in ("score", "failure"):
        connection.execute(
            f"UPDATE {table} SET files = (SELECT b.id FROM files a JOIN files b ON b.dataset = ? AND b.pair = a.pair"
            f" WHERE a.id = {table}.files) WHERE files IN (SELECT id FROM files WHERE dataset = ?)",
            (kept, gone),
        )
    for series, *key in connection.execute(
        "SELECT id, metric, version, weights FROM series WHERE dataset = ?", (gone,)
    ).fetchall():
        twin = connection.execute(
            "SELECT id FROM series WHERE dataset = ? AND metric = ? AND version = ? AND weights = ?", (kept, *key)
        ).fetchone()
        if twin is None:
            connection.execute("UPDATE series SET dataset = ? WHERE id = ?", (kept, series))
            continue
        for table in ("score", "failure", "timing"):
            connection.execute(f"UPDATE OR IGNORE {table} SET series = ? WHERE series = ?", (twin[0], series))
            connection.execute(f"DELETE FROM {table} WHERE series = ?", (series,))
        connection.execute("DELETE FROM series WHERE id = ?", (series,))
    connection.execute("DELETE FROM files WHERE dataset = ?", (gone,))
    connection.execute("DELETE FROM pair WHERE dataset = ?", (gone,))
    connection.execute("DELETE FROM dataset WHERE id = ?", (gone,))


UPGRADES: dict[int, Callable[[sqlite3.Connection], None]] = {1: _name_backends, 2: _know_contents}
"""By format: what makes the next one of it, in place."""
