"""Kept agreements: served only where nothing that the numbers depend on has changed, and never needed."""

import sqlite3
from dataclasses import replace

import pytest
from leaderboard_store import TOY, add, full_store, noisy, toy_pairs

from benchmark import agreement, kept
from benchmark.agreement import evaluate
from benchmark.kept import FILE, KeptAgreements
from benchmark.leaderboard.build import build
from benchmark.leaderboard.render import FORMATS, render
from benchmark.leaderboard.tidy import json_text
from benchmark.measured import Measured
from benchmark.store import Store

PAIRS = toy_pairs()
FEW = {"replicates": 60}


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """Labels of the metrics that are computed, in order."""
    import benchmark.statistics as stats

    names: list[str] = []
    plain = stats.evaluate

    def noted(scores, *rest, **options):
        names.extend(scores)
        return plain(scores, *rest, **options)

    monkeypatch.setattr(stats, "evaluate", noted)
    return names


def metrics(**changes):
    ones = {name: noisy(PAIRS, noise=9, seed=seed) for seed, name in enumerate("abc")} | changes
    return {name: Measured(agreement_info(name), scores, {}) for name, scores in ones.items()}


def agreement_info(name):
    from leaderboard_store import METRIC

    return replace(METRIC, name=name)


def text(board):
    return {
        form: repr(render(board, form)) if form != "terminal" else json_text(board)
        for form in FORMATS
        if form != "json"
    }


def test_every_rendering_has_the_same_bytes_without_with_an_empty_and_with_a_full_cache(tmp_path, computed):
    with full_store(tmp_path / "scores.sqlite") as store, KeptAgreements(tmp_path / FILE) as cache:
        without = text(build(store, **FEW))
        cold = text(build(store, kept=cache, **FEW))
        assert computed
        computed.clear()
        warm = text(build(store, kept=cache, **FEW))
    assert computed == []
    assert without == cold == warm


def test_the_cache_outlives_the_program(tmp_path, computed):
    for _ in range(2):
        with KeptAgreements(tmp_path / FILE) as cache:
            found = evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    assert computed == ["a", "b", "c"]
    assert repr(found) == repr(evaluate(TOY, PAIRS, metrics(), **FEW))


def test_one_more_metric_costs_that_metric_alone_and_is_tested_against_all(tmp_path, computed):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        computed.clear()
        more = metrics(d=noisy(PAIRS, noise=60, seed=9))
        found = evaluate(TOY, PAIRS, more, kept=cache, **FEW)
    assert computed == ["d"]
    assert "over 6 tests" in found.tests
    assert repr(found) == repr(evaluate(TOY, PAIRS, more, **FEW))


def test_one_score_more_or_less_or_other_is_computed_again(tmp_path, computed):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        scores = noisy(PAIRS, noise=9, seed=1)
        for change in (
            scores | {PAIRS[7].id: scores[PAIRS[7].id] + 1e-12},
            {id: score for id, score in scores.items() if id != PAIRS[7].id},
        ):
            computed.clear()
            changed = metrics(b=change)
            found = evaluate(TOY, PAIRS, changed, kept=cache, **FEW)
            assert computed == ["b"]
            assert repr(found) == repr(evaluate(TOY, PAIRS, changed, **FEW))


@pytest.mark.parametrize(
    "change",
    [
        lambda pair: replace(pair, label=pair.label + 1e-9),
        lambda pair: replace(pair, content="another"),
        lambda pair: replace(pair, label_std=pair.label_std + 1e-9),
        lambda pair: replace(pair, label_std=None),
    ],
    ids=["label", "content", "label_std", "no label_std"],
)
def test_what_is_known_of_one_pair_changes_every_entry(tmp_path, computed, change):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        computed.clear()
        changed = [change(pair) if number == 5 else pair for number, pair in enumerate(PAIRS)]
        found = evaluate(TOY, changed, metrics(), kept=cache, **FEW)
        assert computed == ["a", "b", "c"]
        assert repr(found) == repr(evaluate(TOY, changed, metrics(), **FEW))


