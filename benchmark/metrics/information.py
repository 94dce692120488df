"""How much of the reference's information a viewer still gets: VIF in the pixel domain, and IW-SSIM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.described import DescribedMetric
from benchmark.metrics.opencv_information import InformationScorer
from benchmark.metrics.pairwise import metric
from benchmark.metrics.tensors import unit_tensor
from benchmark.types import MetricInfo, PairError

WINDOWS = (17, 9, 5, 3)
"""Sides of the Gaussian windows per scale, sigma a fifth of them (vifp_mscale.m)."""
NOISE_VARIANCE = 2.0
"""Of the neural noise, sigma_n^2, for luma in [0, 255] (vifp_mscale.m)."""
ZERO = 1e-10
"""A variance below it counts as none (vifp_mscale.m)."""


class Scale(NamedTuple):
    """One scale of an image: its luma, and local means and variances where the whole window lies inside."""

    luma: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def _local_mean(image: np.ndarray, window: int) -> np.ndarray:
    """Gaussian mean over windows that lie wholly inside the image."""
    from scipy.ndimage import correlate1d

    offsets = np.arange(window) - window // 2
    weights = np.exp(-(offsets**2) / (2 * (window / 5) ** 2))
    weights /= weights.sum()
    inside = slice(window // 2, -(window // 2))
    rows = correlate1d(image, weights, axis=0)[inside]
    return correlate1d(rows, weights, axis=1)[:, inside]


def scales(luma: np.ndarray) -> list[Scale]:
    """Return the four scales, finest first, of float64 luma (H, W) in [0, 255]."""
    found: list[Scale] = []
    for window in WINDOWS:
        if found:
            luma = _local_mean(luma, window)[::2, ::2]
        mean = _local_mean(luma, window)
        found.append(Scale(luma, mean, np.maximum(_local_mean(luma * luma, window) - mean * mean, 0)))
    return found


def pixel_domain_fidelity(*, distorted: list[Scale], reference: list[Scale]) -> float:
    """Information that the distorted image keeps over that of the reference; 1 for a reference that holds none."""
    kept = total = 0.0
    for x, y, window in zip(reference, distorted, WINDOWS, strict=True):
        covariance = _local_mean(x.luma * y.luma, window) - x.mean * y.mean
        gain = covariance / (x.variance + ZERO)
        noise = y.variance - gain * covariance
        flat = x.variance < ZERO
        gain, noise, variance = (
            np.where(flat, 0, gain),
            np.where(flat, y.variance, noise),
            np.where(flat, 0, x.variance),
        )
        gone = y.variance < ZERO
        gain, noise = np.where(gone, 0, gain), np.where(gone, 0, noise)
        noise = np.where(gain < 0, y.variance, noise)
        gain, noise = np.maximum(gain, 0), np.maximum(noise, ZERO)
        kept += np.log10(1 + gain**2 * variance / (noise + NOISE_VARIANCE)).sum()
        total += np.log10(1 + variance / NOISE_VARIANCE).sum()
    return float((kept + ZERO) / (total + ZERO))


vifp = DescribedMetric(
    MetricInfo(
        name="vifp",
        title="VIF (luma, pixel domain)",
        proof="sewar 0.4.10 and torchmetrics 1.9.0 on 5 pairs (1e-9)",
        version="1",
        higher_is_better=True,
        protocol="Visual information fidelity in the pixel domain of BT.601 luma (full range, unrounded): four scales, "
        "Gaussian windows 17, 9, 5, 3 with sigma N / 5, valid region, noise variance 2, as the authors' vifp_mscale.m.",
        score_range=(0.0, float("inf")),
        min_size=41,
        tolerance=1e-6,
        library="scipy, here (equal to piq and sewar, whose dense windows take many times as long)",
        licence="Apache-2.0",
        citation="H. R. Sheikh, A. C. Bovik. Image information and visual quality. IEEE TIP, 2006",
        note="above 1 where contrast is raised; 1 where the reference is flat",
    ),
    describe=scales,
    compare=pixel_domain_fidelity,
)


@metric(
    name="iw-ssim",
    title="IW-SSIM (luma)",
    version="2",  # 1 was in float32, whose rounding counted where an image is flat: up to .005 on live-kodak
    proof="frame-analytics 0.7.0 on 5 pairs (1e-3: other borders)",
    protocol="Five-scale SSIM on a Laplacian pyramid of BT.601 luma (full range, unrounded), each scale pooled by local "
    "information content (3 x 3 neighbourhood and parent, noise variance .4), weights .0448 .2856 .3001 .2363 .1333.",
    view="luma",
    higher_is_better=True,
    score_range=(0.0, 1.0),
    min_size=161,
    tolerance=1e-5,
    library="piq",
    licence="Apache-2.0",
    citation="Z. Wang, Q. Li. Information content weighting for perceptual image quality assessment. IEEE TIP, 2011",
    note="undefined, and so not scored, where a scale of the reference is flat, unless the images are equal",
)
def iw_ssim(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """IW-SSIM of float64 luma (H, W) in [0, 255]; raises PairError where the reference holds no information.

    Equal images are alike under any weights, and score 1.
    """
    import piq
    import torch

    if np.array_equal(distorted, reference):
        return 1.0

    with torch.inference_mode():
        pair = [unit_tensor(image) for image in (distorted, reference)]
        try:
            return float(piq.information_weighted_ssim(*pair))
        except torch.linalg.LinAlgError as error:
            raise PairError("iw-ssim is undefined: a scale of the reference is flat") from error


METRICS = (
    vifp,
    with_backends(iw_ssim, Backend("opencv", lambda device: InformationScorer()), library="piq"),
)
