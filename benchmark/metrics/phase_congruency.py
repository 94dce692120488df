"""Phase congruency of FSIM: log-Gabor filters of four scales and four orientations, made once per image size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmark.metrics.buffers import Buffers
from benchmark.metrics.similarity import euclidean

SPECTRA, PLANES = Buffers(), Buffers()
SCALES = 4
ORIENTATIONS = 4
SHORTEST_WAVE = 6.0
"""Pixels, of the finest scale; each further scale doubles it. These and all below are FeatureSIM.m's."""
BANDWIDTH = 0.55
"""Standard deviation of a log-Gabor filter over its centre frequency, sigma_f."""
SPREAD = math.pi / (ORIENTATIONS * 1.2)
"""Standard deviation of a filter over the angle, in radians, sigma_theta."""
CUTOFF, SHARPNESS = 0.45, 15
"""Of the Butterworth low-pass filter that takes the corners off the spectrum."""
NOISE_DEVIATIONS = 2.0
"""How many standard deviations above its mean the energy of noise is cut, k."""
NOISE_SCALE = 1.7
"""What the estimated threshold is divided by, since it is too high for this measure of congruency."""
SMALLEST_ENERGY = 1e-4
"""What FeatureSIM.m adds to the length of the summed response before it divides by it."""
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class LogGabor:
    """The filters of one image size in the frequency domain: `radial[s] * angular[o]`, frequency zero in the corner.

    Each factor is float64 (H, W, 2) with its values twice, as the two channels of a complex spectrum are multiplied.
    """

    radial: list[np.ndarray]
    angular: list[np.ndarray]
    threshold: list[float]
    """By orientation: the energy to cut, over the median amplitude of the finest scale."""


def _frequencies(size: int) -> np.ndarray:
    """Cycles per pixel, zero in the middle; an odd size is divided by one less, as in lowpassfilter.m."""
    return (np.arange(size) - size // 2) / (size - size % 2)


def _mirrored(spectrum: np.ndarray) -> np.ndarray:
    """The value at minus the frequency."""
    return np.roll(np.flip(spectrum), 1, axis=(0, 1))


@lru_cache(maxsize=2)
def log_gabor(height: int, width: int) -> LogGabor:
    """Make the filters; kept for the sizes last used, 128 bytes per pixel."""
    down, right = np.meshgrid(
        np.fft.ifftshift(_frequencies(height)), np.fft.ifftshift(_frequencies(width)), indexing="ij"
    )
    radius, theta = np.hypot(down, right), np.arctan2(-down, right)
    low_pass = 1 / (1 + (radius / CUTOFF) ** (2 * SHARPNESS))
    radius[0, 0] = 1  # its logarithm is not used
    radial, angular = [], []
    for scale in range(SCALES):
        octaves = np.log(radius * SHORTEST_WAVE * 2**scale)
        radial.append(low_pass * np.exp(-(octaves**2) / (2 * math.log(BANDWIDTH) ** 2)))
        radial[-1][0, 0] = 0
    for orientation in range(ORIENTATIONS):
        angle = theta - orientation * math.pi / ORIENTATIONS
        distance = np.arctan2(np.sin(angle), np.cos(angle))
        angular.append(np.exp(-(distance**2) / (2 * SPREAD**2)))
    threshold = [_threshold(sum(radial), radial[0], spread) for spread in angular]
    return LogGabor([_twice(plane) for plane in radial], [_twice(plane) for plane in angular], threshold)


def _twice(plane: np.ndarray) -> np.ndarray:
    return np.repeat(plane[..., None], 2, axis=2)


def _threshold(radial: np.ndarray, finest: np.ndarray, angular: np.ndarray) -> float:
    """Mean plus k standard deviations of the energy that noise has, where the finest scale's median amplitude is 1.

    FeatureSIM.m sums products of the filters' even parts over the image: by Parseval, over their spectra.
    """
    spectrum = radial * angular
    even = (spectrum + _mirrored(spectrum)) / 2
    power = 1 / math.log(2) / np.sum((finest * angular) ** 2)
    rayleigh = math.sqrt(power * np.sum(even**2))
    return rayleigh * (math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / NOISE_SCALE


def phase_congruency(spectrum: np.ndarray, filters: LogGabor) -> np.ndarray:
    """Phase congruency (H, W) in [0, 1] of an image's discrete Fourier transform, complex128 (H, W).

    Energy of the filters' responses where they agree in phase, less that of noise, over the sum of their amplitudes
    (P. Kovesi, Image features from phase congruency, 1999, as FeatureSIM.m has it).
    """
    import cv2

    shape = spectrum.shape
    channels = spectrum.view(np.float64).reshape(*shape, 2)
    turned, product, response = SPECTRA.take(3, channels.shape)
    planes = PLANES.take(2 * SCALES + 7, shape)
    even, odd = planes[:SCALES], planes[SCALES : 2 * SCALES]
    amplitudes, energies, sum_even, sum_odd, length, energy, scratch = planes[2 * SCALES :]
    amplitudes.fill(TINY)  # a plane without any response has no congruency, rather than 0 / 0
    energies.fill(0)
    for angular, threshold in zip(filters.angular, filters.threshold, strict=True):
        np.multiply(channels, angular, out=turned)
        for scale, radial in enumerate(filters.radial):
            np.multiply(turned, radial, out=product)
            cv2.idft(product, dst=response, flags=cv2.DFT_SCALE)
            cv2.split(response, [even[scale], odd[scale]])
            euclidean(even[scale], odd[scale], out=length, scratch=scratch)
            amplitudes += length
            if scale == 0:
                cut = threshold * _median_amplitude(length, scratch)
        _total(even, out=sum_even)
        _total(odd, out=sum_odd)
        euclidean(sum_even, sum_odd, out=length, scratch=scratch)
        np.multiply(length, length, out=energy)
        for e, o in zip(even, odd, strict=True):
            e *= sum_odd
            o *= sum_even
            energy -= cv2.absdiff(e, o, dst=scratch)
        length += SMALLEST_ENERGY
        energy /= length
        energy -= cut
        energies += np.maximum(energy, 0, out=energy)
    return energies / amplitudes


def _total(planes: list[np.ndarray], out: np.ndarray) -> None:
    np.add(planes[0], planes[1], out=out)
    for plane in planes[2:]:
        out += plane


def _median_amplitude(amplitude: np.ndarray, scratch: np.ndarray) -> float:
    """Square root of the median of the squares: of an even number the mean of the two in the middle, as MATLAB's."""
    np.multiply(amplitude, amplitude, out=scratch)
    squares = scratch.reshape(-1)
    upper = squares.size // 2
    squares.partition(upper)
    if squares.size % 2:
        return math.sqrt(squares[upper])
    return math.sqrt((squares[:upper].max() + squares[upper]) / 2)
