"""The simplest kind of metric: a function of one distorted image and its reference."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchmark.types import MetricInfo

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

View = Literal["rgb", "luma", "tensor", "luma_tensor"]
"""Which view of an `ImageBatch` the function is given, one image at a time."""


@dataclass(frozen=True, slots=True)
class PairwiseMetric:
    """A metric made of `function(distorted=..., reference=...) -> float`, called for one pair at a time.

    By `view` the function gets uint8 (H, W, 3), float64 luma (H, W) in [0, 255], or a float32 tensor in [0, 1] of
    shape (1, 3, H, W) or (1, 1, H, W).
    """

    info: MetricInfo
    function: Callable[..., Any]
    view: View = "rgb"

    def load(self, device: str) -> PairwiseScorer:
        """Nothing to load: the same function runs on every device."""
        return PairwiseScorer(self.function, self.view)


@dataclass(frozen=True, slots=True)
class PairwiseScorer:
    """Calls the function for each distorted image of a batch."""

    function: Callable[..., Any]
    view: View

    def _images(self, batch: ImageBatch) -> list[Any]:
        images = getattr(batch, self.view)
        return [images[i : i + 1] if "tensor" in self.view else images[i] for i in range(len(batch))]

    def prepare(self, reference: ImageBatch) -> Any:
        """Return the reference's view."""
        return self._images(reference)[0]

    def score(self, distorted: ImageBatch, prepared: Any) -> np.ndarray:
        """Return one float64 per distorted image; tensor functions run without gradients."""
        with self._no_gradients():
            scores = [float(self.function(distorted=image, reference=prepared)) for image in self._images(distorted)]
        return np.array(scores, dtype=np.float64)

    def _no_gradients(self) -> AbstractContextManager[Any]:
        if "tensor" not in self.view:
            return nullcontext()
        import torch

        return torch.inference_mode()


def metric(
    *, name: str, higher_is_better: bool, protocol: str, version: str = "1", view: View = "rgb", **facts: Any
) -> Callable[[Callable[..., Any]], PairwiseMetric]:
    """Turn a function of one pair into a metric: the shortest way to write a plugin.

    The function takes the keyword arguments `distorted` and `reference` (see `View` for what they are) and returns a
    number. Further keyword arguments are fields of `MetricInfo`. Raises TypeError for a field that does not exist.
    """

    def decorate(function: Callable[..., Any]) -> PairwiseMetric:
        info = MetricInfo(
            name=name,
            title=facts.pop("title", name),
            version=version,
            higher_is_better=higher_is_better,
            protocol=protocol,
            **facts,
        )
        return PairwiseMetric(info, function, view)

    return decorate
