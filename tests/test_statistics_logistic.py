"""The logistic map never falls, never raises, and finds what an independent least squares finds."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import OptimizeWarning, curve_fit

from benchmark.statistics import fit_logistic, pearson


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _four(x, low, height, midpoint, scale):
    return low + height / (1 + np.exp(-(x - midpoint) / scale))


def _five(x, low, height, midpoint, scale, slope):
    return _four(x, low, height, midpoint, scale) + slope * x


def _independent_plcc(scores: np.ndarray, labels: np.ndarray, parameters: int) -> float:
    """Best correlation of scipy's curve_fit over many random starts, slopes bounded below by 0."""
    scores = (scores - scores.mean()) / scores.std()
    rng = np.random.default_rng(0)
    function = _four if parameters == 4 else _five
    low = [-np.inf, 0, -np.inf, 1e-9, 0][:parameters]
    best = -1.0
    for _ in range(8):
        scale = np.std(scores) * 10 ** rng.uniform(-1, 0.3)
        start = [labels.min(), np.ptp(labels), rng.choice(scores), scale, 0.0][:parameters]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                found, _ = curve_fit(function, scores, labels, start, bounds=(low, np.inf), max_nfev=3000)
            except RuntimeError:  # this start did not converge
                continue
        best = max(best, float(np.corrcoef(function(scores, *found), labels)[0, 1]))
    return best


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("metric", ["DSSIM", "SSIMULACRA", "Butteraugli"])
def test_the_fit_is_as_good_as_curve_fit_from_many_starts_on_csiq(shared: Path, metric: str, parameters: int) -> None:
    table = pd.read_csv(shared / "reference/per_image_scores/csiq.VQMT.csv")
    scores, labels = -table[metric].to_numpy(), -table.dmos.to_numpy()
    fit = fit_logistic(scores, labels, parameters=parameters)
    assert fit.fallback == ""
    assert fit.parameters == parameters
    np.testing.assert_allclose(
        pearson(fit.predict(scores), labels), _independent_plcc(scores, labels, parameters), rtol=0, atol=2e-5
    )


def test_a_logistic_without_noise_is_recovered_exactly() -> None:
    scores = np.linspace(20, 50, 80)
    fit = fit_logistic(scores, _four(scores, 5.0, 90.0, 33.0, 2.5))
    np.testing.assert_allclose([fit.offset, fit.amplitude, fit.midpoint, fit.scale], [5.0, 90.0, 33.0, 2.5], rtol=1e-4)


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
HUGE = st.floats(-1e100, 1e100, allow_nan=False)
FEW_VALUES = st.sampled_from([0.0, 1.0, 1.0 - 1e-12, 0.5, 1449.0, 1449.0001])


@settings(max_examples=150, deadline=None)
@given(
    pairs=st.one_of(
        st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40),
        st.lists(st.tuples(HUGE, HUGE), max_size=12),
        st.lists(st.tuples(FEW_VALUES, FEW_VALUES), max_size=40),
    ),
    parameters=st.sampled_from([4, 5]),
)
def test_the_map_never_falls_and_never_raises_for_any_finite_input(
    pairs: list[tuple[float, float]], parameters: int
) -> None:
    scores, labels = np.array(pairs, dtype=float).reshape(-1, 2).T
    fit = fit_logistic(scores, labels, parameters=parameters)
    assert min(fit.amplitude, fit.slope) >= 0
    assert fit.scale > 0
    if not len(scores):
        return
    between = np.linspace(scores.min(), scores.max(), 101)
    at = np.sort(np.concatenate([scores, between, [scores.min() - 1e101, scores.max() + 1e101]]))
    predicted = fit.predict(at)
    assert np.isfinite(predicted).all()
    rounding = 1e-12 * max(np.abs(predicted).max(), abs(fit.offset), fit.amplitude)
    assert np.diff(predicted).min() >= -rounding


@pytest.mark.parametrize(
    ("scores", "labels", "reason"),
    [
        ([], [], "0 pairs"),
        ([1.0, 2.0], [1.0, 2.0], "2 pairs"),
        ([1.0] * 9, range(9), "constant scores"),
        (range(9), [3.0] * 9, "constant labels"),
        (range(9), range(9, 0, -1), "do not rise"),
        ([0.0, 0.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0], "linear map: 2 distinct scores"),
    ],
)
def test_a_fallback_says_why(scores: list[float], labels: list[float], reason: str) -> None:
    fit = fit_logistic(np.array(scores, dtype=float), np.array(labels, dtype=float))
    assert reason in fit.fallback


def test_a_straight_line_comes_out_straight() -> None:
    scores = np.linspace(0, 1, 50)
    for parameters in (4, 5):
        fit = fit_logistic(scores, 1449 + 121 * scores, parameters=parameters)
        np.testing.assert_allclose(fit.predict(scores), 1449 + 121 * scores, atol=0.05)


def test_shifting_and_stretching_scores_or_labels_changes_nothing_but_units() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=200)
    labels = _four(scores, 0, 10, 0.3, 0.7) + rng.normal(size=200)
    plain = fit_logistic(scores, labels).predict(scores)
    elo = fit_logistic(1e-4 * scores - 7, 1449 + 121 * labels).predict(1e-4 * scores - 7)
    np.testing.assert_allclose(1449 + 121 * plain, elo, rtol=1e-5)


def test_other_numbers_of_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 4 or 5, got 3"):
        fit_logistic(np.arange(5.0), np.arange(5.0), parameters=3)
