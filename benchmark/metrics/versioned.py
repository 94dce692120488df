"""A metric with other facts than its author wrote: the version that follows its source, the hash of its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.metrics.protocol import Scorer
from benchmark.types import MetricInfo


class Versioned:
    """Stands for a metric with other facts; all but `info` is the metric's."""

    def __init__(self, metric: Any, info: MetricInfo) -> None:
        self._metric = metric
        self.info = info

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metric, name)

    def load(self, device: str) -> Scorer:
        """Load the metric."""
        return self._metric.load(device)


def with_info(metric: Any, info: MetricInfo) -> Any:
    """Return a metric with these facts that stands for the metric, which is left as it is: others may hold it too."""
    return metric if metric.info == info else Versioned(metric, info)


def declared_files(metric: Any) -> list[Path]:
    """The files that a metric declares as its `weights`: a list or tuple of paths; none where that is something else."""
    declared = getattr(metric, "weights", ())
    if not isinstance(declared, list | tuple) or not all(isinstance(path, str | Path) for path in declared):
        return []
    return [Path(path).expanduser() for path in declared]


def joint_sha256(paths: Sequence[Path]) -> str:
    """sha256 of a file, or of the hashes of several; "" without any, and while one of them is not here."""
    if not paths or not all(path.is_file() for path in paths):
        return ""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
