"""Intervals cover the truth, and paired tests cry wolf, about as often as they say; measured on simulated contents.

The seeds are fixed, so a result is the same each time; `python tests/coverage_simulation.py` prints the full tables.
"""

import pytest
from coverage_simulation import WORLDS, coverage, false_positives

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
    assert cells["product"] >= 0.89
    assert cells["product"] > cells["pairs-level percentile"] + 0.05
