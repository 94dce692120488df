"""FSIM, FSIMc, VSI and SR-SIM against recorded values of other libraries, the authors' values, and SR_SIM.m."""

import numpy as np
import pytest
import torch
from photographs import PAIRS, assert_equals_recorded, luma, official, photograph, score
from scipy.ndimage import correlate, uniform_filter
from scipy.signal import convolve2d

from benchmark.images import ImageBatch
from benchmark.metrics.phase_congruency import log_gabor, phase_congruency
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

SIZES = [(288, 288), (384, 512), (389, 393), (512, 768)]
"""Shrunk by 1 and by 2, even and odd."""
SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16


@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 1e-6), ("piqa", 3e-6)])
def test_fsim_equals_recorded_values_of_independent_libraries(library, atol):
    assert_equals_recorded("fsim", library, atol)  # they compute in float32


@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 3e-5), ("piqa", 3e-5), ("pyiqa", 1e-5)])
def test_fsimc_equals_recorded_values_of_independent_libraries(library, atol):
    assert_equals_recorded("fsimc", library, atol)  # the digits of YIQ's matrix differ: 2e-5 where colour is lost


def test_fsimc_equals_the_official_values_to_their_printed_digits(shared):
    """The row is called fsim there, and is the chromatic one; .6891 for I03 is the digits of YIQ's matrix again."""
    for distorted, reference, value in official(shared, "fsim"):
        ours = score("fsimc", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, value, rtol=0, atol=1e-4)


def test_fsim_is_blind_to_colour_and_fsimc_is_not():
    reference = photograph("ref/bikes.png")
    grey = np.repeat(np.rint(luma(reference)).astype(np.uint8)[..., None], 3, axis=2)
    assert score("fsim", distorted=grey, reference=reference) > 0.99
    assert score("fsimc", distorted=grey, reference=reference) < 0.98


@pytest.mark.parametrize(("shape", "factor"), [((383, 400), 1), ((384, 391), 2), ((640, 641), 3), ((897, 900), 4)])
def test_the_viewing_size_is_matlabs_conv2_and_rounds_halves_up(shape, factor):
    """conv2(..., 'same') of an f x f mean starts at full row floor(f / 2); then comes every f-th pixel."""
    image = np.random.default_rng(5).random(shape)
    full = convolve2d(image, np.full((factor, factor), factor**-2.0))
    start = factor // 2
    expected = full[start : start + shape[0], start : start + shape[1]][::factor, ::factor]
    found = near_viewing_size(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert max(1, round(min(found.shape) / 256)) == 1, "piq would average once more"


def test_vsi_equals_recorded_values_of_pyiqa():
    assert_equals_recorded("vsi", "pyiqa", 2e-7)


def test_vsi_is_near_the_values_that_circulate_as_official(shared):
    """No library at hand gives them (piq and pyiqa agree with each other); they are two decimals away."""
    for distorted, reference, value in official(shared, "vsi"):
        ours = score("vsi", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, value, rtol=0, atol=0.013)


def bicubic_matrix(n_in, n_out):
    """MATLAB's imresize along one axis: cubic (a = -.5), widened when shrinking, borders mirrored."""
    scale = n_out / n_in
    width = max(1.0, 1 / scale)
    matrix = np.zeros((n_out, n_in))
    for i in range(n_out):
        centre = (i + 0.5) / scale - 0.5
        taps = np.arange(int(np.floor(centre - 2 * width)), int(np.ceil(centre + 2 * width)) + 1)
        x = np.abs(taps - centre) / width
        weights = np.where(
            x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x <= 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0)
        )
        mirrored = taps % (2 * n_in)
        np.add.at(matrix[i], np.where(mirrored < n_in, mirrored, 2 * n_in - 1 - mirrored), weights / weights.sum())
    return matrix


def imresize(image, shape):
    return bicubic_matrix(image.shape[0], shape[0]) @ image @ bicubic_matrix(image.shape[1], shape[1]).T


