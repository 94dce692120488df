"""ColorVideoVDP: visible difference of colour images on a stated display, in units of just-objectionable differences."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmark.metrics.described import DescribedMetric, Package
from benchmark.metrics.seen import LIVE, TID
from benchmark.types import MetricInfo

DISPLAY = "standard_4k"
"""The package's default: 30 inches, 3840 x 2160, 200 cd/m2, seen from .7472 m under 250 lux."""


def untouched(rgb: np.ndarray) -> np.ndarray:
    """Return the image itself: the package does every step on the pair."""
    return rgb


@cache
def _model() -> Any:
    """The authors' model with the parameters in their package, on the CPU."""
    import pycvvdp
    import torch

    return pycvvdp.cvvdp(display_name=DISPLAY, device=torch.device("cpu"), quiet=True)


def just_objectionable_differences(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Quality of uint8 sRGB (H, W, 3) in JOD: 10 for equal images, less for visible differences."""
    import torch

    with torch.inference_mode(), torch.random.fork_rng(devices=[]):  # its blur draws a width between equal bounds
        quality, _ = _model().predict(np.ascontiguousarray(distorted), np.ascontiguousarray(reference), dim_order="HWC")
        return float(quality)


cvvdp = DescribedMetric(
    MetricInfo(
        name="cvvdp",
        title="ColorVideoVDP",
        version="1",
        higher_is_better=True,
        protocol="ColorVideoVDP of an sRGB still in JOD on the display standard_4k (30 inches, 200 cd/m2, .7472 m, 250 "
        "lux); 10 for equal images.",
        score_range=(float("-inf"), 10.0),
        min_size=8,
        tolerance=1e-3,
        library="cvvdp",
        licence="MIT",
        citation="R. K. Mantiuk, P. Hanji, M. Ashraf, Y. Asano, A. Chapiro. ColorVideoVDP: a visual difference predictor "
        "for image, video and display distortions. ACM TOG, 2024",
        # arxiv.org/abs/2401.11485: calibrated on XR-DAVID and others; UPIQ, one of these, holds TID2013 and LIVE
        trained_on=("xr-david", *LIVE, *TID),
        note="calibrated on XR-DAVID and further sets that the authors do not list in the package; LIVE and TID2013, which "
        "other sets of theirs contain, are marked as seen to be safe",
        proof="the authors' own package",
    ),
    describe=untouched,
    compare=just_objectionable_differences,
    view="rgb",
    package=Package("cvvdp", module="pycvvdp", extra="cvvdp"),
)

METRICS = (cvvdp,)
