"""Replicates from weights per content equal scipy's statistics of the resample written out."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.special
import scipy.stats

from benchmark.statistics import interpolation
from benchmark.statistics.fit_replicates import FitReplicates
from benchmark.statistics.interpolation import moved_sums
from benchmark.statistics.logistic import fit_logistic
from benchmark.statistics.rank_replicates import spearman_replicates
from benchmark.statistics.replicates import kendall_replicates, pearson_replicates
from benchmark.statistics.resampling import Clusters, clusters_of, draw


def _sample(n_contents: int, levels: int | None, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and contents of unequal sizes in mixed order; tied when rounded to `levels`."""
    rng = np.random.default_rng(seed)
    contents = rng.permutation(np.repeat(np.arange(n_contents), rng.integers(1, 9, n_contents)))
    labels = rng.normal(size=len(contents)) + rng.normal(size=n_contents)[contents]
    scores = labels + rng.normal(size=len(contents))
    if levels:
        labels, scores = np.round(labels * levels), np.round(scores * levels)
    return scores, labels, contents


def _written_out(clusters: Clusters, weights: np.ndarray) -> np.ndarray:
    """Positions of the resample's pairs, copies included."""
    return np.repeat(np.arange(len(clusters.codes)), weights[clusters.codes].astype(int))


@pytest.mark.parametrize("levels", [None, 1, 3])
@pytest.mark.parametrize("n_contents", [3, 13])
@pytest.mark.parametrize(
    ("replicate", "statistic"),
    [
        (spearman_replicates, scipy.stats.spearmanr),
        (kendall_replicates, scipy.stats.kendalltau),
        (lambda columns, *rest: [pearson_replicates(columns[0], *rest)], scipy.stats.pearsonr),
    ],
    ids=["spearman", "kendall", "pearson"],
)
def test_each_replicate_equals_scipy_on_the_resample_written_out(
    replicate: Callable, statistic: Callable, n_contents: int, levels: int | None
) -> None:
    scores, labels, contents = _sample(n_contents, levels, seed=n_contents)
    clusters = clusters_of(contents, length=len(labels))
    x, y = scores[clusters.order], labels[clusters.order]
    weights = draw(len(clusters), replicates=60, seed=5)
    rows = replicate([x], y, clusters, weights)[0]
    for row, weight in zip(rows, weights, strict=True):
        at = _written_out(clusters, weight)
        constant = len(set(x[at])) == 1 or len(set(y[at])) == 1
        expected = np.nan if constant else statistic(x[at], y[at]).statistic
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize(("n_contents", "tolerance"), [(13, 0.004), (40, 0.001)])
def test_one_gauss_newton_step_comes_close_to_refitting_each_resample(
    parameters: int, n_contents: int, tolerance: float
) -> None:
    rng = np.random.default_rng(n_contents)
    contents = np.repeat(np.arange(n_contents), 16)
    scores = rng.normal(size=len(contents)) * 1.5
    labels = 60 / (1 + np.exp(-1.4 * (scores - 0.3))) + 4 * rng.normal(size=n_contents)[contents]
    labels += 6 * rng.normal(size=len(contents))
    clusters = clusters_of(contents, length=len(labels))
    weights = draw(n_contents, replicates=80, seed=1)
    refits = FitReplicates(fit_logistic(scores, labels, parameters=parameters), scores, labels, clusters, weights)
    refits.compute(slice(0, 80))
    full_plcc, full_rmse = [], []
    for weight in weights:
        at = _written_out(clusters, weight)
        mapped = fit_logistic(scores[at], labels[at], parameters=parameters).predict(scores[at])
        full_plcc.append(scipy.stats.pearsonr(mapped, labels[at]).statistic)
        full_rmse.append(np.sqrt(np.mean((mapped - labels[at]) ** 2)))
    print(
        np.abs(refits.plcc - full_plcc).max(),
        np.abs(refits.rmse / full_rmse - 1).max(),
        np.std(full_plcc),
        np.std(refits.plcc),
    )
    assert np.abs(refits.plcc - full_plcc).max() < tolerance
    np.testing.assert_allclose(np.std(refits.plcc), np.std(full_plcc), rtol=0.02)
    np.testing.assert_allclose(np.std(refits.rmse), np.std(full_rmse), rtol=0.02)


@pytest.mark.parametrize("spread", [0.02, 0.15, 2.0])
def test_sums_over_a_sigmoid_that_moves_equal_those_computed_anew_for_each_resample(spread: float) -> None:
    rng = np.random.default_rng(2)
    clusters = clusters_of(np.repeat(np.arange(40), 150), length=6000)
    t, v = 3 * rng.standard_t(3, size=6000), rng.normal(size=6000)
    weights = draw(40, replicates=300, seed=1)
    steps = np.clip(spread * rng.normal(size=(300, 2)), -2.0, [2.0, 0.7])
    found = moved_sums(t, v, 0.3, steps, clusters, weights)
    for row in range(300):
        z = scipy.special.expit((t - steps[row, 0]) / np.exp(steps[row, 1])) - 0.3
        w = weights[row][clusters.codes]
        expected = [w @ z, w @ z**2, w @ (z * t), w @ (z * v)]
        np.testing.assert_allclose(found[row] / 6000, np.array(expected) / 6000, rtol=0, atol=1e-11)


