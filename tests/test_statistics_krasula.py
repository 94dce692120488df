"""Krasula's areas against brute force, real per-subject ratings, and resamples written out."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmark.statistics import agreement_statistics, sampled_pairs
from benchmark.statistics import krasula as module
from benchmark.statistics.krasula import JudgedStimuli, area_replicates, areas, areas_of_all
from benchmark.statistics.resampling import clusters_of, draw


def _area(positive: list[float], negative: list[float]) -> float:
    return scipy.stats.mannwhitneyu(positive, negative).statistic / len(positive) / len(negative)


def _brute_force(labels, errors, scores, copies=None) -> tuple[float, float]:
    """Both areas by their definition; `copies` names the stimulus that each entry is a copy of."""
    similar, different, signed = [], [], []
    for i, j in combinations(range(len(labels)), 2):
        if copies is not None and copies[i] == copies[j]:
            continue
        delta = scores[i] - scores[j]
        z = (labels[i] - labels[j]) / np.hypot(errors[i], errors[j])
        if abs(z) > 1.959964:
            different.append(abs(delta))
            signed.append(delta * np.sign(z))
        else:
            similar.append(abs(delta))
    return _area(different, similar), _area(signed, [-value for value in signed])


@pytest.fixture
def ratings(shared: Path) -> pd.DataFrame:
    """NFLX public: stimuli by mean, standard deviation and number of their 26 subjects' ratings."""
    table = pd.read_csv(shared / "reference/raw_ratings/NFLX_dataset_public_raw.csv")
    return table.groupby("stimulus").agg(
        content=("content_id", "first"), mos=("score", "mean"), std=("score", "std"), n=("score", "count")
    )


def _metric(ratings: pd.DataFrame, noise: float) -> np.ndarray:
    return (ratings.mos + noise * np.random.default_rng(0).normal(size=len(ratings))).round(2).to_numpy()


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_areas_equal_brute_force_on_real_ratings(ratings: pd.DataFrame, noise: float) -> None:
    mos, std, n = ratings.mos.to_numpy(), ratings["std"].to_numpy(), ratings.n.to_numpy()
    scores = _metric(ratings, noise)
    expected = _brute_force(mos, np.maximum(std / np.sqrt(n), 1e-12), scores)
    np.testing.assert_allclose(areas(JudgedStimuli(mos, std / np.sqrt(n)), scores), expected, atol=1e-12)


def test_a_metric_that_knows_the_label_tells_better_from_worse_and_its_reverse_tells_the_opposite(
    ratings: pd.DataFrame,
) -> None:
    mos, std, n = ratings.mos.to_numpy(), ratings["std"].to_numpy(), ratings.n.to_numpy()
    perfect = agreement_statistics(mos, mos, ratings.content, label_std=std, n_ratings=n, replicates=100)
    wrong = agreement_statistics(-mos, mos, ratings.content, label_std=std, n_ratings=n, replicates=100)
    assert perfect["auc_better"].value == 1.0
    assert wrong["auc_better"].value == 0.0
    assert perfect["auc_different"].value == wrong["auc_different"].value > 0.95
    chance = np.random.default_rng(1).normal(size=len(mos))
    chance_areas = areas(JudgedStimuli(mos, std / np.sqrt(n)), chance)
    np.testing.assert_allclose(chance_areas, 0.5, atol=0.06)


def test_without_the_number_of_ratings_fewer_pairs_are_different_and_none_wrongly_so(ratings: pd.DataFrame) -> None:
    mos, std, n = ratings.mos.to_numpy(), ratings["std"].to_numpy(), ratings.n.to_numpy()
    everything = slice(0, len(mos))
    known, unknown = (
        np.triu(JudgedStimuli(mos, error).verdicts(everything, everything), 1) for error in (std / np.sqrt(n), std)
    )
    assert np.all(known[unknown != 0] == unknown[unknown != 0])
    assert 0.3 < np.count_nonzero(unknown) / np.count_nonzero(known) < 0.9
    statistics = agreement_statistics(_metric(ratings, 0.5), mos, ratings.content, label_std=std, replicates=50)
    assert "taken as the label's standard error" in statistics["auc_better"].method


