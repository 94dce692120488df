"""A whole small run in this process: decode, score, commit; 2 contents of 12 pairs, 288 x 288 BMPs."""

import sys
from itertools import count
from pathlib import Path

import pytest

from benchmark.registry import Registry
from benchmark.runner import execute, plan
from benchmark.scoring import UnitScorer, WorkerSetup
from benchmark.store import Store

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from pipal_shape import Shape, make

SETS = {"psnr": ["psnr"], "four": ["psnr", "ssim", "ms-ssim", "gmsd"]}


class InThisProcess:
    """The simplest executor there is."""

    def __init__(self, scorer):
        self.scorer = scorer

    def results(self, units):
        for unit in units:
            yield unit, self.scorer(unit)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return f"table:{make(Shape(contents=2, distorted=12), tmp_path_factory.mktemp('pipal'))}"


@pytest.fixture(scope="module")
def scorer():
    """With all metrics loaded, as a worker has them after its first unit."""
    return UnitScorer(Registry(), WorkerSetup())


@pytest.mark.parametrize("metrics", SETS)
def test_score_the_units_alone(benchmark, table, scorer, metrics, tmp_path):
    with Store(tmp_path / "scores.sqlite") as store:
        units = plan(store, scorer.registry, table, SETS[metrics], None).units
    results = benchmark.pedantic(lambda: [scorer(unit) for unit in units], rounds=5, warmup_rounds=1)
    assert sum(len(part.scores) for result in results for part in result.results) == 24 * len(SETS[metrics])


@pytest.mark.parametrize("metrics", SETS)
def test_plan_and_execute(benchmark, table, scorer, metrics, tmp_path):
    folders = count()

    def run():
        with Store(tmp_path / str(next(folders)) / "scores.sqlite") as store:
            todo = plan(store, scorer.registry, table, SETS[metrics], None)
            return execute(store, todo, InThisProcess(scorer))

    outcome = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert outcome.n_scored == 24 * len(SETS[metrics])
    assert outcome.complete
