"""Scores belong to the content of files: what is stale is kept, does not count, and is replaced by what is new."""

import io
from dataclasses import replace

import pytest
from leaderboard_store import METRIC as BOARD_METRIC
from leaderboard_store import TOY, noisy, toy_pairs
from rich.console import Console
from test_store import DATASET, METRIC, PAIRS

from benchmark.content import FileState
from benchmark.leaderboard.build import build
from benchmark.leaderboard.render import render
from benchmark.measured import read
from benchmark.store import SeriesResult, Store

RULES = "rules-1"
OLD, NEW = FileState("look 1", "content 1"), FileState("look 2", "content 2")


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "scores.sqlite") as store:
        yield store


def scored(store, score=0.1, *, state=OLD, metric=METRIC, rules=RULES):
    dataset = store.add_dataset(DATASET, PAIRS)
    series = store.add_series(dataset, metric)
    changed = store.commit_unit([SeriesResult(series.id, "c", {"a": score})], files={"a": state}, rules=rules)
    return dataset, series, changed


def test_files_that_only_look_different_leave_every_score_as_it_is(store):
    dataset, series, _ = scored(store)
    assert store.note_files(dataset, {"a": replace(OLD, look="touched")}, RULES) == []
    assert (store.scores(series), store.stale(series)) == ({"a": 0.1}, {})
    assert store.files(dataset)["a"].look == "touched"


def test_scores_of_other_content_are_kept_and_do_not_count(store):
    dataset, series, _ = scored(store)
    assert store.note_files(dataset, {"a": NEW}, RULES) == ["a"]
    assert (store.scores(series), store.stale(series)) == ({}, {"a": 0.1})
    assert store.stale_by_metric(dataset) == {"m": 1}
    assert read(store, series).stale == {"a"}


def test_scores_count_again_when_the_content_comes_back(store):
    dataset, series, _ = scored(store)
    store.note_files(dataset, {"a": NEW}, RULES)
    assert store.note_files(dataset, {"a": replace(OLD, look="restored")}, RULES) == ["a"]
    assert (store.scores(series), store.stale(series)) == ({"a": 0.1}, {})


def test_a_stale_score_is_replaced_by_a_new_one_only(store):
    dataset, series, _ = scored(store)
    store.note_files(dataset, {"a": NEW}, RULES)
    store.commit_unit([SeriesResult(series.id, "c", failures={"a": "cut off"})], files={"a": NEW}, rules=RULES)
    assert (store.scores(series), store.failures(series)) == ({}, {"a": "cut off"})
    assert store.stale(series) == {"a": 0.1}
    store.commit_unit([SeriesResult(series.id, "c", {"a": 0.7})], files={"a": NEW}, rules=RULES)
    assert (store.scores(series), store.stale(series), store.failures(series)) == ({"a": 0.7}, {}, {})


def test_a_failure_of_other_content_is_not_shown_beside_the_score_of_this_one(store):
    dataset, series, _ = scored(store)
    store.note_files(dataset, {"a": NEW}, RULES)
    store.commit_unit([SeriesResult(series.id, "c", failures={"a": "cut off"})], files={"a": NEW}, rules=RULES)
    store.note_files(dataset, {"a": OLD}, RULES)
    assert (store.scores(series), store.failures(series)) == ({"a": 0.1}, {})
    assert store.export().count("\n") == 2


def test_other_reading_rules_make_scores_stale_without_a_change_of_files(store):
    dataset, series, _ = scored(store)
    assert store.note_files(dataset, {"a": OLD}, "rules-2") == []
    assert (store.scores(series), store.stale(series)) == ({}, {"a": 0.1})


def test_scores_that_were_computed_elsewhere_count_whatever_the_files_are(store):
    dataset, _, _ = scored(store)
    imported = store.add_series(dataset, replace(METRIC, name="theirs", version="imported-1"))
    store.commit_unit([SeriesResult(imported.id, "c", {"a": 0.3})])
    store.note_files(dataset, {"a": NEW}, RULES)
    assert store.scores(imported) == {"a": 0.3}


def test_content_that_changed_unnoticed_is_found_when_it_is_read(store):
    """Another metric reads other bytes behind the same look: the first metric's score is stale, and the pair is named."""
    _, series, changed = scored(store)
    assert changed == []
    _, other, changed = scored(store, 0.9, state=FileState(OLD.look, "swapped"), metric=replace(METRIC, name="other"))
    assert changed == ["a"]
    assert (store.scores(series), store.scores(other)) == ({}, {"a": 0.9})


def test_two_runs_on_files_of_different_content_never_mix(tmp_path):
    """Each commits what it read; what counts is of one content, the one seen last."""
    with Store(tmp_path / "s.sqlite") as one, Store(tmp_path / "s.sqlite") as two:
        dataset, series, _ = scored(one)
        two.note_files(dataset, {"a": NEW}, RULES)
        two.commit_unit([SeriesResult(series.id, "c", {"a": 0.5})], files={"a": NEW}, rules=RULES)
        _, other, _ = scored(one, 0.2, metric=replace(METRIC, name="other"))
        assert (two.scores(series), two.scores(other)) == ({}, {"a": 0.2})
        two.note_files(dataset, {"a": NEW}, RULES)
        assert (two.scores(series), two.scores(other)) == ({"a": 0.5}, {})


def test_an_export_gives_a_stale_score_as_a_reason_not_as_a_score(store):
    dataset, _, _ = scored(store)
    store.note_files(dataset, {"a": NEW}, RULES)
    line = store.export().splitlines()[1]
    assert ",test,,the score 0.1 is of files or reading rules that are not those of now" in line


def test_a_board_counts_stale_scores_and_says_what_to_run(tmp_path):
    """They are in no statistic: the row is incomplete and not ranked, in every format."""
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        dataset = store.add_dataset(TOY, pairs)
        for name in ("good", "old"):
            series = store.add_series(dataset, replace(BOARD_METRIC, name=name))
            files = {pair.id: FileState("look", "content") for pair in pairs}
            store.commit_unit([SeriesResult(series.id, "c", noisy(pairs, noise=3))], files=files, rules=RULES)
        changed = {pair.id: FileState("look 2", "content 2") for pair in pairs[:5]}
        store.note_files(dataset, changed, RULES)
        (good, _) = store.series(dataset)
        new = SeriesResult(good.id, "c", {pair.id: noisy(pairs, noise=3)[pair.id] for pair in pairs[:5]})
        store.commit_unit([new], files=changed, rules=RULES)
        board = build(store, replicates=0)
    rows = {row.label: row for row in board.datasets[0].rows}
    assert (rows["good"].complete, rows["good"].n_stale, rows["good"].rank) == (True, 0, 1)
    assert (rows["old"].complete, rows["old"].n_stale, rows["old"].rank) == (False, 5, None)
    assert rows["old"].agreement.n_scored == len(pairs) - 5
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(render(board, "terminal"))
    texts = [console.export_text(), *(render(board, output) for output in ("markdown", "latex"))]
    for text in texts:
        assert "Stale: old: 5 scores are of other files" in text
        assert "--metrics old" in text.replace("{-}", "-")
    assert all("91 of 96, 5 stale" in text for text in texts[1:])  # the terminal breaks its cells
    assert "5 stale scores do not count" in render(board, "csv")
    assert '"n_stale": 5' in render(board, "json")
