"""What a metric is to the harness: facts, and a scorer once it is loaded."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from benchmark.images import ImageBatch
from benchmark.types import MetricInfo


class Scorer(Protocol):
    """A metric with its weights loaded on a device."""

    def prepare(self, reference: ImageBatch) -> Any:
        """Compute once what depends on the reference alone; `reference` holds one image."""

    def score(self, distorted: ImageBatch, prepared: Any) -> Any:
        """Return N raw scores as float64, one per distorted image; each independent of the others in the batch."""


@runtime_checkable
class Metric(Protocol):
    """A named protocol that can be loaded; `load` reads weights, nothing heavy happens before."""

    @property
    def info(self) -> MetricInfo:
        """What is known before anything is read; an attribute serves."""

    def load(self, device: str) -> Scorer:
        """Return the scorer on `device` ("cpu", "cuda", "cuda:1"); raise UserError when it cannot run here."""