def saliency(image):
    """Spectral residual saliency as in SR_SIM.m."""
    spectrum = np.fft.fft2(imresize(image, [-(-size // 4) for size in image.shape]))
    amplitude = np.log(np.abs(spectrum))
    residual = amplitude - uniform_filter(amplitude, 3, mode="nearest")
    energy = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    gaussian = np.exp(-((np.arange(10) - 4.5) ** 2) / (2 * 3.8**2))
    window = np.zeros((11, 11))
    window[1:, 1:] = np.outer(gaussian, gaussian) / gaussian.sum() ** 2  # imfilter centres 10 x 10 on its fifth pixel
    smooth = correlate(energy, window, mode="constant")
    return imresize((smooth - smooth.min()) / np.ptp(smooth), image.shape)


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_sr_sim_is_the_authors_matlab_code_written_out(distorted, reference):
    def features(name):
        padded = np.pad(luma(photograph(name)), ((0, 1), (0, 1)))
        half = (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:])[::2, ::2] / 4
        gradient = np.hypot(convolve2d(half, SCHARR, mode="same"), convolve2d(half, SCHARR.T, mode="same"))
        return saliency(half), gradient

    (v_x, g_x), (v_y, g_y) = features(distorted), features(reference)
    similarity = (2 * v_x * v_y + 0.4) / (v_x**2 + v_y**2 + 0.4)
    similarity *= np.sqrt((2 * g_x * g_y + 225) / (g_x**2 + g_y**2 + 225))
    weights = np.maximum(v_x, v_y)
    expected = np.sum(similarity * weights) / weights.sum()
    ours = score("sr-sim", distorted=photograph(distorted), reference=photograph(reference))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)


def test_sr_sim_is_near_recorded_values_of_frame_analytics():
    assert_equals_recorded("sr-sim", "frame-analytics", 2.5e-3)  # it resizes otherwise


def piqs_own(name, *, distorted, reference):
    """What piq's function gives in one call, on images brought near the viewing size as the authors' code does."""
    import piq

    colour = name in {"fsimc", "vsi"}
    images = [unit_tensor(image if colour else ImageBatch(image[None]).luma[0]) for image in (distorted, reference)]
    if name == "vsi":
        return float(piq.vsi(*images))
    images = [near_viewing_size(image) for image in images]
    return float(piq.srsim(*images) if name == "sr-sim" else piq.fsim(*images, chromatic=colour))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["fsim", "fsimc", "vsi", "sr-sim"])
def test_the_assembled_metric_is_piqs_own_function(name, size):
    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        expected = piqs_own(name, distorted=distorted, reference=reference)
        ours = score(name, distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (40, 97)])
def test_phase_congruency_is_that_of_filters_built_one_by_one(size):
    """FeatureSIM.m written out for one orientation after the other, its noise estimated from the filters themselves."""
    image = luma(photograph("ref/bikes.png"))[100 : 100 + size[0], 200 : 200 + size[1]]
    height, width = size
    rows, columns = (np.arange(-(n // 2), n - n // 2) / (n - n % 2) for n in size)
    x, y = np.meshgrid(columns, rows)
    radius, theta = (np.fft.ifftshift(a) for a in (np.hypot(x, y), np.arctan2(-x, y)))
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    energy_all = amplitude_all = 0
    for orientation in range(4):
        angle = np.angle(np.exp(1j * (theta - orientation * np.pi / 4)))
        spread = np.exp(-(angle**2) / (2 * (np.pi / 4 / 1.2) ** 2))
        filters = []
        for wavelength in (6, 12, 24, 48):
            filters.append(np.exp(-(np.log(radius * wavelength) ** 2) / (2 * np.log(0.55) ** 2)) * low_pass * spread)
            filters[-1][0, 0] = 0
        responses = [np.fft.ifft2(np.fft.fft2(image) * f) for f in filters]
        phase = sum(responses) / np.abs(sum(responses))
        energy = sum((r * phase.conj()).real - np.abs((r * phase.conj()).imag) for r in responses)
        inverse = [np.fft.ifft2(f).real * np.sqrt(height * width) for f in filters]
        squares = sum(np.sum(f * f) for f in inverse)
        products = sum(np.sum(inverse[i] * inverse[j]) for i in range(4) for j in range(i + 1, 4))
        median = np.sort(np.abs(responses[0]) ** 2, axis=None)[(image.size - 1) // 2]
        power = -median / np.log(0.5) / np.sum(filters[0] ** 2)
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7
        energy_all += np.maximum(energy - threshold, 0)
        amplitude_all += sum(np.abs(r) for r in responses)
    found = phase_congruency(np.fft.fft2(image), log_gabor(*size))
    np.testing.assert_allclose(found, energy_all / amplitude_all, rtol=0, atol=1e-9)
