"""A metric made of two steps: describe one image, then compare two descriptions; the reference's is made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchmark.types import MetricInfo, UserError

if TYPE_CHECKING:
    from benchmark.images import ImageBatch


@dataclass(frozen=True, slots=True)
class Package:
    """An optional package: what pip installs, what Python imports, and which extra of this project brings it."""

    distribution: str
    module: str
    extra: str

    def missing(self) -> str | None:
        """Name the package and how to get it, without importing it; None when it is here."""
        if find_spec(self.module) is not None:
            return None
        return f"the package {self.distribution}: pip install 'iqa-benchmark[{self.extra}]'"


@dataclass(frozen=True, slots=True)
class DescribedMetric:
    """A metric `compare(distorted=describe(x), reference=describe(y))`, on uint8 RGB or float64 luma in [0, 255]."""

    info: MetricInfo
    describe: Callable[[np.ndarray], Any]
    compare: Callable[..., float]
    view: Literal["rgb", "luma"] = "luma"
    package: Package | None = None

    def missing(self) -> str | None:
        """Name the optional package that is not here; None when the metric can run."""
        return self.package.missing() if self.package else None

    def load(self, device: str) -> DescribedScorer:
        """Return the scorer, the same on every device; raises UserError when a package is missing."""
        if missing := self.missing():
            raise UserError(f"{self.info.name} needs {missing}")
        return DescribedScorer(self)


@dataclass(frozen=True, slots=True)
class DescribedScorer:
    """Describes each distorted image and compares it with the reference's description."""

    metric: DescribedMetric

    def prepare(self, reference: ImageBatch) -> Any:
        """Return the reference's description."""
        return self.metric.describe(getattr(reference, self.metric.view)[0])

    def score(self, distorted: ImageBatch, prepared: Any) -> np.ndarray:
        """Return one float64 per distorted image."""
        images = getattr(distorted, self.metric.view)
        scores = [self.metric.compare(distorted=self.metric.describe(image), reference=prepared) for image in images]
        return np.array(scores, dtype=np.float64)
