"""Which metrics differ: paired differences over the same resamples, Holm's correction, groups of the board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats
from benchmark.statistics.intervals import standard_error, t_quantile, why_no_interval
from benchmark.statistics.resampling import Clusters, clusters_of, drawn_and_left_out
from benchmark.types import Estimate

ROUNDING = 1e-12
"""Statistics that differ by less are equal: the order of summing makes such differences."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two metrics on the same pairs."""

    first: str
    second: str
    difference: Estimate
    """Statistic of the first minus that of the second."""
    p: float
    """Two-sided, uncorrected; nan where there is no interval."""
    p_holm: float
    """Corrected over all tests of the comparison."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All paired tests among some metrics."""

    statistic: str
    tests: tuple[PairedTest, ...]
    """One for each two metrics, in the order in which the metrics were given."""

    def test(self, first: str, second: str) -> PairedTest:
        """Return the test of `first` against `second`, with the sign of the difference turned to that order.

        Raises KeyError when the two were not compared.
        """
        for test in self.tests:
            if (test.first, test.second) == (first, second):
                return test
            if (test.first, test.second) == (second, first):
                d = test.difference
                return PairedTest(first, second, Estimate(-d.value, -d.high, -d.low, d.method), test.p, test.p_holm)
        raise KeyError(f"{first} and {second} were not compared")

    def tie_groups(self, order: Sequence[str], *, alpha: float = ALPHA) -> list[list[str]]:
        """Cut the board `order`, best first, in groups whose members do not differ significantly from their leader.

        The first metric leads the first group. Each next one joins the group unless it differs from the group's leader
        with a Holm-corrected p below `alpha`; then it leads the next group. A difference that cannot be tested (p is
        nan) does not separate two metrics that are defined; an undefined metric shares a group only with others.
        """
        groups: list[list[str]] = []
        for name in order:
            if groups and not self._separated(groups[-1][0], name, alpha):
                groups[-1].append(name)
            else:
                groups.append([name])
        return groups

    def _separated(self, leader: str, name: str, alpha: float) -> bool:
        test = self.test(leader, name)
        if not np.isfinite(test.difference.value):
            return not test.difference.method.startswith("undefined: both")
        return bool(test.p_holm < alpha)


def paired_test(
    first: str,
    second: str,
    values: tuple[float, float],
    replicates: tuple[Floats, Floats],
    clusters: Clusters,
    *,
    confidence: float,
) -> PairedTest:
    """Compare two metrics on their values and on the same resamples (see `resamples`); `p_holm` is left equal to p.

    t = difference / standard error of the paired bootstrap, against Student's t with K - 1 degrees of freedom. No bias
    is taken off: that of two equally good metrics cancels.
    """
    from scipy.special import stdtr

    undefined = [name for name, value in zip((first, second), values, strict=True) if not np.isfinite(value)]
    if undefined:
        reason = "undefined: both" if len(undefined) == 2 else f"undefined: {undefined[0]}"
        return PairedTest(first, second, Estimate(float("nan"), method=reason), float("nan"), float("nan"))
    difference = _without_rounding(values[0] - values[1])
    rows = _without_rounding(replicates[0] - replicates[1])
    refused = why_no_interval(rows, clusters)
    if refused:
        return PairedTest(first, second, Estimate(difference, method=refused), float("nan"), float("nan"))
    drawn, _ = drawn_and_left_out(rows, clusters)
    error, degrees = standard_error(drawn[np.isfinite(drawn)], clusters), len(clusters) - 1
    width = t_quantile(confidence, degrees) * error
    method = f"paired bootstrap over {clusters.described}, {len(drawn)} resamples, t({degrees})"
    estimate = Estimate(difference, difference - width, difference + width, method)
    if error == 0.0:
        p = 1.0 if difference == 0.0 else 0.0
    else:
        p = float(2.0 * stdtr(degrees, -abs(difference) / error))
    return PairedTest(first, second, estimate, p, p)


def _without_rounding(difference):
    """Differences, with those that only the order of summing makes set to 0: equal statistics are equal."""
    return np.where(np.abs(difference) <= ROUNDING, 0.0, difference)[()]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979) of p-values; nan stays nan and does not count as a test."""
    values = np.asarray(p, dtype=np.float64)
    result = np.full(len(values), np.nan)
    tested = np.flatnonzero(np.isfinite(values))
    ranked = tested[np.argsort(values[tested], kind="stable")]
    factors = len(ranked) - np.arange(len(ranked))
    result[ranked] = np.minimum(np.maximum.accumulate(values[ranked] * factors), 1.0)
    return [float(value) for value in result]


def compare_replicates(
    statistic: str,
    values: Mapping[str, float],
    replicates: Mapping[str, Floats],
    clusters: Clusters,
    *,
    confidence: float,
) -> Comparison:
    """Test every two metrics and correct over all of the tests."""
    tests = [
        paired_test(a, b, (values[a], values[b]), (replicates[a], replicates[b]), clusters, confidence=confidence)
        for a, b in combinations(values, 2)
    ]
    corrected = holm([test.p for test in tests])
    return Comparison(
        statistic,
        tuple(
            PairedTest(test.first, test.second, test.difference, test.p, p_holm)
            for test, p_holm in zip(tests, corrected, strict=True)
        ),
    )


def compare_resamples(
    values: Mapping[str, float],
    resamples: Mapping[str, Floats],
    contents: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    statistic: str = "srcc",
) -> Comparison:
    """Test every two metrics from what `evaluate` found before: their values and `Evaluation.resamples`, by metric.

    `contents`, the number of resamples and the seed must have been the same for all of them.
    """
    clusters = clusters_of(contents, length=len(np.asarray(contents)))
    return compare_replicates(statistic, values, resamples, clusters, confidence=confidence)
