"""Values against scipy, published tables, brute force and hand-made cases."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmark.statistics import (
    BASIC,
    WITH_LABEL_NOISE,
    agreement_statistics,
    evaluate,
    kendall,
    pearson,
    spearman,
)

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("levels", [0, 1, 4])
@pytest.mark.parametrize("n", [3, 4, 30, 500])
def test_correlations_equal_scipy_with_and_without_ties(n: int, levels: int) -> None:
    rng = np.random.default_rng(n + levels)
    scores, labels = rng.normal(size=(2, n)) + np.linspace(0, 3, n)
    if levels:
        scores, labels = np.round(scores * levels), np.round(labels * levels)
    np.testing.assert_allclose(spearman(scores, labels), scipy.stats.spearmanr(scores, labels).statistic, atol=1e-12)
    np.testing.assert_allclose(kendall(scores, labels), scipy.stats.kendalltau(scores, labels).statistic, atol=1e-12)
    np.testing.assert_allclose(pearson(scores, labels), scipy.stats.pearsonr(scores, labels).statistic, atol=1e-12)


def _published(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "reference/published/published.csv")
    return table[table.source.str.startswith("VQMTCrossVal")]


def test_all_published_correlations_of_tid2013_and_csiq_come_out_to_six_digits(shared: Path) -> None:
    folder = shared / "reference/per_image_scores"
    tid, csiq = pd.read_csv(folder / "TID2013.VQMT.csv"), pd.read_csv(folder / "csiq.VQMT.csv")
    columns = {"dssim": "DSSIM", "ssimulacra": "SSIMULACRA", "butteraugli": "Butteraugli"}
    published = _published(shared)
    assert len(published) == 12
    for row in published.itertuples():
        table, label = (tid, tid.mos) if row.dataset == "tid2013" else (csiq, csiq.dmos)
        statistic = {"srcc": spearman, "krcc": kendall}[row.statistic]
        value = statistic(table[columns[row.metric]], label)
        np.testing.assert_allclose(value, row.value, rtol=0, atol=6e-7, err_msg=f"{row.dataset} {row.metric}")


def test_oriented_real_metrics_are_positive_and_reversed_ones_negative(shared: Path) -> None:
    table = pd.read_csv(shared / "reference/per_image_scores/csiq.VQMT.csv")
    quality, labels = -table.DSSIM.to_numpy(), -table.dmos.to_numpy()
    evaluation = evaluate({"dssim": quality, "reversed": -quality}, labels, table.image, replicates=50)
    for key in ("srcc", "krcc", "plcc_raw", "plcc"):
        right, wrong = evaluation.statistics["dssim"][key], evaluation.statistics["reversed"][key]
        assert right.value > 0.79
        assert wrong.value < -0.79
        assert wrong.low < wrong.value < wrong.high < 0
    assert "do not rise" in evaluation.statistics["reversed"]["plcc"].method
    assert evaluation.comparison.tie_groups(["dssim", "reversed"]) == [["dssim"], ["reversed"]]


def test_perfectly_reversed_scores_have_plcc_minus_one_after_the_fit() -> None:
    labels = np.linspace(0, 9, 60)
    statistics = agreement_statistics(-labels, labels, np.repeat(np.arange(6), 10), replicates=50)
    np.testing.assert_allclose(statistics["plcc"].value, -1.0)
    np.testing.assert_allclose(statistics["rmse"].value, labels.std())


@pytest.mark.parametrize("statistic", [spearman, kendall, pearson])
def test_constants_and_fewer_than_three_pairs_are_nan(statistic) -> None:
    assert np.isnan(statistic([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert np.isnan(statistic([1.0, 2.0, 3.0, 4.0, 5.0], [0.1] * 5))
    assert np.isnan(statistic([1.0, 2.0], [1.0, 2.0]))
    assert np.isnan(statistic([], []))


def test_constant_scores_are_undefined_with_the_reason_in_every_statistic() -> None:
    contents = np.repeat(np.arange(5), 4)
    statistics = agreement_statistics(np.ones(20), np.arange(20.0), contents, label_std=np.ones(20), n_ratings=20)
    assert set(statistics) == {*BASIC, *WITH_LABEL_NOISE}
    for estimate in statistics.values():
        assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
        assert estimate.method == "undefined: constant scores"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["scores", "labels"])
def test_numbers_that_are_not_finite_are_refused_by_name_and_position(which: str, bad: float) -> None:
    arrays = {"scores": np.arange(6.0), "labels": np.arange(6.0)}
    arrays[which][4] = bad
    message = rf"{which}: expected finite numbers, got {bad} at position 4 \(1 of 6"
    for statistic in (spearman, kendall, pearson):
        with pytest.raises(ValueError, match=message):
            statistic(**arrays)
    with pytest.raises(ValueError, match=which):
        agreement_statistics(**arrays, contents=np.arange(6))


def test_arrays_of_other_lengths_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"scores: expected 4 values, one per label, got 3"):
        spearman(np.arange(3.0), np.arange(4.0))
    with pytest.raises(ValueError, match=r"scores of ssim: expected 4 values"):
        evaluate({"ssim": np.arange(3.0)}, np.arange(4.0), np.arange(4))
    with pytest.raises(ValueError, match=r"contents: expected 4 names"):
        agreement_statistics(np.arange(4.0), np.arange(4.0), np.arange(3))
    with pytest.raises(ValueError, match="one dimension"):
        spearman(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="label_std: expected 4 values, one per label"):
        agreement_statistics(np.arange(4.0), np.arange(4.0), np.arange(4), label_std=np.ones(3))


@pytest.mark.parametrize("contents", [np.zeros(12), np.repeat([0, 1], 6)], ids=["one", "two"])
def test_one_or_two_contents_give_values_without_intervals_and_say_why(contents: np.ndarray) -> None:
    labels = np.arange(12.0)
    scores = labels + np.tile([0.0, 3.0], 6)
    evaluation = evaluate(
        {"a": scores, "b": scores[::-1] * -1}, labels, contents, label_std=3 * np.ones(12), n_ratings=9
    )
    for key, estimate in evaluation.statistics["a"].items():
        assert np.isfinite(estimate.value), key
        assert np.isnan(estimate.low)
        assert "contents, needs 3" in estimate.method
    assert np.isnan(evaluation.comparison.test("a", "b").p)
    assert evaluation.comparison.tie_groups(["a", "b"]) == [["a", "b"]]


def test_saturated_and_elo_scaled_scores_are_measured() -> None:
    rng = np.random.default_rng(0)
    quality = rng.normal(size=320)
    contents = np.repeat(np.arange(20), 16)
    elo = 1449 + 121 * quality
    saturated = np.minimum(1.0, 0.99 + 0.01 * quality)
    statistics = agreement_statistics(saturated, elo, contents, replicates=200)
    for key in BASIC:
        estimate = statistics[key]
        assert estimate.low < estimate.value < estimate.high
    assert 0.7 < statistics["plcc"].value < 1
    assert 20 < statistics["rmse"].value < 121


def _small(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    contents = np.repeat([f"content {i}" for i in range(9)], 7)
    labels = rng.normal(50, 20, size=63)
    return labels + rng.normal(0, 12, size=63), labels, contents


def test_results_are_the_same_bits_for_any_number_of_threads_and_a_seed() -> None:
    scores, labels, contents = _small()
    by_metric = {"a": scores, "b": labels**3, "c": -scores}
    noise = {"label_std": np.full(63, 8.0), "n_ratings": 20}
    runs = [evaluate(by_metric, labels, contents, seed=4, threads=threads, **noise) for threads in (1, 2, 5, None)]
    assert all(run.statistics == runs[0].statistics for run in runs)
    assert all(run.comparison == runs[0].comparison for run in runs)
    other = evaluate(by_metric, labels, contents, seed=5, **noise)
    assert other.statistics["a"]["srcc"].value == runs[0].statistics["a"]["srcc"].value
    assert other.statistics["a"]["srcc"].low != runs[0].statistics["a"]["srcc"].low


def test_a_metric_has_the_same_statistics_alone_as_among_others() -> None:
    scores, labels, contents = _small()
    alone = agreement_statistics(scores, labels, contents)
    among = evaluate({"x": labels, "scores": scores, "y": -labels}, labels, contents).statistics["scores"]
    assert alone == among


def test_values_and_intervals_do_not_depend_on_the_order_of_pairs() -> None:
    scores, labels, contents = _small()
    turn = np.random.default_rng(1).permutation(63)
    here = agreement_statistics(scores, labels, contents)
    there = agreement_statistics(scores[turn], labels[turn], contents[turn])
    for key in BASIC:
        np.testing.assert_allclose(
            [here[key].value, here[key].low, here[key].high],
            [there[key].value, there[key].low, there[key].high],
            rtol=1e-6,
        )


def test_more_contents_than_can_be_tabulated_are_drawn_in_random_groups() -> None:
    rng = np.random.default_rng(2)
    labels = rng.normal(size=1500)
    scores = labels + rng.normal(size=1500)
    grouped = agreement_statistics(scores, labels, np.arange(1500), replicates=400)["srcc"]
    assert "1500 contents in 256 random groups" in grouped.method
    expected = 1.06 / np.sqrt(1500 - 3) * 1.97 * 2  # Fisher's standard error of z, widened for ranks
    np.testing.assert_allclose(np.arctanh(grouped.high) - np.arctanh(grouped.low), expected, rtol=0.15)


def test_outlier_ratio_and_rmse_star_equal_their_definitions_written_out() -> None:
    from benchmark.statistics import fit_logistic

    scores, labels, contents = _small()
    std, ratings = RNG.uniform(5, 15, size=63), RNG.integers(8, 30, size=63)
    error = np.abs(labels - fit_logistic(scores, labels).predict(scores))
    half_width = [scipy.stats.t.ppf(0.975, n - 1) * s / n**0.5 for s, n in zip(std, ratings, strict=True)]
    known = agreement_statistics(scores, labels, contents, label_std=std, n_ratings=ratings)
    np.testing.assert_allclose(known["outlier_ratio"].value, np.mean(error > half_width))
    excess = [max(0.0, e - h) ** 2 for e, h in zip(error, half_width, strict=True)]
    np.testing.assert_allclose(known["rmse_star"].value, (sum(excess) / (63 - 4)) ** 0.5)
    assert known["outlier_ratio"].low < known["outlier_ratio"].value < known["outlier_ratio"].high
    assert known["rmse_star"].low < known["rmse_star"].value < known["rmse_star"].high

    unknown = agreement_statistics(scores, labels, contents, label_std=std)
    np.testing.assert_allclose(unknown["outlier_ratio"].value, np.mean(error > 2 * std))
    assert np.isnan(unknown["rmse_star"].value)
    assert "number of ratings" in unknown["rmse_star"].method
