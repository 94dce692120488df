"""Units that kill their workers are taken apart, down to the pairs that do it, without a death per pair where all do."""

from pathlib import Path

import pytest

from benchmark.executors.crew import DIED, HOPELESS, Fate, finish
from benchmark.scoring import Unit, UnitResult, Wanted
from benchmark.store import SeriesResult
from benchmark.types import Pair


class Crew:
    """Workers that die of a unit with one of the deadly (metric, pair id)s, and otherwise score 1."""

    room = 3

    def __init__(self, deadly, patience):
        self.deadly, self.patience = deadly, patience
        self.deaths, self.queue = 0, []

    def submit(self, task):
        self.queue.append(task)

    def next(self):
        task = self.queue.pop(0)
        if any((one.metric, pair) in self.deadly for one in task.unit.wanted for pair in one.pairs):
            self.deaths += 1
            return task, Fate.KILLED
        parts = [SeriesResult(one.series, "c", dict.fromkeys(one.pairs, 1.0)) for one in task.unit.wanted]
        return task, UnitResult(parts)


def unit(n, metrics, prefix=""):
    pairs = tuple(Pair(f"{prefix}{i}", Path("x"), Path("r"), "c", 0.0) for i in range(n))
    ids = frozenset(pair.id for pair in pairs)
    return Unit("c", pairs, tuple(Wanted(i, metric, ids) for i, metric in enumerate(metrics)))


def done(units, crew):
    """Scores and failures by series; every (series, pair) comes back once."""
    scored, failed = [], []
    for _, result in finish(units, crew):
        for part in result.results:
            scored += [(part.series, pair) for pair in part.scores]
            failed += [(part.series, pair) for pair, reason in part.failures.items() if reason == DIED]
    assert len(scored) == len(set(scored))
    assert len(failed) == len(set(failed))
    assert not set(scored) & set(failed)
    return set(scored), set(failed)


@pytest.mark.parametrize("patience", [1, 2])
@pytest.mark.parametrize("bad", [["0"], ["127"], ["5", "6", "90"]])
def test_only_the_pairs_that_kill_are_lost(patience, bad):
    crew = Crew({("b", pair) for pair in bad}, patience)
    scored, failed = done([unit(128, ["a", "b"])], crew)
    assert failed == {(1, pair) for pair in bad}
    assert len(scored) == 2 * 128 - len(bad)
    # the unit and the metric each up to `patience` deaths; then one per level of halves (128 = 2^7) and bad pair
    assert crew.deaths <= 2 * patience + 7 * len(bad)


def test_a_metric_that_always_kills_is_given_up_soon():
    units = [unit(128, ["a"], f"{i}/") for i in range(3)]
    crew = Crew({("a", pair.id) for one in units for pair in one.pairs}, 2)
    scored, failed = done(units, crew)
    assert (scored, len(failed)) == (set(), 3 * 128)
    # each of the 3 units dies twice, halves are cut on the way to the first pairs: 7 levels each, and HOPELESS leaves;
    # what is in flight or waits when the metric is given up dies once more per piece
    assert crew.deaths <= 3 * (2 + 2 * 7) + 2 * HOPELESS
