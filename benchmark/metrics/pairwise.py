"""The simplest kind of metric: a function of one distorted image and its reference."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from benchmark.types import MetricInfo

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

PLUGIN_MODULE = "iqa_plugin_"
"""How the names of modules made of plugin files begin."""

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
            scores = [self.function(distorted=image, reference=prepared) for image in self._images(distorted)]
        return np.array([_number(score) for score in scores], dtype=np.float64)

    def _no_gradients(self) -> AbstractContextManager[Any]:
        if "tensor" not in self.view:
            return nullcontext()
        import torch

        return torch.inference_mode()


def metric(
    *, name: str, higher_is_better: bool, protocol: str, version: str = "", view: View = "rgb", **facts: Any
) -> Callable[[Callable[..., Any]], PairwiseMetric]:
    """Turn a function of one pair into a metric: the shortest way to write a plugin.

    The function takes the keyword arguments `distorted` and `reference` (see `View` for what they are) and returns a
    number. Without a `version`, that of a plugin file's metric is a hash of the file: an edited plugin is another
    version, and its earlier scores are not taken for its own. Further keyword arguments are fields of `MetricInfo`. Raises TypeError
    for a field and ValueError for a view that does not exist.
    """
    if view not in get_args(View):
        raise ValueError(f"view: expected one of {', '.join(get_args(View))}, got {view!r}")

    def decorate(function: Callable[..., Any]) -> PairwiseMetric:
        info = MetricInfo(
            name=name,
            title=facts.pop("title", name),
            version=version or _source_version(function),
            higher_is_better=higher_is_better,
            protocol=protocol,
            **facts,
        )
        return PairwiseMetric(info, function, view)

    return decorate


def _number(score: Any) -> float:
    """A plain number, or anything with one element; raises TypeError for the rest."""
    try:
        return float(score)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the metric returned {score!r:.60}, expected one number") from error


def _source_version(function: Callable[..., Any]) -> str:
    """A hash of the plugin file that the function is written in; "1" for a function of an installed package."""
    source = inspect.getsourcefile(function)
    if source is None or not function.__module__.startswith(PLUGIN_MODULE):
        return "1"
    return f"source-{hashlib.sha256(Path(source).read_bytes()).hexdigest()[:12]}"
