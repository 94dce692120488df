"""A damaged store is said to be damaged, with what to do; whatever is wrong in it, nothing ends in a traceback."""

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from leaderboard_store import METRIC, TOY, noisy, toy_pairs

from benchmark.content import FileState
from benchmark.leaderboard.build import build
from benchmark.leaderboard.render import FORMATS, render
from benchmark.store import SeriesResult, Store
from benchmark.types import UserError

PAIRS = toy_pairs(contents=4, levels=3)
VALUES = (None, 7, 0.5, b"\xff\x00", "x", "{}", "[1]", float("inf"), -(2**62))
"""What a changed byte may make of a cell, by type."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "scores.sqlite"
    with Store(path) as store:
        dataset = store.add_dataset(TOY, PAIRS)
        for name in ("good", "close"):
            series = store.add_series(dataset, replace(METRIC, name=name))
            scores = noisy(PAIRS[1:], noise=3)
            files = {pair.id: FileState("look", "content") for pair in PAIRS}
            unit = SeriesResult(series.id, "c", scores, {PAIRS[0].id: "cut off"}, 1.0, "numpy")
            store.commit_unit([unit], files=files, rules="rules-1")
    return path


def columns():
    with sqlite3.connect(":memory:") as connection:
        from benchmark.store_schema import create

        create(connection)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(t, row[1]) for t in tables for row in connection.execute(f"PRAGMA table_info({t})")]


@pytest.mark.parametrize(("table", "column"), columns())
def test_one_wrong_cell_is_a_message_not_a_traceback(whole, tmp_path, table, column):
    for number, value in enumerate(VALUES):
        path = shutil.copy(whole, tmp_path / f"{number}.sqlite")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA ignore_check_constraints = 1")
            try:
                where = (
                    "rowid"
                    if table in ("dataset", "series", "files", "timing")
                    else "pair"
                    if table != "pair"
                    else "id"
                )
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {where} = (SELECT MAX({where}) FROM {table})", (value,)
                )
            except sqlite3.IntegrityError:
                continue  # SQLite refuses to write it, so no damage has this form
        connection.close()
        for use in (_export, _boards, _contents):
            try:
                use(path)
            except UserError as error:
                assert str(path) in str(error) or "toy" in str(error) or "store" in str(error)  # noqa: PT017


def _export(path):
    with Store(path, readonly=True) as store:
        assert store.export().count("\n") > 1


def _boards(path):
    with Store(path, readonly=True) as store:
        board = build(store, replicates=0)
    for output in FORMATS:
        render(board, output)


def _contents(path):
    with Store(path) as store:
        store.contents()
        for dataset in store.datasets():
            store.files(dataset)


@pytest.mark.parametrize("readonly", [True, False])
def test_a_damaged_schema_is_said(whole, tmp_path, readonly):
    content = whole.read_bytes()
    for old, new in (
        (b"CREATE TABLE score", b"CREATE TABLE sc\x83re"),
        (b"CREATE TABLE pair", b"CREATE \xff\xfeBLE pair"),
    ):
        path = tmp_path / "s.sqlite"
        assert old in content
        path.write_bytes(content.replace(old, new))
        with pytest.raises(UserError, match=r"damaged"), Store(path, readonly=readonly) as store:
            store.export()


KILLED = """
import os, sys
from pathlib import Path
from dataclasses import replace
from benchmark.store import SeriesResult, Store
from leaderboard_store import METRIC, TOY, noisy, toy_pairs
store = Store(Path(sys.argv[1]))
series = store.add_series(store.add_dataset(TOY, toy_pairs()), METRIC)
store.commit_unit([SeriesResult(series.id, "c", noisy(toy_pairs()))])
os._exit(9)
"""


@pytest.fixture
def killed(tmp_path):
    """A store whose writer was killed: its scores are still in the write-ahead log."""
    path = tmp_path / "killed" / "scores.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["tests", *sys.path])}
    subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment, check=False)
    assert path.with_name("scores.sqlite-wal").stat().st_size > 0
    return path


def test_a_killed_store_is_read_whole_from_a_copy_without_the_shared_memory(killed, tmp_path):
    (tmp_path / "copy").mkdir()
    for name in ("scores.sqlite", "scores.sqlite-wal"):
        shutil.copy(killed.with_name(name), tmp_path / "copy")
    with Store(tmp_path / "copy" / "scores.sqlite", readonly=True) as store:
        assert store.export().count("\n") == 1 + len(toy_pairs())


def test_a_log_that_cannot_be_read_is_said_and_not_left_out(killed, monkeypatch):
    """A read-only folder, as for another user than the owner: SQLite cannot make its files beside the store."""
    import benchmark.store_file

    connect = sqlite3.connect

    def read_only(database, **options):
        if "mode=ro" in str(database):
            return connect(f"file:{killed.parent / 'no' / 'folder'}?mode=ro", uri=True)
        return connect(database, **options)

    monkeypatch.setattr(benchmark.store_file.sqlite3, "connect", lambda *a, **o: _Closed(read_only, *a, **o))
    with pytest.raises(UserError, match=r"its last scores lie in scores\.sqlite-wal.*copy both files"):
        Store(killed, readonly=True)


class _Closed:
    """A connection that cannot be opened, as SQLite finds out when it is first used."""

    def __init__(self, connect, *arguments, **options):
        self._connect, self._arguments, self._options = connect, arguments, options

    def execute(self, *arguments):
        try:
            return self._connect(*self._arguments, **self._options).execute(*arguments)
        except sqlite3.OperationalError as error:
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise

    def close(self):
        pass


def test_a_store_copied_without_its_log_says_what_is_missing(tmp_path):
    path = tmp_path / "scores.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE x (y)")
    shutil.copy(path, tmp_path / "copy.sqlite")
    connection.close()
    with pytest.raises(UserError, match=r"copy\.sqlite: empty: .* lay in copy\.sqlite-wal and were not copied with it"):
        Store(tmp_path / "copy.sqlite", readonly=True)


def test_a_busy_store_is_said_to_be_busy_and_not_read_as_it_was(killed, monkeypatch):
    """SQLITE_BUSY is no sign of a read-only folder: nothing but waiting helps."""
    import benchmark.store_file

    def busy(*arguments, **options):
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    class Busy:
        execute = busy

        def close(self):
            pass

    monkeypatch.setattr(benchmark.store_file.sqlite3, "connect", lambda *a, **o: Busy())
    with pytest.raises(UserError, match="another run has held the store"):
        Store(killed, readonly=True)
