"""Stores of earlier formats are brought to this one in place, and lose nothing on the way."""

import json
import os
import shutil
import sqlite3
from dataclasses import asdict

import pytest
from test_runner import REGISTRY, InProcess, run_here

from benchmark.runner import execute, plan
from benchmark.store import Store
from benchmark.store_schema import FORMER_RULES
from benchmark.types import DatasetInfo, MetricInfo

FORMER = """
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
PRAGMA application_id = 0x49514142;
PRAGMA user_version = 2;
"""
"""The tables as format 2 had them."""


def demoted(path, folder, version=2):
    """Write what the store `path` holds as a store of an earlier format: files by name, size and time of writing."""
    folder.mkdir()
    with sqlite3.connect(path) as new, sqlite3.connect(folder / "scores.sqlite") as old:
        old.executescript(FORMER)
        for table, columns in (
            ("dataset", "*"),
            ("pair", "*"),
            ("series", "*"),
            ("score", "series, pair, score"),
            ("failure", "series, pair, reason"),
            ("timing", "*"),
        ):
            rows = new.execute(f"SELECT {columns} FROM {table}").fetchall()
            for row in rows:
                old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        for dataset, pair, look in new.execute("SELECT dataset, pair, look FROM files WHERE current"):
            state = "|".join(":".join(part.split(":")[:3]) for part in look.split("|"))
            old.execute("INSERT INTO files VALUES (?, ?, ?)", (dataset, pair, state))
        if version == 1:
            old.execute("ALTER TABLE timing DROP COLUMN backend")
            old.execute("PRAGMA user_version = 1")
    return folder / "scores.sqlite"


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_format_keeps_its_scores_and_learns_their_content(toy, tmp_path, version):
    root = tmp_path / "toy"
    shutil.copytree(toy, root)
    _, before = run_here(tmp_path, root, ["difference", "psnr"])
    path = demoted(tmp_path / "scores.sqlite", tmp_path / "former", version)
    with Store(path, readonly=True) as store:
        assert store.export() == before
        (dataset,) = store.datasets()
        for series in store.series(dataset):
            assert store.seconds_per_pair(series) > 0
            if version == 1:
                assert store.backends(series) == []
    with Store(path) as store:
        assert plan(store, REGISTRY, "toy", ["difference"], root, rules=FORMER_RULES).n_kept == 24
        (root / "a" / "1.png").touch()  # the hash is known now, so another time of writing changes nothing
        todo = plan(store, REGISTRY, "toy", ["difference", "psnr"], root, rules=FORMER_RULES)
        assert (todo.n_kept, todo.n_missing, todo.changed) == (48, 0, [])


def test_files_that_look_other_than_a_store_without_hashes_knew_them_are_scored_again(toy, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(toy, root)
    _, before = run_here(tmp_path, root, ["difference", "psnr"])
    path = demoted(tmp_path / "scores.sqlite", tmp_path / "former")
    os.utime(root / "a" / "1.png", (1, 1))
    with Store(path) as store:
        todo = plan(store, REGISTRY, "toy", ["difference"], root, rules=FORMER_RULES)
        assert (todo.changed, todo.n_missing, todo.stale) == (["a/1.png"], 1, {"psnr": 1})
        execute(store, todo, InProcess())
        execute(store, plan(store, REGISTRY, "toy", ["psnr"], root, rules=FORMER_RULES), InProcess())
        assert store.export() == before


def table_store(path, names, looks=("look", "look")):
    """A store of format 2 with one table of labels under two names, scored by two metrics each."""
    info = DatasetInfo(names[0], "the table x.csv", "MOS", True, (0.0, 1.0), None, None, "", names[0], "", "")
    with sqlite3.connect(path) as old:
        old.executescript(FORMER)
        for key, (name, look) in enumerate(zip(names, looks, strict=True), 1):
            facts = json.dumps({**asdict(info), "name": name, "url": name})
            old.execute("INSERT INTO dataset VALUES (?, ?, 'rev', ?, ?)", (key, name, facts, key))
            old.execute("INSERT INTO pair VALUES (?, 'a', 'c', '', NULL, 0.5, NULL, NULL, NULL)", (key,))
            old.execute("INSERT INTO files VALUES (?, 'a', ?)", (key, look))
        for key, (dataset, metric, score) in enumerate([(1, "psnr", 1.0), (1, "ssim", 2.0), (2, "psnr", 3.0)], 1):
            facts = json.dumps(asdict(MetricInfo(metric, metric, "1", True, "A metric.")))
            old.execute("INSERT INTO series VALUES (?, ?, ?, '1', '', ?, '', ?)", (key, dataset, metric, facts, key))
            old.execute("INSERT INTO score VALUES (?, 'a', ?)", (key, score))


def stored(path):
    with Store(path) as store:
        return {
            dataset.info.name: {series.info.name: store.scores(series) for series in store.series(dataset)}
            for dataset in store.datasets()
        }


def test_one_table_by_two_paths_becomes_one_data_set(tmp_path):
    table_store(tmp_path / "s.sqlite", ["table:/home/me/my.x.csv", "table:my.x.csv"])
    assert stored(tmp_path / "s.sqlite") == {"table:my.x": {"psnr": {"a": 3.0}, "ssim": {"a": 2.0}}}
    with Store(tmp_path / "s.sqlite") as store:
        (dataset,) = store.datasets()
        assert "/home/me" not in json.dumps(asdict(dataset.info))
        (series, _) = store.series(dataset)
        assert store.stale(series) == {}


def test_tables_of_equal_labels_whose_files_differ_stay_apart(tmp_path):
    table_store(tmp_path / "s.sqlite", ["table:one/x.csv", "table:two/x.csv"], looks=("look", "another"))
    assert stored(tmp_path / "s.sqlite") == {
        "table:x": {"psnr": {"a": 3.0}},
        "table:x-2": {"psnr": {"a": 1.0}, "ssim": {"a": 2.0}},
    }
