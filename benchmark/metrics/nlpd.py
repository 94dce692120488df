"""NLPD: distance between normalised Laplacian pyramids, a model of contrast gain control in early vision."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.described import DescribedMetric
from benchmark.types import MetricInfo

LOW_PASS = (0.05, 0.25, 0.4, 0.25, 0.05)
"""Separable filter of the pyramid (Burt and Adelson 1983, a = .4)."""
SIGMAS = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
"""Constant of the divisive normalisation per level, finest first (the authors' NLP_dist.m)."""
NEIGHBOURS = (
    ((0, 0, 0.1011, 0, 0), (0, 0.1493, 0, 0.1460, 0.0072), (0, 0, 0.1015, 0, 0)),
    ((0, 0, 0.0757, 0, 0), (0, 0.1986, 0, 0.1846, 0), (0, 0, 0.0837, 0, 0)),
    ((0, 0, 0.0477, 0, 0), (0, 0.2138, 0, 0.2243, 0), (0, 0, 0.0467, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 0.2503, 0, 0.2616, 0), (0, 0, 0, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 0.2598, 0, 0.2552, 0), (0, 0, 0, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 0.2215, 0, 0.0717, 0), (0, 0, 0, 0, 0)),
)
"""Weights of the neighbours in the divisive normalisation per level: the three rows of NLP_dist.m's filters that are
not zero. The .0072 is left out by most other implementations, and is what the authors' values need."""


def _low_pass(image: np.ndarray, mode: str) -> np.ndarray:
    from scipy.ndimage import correlate1d

    rows = correlate1d(image, LOW_PASS, axis=0, mode=mode)
    return correlate1d(rows, LOW_PASS, axis=1, mode=mode)


def _expand(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Double an image by zeros between its pixels and the low-pass filter, its edge pixels repeated once."""
    padded = np.pad(image, 1, mode="edge")
    spread = np.zeros((2 * padded.shape[0], 2 * padded.shape[1]))
    spread[::2, ::2] = 4 * padded
    return _low_pass(spread, "constant")[2 : 2 + shape[0], 2 : 2 + shape[1]]


def _normalise(band: np.ndarray, level: int) -> np.ndarray:
    """Divide by a constant plus the weighted magnitudes of the neighbours (Laparra et al., eq. 2)."""
    from scipy.ndimage import convolve

    return band / (SIGMAS[level] + convolve(np.abs(band), np.array(NEIGHBOURS[level]), mode="constant"))


def normalised_pyramid(luma: np.ndarray) -> list[np.ndarray]:
    """Return the six normalised levels, finest first, of float64 luma (H, W) in [0, 255]."""
    image, levels = luma / 255, []
    for level in range(len(SIGMAS) - 1):
        smaller = _low_pass(image, "reflect")[::2, ::2]
        levels.append(_normalise(image - _expand(smaller, image.shape), level))
        image = smaller
    return [*levels, _normalise(image, len(SIGMAS) - 1)]


def distance(*, distorted: list[np.ndarray], reference: list[np.ndarray]) -> float:
    """Mean over levels of the root mean squared difference (Laparra et al., eq. 4)."""
    levels = zip(distorted, reference, strict=True)
    return float(np.mean([np.sqrt(np.mean((x - y) ** 2)) for x, y in levels]))


nlpd = DescribedMetric(
    MetricInfo(
        name="nlpd",
        title="NLPD (luma)",
        proof="official values of 5 pairs (1e-8 on rounded grey)",
        version="1",
        higher_is_better=False,
        protocol="Mean over six levels of the root mean squared difference of normalised Laplacian pyramids of BT.601 "
        "luma (full range, unrounded, in [0, 1]), with the filters and borders of the authors' NLP_dist.m.",
        score_range=(0.0, float("inf")),
        min_size=32,
        tolerance=1e-9,
        library="numpy and scipy, here (no library has the authors' values)",
        licence="Apache-2.0",
        citation="V. Laparra, J. Ballé, A. Berardino, E. P. Simoncelli. Perceptual image quality assessment using a "
        "normalized Laplacian pyramid. Human Vision and Electronic Imaging, 2016",
    ),
    describe=normalised_pyramid,
    compare=distance,
)

METRICS = (nlpd,)
