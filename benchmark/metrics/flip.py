"""FLIP: the difference that a person sees when two images alternate in one place."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.described import DescribedMetric, Package
from benchmark.types import MetricInfo

PIXELS_PER_DEGREE = 67
"""Of a 4K display .7 m wide, seen from .7 m: the authors' default."""


def unit_floats(rgb: np.ndarray) -> np.ndarray:
    """Return uint8 RGB (H, W, 3) as float32 in [0, 1], still sRGB-encoded."""
    return rgb.astype(np.float32) / np.float32(255)


def mean_flip(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Mean of the LDR-FLIP error map of sRGB float32 (H, W, 3) in [0, 1]."""
    import flip_evaluator

    parameters = {"ppd": PIXELS_PER_DEGREE}
    return flip_evaluator.evaluate(reference, distorted, "LDR", applyMagma=False, parameters=parameters)[1]


flip = DescribedMetric(
    MetricInfo(
        name="flip",
        title="FLIP (LDR)",
        proof="frame-analytics 0.7.0 on 5 pairs (5e-6)",
        version="1",
        higher_is_better=False,
        protocol="Mean of the LDR-FLIP error map of sRGB at 67 pixels per degree.",
        score_range=(0.0, 1.0),
        min_size=1,
        tolerance=1e-5,
        library="flip-evaluator",
        licence="BSD-3-Clause",
        citation="P. Andersson, J. Nilsson, T. Akenine-Möller, M. Oskarsson, K. Åström, M. D. Fairchild. FLIP: a "
        "difference evaluator for alternating images. High Performance Graphics, 2020",
    ),
    describe=unit_floats,
    compare=mean_flip,
    view="rgb",
    package=Package("flip-evaluator", module="flip_evaluator", extra="flip"),
)

METRICS = (flip,)
