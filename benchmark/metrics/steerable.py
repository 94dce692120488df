"""Metrics on steerable pyramids: VIF of wavelet subbands, and CW-SSIM of complex ones."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.metrics.described import DescribedMetric, Package
from benchmark.types import MetricInfo

PYRTOOLS = Package("pyrtools", module="pyrtools", extra="pyramids")

BLOCK = 3
"""Side of the blocks of coefficients that VIF models as one vector (vifvec.m)."""
VIF_LEVELS = 4
VIF_ORIENTATIONS = (0, 3)
"""Of the six of `sp5Filters`: horizontal and vertical."""
NOISE_VARIANCE = 0.4
"""Of the neural noise, sigma_n^2 (vifvec.m)."""
ZERO = 1e-15
"""A variance below it counts as none (vifsub_est_M.m)."""

CW_LEVEL = 4
CW_ORIENTATIONS = 8
CW_WINDOW = 7
CW_STABILITY = 1e-12
"""K of the authors' code, which is 0 there: it makes bands without energy equal."""


@dataclass(frozen=True)
class Band:
    """A subband of VIF's pyramid, whole blocks of it; what VIF needs of a reference is computed when first asked for."""

    coefficients: np.ndarray
    window: int
    """Side of the local window."""

    @cached_property
    def information(self) -> tuple[np.ndarray, np.ndarray]:
        """Energy s^2 of each block and eigenvalues of the blocks' covariance (refparams_vecgsm.m)."""
        overlapping = np.lib.stride_tricks.sliding_window_view(self.coefficients, (BLOCK, BLOCK))
        covariance = np.cov(overlapping.reshape(-1, BLOCK**2), rowvar=False, bias=True)
        blocks = overlapping[::BLOCK, ::BLOCK]
        vectors = blocks.reshape(-1, BLOCK**2)
        energy = np.sum(vectors @ np.linalg.pinv(covariance, hermitian=True) * vectors, axis=1) / BLOCK**2
        return energy.reshape(blocks.shape[:2]), np.linalg.eigvalsh(covariance)

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and summed squared deviation in the window at the centre of every block."""
        mean = self.mean(self.coefficients)
        return mean, self.window**2 * np.maximum(self.mean(self.coefficients**2) - mean**2, 0)

    def mean(self, plane: np.ndarray) -> np.ndarray:
        """Mean of a plane of this size in the window at the centre of every block."""
        from scipy.ndimage import uniform_filter

        return uniform_filter(plane, self.window, mode="mirror")[1::BLOCK, 1::BLOCK]


def vif_bands(luma: np.ndarray) -> list[Band]:
    """Return the eight subbands, finest level first, of float64 luma (H, W) in [0, 255]."""
    from pyrtools.pyramids import SteerablePyramidSpace

    pyramid = SteerablePyramidSpace(np.ascontiguousarray(luma), height=VIF_LEVELS, order=5, edge_type="reflect1")
    return [
        _band(pyramid.pyr_coeffs[level, orientation], window=2 ** (VIF_LEVELS - level) + 1)
        for level in range(VIF_LEVELS)
        for orientation in VIF_ORIENTATIONS
    ]


def _band(coefficients: np.ndarray, window: int) -> Band:
    """Crop to whole blocks."""
    height, width = (size // BLOCK * BLOCK for size in coefficients.shape)
    return Band(coefficients[:height, :width], window)


def _channel(distorted: Band, reference: Band) -> tuple[np.ndarray, np.ndarray]:
    """Gain g and noise variance of the distortion at the centre of every block (vifsub_est_M.m)."""
    n = reference.window**2
    (mean_x, power_x), (mean_y, power_y) = reference.moments, distorted.moments
    covariance = n * (reference.mean(reference.coefficients * distorted.coefficients) - mean_x * mean_y)
    gain = covariance / (power_x + ZERO)
    noise = (power_y - gain * covariance) / n
    gain, noise = np.where(power_x < ZERO, 0, gain), np.where(power_x < ZERO, power_y, noise)
    gain, noise = np.where(power_y < ZERO, 0, gain), np.where(power_y < ZERO, 0, noise)
    noise = np.where(gain < 0, power_y, noise)
    return np.maximum(gain, 0), np.maximum(noise, ZERO)


def visual_information_fidelity(*, distorted: list[Band], reference: list[Band]) -> float:
    """Information that the distorted image keeps over that of the reference; 1 for a reference that holds none."""
    kept = total = 0.0
    for x, y in zip(distorted, reference, strict=True):
        border = math.ceil((y.window - 1) / 2 / BLOCK)
        inside = (slice(border, -border), slice(border, -border))
        gain, noise = _channel(x, y)
        energy, eigenvalues = y.information
        signal = energy[inside][..., None] * eigenvalues
        gain, noise = gain[inside][..., None], noise[inside][..., None]
        kept += np.log2(1 + gain**2 * signal / (noise + NOISE_VARIANCE)).sum()
        total += np.log2(1 + signal / NOISE_VARIANCE).sum()
    return float((kept + ZERO) / (total + ZERO))


def complex_bands(luma: np.ndarray) -> list[np.ndarray]:
    """Return the complex subbands of the coarsest of four levels, by orientation, of luma (H, W) in [0, 255]."""
    from pyrtools.pyramids import SteerablePyramidFreq

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Reconstruction will not be perfect")  # nothing is reconstructed
        pyramid = SteerablePyramidFreq(luma, height=CW_LEVEL, order=CW_ORIENTATIONS - 1, is_complex=True)
    return [pyramid.pyr_coeffs[CW_LEVEL - 1, orientation] for orientation in range(CW_ORIENTATIONS)]


def complex_wavelet_ssim(*, distorted: list[np.ndarray], reference: list[np.ndarray]) -> float:
    """Mean over orientations of the local phase-blind correlation, weighted by a Gaussian over the image."""
    from scipy.signal import convolve2d

    window = np.full((CW_WINDOW, CW_WINDOW), CW_WINDOW**-2.0)
    scores = []
    for x, y in zip(distorted, reference, strict=True):
        correlation = np.abs(convolve2d(x * y.conj(), window, mode="valid"))
        energy = convolve2d(np.abs(x) ** 2 + np.abs(y) ** 2, window, mode="valid")
        weights = _gaussian(correlation.shape, sigma=x.shape[0] / 4)
        scores.append(np.sum(weights * (2 * correlation + CW_STABILITY) / (energy + CW_STABILITY)))
    return float(np.mean(scores))


def _gaussian(shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """A centred Gaussian of that shape with sum 1."""
    rows, columns = (np.exp(-((np.arange(n) - (n - 1) / 2) ** 2) / (2 * sigma**2)) for n in shape)
    weights = np.outer(rows, columns)
    return weights / weights.sum()


vif = DescribedMetric(
    MetricInfo(
        name="vif",
        title="VIF (luma, wavelet domain)",
        proof="official values of 5 pairs, all printed digits (on rounded grey)",
        version="1",
        higher_is_better=True,
        protocol="Visual information fidelity of BT.601 luma (full range, unrounded) in two orientations of four levels "
        "of a steerable pyramid (sp5Filters), blocks 3 x 3, noise variance .4, as the authors' vifvec.m.",
        score_range=(0.0, float("inf")),
        min_size=128,
        tolerance=1e-6,
        library="pyrtools (pyramid)",
        licence="MIT (pyrtools)",
        citation="H. R. Sheikh, A. C. Bovik. Image information and visual quality. IEEE TIP, 2006",
        note="above 1 where contrast is raised; 1 where the reference is flat",
    ),
    describe=vif_bands,
    compare=visual_information_fidelity,
    package=PYRTOOLS,
)

cw_ssim = DescribedMetric(
    MetricInfo(
        name="cw-ssim",
        title="CW-SSIM (luma)",
        proof="official values of 5 pairs, all printed digits (on rounded grey)",
        version="1",
        higher_is_better=True,
        protocol="Complex-wavelet SSIM of BT.601 luma (full range, unrounded): eight orientations of the fourth level of "
        "a complex steerable pyramid, windows 7 x 7, K 0, a Gaussian over the image with sigma a quarter of its height.",
        score_range=(0.0, 1.0),
        min_size=64,
        tolerance=1e-6,
        library="pyrtools (pyramid)",
        licence="MIT (pyrtools)",
        citation="M. P. Sampat, Z. Wang, S. Gupta, A. C. Bovik, M. K. Markey. Complex wavelet structural similarity: a "
        "new image similarity index. IEEE TIP, 2009",
        note="forgives small shifts, turns and changes of scale by design",
    ),
    describe=complex_bands,
    compare=complex_wavelet_ssim,
    package=PYRTOOLS,
)

METRICS = (vif, cw_ssim)
