"""IL-NIQE, NRQM (Ma) and the perceptual index PI = ((10 - NRQM) + NIQE) / 2, through pyiqa where there is nothing else.

The parts of `pi` are metrics of their own, `nrqm-pirm` and `niqe-pirm`: run them beside it to have them stored and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.niqe import METRICS as NIQE
from benchmark.metrics.protocol import Metric, Scorer
from benchmark.metrics.pyiqa_models import PyiqaMetric
from benchmark.types import MetricInfo

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

NRQM_BEST = 10
"""Ma et al.'s scale runs from 0 to 10."""

FACTS: dict[str, Any] = {"kind": "no-reference", "version": "1", "library": "pyiqa", "tolerance": 1e-3}
NONCOMMERCIAL = "PolyForm-Noncommercial-1.0.0 (pyiqa)"
NRQM_FACTS: dict[str, Any] = {
    "trained_on": ("ma2017",),  # the paper: fitted to its own ratings of super-resolved images
    "higher_is_better": True,
    "min_size": 64,
    "licence": NONCOMMERCIAL,
    "citation": "C. Ma, C.-Y. Yang, X. Yang, M.-H. Yang. Learning a no-reference quality metric for single-image "
    "super-resolution. CVIU, 2017",
    **FACTS,
}

ilniqe = PyiqaMetric(
    MetricInfo(
        name="ilniqe",
        title="IL-NIQE",
        proof="official values of 5 images (4e-2 of the value): pyiqa's port",
        higher_is_better=False,
        protocol="IL-NIQE as in pyiqa: RGB resized to 524 x 524, patches of 84 x 84 on two scales, the authors' model of "
        "pristine images.",
        min_size=84,
        score_range=(0.0, float("inf")),
        licence=NONCOMMERCIAL,
        citation="L. Zhang, L. Zhang, A. C. Bovik. A feature-enriched completely blind image quality evaluator. "
        "IEEE TIP, 2015",
        weights_sha256="14f4919a630498d732bbf11837d894d45a57f89c9ed84bea98851147290ce93c",
        **FACTS,
    ),
    "ilniqe",
)

nrqm = PyiqaMetric(
    MetricInfo(
        name="nrqm",
        title="NRQM (Ma)",
        proof="pyiqa's port, whose own list is within 9e-3 of the official values; not measured here",
        protocol="NRQM as in pyiqa, on full-range BT.601 luma of the whole image.",
        **NRQM_FACTS,
    ),
    "nrqm",
)

nrqm_pirm = PyiqaMetric(
    MetricInfo(
        name="nrqm-pirm",
        title="NRQM (as part of PI)",
        proof="pyiqa's port, not compared: its parameters were not at hand",
        protocol="As nrqm, on studio-range Y of BT.601 with 4 pixels cut from each side, as in the perceptual index of "
        "PIRM 2018.",
        **NRQM_FACTS,
    ),
    "nrqm",
    {"color_space": "ycbcr", "crop_border": 4},
)

niqe_pirm = next(metric for metric in NIQE if metric.info.name == "niqe-pirm")


@dataclass(frozen=True, slots=True)
class PerceptualIndex:
    """The mean of a quality turned into a badness, and a badness."""

    info: MetricInfo
    quality: Metric = nrqm_pirm
    badness: Metric = niqe_pirm

    def missing(self) -> str | None:
        """What its parts lack."""
        return nrqm_pirm.missing()

    def load(self, device: str) -> PerceptualIndexScorer:
        """Load both parts; raises UserError when one cannot be."""
        return PerceptualIndexScorer(self.quality.load(device), self.badness.load(device))


@dataclass(frozen=True, slots=True)
class PerceptualIndexScorer:
    """Scores with both parts."""

    quality: Scorer
    badness: Scorer

    def prepare(self, reference: ImageBatch) -> None:
        """Nothing: there is no reference."""

    def score(self, distorted: ImageBatch, prepared: None) -> np.ndarray:
        """Return ((10 - NRQM) + NIQE) / 2 per image, float64 (Blau et al. 2018, eq. 1)."""
        quality, badness = (np.asarray(part.score(distorted, None)) for part in (self.quality, self.badness))
        return ((NRQM_BEST - quality) + badness) / 2


pi = PerceptualIndex(
    MetricInfo(
        name="pi",
        title="PI (perceptual index)",
        proof="its two parts by the paper's equation; nrqm-pirm was not at hand",
        higher_is_better=False,
        protocol="PI = ((10 - nrqm-pirm) + niqe-pirm) / 2, both on studio-range Y of BT.601 with 4 pixels cut from each "
        "side, as in PIRM 2018.",
        min_size=niqe_pirm.info.min_size,
        licence=NONCOMMERCIAL,
        citation="Y. Blau, R. Mechrez, R. Timofte, T. Michaeli, L. Zelnik-Manor. The 2018 PIRM challenge on perceptual "
        "image super-resolution. ECCV workshops, 2018",
        **FACTS,
    )
)

METRICS = (ilniqe, nrqm, nrqm_pirm, pi)
"""What needs pyiqa and has a name of its own."""