def test_the_number_of_ratings_changes_every_entry(tmp_path, computed):
    with KeptAgreements(tmp_path / FILE) as cache:
        for ratings in (10, 20):
            rated = [replace(pair, n_ratings=ratings) for pair in PAIRS]
            evaluate(TOY, rated, metrics(), kept=cache, **FEW)
    assert computed == [*"abc"] * 2


@pytest.mark.parametrize(
    "options",
    [
        {"replicates": 61},
        {"replicates": 60, "confidence": 0.9},
        {"replicates": 60, "seed": 1},
        {"replicates": 60, "statistics": ("krcc",)},
        {"replicates": 60, "paired": False},
    ],
    ids=str,
)
def test_other_options_find_no_entry(tmp_path, computed, options):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        computed.clear()
        found = evaluate(TOY, PAIRS, metrics(), kept=cache, **options)
        assert computed == ["a", "b", "c"]
        assert repr(found) == repr(evaluate(TOY, PAIRS, metrics(), **options))


def test_a_direction_turned_and_a_subset_are_computed_again(tmp_path, computed):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        evaluate(replace(TOY, label_higher_is_better=True), PAIRS, metrics(), kept=cache, **FEW)
        evaluate(TOY, PAIRS[:60], metrics(), kept=cache, **FEW)
    assert computed == [*"abc"] * 3


def test_another_program_finds_no_entry_and_clears_the_old_ones(tmp_path, computed, monkeypatch):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
        monkeypatch.setattr(kept, "program", lambda: "another")
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    assert computed == [*"abc"] * 2
    (count,) = sqlite3.connect(tmp_path / FILE).execute("SELECT COUNT(*) FROM entry").fetchone()
    assert count == 3


def test_the_program_is_known_by_its_source(tmp_path, monkeypatch):
    import benchmark.statistics

    before = kept.program.__wrapped__()
    for name in ("__init__.py", "correlation.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(benchmark.statistics, "__file__", str(tmp_path / "__init__.py"))
    other = kept.program.__wrapped__()
    (tmp_path / "correlation.py").write_text("x = 2\n")
    assert len({before, other, kept.program.__wrapped__()}) == 3
    for source in tmp_path.glob("*.py"):
        source.unlink()
    assert kept.program.__wrapped__() == ""


def test_a_damaged_entry_is_computed_again(tmp_path, computed):
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE entry SET statistics = replace(statistics, '0.9', '0.8')")
    computed.clear()
    with KeptAgreements(tmp_path / FILE) as cache:
        found = evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    assert computed == ["a", "b", "c"]
    assert repr(found) == repr(evaluate(TOY, PAIRS, metrics(), **FEW))


@pytest.mark.parametrize("content", [b"no database at all " * 100, None], ids=["garbage", "folder"])
def test_a_file_that_cannot_be_used_is_left_alone_and_said(tmp_path, content):
    path = tmp_path / FILE
    path.mkdir() if content is None else path.write_bytes(content)
    with KeptAgreements(path) as cache:
        found = evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    assert str(path) in cache.problem
    assert content is None or path.read_bytes() == content
    assert repr(found) == repr(evaluate(TOY, PAIRS, metrics(), **FEW))


def test_a_database_of_something_else_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE entry (mine TEXT)")
    with KeptAgreements(tmp_path / FILE) as cache:
        evaluate(TOY, PAIRS, metrics(), kept=cache, **FEW)
    assert "something else" in cache.problem
    assert sqlite3.connect(tmp_path / FILE).execute("SELECT COUNT(*) FROM entry").fetchone() == (0,)


def test_progress_counts_every_metric_and_part_once_cold_and_warm(tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "TOGETHER", 2)
    with Store(tmp_path / "s.sqlite") as store, KeptAgreements(tmp_path / FILE) as cache:
        for name in "abc":
            add(store, TOY, PAIRS, {"name": name}, noisy(PAIRS, noise=9))
        for _ in range(2):
            heard: list[tuple[int, int, str]] = []
            build(store, kept=cache, progress=lambda *of, heard=heard: heard.append(of), **FEW)
            assert heard[-1] == (9, 9, "toy: statistics")  # three metrics on all pairs and on two distortions
            assert [done for done, *_ in heard] == sorted(done for done, *_ in heard)
