"""Intervals cover the truth, and paired tests cry wolf, about as often as they say; measured on simulated contents.

The seeds are fixed, so a result is the same each time; `python tests/coverage_simulation.py` prints the full tables.
"""

import numpy as np
import pytest
import scipy.stats
from coverage_simulation import WORLDS, coverage, false_positives

from benchmark.statistics import STATISTICS, agreement_statistics
from benchmark.statistics.intervals import bootstrap_interval
from benchmark.statistics.resampling import clusters_of

GOOD, MIDDLING, POOR, HEAVY = WORLDS


@pytest.mark.parametrize(
    ("world", "contents"), [(GOOD, 13), (POOR, 30)], ids=lambda value: getattr(value, "name", value)
)
def test_srcc_intervals_cover_the_truth_about_95_percent_of_the_time_and_naive_ones_do_not(world, contents) -> None:
    cells = coverage(world, "srcc", contents, sets=300, replicates=200)
    assert 0.915 <= cells["product"] <= 0.985  # 2.8 standard errors of 300 sets below 95 %
    assert cells["pairs-level percentile"] < 0.87


def test_paired_tests_find_a_difference_between_equal_metrics_about_5_percent_of_the_time() -> None:
    cells = false_positives(GOOD, "srcc", 13, sets=200, replicates=200)
    assert 0.015 <= cells["product"] <= 0.08
    assert cells["pairs-level percentile"] > 0.15


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["srcc", "krcc", "plcc_raw", "plcc", "rmse"])
@pytest.mark.parametrize("world", [GOOD, MIDDLING, POOR], ids=lambda world: world.name)
def test_intervals_of_every_statistic_cover_the_truth_at_least_nine_times_in_ten(world, statistic: str) -> None:
    cells = coverage(world, statistic, 13, sets=150, replicates=200)
    assert cells["product"] >= 0.84  # 2.5 standard errors of 150 sets below the 90 % that the README states
    assert cells["product"] > cells["pairs-level percentile"] + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["srcc", "krcc", "plcc_raw", "plcc", "rmse"])
@pytest.mark.parametrize("contents", [5, 6, 8, 10])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_intervals_of_few_contents_cover_the_truth_as_often_as_the_board_says(world, contents, statistic: str) -> None:
    cells = coverage(world, statistic, contents, sets=150, replicates=200)
    assert cells["product"] >= 0.80  # 2.6 standard errors of 150 sets below the 87 % of the board's sentence
    assert cells["product"] > cells["percentile"]


@pytest.mark.slow
@pytest.mark.parametrize("contents", [4, 5, 6])
def test_krcc_intervals_of_few_contents_with_few_pairs_cover_the_truth(contents: int) -> None:
    assert coverage(GOOD, "krcc", contents, sets=300, replicates=200, pairs=5)["product"] >= 0.93


def _few_levels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five contents at five levels each: the metric ranks the levels of one content almost perfectly, contents less so.

    Labels, scores, contents (25,).
    """
    rng = np.random.default_rng(22)
    level, content = np.tile(np.arange(5.0), 5), np.repeat(np.arange(5), 5)
    labels = level + rng.normal(0, 0.15, 5)[content] + rng.normal(0, 0.15, 25)
    return labels, level + rng.normal(0, 0.35, 5)[content] + rng.normal(0, 0.1, 25), content


def test_resamples_at_the_end_of_the_scale_do_not_destroy_an_interval() -> None:
    """By hand: 4,000 resamples of the five contents, written out; their range is what the interval may not dwarf."""
    labels, scores, content = _few_levels()
    rng = np.random.default_rng(0)
    by_hand = []
    for _ in range(4000):
        at = np.concatenate([np.flatnonzero(content == one) for one in rng.integers(0, 5, 5)])
        by_hand.append(scipy.stats.kendalltau(scores[at], labels[at]).statistic)
    low, high = np.quantile(by_hand, [0.025, 0.975])
    estimate = agreement_statistics(scores, labels, content)["krcc"]
    assert min(by_hand) > 0.5
    assert estimate.low < low
    assert estimate.high < 0.95 < max(by_hand)
    # Student's t with 3.8 degrees of freedom is 2.8 wide where the normal is 1.96, and the bias counts on both sides
    assert estimate.high - estimate.low < 4 * (high - low)


@pytest.mark.parametrize("name", ["krcc", "plcc", "rmse", "auc_better"])
def test_an_interval_does_not_depend_on_how_near_to_the_end_a_resample_lies(name: str) -> None:
    """Exactly 1, or 1 less a rounding error: both are the end of the scale, and no row falls to another scale by it."""
    clusters, scale = clusters_of(np.arange(6), length=6), STATISTICS[name].scale
    drawn = np.random.default_rng(0).normal(0.7, 0.05, size=206)
    near = [0.0, 1e-16, 1e-13] if name == "rmse" else [1.0, 0.9999999999999999, 1.0 - 1e-13]
    estimates = []
    for end in near:
        drawn[[3, 50, 120]] = end
        estimates.append(bootstrap_interval(0.7, drawn, clusters, scale=scale, confidence=0.95))
    for estimate in estimates:
        np.testing.assert_allclose((estimate.low, estimate.high), (estimates[0].low, estimates[0].high), rtol=1e-6)
        assert scale.name in estimate.method
        assert 0.35 < estimate.low < 0.7 < estimate.high < (1.1 if name == "rmse" else 0.95)
