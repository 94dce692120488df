"""Every statistic once: what it is called, which way it points, what it needs, and the scale of its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmark.statistics.intervals import AREA, CORRELATION, ERROR, FRACTION, Scale


@dataclass(frozen=True, slots=True)
class Statistic:
    """The facts of one statistic."""

    name: str
    title: str
    higher_is_better: bool
    scale: Scale
    """Where its bootstrap distribution is close to symmetric."""
    reads: Literal["ranks", "numbers"]
    """"ranks": infinite scores count as they are; "numbers": they are replaced, see `evaluate`."""
    fitted: bool = False
    """Computed after the logistic map."""
    label_noise: bool = False
    """Needs the error of each label."""
    in_label_units: bool = False
    main: bool = False
    """Stands in the first table of a board."""


STATISTICS = {
    statistic.name: statistic
    for statistic in (
        Statistic("srcc", "SRCC", True, CORRELATION, "ranks", main=True),
        Statistic("krcc", "KRCC", True, CORRELATION, "ranks", main=True),
        Statistic("plcc_raw", "PLCC (raw)", True, CORRELATION, "numbers"),
        Statistic("plcc", "PLCC (fit)", True, CORRELATION, "numbers", fitted=True, main=True),
        Statistic("rmse", "RMSE", False, ERROR, "numbers", fitted=True, in_label_units=True, main=True),
        Statistic("outlier_ratio", "Outlier ratio", False, FRACTION, "numbers", fitted=True, label_noise=True),
        Statistic("rmse_star", "RMSE*", False, ERROR, "numbers", fitted=True, label_noise=True, in_label_units=True),
        Statistic("auc_different", "AUC different/similar", True, AREA, "numbers", label_noise=True),
        Statistic("auc_better", "AUC better/worse", True, AREA, "numbers", label_noise=True),
    )
}
"""By name, in the order in which they are computed and shown."""

BASIC = tuple(name for name, statistic in STATISTICS.items() if not statistic.label_noise)
"""What labels and scores alone allow."""
WITH_LABEL_NOISE = tuple(name for name, statistic in STATISTICS.items() if statistic.label_noise)
"""What needs the error of each label."""
FITTED = tuple(name for name, statistic in STATISTICS.items() if statistic.fitted)
"""What is computed after the logistic map."""
