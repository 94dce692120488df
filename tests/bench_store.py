"""The store: scores committed unit by unit, and read back, as many as PIPAL has."""

from pathlib import Path

import pytest
from leaderboard_store import METRIC, TOY, toy_pairs

from benchmark.store import SeriesResult, Store

PAIRS = [f"A{content:04d}_00_{i:02d}.bmp" for content in range(200) for i in range(116)]
PER_UNIT, METRICS = 116, 4


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "scores.sqlite") as opened:
        yield opened


def new_series(store, count):
    dataset = store.add_dataset(TOY, toy_pairs())
    facts = {slot: getattr(METRIC, slot) for slot in METRIC.__slots__}
    return [store.add_series(dataset, type(METRIC)(**facts | {"name": f"metric{i}"})) for i in range(count)]


def test_commit_fifty_units_of_116_pairs_and_4_metrics(benchmark, store):
    series = new_series(store, METRICS)
    units = [
        [SeriesResult(one.id, str(unit), dict.fromkeys(PAIRS[unit * PER_UNIT :][:PER_UNIT], 0.5)) for one in series]
        for unit in range(50)
    ]

    def commit():
        for unit in units:
            store.commit_unit(unit)

    benchmark.pedantic(commit, rounds=5, warmup_rounds=1)
    assert len(store.scores(series[0])) == 50 * PER_UNIT


def test_read_23200_scores(benchmark, store):
    (series,) = new_series(store, 1)
    store.commit_unit([SeriesResult(series.id, "all", dict.fromkeys(PAIRS, 0.5))])
    scores = benchmark.pedantic(store.scores, (series,), rounds=5, warmup_rounds=1)
    assert len(scores) == len(PAIRS)


def test_open_a_new_store(benchmark, tmp_path):
    paths = iter(range(1000))

    def open_one():
        Store(Path(tmp_path) / f"{next(paths)}.sqlite").close()

    benchmark.pedantic(open_one, rounds=5, warmup_rounds=1)
