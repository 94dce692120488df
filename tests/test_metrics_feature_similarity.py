"""FSIM, FSIMc, VSI and SR-SIM against the authors' MATLAB code, written out here and run under Octave, and libraries."""

import numpy as np
import pytest
import torch
from calibration import table
from photographs import PAIRS, assert_equals_recorded, luma, official, photograph, score
from scipy.ndimage import correlate, uniform_filter
from scipy.signal import convolve2d

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.phase_congruency import log_gabor, phase_congruency
from benchmark.metrics.tensors import near_viewing_size, unit_tensor

SIZES = [(288, 288), (384, 512), (389, 393), (512, 768)]
"""Shrunk by 1 and by 2, even and odd."""
SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16


@pytest.mark.parametrize("metric", ["fsim", "fsimc"])
def test_fsim_and_fsimc_equal_recorded_values_of_frame_analytics(metric):
    assert_equals_recorded(metric, "frame-analytics", 1e-8)  # it follows FeatureSIM.m too


@pytest.mark.parametrize(("metric", "library"), [("fsim", "piqa"), ("fsimc", "piqa"), ("fsimc", "pyiqa")])
def test_fsim_and_fsimc_are_near_recorded_values_of_float32_libraries(metric, library):
    """Their filters are turned by a quarter, which counts at the highest frequency of an even size, and their YIQ has
    other digits, in the fourth decimal."""
    assert_equals_recorded(metric, library, 1e-5 if metric == "fsim" else 1e-4)


@pytest.mark.parametrize("metric", ["fsim", "fsimc", "vsi"])
def test_the_authors_code_under_octave_gives_the_same(shared, metric):
    """Twelve digits were recorded; two implementations in float64 differ by less than 1e-11."""
    known = [each for each in table.known() if (each.metric, each.source) == (metric, "Octave")]
    assert len(known) == 5
    for each in known:
        distorted, reference = (read_rgb(path) for path in (each.distorted, each.reference))
        ours = score(metric, distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, float(each.value), rtol=0, atol=1e-11)


def test_fsimc_equals_the_official_values_to_their_printed_digits(shared):
    """The row is called fsim there, and is the chromatic one; .689 for I03 has three of the four digits of the others."""
    for distorted, reference, value in official(shared, "fsim"):
        ours = score("fsimc", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, value, rtol=0, atol=0.5e-4 + 1e-9)


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


