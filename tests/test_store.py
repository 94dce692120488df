"""The store: what goes in comes out, versions never mix, and a store that cannot be used says why."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.store import SeriesResult, Store
from benchmark.types import DatasetInfo, MetricInfo, Pair, UserError

DATASET = DatasetInfo("toy", "Toy", "MOS", True, (0, 10), 2, 1, "CC0", "", "", "")
METRIC = MetricInfo("m", "M", "1", True, "A metric.", trained_on=("pipal",))
PAIRS = [
    Pair("a", Path("/x/a"), None, "c", 1.5, "blur", 2.0, 0.25, 12, "test"),
    Pair("b", Path("/x/b"), None, "c", 1 / 3),
]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results" / "scores.sqlite") as store:
        yield store


def filled(store, metric=METRIC, score=0.1):
    dataset = store.add_dataset(DATASET, PAIRS)
    series = store.add_series(dataset, metric)
    store.commit_unit([SeriesResult(series.id, "c", {"a": score}, {"b": "b: corrupt"}, 0.5)])
    return dataset, series


def test_labels_scores_failures_and_facts_come_back_exactly(store):
    dataset, series = filled(store)
    assert store.datasets() == [dataset]
    assert store.series(dataset) == [series]
    read = store.pairs(dataset)
    assert [(p.id, p.content, p.label, p.label_std, p.n_ratings, p.split, p.distortion, p.level) for p in read] == [
        ("a", "c", 1.5, 0.25, 12, "test", "blur", 2.0),
        ("b", "c", 1 / 3, None, None, None, "", None),
    ]
    assert store.scores(series) == {"a": 0.1}
    assert store.failures(series) == {"b": "b: corrupt"}
    assert store.seconds_per_pair(series) == 0.5


def test_a_score_replaces_an_earlier_failure(store):
    _, series = filled(store)
    store.commit_unit([SeriesResult(series.id, "c", {"b": 0.7})])
    assert store.failures(series) == {}
    assert store.scores(series) == {"a": 0.1, "b": 0.7}


@pytest.mark.parametrize("change", [{"version": "2"}, {"weights_sha256": "f00"}])
def test_another_version_or_weights_is_another_series(store, change):
    from dataclasses import replace

    dataset, first = filled(store)
    _, second = filled(store, replace(METRIC, **change), score=0.9)
    assert first.id != second.id
    assert (store.scores(first), store.scores(second)) == ({"a": 0.1}, {"a": 0.9})
    assert len(store.series(dataset)) == 2


def test_other_labels_are_another_revision(store):
    from dataclasses import replace

    first, _ = filled(store)
    second = store.add_dataset(DATASET, [replace(PAIRS[0], label=2.0), PAIRS[1]])
    assert first.revision != second.revision
    assert store.series(second) == []


def test_export_is_the_same_bytes_whatever_the_order_of_work(tmp_path):
    texts = []
    for order in (["a", "b"], ["b", "a"]):
        with Store(tmp_path / f"{order[0]}.sqlite") as store:
            dataset = store.add_dataset(DATASET, PAIRS)
            series = store.add_series(dataset, METRIC)
            for pair in order:
                store.commit_unit([SeriesResult(series.id, "c", {pair: {"a": 0.1, "b": 1e-17}[pair]}, seconds=1.0)])
            texts.append(store.export())
    assert texts[0] == texts[1]
    assert texts[0].splitlines()[1].endswith(",a,c,blur,2.0,1.5,0.25,12,test,0.1,")
    assert ",1e-17," in texts[0]


def test_a_store_is_read_from_a_read_only_folder(tmp_path):
    path = tmp_path / "scores.sqlite"
    with Store(path) as store:
        _, series = filled(store)
    tmp_path.chmod(0o555)
    path.chmod(0o444)
    try:
        with Store(path, readonly=True) as store:
            assert store.scores(series) == {"a": 0.1}
    finally:
        tmp_path.chmod(0o755)


def test_a_missing_store_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="python -m benchmark run"):
        Store(tmp_path / "scores.sqlite", readonly=True)


def test_a_store_of_a_newer_format_is_refused(tmp_path):
    path = tmp_path / "scores.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UserError, match=r"store format 99, this program reads 3; update the program"):
        Store(path)


def test_a_foreign_sqlite_file_is_refused(tmp_path):
    path = tmp_path / "scores.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    with pytest.raises(UserError, match="not a store of this program"):
        Store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "scores.sqlite"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(UserError, match="not a SQLite file"):
        Store(path)


def test_a_full_disk_is_said_and_what_was_committed_is_kept(store):
    _, series = filled(store)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UserError, match="disk is full"):
        store.commit_unit([SeriesResult(series.id, "c", {f"{i:0100d}": 0.0 for i in range(10_000)})])
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.scores(series) == {"a": 0.1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which only Linux has")
def test_a_results_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--results"):
        Store(tmp_path / "file" / "results" / "scores.sqlite")


WRITER = """
import sys
from pathlib import Path
from benchmark.store import SeriesResult, Store
from benchmark.types import MetricInfo
from tests.test_store import DATASET, PAIRS
metric = sys.argv[2]
with Store(Path(sys.argv[1])) as store:
    dataset = store.add_dataset(DATASET, PAIRS)
    series = store.add_series(dataset, MetricInfo(metric, metric, "1", True, "A metric."))
    for i in range(300):
        store.commit_unit([SeriesResult(series.id, "c", {f"{metric}{i}": float(i)})])
"""


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "scores.sqlite"
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], env=environment, cwd=tmp_path)
        for name in ("x", "y", "z")
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Store(path, readonly=True) as store:
        (dataset,) = store.datasets()
        for series in store.series(dataset):
            assert store.scores(series) == {f"{series.info.name}{i}": float(i) for i in range(300)}


def test_a_failure_replaces_an_earlier_score(store):
    _, series = filled(store)
    store.commit_unit([SeriesResult(series.id, "c", failures={"a": "nan"})])
    assert store.scores(series) == {}
    assert store.failures(series)["a"] == "nan"


def test_data_sets_and_series_come_in_the_order_of_their_last_use(store):
    from dataclasses import replace

    first, _ = filled(store)
    second = store.add_dataset(DATASET, [replace(PAIRS[0], label=2.0), PAIRS[1]])
    assert [dataset.id for dataset in store.datasets()] == [first.id, second.id]
    _, old = filled(store)
    assert [dataset.id for dataset in store.datasets()] == [second.id, first.id]
    _, new = filled(store, replace(METRIC, version="2"))
    assert [series.id for series in store.series(first)] == [old.id, new.id]
    filled(store)
    assert [series.id for series in store.series(first)] == [new.id, old.id]


def test_a_reason_that_is_no_text_is_kept_readable(store):
    dataset, series = filled(store)
    store.commit_unit([SeriesResult(series.id, "c", failures={"b": "caf\udce9: no"})])
    assert store.failures(series) == {"b": "caf\\xe9: no"}
    store.add_series(dataset, METRIC, not_run="\udce9")
    assert store.series(dataset)[0].not_run == "\\xe9"


@pytest.mark.parametrize("change", [{"n_ratings": 2**63}, {"id": "\udce9"}, {"distortion": "\udce9"}])
def test_what_cannot_be_stored_is_said_before_any_work(store, change):
    from dataclasses import replace

    with pytest.raises(UserError, match=r"scores\.sqlite: a number or name cannot be stored"):
        store.add_dataset(DATASET, [replace(PAIRS[0], **change)])
    assert store.datasets() == []
