"""Paired tests against classical tests, Holm by hand, groups of the board by hand-made comparisons."""

import numpy as np
import pytest
import scipy.stats

from benchmark.statistics import Comparison, PairedTest, compare, evaluate, pearson, spearman
from benchmark.statistics.comparison import holm
from benchmark.types import Estimate


def _two_metrics(n: int, second_noise: float, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=n)
    shared = rng.normal(size=n)
    first = labels + 0.5 * shared + 0.6 * rng.normal(size=n)
    return {"a": first, "b": labels + 0.5 * shared + second_noise * rng.normal(size=n)}, labels


def _williams_t(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> float:
    """Williams' t (1959) for two correlations that share the labels; Steiger 1980, eq. 7."""
    n = len(labels)
    r = np.corrcoef([labels, first, second])
    determinant = np.linalg.det(r)
    mean = (r[0, 1] + r[0, 2]) / 2
    below = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r[1, 2]) ** 3
    return (r[0, 1] - r[0, 2]) * np.sqrt((n - 1) * (1 + r[1, 2]) / below)


@pytest.mark.parametrize("second_noise", [0.6, 0.75, 0.9])
def test_without_clusters_the_paired_test_agrees_with_williams_t(second_noise: float) -> None:
    metrics, labels = _two_metrics(250, second_noise, seed=7)
    test = compare(metrics, labels, np.arange(250), statistic="plcc_raw", replicates=4000).test("a", "b")
    t = scipy.stats.t.isf(test.p / 2, 249) * np.sign(test.difference.value)
    np.testing.assert_allclose(t, _williams_t(metrics["a"], metrics["b"], labels), rtol=0.1, atol=0.1)


def test_with_clusters_the_paired_test_agrees_with_swapping_the_metrics_of_whole_contents() -> None:
    rng = np.random.default_rng(11)
    contents = np.repeat(np.arange(30), 16)
    labels = rng.normal(size=480)
    ranked = {}
    for name, noise in (("a", 0.5), ("b", 0.6)):
        ranked[name] = labels + noise * rng.normal(size=480) + 0.4 * rng.normal(size=30)[contents]
    difference = spearman(ranked["a"], labels) - spearman(ranked["b"], labels)
    swapped = []
    for _ in range(1500):
        swap = rng.integers(0, 2, size=30).astype(bool)[contents]
        a, b = np.where(swap, ranked["b"], ranked["a"]), np.where(swap, ranked["a"], ranked["b"])
        swapped.append(spearman(a, labels) - spearman(b, labels))
    p = np.mean(np.abs(swapped) >= abs(difference))
    test = compare(ranked, labels, contents, replicates=2000).test("a", "b")
    np.testing.assert_allclose(test.p, p, atol=0.05)
    np.testing.assert_allclose(test.difference.value, difference)


def test_holm_equals_the_correction_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, np.nan, 0.9]), [1.0, np.nan, 1.0])
    assert holm([]) == []


def test_a_comparison_turns_with_the_order_in_which_it_is_asked() -> None:
    metrics, labels = _two_metrics(120, 0.9, seed=1)
    comparison = compare(metrics, labels, np.repeat(np.arange(20), 6))
    there, back = comparison.test("a", "b"), comparison.test("b", "a")
    assert (
        there.difference.value
        == -back.difference.value
        == spearman(metrics["a"], labels) - spearman(metrics["b"], labels)
    )
    assert (there.difference.low, there.difference.high) == (-back.difference.high, -back.difference.low)
    assert (there.p, there.p_holm) == (back.p, back.p_holm)
    assert there.p_holm == there.p
    with pytest.raises(KeyError, match="a and c were not compared"):
        comparison.test("a", "c")


def test_one_metric_under_two_names_does_not_differ() -> None:
    metrics, labels = _two_metrics(120, 0.9, seed=1)
    test = compare({"a": metrics["a"], "same": metrics["a"].copy()}, labels, np.repeat(np.arange(20), 6)).test(
        "a", "same"
    )
    assert test.difference.value == 0.0
    assert test.p == 1.0


def test_metrics_that_differ_by_the_order_of_summing_alone_do_not_differ() -> None:
    labels = np.array([1.0, 1, 2, 2, 3, 3, 4, 4, 5])
    first = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    second = np.array([2.0, 1, 4, 3, 6, 5, 8, 7, 9])  # other orders among equal labels: the same SRCC but for rounding
    test = compare({"a": first, "b": second}, labels, np.arange(9), statistic="srcc", replicates=500).test("a", "b")
    assert test.difference.value == 0.0
    assert spearman(first, labels) == pytest.approx(spearman(second, labels), abs=1e-15)


def test_compare_equals_the_comparison_of_evaluate_for_every_statistic() -> None:
    metrics, labels = _two_metrics(120, 0.9, seed=2)
    contents = np.repeat(np.arange(20), 6)
    for statistic in ("srcc", "krcc", "plcc_raw", "plcc", "rmse"):
        comparison = compare(metrics, labels, contents, statistic=statistic, replicates=100)
        assert comparison == evaluate(metrics, labels, contents, statistic=statistic, replicates=100).comparison
        assert comparison.statistic == statistic
    with pytest.raises(ValueError, match="expected one of srcc, krcc"):
        compare(metrics, labels, contents, statistic="spearman")


def _comparison(p: dict[tuple[str, str], float]) -> Comparison:
    return Comparison("srcc", tuple(PairedTest(a, b, Estimate(0.1), value, value) for (a, b), value in p.items()))


def test_tie_groups_measure_each_metric_against_the_leader_of_its_group() -> None:
    comparison = _comparison(
        {("a", "b"): 0.2, ("a", "c"): 0.01, ("b", "c"): 0.6, ("a", "d"): 0.001, ("b", "d"): 0.04, ("c", "d"): 0.3}
    )
    assert comparison.tie_groups(["a", "b", "c", "d"]) == [["a", "b"], ["c", "d"]]
    assert comparison.tie_groups(["a", "b", "c", "d"], alpha=0.005) == [["a", "b", "c"], ["d"]]
    assert comparison.tie_groups([]) == []


def test_undefined_metrics_stand_apart_from_defined_ones() -> None:
    metrics, labels = _two_metrics(120, 0.6, seed=1)
    metrics |= {"flat": np.ones(120), "flat too": np.zeros(120)}
    comparison = compare(metrics, labels, np.repeat(np.arange(20), 6))
    assert comparison.tie_groups(["a", "b", "flat", "flat too"]) == [["a", "b"], ["flat", "flat too"]]
    assert np.isnan(comparison.test("a", "flat").p)
    assert np.isfinite(comparison.test("a", "b").p_holm)
    assert comparison.test("a", "flat").difference.method == "undefined: flat"


def test_clear_differences_are_found_and_their_sign_is_right() -> None:
    metrics, labels = _two_metrics(320, 3.0, seed=5)
    test = compare(metrics, labels, np.repeat(np.arange(20), 16), statistic="plcc_raw").test("a", "b")
    np.testing.assert_allclose(test.difference.value, pearson(metrics["a"], labels) - pearson(metrics["b"], labels))
    assert 0 < test.difference.low < test.difference.value < test.difference.high
    assert test.p < 1e-6
