"""From a value and its bootstrap replicates to an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.statistics.inputs import Floats
from benchmark.statistics.resampling import MIN_CONTENTS, Clusters
from benchmark.types import Estimate

MIN_DEFINED = 0.9
"""Smallest share of replicates in which a statistic must be defined for its interval to mean anything."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a statistic's bootstrap distribution is close to symmetric, and the range it lives in."""

    name: str
    low: float
    high: float

    def forward(self, values: Floats) -> Floats:
        """Map values inside the range to the real line."""
        if self.name == "Fisher z":
            return np.arctanh(values)
        if self.name == "log":
            return np.log(values)
        if self.name == "logit":
            return np.log(values / (1.0 - values))
        return values

    def back(self, values: Floats) -> Floats:
        """Map the real line to values inside the range."""
        if self.name == "Fisher z":
            return np.tanh(values)
        if self.name == "log":
            return np.exp(values)
        if self.name == "logit":
            return 1.0 / (1.0 + np.exp(-values))
        return np.clip(values, self.low, self.high)


CORRELATION = Scale("Fisher z", -1.0, 1.0)
ERROR = Scale("log", 0.0, float("inf"))
AREA = Scale("logit", 0.0, 1.0)
FRACTION = Scale("linear", 0.0, 1.0)
DIFFERENCE = Scale("linear", float("-inf"), float("inf"))

SCALES = {
    "srcc": CORRELATION,
    "krcc": CORRELATION,
    "plcc_raw": CORRELATION,
    "plcc": CORRELATION,
    "rmse": ERROR,
    "outlier_ratio": FRACTION,
    "rmse_star": ERROR,
    "auc_different": AREA,
    "auc_better": AREA,
}


def t_quantile(confidence: float, degrees: int) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2.0))


def bootstrap_interval(
    value: float, replicates: Floats, clusters: Clusters, *, scale: Scale, confidence: float, note: str = ""
) -> Estimate:
    """Interval: value +- t(K - 1) * standard error over K drawn clusters, on the scale of the statistic.

    The standard error is the replicates' standard deviation times sqrt(K / (K - 1)), which undoes the bootstrap's
    known shrinkage with few clusters. Where the value or a replicate lies on the border of the range, where the scale
    is infinite, the interval is made on the plain scale and cut at the border. `note` is added to `Estimate.method`.
    """

    def estimate(low: float, high: float, method: str) -> Estimate:
        return Estimate(value, low, high, "; ".join(part for part in (method, note) if part))

    nan = float("nan")
    if not np.isfinite(value):
        return estimate(nan, nan, "no interval: undefined")
    if clusters.n_contents < MIN_CONTENTS:
        return estimate(nan, nan, f"no interval: {clusters.n_contents} contents, needs {MIN_CONTENTS}")
    defined = replicates[np.isfinite(replicates)]
    if len(replicates) < 2 or len(defined) < MIN_DEFINED * len(replicates):
        return estimate(nan, nan, f"no interval: defined in {len(defined)} of {len(replicates)} resamples")
    inside = scale.low < min(value, defined.min()) and max(value, defined.max()) < scale.high
    if not inside:
        scale = Scale("linear", scale.low, scale.high)
    spread = standard_error(scale.forward(defined), clusters) * t_quantile(confidence, len(clusters) - 1)
    at = scale.forward(np.array([value]))
    low, high = float(scale.back(at - spread)[0]), float(scale.back(at + spread)[0])
    method = f"bootstrap over {clusters.described}, {len(replicates)} resamples, {scale.name}, t({len(clusters) - 1})"
    return estimate(low, high, method)


def standard_error(replicates: Floats, clusters: Clusters) -> float:
    """Standard deviation of the replicates, corrected for the number of clusters drawn."""
    return float(np.std(replicates, ddof=1)) * np.sqrt(len(clusters) / (len(clusters) - 1))
