"""A metric under examination, and how it is asked for scores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.images import ImageBatch
from benchmark.metrics.protocol import Metric, Scorer
from benchmark.types import MetricInfo


@dataclass(frozen=True, slots=True)
class Subject:
    """A metric loaded on the CPU, and the environment variables and torch's number of threads as they were before."""

    metric: Metric
    scorer: Scorer
    environment: dict[str, str] = field(repr=False)
    threads: int

    @classmethod
    def load(cls, metric: Metric) -> Subject:
        """Load a metric; raises what its `load` raises, UserError when it cannot run here."""
        import torch

        environment, threads = dict(os.environ), torch.get_num_threads()
        return cls(metric, metric.load("cpu"), environment, threads)

    @property
    def info(self) -> MetricInfo:
        """The metric's facts."""
        return self.metric.info

    @property
    def better(self) -> int:
        """1 when higher is declared better, else -1."""
        return 1 if self.info.higher_is_better else -1

    @property
    def best(self) -> float:
        """The best score of the declared range."""
        return self.info.score_range[1] if self.info.higher_is_better else self.info.score_range[0]

    @property
    def needs_reference(self) -> bool:
        """Whether it is a full-reference metric."""
        return self.info.kind == "full-reference"

    def scores(
        self, *, distorted: Sequence[np.ndarray], reference: np.ndarray, scorer: Scorer | None = None
    ) -> np.ndarray:
        """Float64 scores of uint8 images (H, W, 3) against one reference, through fresh batches."""
        scorer = scorer or self.scorer
        return floats(scorer.score(ImageBatch(np.stack(distorted)), scorer.prepare(ImageBatch(reference[None]))))


def floats(scores: Any) -> np.ndarray:
    """What a scorer returned, as a float64 array of its own."""
    return np.array(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float64)
