"""What the spread of labels says of their errors, for each meaning it may have: against the definitions written out."""

import numpy as np
import pytest
import scipy.stats

from benchmark.statistics import WITH_LABEL_NOISE, agreement_statistics, fit_logistic
from benchmark.statistics.label_noise import label_noise

RNG = np.random.default_rng(3)
CONTENTS = np.repeat(np.arange(9), 7)
LABELS = RNG.normal(50, 15, size=63)
SCORES = LABELS + RNG.normal(0, 10, size=63)
STD = RNG.uniform(5, 15, size=63)
RATINGS = RNG.integers(8, 30, size=63)


def areas(standard_errors: np.ndarray) -> tuple[float, float]:
    """Both areas of `SCORES`, pair by pair."""
    first, second = np.triu_indices(63, k=1)
    delta, difference = SCORES[first] - SCORES[second], LABELS[first] - LABELS[second]
    z = difference / np.hypot(standard_errors[first], standard_errors[second])
    told = np.abs(z) > 1.959964
    signed = delta[told] * np.sign(z[told])

    def area(positive, negative):
        return scipy.stats.mannwhitneyu(positive, negative).statistic / len(positive) / len(negative)

    return area(np.abs(delta[told]), np.abs(delta[~told])), area(signed, -signed)


@pytest.mark.parametrize(
    ("kind", "ratings", "error", "quantile"),
    [
        ("ratings", RATINGS, STD / np.sqrt(RATINGS), scipy.stats.t.ppf(0.975, RATINGS - 1)),
        ("mean", RATINGS, STD, scipy.stats.t.ppf(0.975, RATINGS - 1)),
        ("mean", None, STD, 1.959964),
        ("", RATINGS, STD / np.sqrt(RATINGS), scipy.stats.t.ppf(0.975, RATINGS - 1)),
    ],
)
def test_each_kind_of_spread_gives_the_statistics_of_its_standard_error(kind, ratings, error, quantile) -> None:
    found = agreement_statistics(
        SCORES, LABELS, CONTENTS, label_std=STD, n_ratings=ratings, label_std_kind=kind, replicates=50
    )
    half_width = quantile * error
    miss = np.abs(LABELS - fit_logistic(SCORES, LABELS).predict(SCORES))
    np.testing.assert_allclose(found["outlier_ratio"].value, np.mean(miss > half_width))
    expected = np.sqrt(np.sum(np.maximum(0.0, miss - half_width) ** 2) / (63 - 4))
    np.testing.assert_allclose(found["rmse_star"].value, expected, rtol=1e-6)  # of 1.959964
    np.testing.assert_allclose((found["auc_different"].value, found["auc_better"].value), areas(error), atol=1e-12)
    for name in WITH_LABEL_NOISE:
        assert ("not declared" in found[name].method) == (kind == "")
    if kind == "mean" and ratings is None:
        assert "1.96 standard errors" in found["rmse_star"].method


def test_a_spread_of_ratings_without_their_number_says_nothing_of_the_label() -> None:
    some = np.where(np.arange(63) < 4, np.nan, RATINGS)
    for ratings, words in ((None, "number of ratings per label:"), (some, "unknown for 4 of 63:")):
        found = agreement_statistics(
            SCORES, LABELS, CONTENTS, label_std=STD, n_ratings=ratings, label_std_kind="ratings", replicates=50
        )
        for name in WITH_LABEL_NOISE:
            assert np.isnan(found[name].value)
            assert words in found[name].method
        assert np.isfinite(found["srcc"].low)


@pytest.mark.parametrize(
    ("std", "ratings", "words"),
    [
        (np.nan, 20, "1 of 63 labels have no label_std"),
        (np.inf, 20, "1 of 63 labels have an infinite label_std"),
        (-1.0, 20, "1 of 63 labels have a negative label_std"),
        (1.0, 1, "1 of 63 labels have n_ratings below 2"),
        (1.0, np.inf, "1 of 63 labels have an infinite n_ratings"),
    ],
)
@pytest.mark.parametrize("kind", ["", "ratings", "mean"])
def test_one_odd_label_leaves_its_statistics_undefined_with_the_reason(kind, std, ratings, words) -> None:
    stds, counts = STD.copy(), RATINGS.astype(float)
    stds[5], counts[5] = std, ratings
    found = agreement_statistics(
        SCORES, LABELS, CONTENTS, label_std=stds, n_ratings=counts, label_std_kind=kind, replicates=50
    )
    for name in WITH_LABEL_NOISE:
        assert found[name].method.startswith(f"undefined: {words}")
    assert np.isfinite(found["rmse"].low)


def test_a_very_large_number_of_ratings_has_the_normal_quantile() -> None:
    noise = label_noise(np.ones(3), np.full(3, 1e30), "mean", length=3)
    np.testing.assert_allclose(noise.half_widths, 1.959964, rtol=3e-6)  # a million degrees of freedom: 2.4e-6 more