def test_small_steps_are_interpolated_and_not_computed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    clusters = clusters_of(np.repeat(np.arange(40), 150), length=6000)
    direct: list[int] = []
    plain = interpolation._direct_sums
    monkeypatch.setattr(
        interpolation, "_direct_sums", lambda t, v, c, steps, *r: direct.append(len(steps)) or plain(t, v, c, steps, *r)
    )
    steps = 0.02 * rng.normal(size=(300, 2))
    steps[:3] = 1.5, 0.1
    moved_sums(rng.normal(size=6000), rng.normal(size=6000), 0.5, steps, clusters, draw(40, replicates=300, seed=1))
    assert sum(direct) == 3


def test_a_nearly_flat_sigmoid_loses_no_digits() -> None:
    rng = np.random.default_rng(4)
    contents = np.repeat(np.arange(40), 150)
    quality = rng.normal(size=6000) + 0.3 * rng.normal(size=40)[contents]
    scores, labels = np.exp(quality + 0.5 * rng.normal(size=6000)), 15 * np.tanh(quality + 1) + rng.normal(size=6000)
    clusters, weights = clusters_of(contents, length=6000), draw(40, replicates=200, seed=1)
    fit = fit_logistic(scores, labels)
    refits = FitReplicates(fit, scores, labels, clusters, weights)
    refits.compute(slice(0, 200))
    assert np.std(refits.z) < 1e-3
    t, v = refits.t.astype(np.longdouble), labels.astype(np.longdouble)
    for row, step in enumerate(refits.steps):
        w = weights[row][contents].astype(np.longdouble)
        best = -1.0
        for midpoint, log_scale in ((0.0, 0.0), step):
            z = 1 / (1 + np.exp(-(t - midpoint) * np.exp(-np.longdouble(log_scale))))
            x, y = z - (w @ z) / w.sum(), v - (w @ v) / w.sum()
            best = max(best, float((w @ (x * y)) / np.sqrt((w @ (x * x)) * (w @ (y * y)))))
        np.testing.assert_allclose(refits.plcc[row], best, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_points_ahead_in_both_are_counted_as_by_hand(seed: int) -> None:
    from benchmark.statistics.dominance import Dominance

    rng = np.random.default_rng(seed)
    n, questions, highest = int(rng.integers(1, 200)), 150, int(rng.integers(1, 300))
    x, y = rng.integers(0, highest, size=(2, n))
    at_x, at_y = rng.integers(0, highest + 70, size=(2, questions))  # some beyond all points
    expected = (np.sign(at_x[:, None] - x) * np.sign(at_y[:, None] - y)).sum(axis=1)
    np.testing.assert_array_equal(Dominance(x, y).balance(at_x, at_y), expected)


def test_large_contents_are_counted_without_a_table_and_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.statistics import replicates

    rng = np.random.default_rng(8)
    labels = np.round(rng.normal(size=900), 1)
    columns = [np.round(labels + rng.normal(size=900), places) for places in (0, 1, 8)]
    clusters = clusters_of(np.repeat(np.arange(4), [700, 120, 79, 1]), length=900)
    weights = draw(4, replicates=30, seed=1)
    with_tables = []
    for large in (10**9, 0):
        monkeypatch.setattr(replicates, "LARGE", large)
        with_tables.append(kendall_replicates(columns, labels, clusters, weights))
    np.testing.assert_array_equal(*with_tables)


def test_one_content_of_very_many_pairs_needs_no_memory_that_grows_with_their_square() -> None:
    """A table of the places of 60,000 pairs would hold 14 thousand million numbers."""
    import tracemalloc

    rng = np.random.default_rng(9)
    labels, scores = rng.normal(size=(2, 61_000))
    clusters = clusters_of(np.repeat(np.arange(3), [60_000, 500, 500]), length=61_000)
    tracemalloc.start()
    (row,) = kendall_replicates([scores], labels, clusters, 1.0 - np.eye(3), threads=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 61_000 * 17 * 8 * 20  # n log n numbers, some twenty times
    expected = scipy.stats.kendalltau(scores[60_000:], labels[60_000:]).statistic
    np.testing.assert_allclose(row[0], expected, atol=1e-12)


def test_perfect_resamples_are_exactly_at_the_end_and_never_beyond() -> None:
    """The roots of 2 and 3 pairs, multiplied, are 1e-16 off: 1.0000000000000002 has no Fisher z."""
    clusters = clusters_of(np.repeat(np.arange(4), 3), length=12)
    labels = np.arange(12.0)
    weights = draw(4, replicates=500, seed=0)
    (row,) = kendall_replicates([labels], labels, clusters, weights)
    assert row.max() <= 1.0
    np.testing.assert_allclose(row, 1.0, atol=1e-15)