def noise(height, width, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def blocks(height, width, seed):
    """A coarse pattern in colours, so that every size has edges and salient parts."""
    coarse = noise(-(-height // 32), -(-width // 32), seed)
    return np.repeat(np.repeat(coarse, 32, axis=0), 32, axis=1)[:height, :width]


AUTHORS_CASES = {
    "photograph": tuple(photograph(name) for name in PAIRS[0]),
    "odd size": tuple(photograph(name)[:389, :393] for name in PAIRS[1]),
    "small": tuple(photograph(name)[100:140, 200:261] for name in PAIRS[1]),
    "channels mixed up": (photograph(PAIRS[0][0])[..., [2, 0, 1]], photograph(PAIRS[0][1])),
    "noise": (noise(288, 300, 1), noise(288, 300, 2)),
    "half rounds up to 3": (blocks(640, 700, 1), blocks(640, 700, 2)),
    "half rounds up to 5": (blocks(1200, 1152, 3), blocks(1200, 1152, 4)),
}
"""Mixed-up channels and noise make the product of the chromatic similarities negative; 640 / 256 and 1152 / 256 end in .5."""


def viewing_size(plane):
    """conv2(plane, fspecial('average', F), 'same')(1:F:end, 1:F:end), F = max(1, round(shorter side / 256))."""
    factor = max(1, int(np.floor(min(plane.shape) / 256 + 0.5)))
    full = convolve2d(plane, np.full((factor, factor), factor**-2.0))
    start = factor // 2
    return full[start : start + plane.shape[0], start : start + plane.shape[1]][::factor, ::factor]


def mixed(rgb, *weights):
    return viewing_size(rgb.astype(np.float64) @ np.array(weights))


def gradient(plane):
    return np.hypot(convolve2d(plane, SCHARR, mode="same"), convolve2d(plane, SCHARR.T, mode="same"))


def alike(x, y, constant):
    return (2 * x * y + constant) / (x**2 + y**2 + constant)


def phasecong2(image):
    """phasecong2 of FeatureSIM.m, one orientation after the other, its noise estimated from the filters themselves."""
    height, width = image.shape
    rows, columns = (np.arange(-(n // 2), n - n // 2) / (n - n % 2) for n in image.shape)
    x, y = np.meshgrid(columns, rows)
    radius, theta = (np.fft.ifftshift(a) for a in (np.hypot(x, y), np.arctan2(-y, x)))
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
        phase = sum(responses) / (np.abs(sum(responses)) + 1e-4)
        energy = sum((r * phase.conj()).real - np.abs((r * phase.conj()).imag) for r in responses)
        inverse = [np.fft.ifft2(f).real * np.sqrt(height * width) for f in filters]
        squares = sum(np.sum(f * f) for f in inverse)
        products = sum(np.sum(inverse[i] * inverse[j]) for i in range(4) for j in range(i + 1, 4))
        power = np.median(np.abs(responses[0]) ** 2) / np.log(2) / np.sum(filters[0] ** 2)
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7
        energy_all += np.maximum(energy - threshold, 0)
        amplitude_all += sum(np.abs(r) for r in responses)
    return energy_all / amplitude_all


def fsimc_m(distorted, reference):
    """FeatureSIM.m's second output."""

    def features(rgb):
        y = mixed(rgb, 0.299, 0.587, 0.114)
        return phasecong2(y), gradient(y), mixed(rgb, 0.596, -0.274, -0.322), mixed(rgb, 0.211, -0.523, 0.312)

    (pc_x, g_x, i_x, q_x), (pc_y, g_y, i_y, q_y) = features(distorted), features(reference)
    chroma = np.real((alike(i_x, i_y, 200) * alike(q_x, q_y, 200)).astype(complex) ** 0.03)
    weight = np.maximum(pc_x, pc_y)
    return np.sum(alike(g_x, g_y, 160) * alike(pc_x, pc_y, 0.85) * chroma * weight) / weight.sum()


def triangle_matrix(n_in, n_out):
    """MATLAB's imresize(..., 'bilinear') along one axis, tap by tap."""
    matrix, width = np.zeros((n_out, n_in)), max(1.0, n_in / n_out)
    for i in range(n_out):
        centre = (i + 0.5) * n_in / n_out - 0.5
        for tap in range(int(np.floor(centre - width)), int(np.ceil(centre + width)) + 1):
            mirrored = tap % (2 * n_in)
            column = mirrored if mirrored < n_in else 2 * n_in - 1 - mirrored
            matrix[i, column] += max(0.0, 1 - abs(tap - centre) / width)
    return matrix / matrix.sum(axis=1, keepdims=True)


def rgb2lab(rgb):
    """RGB2Lab of VSI.m, channel by channel: sRGB's matrix, and D50 as white."""
    r, g, b = (np.where(c <= 0.04045, c / 12.92, np.power((c + 0.055) / 1.055, 2.4)) for c in (p / 255 for p in rgb))
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.9642
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 0.8251
    f = [np.where(v > 0.008856, np.power(v, 1 / 3), (903.3 * v + 16) / 116) for v in (x, y, z)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def sdsp(rgb):
    """SDSP of VSI.m."""
    height, width = rgb.shape[:2]
    down, right = triangle_matrix(height, 256), triangle_matrix(width, 256).T
    lightness, a, b = rgb2lab([down @ rgb[..., c].astype(np.float64) @ right for c in range(3)])
    rows, columns = np.indices((256, 256)) + 1.0
    radius = np.hypot((rows - 129) / 256, (columns - 129) / 256)
    with np.errstate(divide="ignore"):
        band = np.where(radius > 0.5, 0, np.exp(-(np.log(radius / 0.021) ** 2) / (2 * 1.34**2)))
    band = np.fft.ifftshift(band)
    frequency = np.sqrt(sum(np.fft.ifft2(np.fft.fft2(plane) * band).real ** 2 for plane in (lightness, a, b)))
    centre = np.exp(-((rows - 128) ** 2 + (columns - 128) ** 2) / 145**2)
    warm = 1 - np.exp(-sum(((c - c.min()) / np.ptp(c)) ** 2 for c in (a, b)) / 0.001**2)
    found = triangle_matrix(256, height) @ (frequency * centre * warm) @ triangle_matrix(256, width).T
    return (found - found.min()) / np.ptp(found)


def vsi_m(distorted, reference):
    """VSI.m."""

    def features(rgb):
        m, n = mixed(rgb, 0.30, 0.04, -0.35), mixed(rgb, 0.34, -0.60, 0.17)
        return viewing_size(sdsp(rgb)), gradient(mixed(rgb, 0.06, 0.63, 0.27)), m, n

    (s_x, g_x, m_x, n_x), (s_y, g_y, m_y, n_y) = features(distorted), features(reference)
    colour = np.real((alike(m_x, m_y, 130) * alike(n_x, n_y, 130)).astype(complex) ** 0.02)
    weight = np.maximum(s_x, s_y)
    return np.sum(alike(g_x, g_y, 386) ** 0.4 * alike(s_x, s_y, 1.27) * colour * weight) / weight.sum()


@pytest.mark.parametrize("case", AUTHORS_CASES)
@pytest.mark.parametrize(("metric", "authors"), [("fsimc", fsimc_m), ("vsi", vsi_m)])
def test_the_authors_matlab_code_written_out_gives_the_same(metric, authors, case):
    """Float64 here and there: maps agree to 1e-13, and a power of .02 of a similarity near 0 loses digits at few pixels."""
    distorted, reference = AUTHORS_CASES[case]
    ours = score(metric, distorted=distorted, reference=reference)
    np.testing.assert_allclose(ours, authors(distorted, reference), rtol=0, atol=1e-10)


def test_vsi_is_near_recorded_values_of_pyiqa():
    """It resizes the saliency without antialiasing, on the way back by other centres, and repeats borders."""
    assert_equals_recorded("vsi", "pyiqa", 0.02)


def test_two_flat_images_are_alike_only_where_they_are_the_same():
    """Nothing is salient and no edge congruent: all pixels weigh alike, and the colours decide."""
    black, grey = (np.full((64, 80, 3), level, np.uint8) for level in (0, 127))
    for metric in ("fsim", "fsimc", "vsi"):
        assert score(metric, distorted=black, reference=black) == 1
        assert score(metric, distorted=grey, reference=grey) == 1
        assert score(metric, distorted=grey, reference=black) < 1


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


@pytest.mark.parametrize("size", SIZES)
def test_the_assembled_sr_sim_is_piqs_own_function(size):
    """In one call, on images brought near the viewing size as the authors' code does; float64 in another order."""
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        images = [ImageBatch(image[None]).luma[0] for image in (distorted, reference)]
        expected = float(piq.srsim(*(near_viewing_size(unit_tensor(image)) for image in images)))
        ours = score("sr-sim", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (40, 97)])
def test_phase_congruency_is_that_of_filters_built_one_by_one(size):
    image = luma(photograph("ref/bikes.png"))[100 : 100 + size[0], 200 : 200 + size[1]]
    found = phase_congruency(np.fft.fft2(image), log_gabor(*size))
    np.testing.assert_allclose(found, phasecong2(image), rtol=0, atol=1e-9)