def test_areas_by_bins_come_close_to_exact_ones(ratings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    mos, std, n = ratings.mos.to_numpy(), ratings["std"].to_numpy(), ratings.n.to_numpy()
    scores = ratings.mos.to_numpy() + np.random.default_rng(0).normal(size=len(mos))
    exact = areas(JudgedStimuli(mos, std / np.sqrt(n)), scores)
    monkeypatch.setattr(module, "MAX_SORTED", 10)
    monkeypatch.setattr(module, "ELEMENTS", 500)
    np.testing.assert_allclose(areas(JudgedStimuli(mos, std / np.sqrt(n)), scores), exact, atol=2e-4)


def test_each_replicate_equals_brute_force_on_the_resample_written_out() -> None:
    rng = np.random.default_rng(4)
    contents = np.repeat(np.arange(6), [3, 5, 2, 6, 4, 5])
    labels, std = rng.normal(size=25), rng.uniform(0.1, 0.6, size=25)
    scores = np.round(10 * labels + 7 * rng.normal(size=25))  # few distinct differences, so that bins are exact
    clusters = clusters_of(contents, length=25)
    weights = draw(6, replicates=20, seed=0)
    rows = area_replicates(JudgedStimuli(labels, std), scores, clusters, weights)
    for row, weight in zip(rows.T, weights, strict=True):
        at = np.repeat(np.arange(25), weight[contents].astype(int))
        np.testing.assert_allclose(row, _brute_force(labels[at], std[at], scores[at], copies=at), atol=1e-9)


def test_without_significant_differences_the_areas_are_undefined_with_the_reason() -> None:
    rng = np.random.default_rng(0)
    statistics = agreement_statistics(
        rng.normal(size=40), rng.normal(size=40), np.repeat(np.arange(8), 5), label_std=np.full(40, 50.0), n_ratings=5
    )
    for key in ("auc_different", "auc_better"):
        assert np.isnan(statistics[key].value)
        assert (
            statistics[key].method
            == "undefined; needs significantly different labels, and similar ones for auc_different"
        )


@pytest.mark.parametrize("most", [10, 4000])
def test_many_columns_at_once_have_the_areas_of_each_alone(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "MAX_SORTED", most)
    monkeypatch.setattr(module, "ELEMENTS", 100)
    rng = np.random.default_rng(6)
    clusters = clusters_of(np.repeat(np.arange(9), [3, 5, 2, 6, 4, 5, 40, 1, 7]), length=73)
    stimuli = JudgedStimuli(rng.normal(size=73), rng.uniform(0.1, 0.6, size=73))
    columns = [np.round(stimuli.labels + rng.normal(size=73), number % 3) for number in range(6)]
    weights = draw(9, replicates=12, seed=0)
    values, rows = areas_of_all(stimuli, columns, (clusters, weights), threads=2)
    for column, value, row in zip(columns, values, rows, strict=True):
        assert value == areas(stimuli, column)
        np.testing.assert_array_equal(row, area_replicates(stimuli, column, clusters, weights))
        expected = _brute_force(stimuli.labels, np.maximum(stimuli.standard_errors, 1e-12), column)
        np.testing.assert_allclose(value, expected, atol=1e-12 if most == 4000 else 1e-3)


def _many() -> tuple[JudgedStimuli, list[np.ndarray], tuple]:
    rng = np.random.default_rng(2)
    clusters = clusters_of(np.repeat(np.arange(12), [30, 50, 20, 60, 40, 50, 40, 10, 70, 3, 7, 120]), length=500)
    labels = rng.normal(size=500)
    columns = [labels + rng.normal(size=500), np.round(labels + 0.3 * rng.normal(size=500), 1)]
    return JudgedStimuli(labels, rng.uniform(0.05, 0.3, size=500)), columns, (clusters, draw(12, replicates=9, seed=0))


def test_a_sample_of_all_pairs_counts_what_the_full_count_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 499 of 500 neighbours around the circle each pair but the 250 opposite ones comes once."""
    stimuli, columns, resampled = _many()
    monkeypatch.setattr(module, "MAX_SORTED", 10)
    values, rows = areas_of_all(stimuli, columns, resampled)
    monkeypatch.setattr(module, "COUNTED", 10)
    monkeypatch.setattr(sampled_pairs, "BATCH", (2000, 2000))
    sampled, sampled_rows = areas_of_all(stimuli, columns, resampled)
    np.testing.assert_allclose(sampled, values, atol=1e-3)  # 250 of 124,750 pairs are missing
    np.testing.assert_allclose(sampled_rows, rows, atol=4e-3)


def test_a_sample_of_pairs_is_unbiased_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stimuli, columns, resampled = _many()
    values, rows = areas_of_all(stimuli, columns, resampled)
    monkeypatch.setattr(module, "MAX_SORTED", 10)
    monkeypatch.setattr(module, "COUNTED", 10)
    monkeypatch.setattr(sampled_pairs, "SAMPLED", 20_000)
    sampled, sampled_rows = areas_of_all(stimuli, columns, resampled)
    np.testing.assert_array_equal(sampled, areas_of_all(stimuli, columns, resampled)[0])
    np.testing.assert_allclose(sampled, values, atol=0.015)  # about 3,000 similar pairs: sqrt(1 / 12 / 3,000) = .005
    np.testing.assert_allclose(sampled_rows, rows, atol=0.06)  # a resample draws some pairs often
    assert not np.array_equal(sampled, values)


def test_a_sample_is_said_with_its_size() -> None:
    assert sampled_pairs.sample_note(23_200) == ""
    note = sampled_pairs.sample_note(100_000)
    assert note == "from 20,000,000 of 4,999,950,000 pairs of stimuli, sampled with a fixed seed"
