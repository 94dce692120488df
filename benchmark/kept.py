"""Finished agreements, kept beside the store so that a board is computed once: results/agreements.sqlite.

An entry is found by a hash of everything its numbers depend on: labels, contents, label noise, oriented scores, what was
asked for, and the program that computes it. Whatever changes one of them finds no entry; nothing is ever updated. The
file may be deleted at any time, and where it cannot be read or written the numbers are simply computed again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.types import Estimate

FILE = "agreements.sqlite"
"""Its name in the results folder."""
FORMAT = 1
APPLICATION_ID = 0x49514143
"""Marks a SQLite file as one of these ("IQAC")."""
BUSY_SECONDS = 5
"""How long to wait for another process; it is quicker to compute than to wait longer."""
SCHEMA = """CREATE TABLE IF NOT EXISTS entry (
    key BLOB PRIMARY KEY, program TEXT NOT NULL, statistics TEXT NOT NULL, resamples BLOB NOT NULL, digest BLOB NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was computed of one metric on one set of labels."""

    statistics: dict[str, Estimate]
    resamples: bytes
    """SRCC of each resample as float64, for paired tests with other metrics; b"" where none was asked for."""


@cache
def program() -> str:
    """A hash of the code that makes the numbers: `benchmark.statistics` as it lies here, and its libraries; "" if unknown."""
    import numpy
    import scipy

    import benchmark.statistics

    sources = sorted(Path(benchmark.statistics.__file__ or "").parent.glob("*.py"))
    if not sources:
        return ""
    parts = [f"{FORMAT} {numpy.__version__} {scipy.__version__} {platform.machine()}".encode()]
    parts += [part for source in sources for part in (source.name.encode(), source.read_bytes())]
    return digest(parts).hex()


def digest(parts: Iterable[bytes]) -> bytes:
    """SHA-256 of some byte strings; where one ends and the next begins counts."""
    result = hashlib.sha256()
    for part in parts:
        result.update(len(part).to_bytes(8, "little"))
        result.update(part)
    return result.digest()


def sample_key(labels: Any, contents: Sequence[str], noise: Mapping[str, Any], asked: Mapping[str, Any]) -> bytes:
    """Hash what all metrics on a set of labels share: labels (N,), contents, label noise, and the options by name."""
    import numpy as np

    return digest(
        [
            program().encode(),
            np.ascontiguousarray(labels, dtype="<f8").tobytes(),
            json.dumps(list(contents)).encode(),
            json.dumps(noise, sort_keys=True).encode(),
            json.dumps(asked, sort_keys=True).encode(),
        ]
    )


def entry_key(sample: bytes, scores: Any, infinite_as: float | None = None) -> bytes:
    """Hash a sample, the oriented scores (N,) of one metric on it, and what infinite ones among them count as."""
    import numpy as np

    return digest([sample, np.ascontiguousarray(scores, dtype="<f8").tobytes(), repr(infinite_as).encode()])


class KeptAgreements:
    """The entries of one file; made when missing. Close it, or use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """Why nothing can be kept, in a sentence; "" while all is well."""
        self._connection: sqlite3.Connection | None = None
        try:
            self._open()
        except sqlite3.Error as error:
            self._give_up(error)
        if not program():
            self.problem = f"{path}: not used: the program's own source cannot be read, so its changes would go unseen"
            self.close()

    def __enter__(self) -> KeptAgreements:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was put there stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """The entries that are there and whole, by key."""
        found = {}
        try:
            for key in keys if self._connection else ():
                row = self._connection.execute(  # type: ignore[union-attr]
                    "SELECT statistics, resamples, digest FROM entry WHERE key = ?", (key,)
                ).fetchone()
                if row is None or [type(cell) for cell in row] != [str, bytes, bytes]:
                    continue
                if row[2] == _seal(key, row[0], row[1]):
                    found[key] = Entry({name: Estimate(**of) for name, of in json.loads(row[0]).items()}, row[1])
        except sqlite3.Error as error:
            self._give_up(error)
            return {}
        return found

    def put(self, entries: Mapping[bytes, Entry]) -> None:
        """Keep entries, in one transaction; those of another program than this go."""
        if self._connection is None:
            return
        rows = []
        for key, entry in entries.items():
            text = json.dumps({name: asdict(estimate) for name, estimate in entry.statistics.items()})
            rows.append((key, program(), text, entry.resamples, _seal(key, text, entry.resamples)))
        try:
            with self._connection:
                self._connection.execute("DELETE FROM entry WHERE program != ?", (program(),))
                self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _open(self) -> None:
        self._connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise sqlite3.DatabaseError("a SQLite file of something else")
        if not tables:
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(SCHEMA)

    def _give_up(self, error: sqlite3.Error) -> None:
        self.problem = (
            f"{self.path}: statistics are not kept, so the next board takes as long ({error}); the file may be deleted"
        )
        self.close()


def _seal(key: bytes, statistics: str, resamples: bytes) -> bytes:
    """What tells a damaged entry from a whole one."""
    return digest([key, statistics.encode(), resamples])
