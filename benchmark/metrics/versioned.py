"""A metric with other facts than its author wrote: the version that follows its source."""

from __future__ import annotations

from typing import Any

from benchmark.metrics.protocol import Scorer
from benchmark.types import MetricInfo


class Versioned:
    """Stands for a metric whose `info` cannot be set; all but `info` is the metric's."""

    def __init__(self, metric: Any, info: MetricInfo) -> None:
        self._metric = metric
        self.info = info

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metric, name)

    def load(self, device: str) -> Scorer:
        """Load the metric."""
        return self._metric.load(device)


def with_info(metric: Any, info: MetricInfo) -> Any:
    """Return the metric with these facts: itself, or where its `info` cannot be set, one that stands for it."""
    if metric.info == info:
        return metric
    try:
        object.__setattr__(metric, "info", info)
    except (AttributeError, TypeError):
        return Versioned(metric, info)
    return metric
