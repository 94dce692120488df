"""What the store keeps of the files of pairs: which contents they have had, and which is the current one."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from benchmark.content import FileState


@dataclass(frozen=True, slots=True)
class FilesRecord:
    """What is on record of a pair's files as they are now."""

    look: str
    content: str
    """"" where they were never hashed: a store of an earlier format did not."""
    rules: str
    """The rules by which its images were read."""


def current_files(connection: sqlite3.Connection, dataset: int) -> dict[str, FilesRecord]:
    """The current record by pair."""
    rows = connection.execute("SELECT pair, look, content, rules FROM files WHERE dataset = ? AND current", (dataset,))
    return {pair: FilesRecord(look, content, rules) for pair, look, content, rules in rows}


def take_for(connection: sqlite3.Connection, dataset: int, pair: str, state: FileState) -> None:
    """Give the current record its hash where it has none yet."""
    connection.execute(
        "UPDATE OR IGNORE files SET content = ?, look = ? WHERE dataset = ? AND pair = ? AND current AND content = ''",
        (state.content, state.look, dataset, pair),
    )


def note_state(
    connection: sqlite3.Connection, dataset: int, pair: str, state: FileState, rules: str
) -> tuple[int, bool]:
    """Make `state` the current record of a pair; return its key, and whether its content differs from the one before."""
    before = connection.execute(
        "SELECT id, look, content, rules FROM files WHERE dataset = ? AND pair = ? AND current", (dataset, pair)
    ).fetchone()
    if before == (before and before[0], state.look, state.content, rules):
        return before[0], False
    if before is not None:
        connection.execute("UPDATE files SET current = 0 WHERE id = ?", (before[0],))
    connection.execute(
        "INSERT INTO files (dataset, pair, look, content, rules, current) VALUES (?, ?, ?, ?, ?, 1)"
        " ON CONFLICT (dataset, pair, content, rules) DO UPDATE SET look = excluded.look, current = 1",
        (dataset, pair, state.look, state.content, rules),
    )
    (key,) = connection.execute(
        "SELECT id FROM files WHERE dataset = ? AND pair = ? AND content = ? AND rules = ?",
        (dataset, pair, state.content, rules),
    ).fetchone()
    return key, before is not None and before[2] != state.content
