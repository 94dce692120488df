"""VMAF of a still image: features of visibility and detail loss, fused by a regression trained on video ratings."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.described import DescribedMetric, Package
from benchmark.types import MetricInfo

if TYPE_CHECKING:
    import torch

PACKAGE = Package("vmaf-torch", module="vmaf_torch", extra="codecs")
BLACK, WHITE = 16, 235
"""Of 8-bit video luma (ITU-R BT.601)."""
FACTS: dict[str, Any] = {
    "version": "1",
    "higher_is_better": True,
    "score_range": (0.0, 100.0),
    "min_size": 32,
    "tolerance": 5e-3,  # float32 features: even of equal images scores differ by .0013 from picture to picture
    "library": "vmaf-torch",
    "licence": "BSD-3-Clause (code), BSD-2-Clause-Patent (Netflix's model)",
    "citation": "Z. Li, A. Aaron, I. Katsavounidis, A. Moorthy, M. Manohara. Toward a practical perceptual video "
    "quality metric. Netflix, 2016",
    "trained_on": ("netflix-vmaf",),  # the article cited: regression fitted to Netflix's own ratings of video
    "note": "trained on ratings of video; a still image has no motion, so its scores lie below those of moving pictures",
}
PROTOCOL = (
    "{} v0.6.1 of one frame with motion 0, clipped to [0, 100], on BT.601 luma in studio range [16, 235] rounded "
    "to 8 bits."
)


def studio_luma(luma: np.ndarray) -> torch.Tensor:
    """Return full-range luma (H, W) in [0, 255] as float32 (1, 1, H, W) of whole numbers in [16, 235]."""
    import torch

    codes = np.clip(np.rint(BLACK + luma * ((WHITE - BLACK) / 255)), BLACK, WHITE)
    return torch.tensor(codes, dtype=torch.float32)[None, None]


@cache
def _model(gain_limited: bool) -> Any:
    """The loaded model; its parameters are in the package."""
    import vmaf_torch

    return vmaf_torch.VMAF(NEG=gain_limited, enable_motion=False, clip_score=True).eval()


def vmaf_score(*, distorted: torch.Tensor, reference: torch.Tensor, gain_limited: bool) -> float:
    """VMAF of studio-range luma (1, 1, H, W); `gain_limited` is the NEG model, which gives nothing for enhancement."""
    import torch

    with torch.inference_mode():
        return float(_model(gain_limited)(reference, distorted))


vmaf = DescribedMetric(
    MetricInfo(
        name="vmaf",
        title="VMAF",
        protocol=PROTOCOL.format("VMAF"),
        proof="libvmaf (integer features, in ffmpeg) on 5 JPEG pairs: within .06",
        **FACTS,
    ),
    describe=studio_luma,
    compare=partial(vmaf_score, gain_limited=False),
    package=PACKAGE,
)
vmaf_neg = DescribedMetric(
    MetricInfo(
        name="vmaf-neg",
        title="VMAF NEG",
        protocol=PROTOCOL.format("VMAF NEG (no enhancement gain)"),
        proof="libvmaf (integer features, in ffmpeg) on 5 JPEG pairs: within .2",
        **FACTS,
    ),
    describe=studio_luma,
    compare=partial(vmaf_score, gain_limited=True),
    package=PACKAGE,
)

METRICS = (vmaf, vmaf_neg)
