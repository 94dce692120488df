"""The export: what csv readers read back, filtered, line by line, and safe to open in a spreadsheet."""

import csv
import io
from dataclasses import replace

import pytest
from test_store import DATASET, METRIC, PAIRS

from benchmark.store import SeriesResult, Store


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(tmp_path, pairs, failures=None, **asked):
    with Store(tmp_path / "scores.sqlite") as store:
        dataset = store.add_dataset(DATASET, pairs)
        for name in ("m", "n"):
            series = store.add_series(dataset, replace(METRIC, name=name))
            scores = {pair.id: -0.5 for pair in pairs if pair.id not in (failures or {})}
            store.commit_unit([SeriesResult(series.id, "c", scores, failures or {})])
        return store.export(**asked)


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", "a,b", 'say "b"', "\r", " a ", "ä€\u2028"])
def test_every_text_comes_back_as_it_was(tmp_path, text):
    rows = read(exported(tmp_path, [replace(PAIRS[0], id=text, distortion=text)]))
    assert [(row["pair"], row["distortion"], row["score"]) for row in rows] == [(text, text, "-0.5")] * 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x.png", "@SUM(A1)", "\tx", "'x", "''=x"])
def test_a_text_that_a_spreadsheet_would_change_has_an_apostrophe_before_it(tmp_path, text):
    rows = read(exported(tmp_path, [replace(PAIRS[0], id=text)], {text: text}))
    assert {row["pair"] for row in rows} == {row["failure"] for row in rows} == {f"'{text}"}


def test_numbers_and_other_texts_have_none(tmp_path):
    rows = read(exported(tmp_path, [replace(PAIRS[0], id="a=b+c@d-e'f", label=-2.0)]))
    assert (rows[0]["pair"], rows[0]["score"], rows[0]["label"]) == ("a=b+c@d-e'f", "-0.5", "-2.0")


def test_only_what_is_asked_for_is_written(tmp_path):
    assert {row["metric"] for row in read(exported(tmp_path, PAIRS, metrics=["n"]))} == {"n"}
    with Store(tmp_path / "scores.sqlite") as store:
        assert read(store.export(datasets=["other"])) == []
        assert len(read(store.export(datasets=["toy"], metrics=["m", "n"]))) == 4


def test_lines_come_one_by_one_and_of_one_moment(tmp_path):
    """Nothing is gathered before the first line is out, and what is written meanwhile is not in the rest."""
    exported(tmp_path, PAIRS)
    with Store(tmp_path / "scores.sqlite", readonly=True) as reader, Store(tmp_path / "scores.sqlite") as writer:
        lines = reader.export_lines()
        first = [next(lines), next(lines)]
        (dataset,) = writer.datasets()
        for series in writer.series(dataset):
            writer.commit_unit([SeriesResult(series.id, "c", {"a": 9.0, "b": 9.0})])
        rest = list(lines)
        assert len(first) + len(rest) == 5
        assert not any(line.endswith(",9.0,\n") for line in rest)
        assert sum(line.endswith(",9.0,\n") for line in reader.export_lines()) == 4
