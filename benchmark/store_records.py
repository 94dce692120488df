"""What a store gives and takes: its data sets, its series, and what one work unit brings."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmark.types import DatasetInfo, MetricInfo


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A data set as its labels were when something was scored on it."""

    id: int
    revision: str
    info: DatasetInfo


@dataclass(frozen=True, slots=True)
class Series:
    """The scores of one metric, version and weights on one stored data set."""

    id: int
    info: MetricInfo
    not_run: str = ""
    """Why the metric could not run at all; "" when it could."""


@dataclass(slots=True)
class SeriesResult:
    """What one work unit brings for one series."""

    series: int
    content: str
    scores: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Processor time of the metric alone."""
    backend: str = ""
    """Which implementation of the protocol computed the scores."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One series of a data set by name, or a data set that has none."""

    dataset: int
    name: str
    revision: str
    series: int | None
    metric: str | None
    version: str | None
    weights: str | None
    n_scores: int
    n_failures: int
