"""What is said of agreements: tie groups, how intervals and tests were made, warnings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from benchmark.store import IMPORTED
from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo

if TYPE_CHECKING:
    from benchmark.statistics import Comparison


COARSE = 100
"""A tolerance of a hundredth of the range of the scores moves ranks by more than anyone's rounding."""


def tie_groups(agreements: Mapping[str, Agreement], comparison: Comparison | None) -> dict[str, str]:
    """A letter for each complete metric with a defined SRCC; none where fewer than two were compared."""
    complete = {
        label: of.statistics["srcc"].value
        for label, of in agreements.items()
        if "srcc" in of.statistics and of.n_scored == of.n_expected and not math.isnan(of.statistics["srcc"].value)
    }
    if comparison is None or len(complete) < 2:
        return {}
    order = sorted(complete, key=lambda label: (-complete[label], label))
    groups = comparison.tie_groups(order)
    return {label: _letters(number) for number, group in enumerate(groups) for label in group}


def _letters(number: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa."""
    before, last = divmod(number, 26)
    return (_letters(before - 1) if before else "") + chr(ord("a") + last)


def interval_sentence(agreements: Mapping[str, Agreement], confidence: float) -> str:
    """What the intervals have in common, from the row with the most pairs; scale and degrees of freedom differ."""
    for agreement in sorted(agreements.values(), key=lambda one: (-one.n_scored, one.metric)):
        estimate = agreement.statistics.get("srcc")
        if estimate is not None and math.isfinite(estimate.low):
            *common, _scale, _degrees = estimate.method.partition("; ")[0].split(", ")
            return (
                f"Intervals: {100 * confidence:.4g} %, {', '.join(common)}, Student's t on each statistic's own scale "
                f"(CSV and JSON give the method of every interval).{_few_contents(agreement.n_contents)}"
            )
    return ""


def _few_contents(n: int) -> str:
    """Warn of intervals from fewer contents than they can be trusted with; "" where there are enough."""
    from benchmark.statistics import TRUSTED_CONTENTS

    if n >= TRUSTED_CONTENTS:
        return ""
    return (
        f" Few contents: {n}, and with fewer than {TRUSTED_CONTENTS} intervals at 95 % covered the truth in 87 to 100 of "
        "100 simulated sets, depending on the metric; take them as rough."
    )


def test_sentence(comparison: Comparison | None) -> str:
    """How the tie groups were made; "" when nothing was tested."""
    if comparison is None:
        return ""
    tested = [test for test in comparison.tests if math.isfinite(test.p_holm)]
    if not tested:
        return ""
    return (
        f"Tie groups (letters): from the top, a metric joins the group of a leader unless their {comparison.statistic.upper()} "
        "differ in a paired test over the same resamples of contents (two-sided, p < 0.05 after Holm's correction over "
        f"{len(tested)} {'test' if len(tested) == 1 else 'tests'} among the complete rows)."
    )


def warnings(
    dataset: DatasetInfo, metric: MetricInfo, estimates: Mapping[str, Estimate], scores: Iterable[float]
) -> list[str]:
    """What a reader must know: scores outside the declared range, a coarse tolerance, a metric that runs against people."""
    found = list(scores)
    return [*_outside(metric, found), *_coarse(metric, found), *_against(dataset, metric, estimates.get("srcc"))]


def _coarse(metric: MetricInfo, scores: list[float]) -> list[str]:
    """Say where a declared tolerance makes ties of more than rounding: it is a visible part of the scores' range."""
    finite = [score for score in scores if math.isfinite(score)]
    span = max(finite, default=0.0) - min(finite, default=0.0)
    if metric.version.startswith(IMPORTED) or not 0 < span < COARSE * metric.tolerance:
        return []
    return [
        f"{metric.name}: its tolerance of {metric.tolerance:g}, within which scores are ties, is a visible part of the "
        f"range of its scores here ({span:.3g}); a metric with small scores declares a smaller tolerance"
    ]


def _outside(metric: MetricInfo, scores: list[float]) -> list[str]:
    low, high = metric.score_range
    outside = [score for score in scores if not low - metric.tolerance <= score <= high + metric.tolerance]
    if not outside:
        return []
    return [
        f"{metric.name}: {len(outside)} of {len(scores)} scores lie outside its declared range {low:g} to {high:g} (such "
        f"as {outside[0]:g}); run `python -m benchmark doctor metric {metric.name}`"
    ]


def _against(dataset: DatasetInfo, metric: MetricInfo, srcc: Estimate | None) -> list[str]:
    """Both declared directions, where a metric runs against people."""
    if srcc is None or not srcc.value < 0:
        return []
    better = {True: "higher is better", False: "lower is better"}
    return [
        f"{metric.name}: its scores run against people on {dataset.name} (SRCC {srcc.value:.3f} after both were turned "
        f"by their declared directions); check whether the metric's direction ({better[metric.higher_is_better]}) and "
        f"the label's ({dataset.label_kind}, {better[dataset.label_higher_is_better]}) are declared right"
    ]
