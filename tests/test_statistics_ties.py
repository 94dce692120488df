"""Ties within a tolerance: which scores become one, by cases made by hand and by what must hold for any scores."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmark.statistics import evaluate, kendall, spearman, tied


@pytest.mark.parametrize(
    ("scores", "groups"),
    [
        ([1.0, 1.0 + 1e-15, 1.0 - 1e-15], [[0, 1, 2]]),
        ([0.0, 0.5, 5.0], [[0, 1], [2]]),
        ([0.0, 2.0, 4.0], [[0], [1], [2]]),
        # a chain, each within the tolerance of the next: cut at its widest gap, so that the closest stay together
        ([0.0, 0.6, 1.0, 1.0 + 1e-15], [[0], [1, 2, 3]]),
        ([0.0, 0.1, 0.9, 1.0, 1.8, 1.9], [[0, 1], [2, 3], [4, 5]]),
        # evenly spaced: no gap is wider than another, and no cut better than another
        ([0.0, 0.75, 1.5, 2.25], [[0], [1], [2], [3]]),
        ([3.0, 3.0, 9.0], [[0, 1], [2]]),
    ],
)
def test_scores_within_the_tolerance_become_one(scores, groups) -> None:
    for sign in (1.0, -1.0):
        values = tied(sign * np.array(scores), 1.0)
        found = {tuple(np.flatnonzero(values == value)) for value in values}
        assert found == {tuple(group) for group in groups}


def test_what_is_alone_keeps_its_bits_and_infinity_and_nan_stay() -> None:
    scores = np.array([0.1, math.inf, math.nan, 7.3, -math.inf, 1e300, -1e308, 1.7e308])
    assert_array_equal(tied(scores, 1e-6), scores)
    assert_array_equal(tied([1.0, 1.5], 0.0), [1.0, 1.5])
    assert_array_equal(tied([], 1.0), [])


@pytest.mark.parametrize("seed", range(20))
def test_no_score_moves_by_more_than_the_tolerance_nor_past_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.exponential(size=300), int(rng.integers(1, 6)))
    values = tied(scores, 0.01)
    assert np.all(np.abs(values - scores) <= 0.01 + 1e-15)
    order = np.argsort(scores, kind="stable")
    assert np.all(np.diff(values[order]) >= 0)
    shuffled = rng.permutation(300)
    assert_array_equal(tied(scores[shuffled], 0.01), values[shuffled])
    noisy = tied(scores + rng.choice([0.0, 1e-12], size=300), 0.01)
    for one, other in pairwise(order):
        if scores[one] == scores[other]:  # equal but for noise: equal still, however dense the scores are
            assert noisy[one] == noisy[other]


def test_infinite_scores_share_the_highest_rank_and_count_as_a_number_elsewhere() -> None:
    """Against scipy on the same scores with infinity written as a number above all, and as the cap."""
    import scipy.stats

    rng = np.random.default_rng(4)
    labels = rng.normal(size=60)
    scores = 40 + 8 * labels + 6 * rng.normal(size=60)
    scores[np.argsort(labels)[-7:]] = math.inf
    contents = np.repeat(np.arange(10), 6)
    highest = scores[np.isfinite(scores)].max()
    above = np.where(np.isinf(scores), 1e6, scores)
    for declared in (60.0, 30.0):
        found = evaluate({"psnr": scores}, labels, contents, infinite_as={"psnr": declared}, replicates=100)
        statistics = found.statistics["psnr"]
        np.testing.assert_allclose(statistics["srcc"].value, scipy.stats.spearmanr(above, labels).statistic)
        np.testing.assert_allclose(statistics["krcc"].value, scipy.stats.kendalltau(above, labels).statistic)
        finite = np.where(np.isinf(scores), max(declared, highest), scores)
        np.testing.assert_allclose(statistics["plcc_raw"].value, scipy.stats.pearsonr(finite, labels).statistic)
        same = evaluate({"psnr": finite}, labels, contents, replicates=100).statistics["psnr"]
        assert statistics["rmse"].value == same["rmse"].value
        for name in ("plcc_raw", "plcc", "rmse"):
            assert f"7 infinite scores count as {max(declared, highest):.6g}" in statistics[name].method
        for name in ("srcc", "krcc"):
            assert "infinite" not in statistics[name].method
        np.testing.assert_array_equal(
            found.resamples["psnr"], evaluate({"a": above}, labels, contents, replicates=100).resamples["a"]
        )


def test_all_scores_infinite_are_constant() -> None:
    labels, contents = np.arange(12.0), np.repeat(np.arange(4), 3)
    found = evaluate({"psnr": np.full(12, math.inf)}, labels, contents, infinite_as={"psnr": 60.0})
    assert {estimate.method for estimate in found.statistics["psnr"].values()} == {"undefined: constant scores"}


@pytest.mark.parametrize("bad", [-math.inf, math.nan])
def test_only_infinity_in_the_best_direction_is_a_score(bad: float) -> None:
    scores = np.array([1.0, math.inf, bad, 4.0])
    with pytest.raises(ValueError, match="expected finite numbers"):
        evaluate({"psnr": scores}, np.arange(4.0), np.arange(4), infinite_as={"psnr": 60.0})
    with pytest.raises(ValueError, match="expected finite numbers, got inf at position 1"):
        evaluate({"psnr": np.array([1.0, math.inf, 2.0])}, np.arange(3.0), np.arange(3))


def test_six_identical_pairs_have_no_correlation() -> None:
    """What metrics give for equal images differs in the last bits: .563 for vif on six such pairs, ranked as it was."""
    noise = 1.0 + np.array([0.0, 2.2e-16, -3e-15, 1e-15, 4.4e-16, -2e-15])
    labels = np.array([4.5, 4.7, 4.6, 4.9, 4.8, 4.4])
    assert abs(spearman(noise, labels)) > 0.1
    assert np.isnan(spearman(tied(noise, 1e-6), labels))
    assert np.isnan(kendall(tied(noise, 1e-6), labels))
