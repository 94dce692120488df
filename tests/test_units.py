"""The cut of the work: nothing lost, nothing twice, every worker busy, the same scores."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import PLUGIN

from benchmark.executors import LocalExecutor
from benchmark.registry import Registry
from benchmark.runner import execute, plan
from benchmark.scoring import WorkerSetup
from benchmark.store import Store
from benchmark.types import Pair
from benchmark.units import LARGEST_UNIT, SMALLEST_PART, cut, group


def pairs(contents, each, *, reference=True):
    return [
        Pair(f"{c}-{i}", Path(f"{c}-{i}.png"), Path(f"{c}.png") if reference else None, f"{c}", 1.0)
        for c in range(contents)
        for i in range(each)
    ]


def grouped(every, n_metrics, missing=None):
    ids = frozenset(pair.id for pair in every)
    names = {f"m{i}": i for i in range(n_metrics)}
    return group(every, names, {name: (missing or {}).get(name, ids) for name in names})


def work(units):
    """How often each (metric, pair) is asked for."""
    return Counter((wanted.metric, pair) for unit in units for wanted in unit.wanted for pair in wanted.pairs)


def equal(metric):
    return 1.0


def cost(unit, seconds=equal):
    return sum(len(wanted.pairs) * seconds(wanted.metric) for wanted in unit.wanted)


def test_one_unit_per_content_and_only_what_is_missing():
    every = pairs(3, 4)
    units = grouped(every, 2, {"m0": frozenset({"0-1"}), "m1": frozenset({"0-2", "1-0"})})
    assert [unit.content for unit in units] == ["0", "1"]
    assert [pair.id for pair in units[0].pairs] == ["0-1", "0-2"]
    assert [wanted.metric for wanted in units[1].wanted] == ["m1"]
    assert work(units) == {("m0", "0-1"): 1, ("m1", "0-2"): 1, ("m1", "1-0"): 1}


def test_metrics_that_miss_the_same_pairs_share_one_set():
    (unit,) = grouped(pairs(1, 4), 3)
    assert len({id(wanted.pairs) for wanted in unit.wanted}) == 1


@pytest.mark.parametrize("workers", [1, 2, 16, 256])
@pytest.mark.parametrize(
    ("contents", "each", "metrics"), [(50, 116, 6), (25, 120, 4), (13, 16, 36), (1, 3, 2), (2, 900, 1)]
)
def test_every_cut_holds_all_the_work_once(workers, contents, each, metrics):
    whole = grouped(pairs(contents, each), metrics)
    pieces = cut(whole, workers, equal)
    assert work(pieces) == work(whole)
    assert all({pair.id for pair in unit.pairs} == set().union(*(w.pairs for w in unit.wanted)) for unit in pieces)
    assert all(len(unit.pairs) <= LARGEST_UNIT for unit in pieces)
    assert all(a >= b for a, b in pairwise(map(cost, pieces)))


@pytest.mark.parametrize(("contents", "each"), [(200, 116), (81, 125), (25, 120)])
def test_256_workers_are_all_busy_until_shortly_before_the_end(contents, each):
    pieces = cut(grouped(pairs(contents, each), 40), 256, equal)
    assert makespan(pieces, 256) < 1.12 * contents * each * 40 / 256
    assert min(len(unit.pairs) for unit in pieces) >= SMALLEST_PART


def makespan(units, workers):
    """When the last of the workers ends, each taking the next unit when it is free."""
    ends = [0.0] * workers
    for unit in units:
        soonest = ends.index(min(ends))
        ends[soonest] += cost(unit)
    return max(ends)


def test_few_workers_get_whole_contents():
    assert len(cut(grouped(pairs(200, 116), 4), 2, equal)) == 200


def test_an_expensive_metric_is_set_apart_when_workers_outnumber_the_pairs():
    def seconds(metric):
        return 30.0 if metric == "m3" else 1.0

    pieces = cut(grouped(pairs(1, 8), 4), 8, seconds)
    assert ["m3"] in [[wanted.metric for wanted in unit.wanted] for unit in pieces]
    assert len(pieces) == 4


def test_cheap_metrics_are_not_set_apart_from_each_other():
    """Decoding the images twice would cost more than two workers gain."""
    assert len(cut(grouped(pairs(1, 8), 4), 8, lambda metric: 0.001)) == 1


def test_one_worker_gets_whole_contents_in_the_order_of_their_cost():
    assert len(cut(grouped(pairs(4, 6), 3), 1, equal)) == 4


def test_pairs_without_references_are_cut_too():
    pieces = cut(grouped(pairs(1000, 1, reference=False), 5), 64, equal)
    assert makespan(pieces, 64) < 1.2 * 5000 / 64
    assert sum(map(cost, pieces)) == 5000


@pytest.mark.parametrize("workers", [3, 500])
def test_scores_are_the_same_bits_however_fine_the_cut(toy, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("benchmark.units.SMALLEST_PART", 1)
    exports, counts = [], []
    for n in (1, workers):
        with Store(tmp_path / str(n) / "scores.sqlite") as store:
            todo = plan(store, Registry((PLUGIN,)), "toy", ["psnr", "ssim", "gmsd", "difference", "swapped"], toy)
            todo.units = cut(todo.units, n, equal)
            execute(store, todo, LocalExecutor(WorkerSetup((PLUGIN,)), 1))
            exports.append(store.export())
            counts.append(len(todo.units))
    assert exports[0] == exports[1]
    assert counts[0] < counts[1]


def test_a_unit_is_only_data():
    """What travels to another machine holds no open file, image or scorer."""
    import pickle

    (unit,) = grouped(pairs(1, 116), 40)
    travelling = pickle.dumps(unit)
    assert pickle.loads(travelling) == unit  # noqa: S301  our own bytes
    assert len(travelling) < 20_000
