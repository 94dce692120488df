"""`remove` takes out what was asked for, after naming it, and nothing else."""

from dataclasses import replace

import pytest
from test_store import DATASET, METRIC, PAIRS
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.content import FileState
from benchmark.store import SeriesResult, Store
from benchmark.types import UserError


@pytest.fixture
def folder(tmp_path):
    with Store(tmp_path / "scores.sqlite") as store:
        for name, label in (("one", 1.5), ("one", 2.5), ("two", 1.5)):
            pairs = [replace(PAIRS[0], label=label), PAIRS[1]]
            dataset = store.add_dataset(replace(DATASET, name=name), pairs)
            for metric, version in (("m", "1"), ("m", "2"), ("n", "1")):
                series = store.add_series(dataset, replace(METRIC, name=metric, version=version))
                result = SeriesResult(series.id, "c", {"a": 0.5}, {"b": "cut"}, 1.0)
                store.commit_unit([result], files={"a": FileState("x", "y")}, rules="r")
    return tmp_path


def remove(folder, *arguments):
    done = CliRunner().invoke(app, ["remove", "--results", str(folder), *arguments])
    if isinstance(done.exception, UserError):
        raise done.exception
    assert done.exit_code == 0
    return done.stdout + done.stderr


def left(folder):
    with Store(folder / "scores.sqlite", readonly=True) as store:
        return [(one.name, one.metric, one.version) for one in store.contents()]


def rows(folder):
    with Store(folder / "scores.sqlite", readonly=True) as store:
        tables = ("dataset", "pair", "series", "score", "failure", "files", "timing")
        return {table: store._rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


def test_a_data_set_goes_with_all_that_is_its_own(folder):
    printed = remove(folder, "--dataset", "one", "--yes")
    assert printed.count("1 scores, 1 failures") == 6
    assert left(folder) == [("two", "m", "1"), ("two", "m", "2"), ("two", "n", "1")]
    assert rows(folder) == {"dataset": 1, "pair": 2, "series": 3, "score": 3, "failure": 3, "files": 1, "timing": 3}


def test_one_metric_goes_in_every_version_and_the_labels_stay(folder):
    remove(folder, "--dataset", "two", "--metrics", "m", "--yes")
    assert [entry for entry in left(folder) if entry[0] == "two"] == [("two", "n", "1")]
    assert rows(folder)["pair"] == 6


def test_one_label_revision_goes_alone(folder):
    with Store(folder / "scores.sqlite") as store:
        (first, second) = store.find("one")
    remove(folder, "--dataset", f"one@{first.revision[:10]}", "--yes")
    with Store(folder / "scores.sqlite") as store:
        assert [dataset.revision for dataset in store.find("one")] == [second.revision]


def test_a_dry_run_and_a_run_that_cannot_ask_remove_nothing(folder):
    before = rows(folder)
    assert "one (label revision" in remove(folder, "--dataset", "one", "--dry-run")
    with pytest.raises(UserError, match="say --yes, or look with --dry-run"):
        remove(folder, "--dataset", "one")
    assert rows(folder) == before


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--dataset", "on"], "did you mean one"),
        (["--dataset", "one", "--metrics", "m,x"], "unknown metric of one 'x'"),
    ],
)
def test_an_unknown_name_removes_nothing(folder, arguments, match):
    before = rows(folder)
    with pytest.raises(UserError, match=match):
        remove(folder, *arguments, "--yes")
    assert rows(folder) == before


def test_what_is_damaged_can_be_taken_out(folder):
    with Store(folder / "scores.sqlite") as store:
        store._connection.execute("UPDATE dataset SET facts = '{' WHERE name = 'one'")
        with pytest.raises(UserError, match=r"the facts of data set \d cannot be read .*python -m benchmark remove"):
            store.datasets()
    remove(folder, "--dataset", "one", "--yes")
    with Store(folder / "scores.sqlite") as store:
        assert [dataset.info.name for dataset in store.datasets()] == ["two"]
