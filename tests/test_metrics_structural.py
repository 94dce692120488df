"""SSIM and MS-SSIM against Wang's equations written out, other libraries, and the authors' values."""

import numpy as np
import piq
import pytest
import torch
from photographs import METRICS, PAIRS, assert_equals_recorded, luma, official, photograph, rgb2gray, score
from scipy.signal import convolve2d

from benchmark.metrics import structural

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def window():
    """The 11 x 11 Gaussian of Wang et al. 2004, sigma 1.5, with unit sum."""
    y, x = np.mgrid[-5:6, -5:6]
    weights = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    return weights / weights.sum()


def mean_terms(x, y):
    """(mean contrast-structure, mean SSIM) by equations 13-16 of Wang et al. 2004, one dense window per valid pixel."""

    def local_mean(image):
        return convolve2d(image, window(), mode="valid")

    mu_x, mu_y = local_mean(x), local_mean(y)
    var_x, var_y = local_mean(x * x) - mu_x**2, local_mean(y * y) - mu_y**2
    cov = local_mean(x * y) - mu_x * mu_y
    structure = (2 * cov + C2) / (var_x + var_y + C2)
    return structure.mean(), (structure * (2 * mu_x * mu_y + C1) / (mu_x**2 + mu_y**2 + C1)).mean()


def matlab_shrink(image, factor):
    """imfilter(image, ones(f)/f^2, 'symmetric'), then (1:f:end, 1:f:end), pixel by pixel.

    imfilter's centre of a window of f is element floor((f + 1) / 2), counted from 1.
    """
    before = (factor + 1) // 2 - 1
    padded = np.pad(image, (before, factor - 1 - before), mode="symmetric")
    rows, columns = range(0, image.shape[0], factor), range(0, image.shape[1], factor)
    return np.array([[padded[i : i + factor, j : j + factor].mean() for j in columns] for i in rows])


def crop(name, height=150, width=181):
    return photograph(name)[100 : 100 + height, 200 : 200 + width]


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_ssim_is_wangs_equation(distorted, reference):
    x, y = crop(distorted), crop(reference)
    np.testing.assert_allclose(
        score("ssim", distorted=x, reference=y), mean_terms(luma(x), luma(y))[1], rtol=0, atol=1e-10
    )


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_ssim_rgb_is_wangs_equation_averaged_over_channels(distorted, reference):
    x, y = crop(distorted).astype(np.float64), crop(reference).astype(np.float64)
    expected = np.mean([mean_terms(x[..., i], y[..., i])[1] for i in range(3)])
    ours = score("ssim-rgb", distorted=crop(distorted), reference=crop(reference))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_ssim_equals_piq_without_downsampling(distorted, reference):
    x, y = photograph(distorted), photograph(reference)
    pair = [torch.from_numpy(luma(image) / 255)[None, None].clamp(0, 1) for image in (x, y)]
    expected = float(piq.ssim(*pair, downsample=False))
    np.testing.assert_allclose(score("ssim", distorted=x, reference=y), expected, rtol=0, atol=1e-7)


def test_ssim_down_of_even_factors_is_ssim_of_block_averages():
    x, y = photograph(PAIRS[0][0]), photograph(PAIRS[0][1])  # 512 x 768: the factor is 2

    def blocks(image):
        return image.reshape(256, 2, 384, 2).mean(axis=(1, 3))

    expected = structural.ssim.function(distorted=blocks(luma(x)), reference=blocks(luma(y)))
    np.testing.assert_allclose(score("ssim-down", distorted=x, reference=y), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [
        (383, 500, 1),  # 383 / 256 = 1.496
        (384, 500, 2),  # 1.5 goes up, as MATLAB's round; so does 2.5, which Python's round takes down
        (512, 641, 2),
        (640, 660, 3),
        (641, 650, 3),
        (897, 899, 4),
    ],
)
def test_ssim_down_shrinks_by_matlabs_factor_and_centre(height, width, factor):
    x, y = (np.resize(photograph(name), (height, width, 3)) for name in PAIRS[0])
    expected = structural.ssim.function(
        distorted=matlab_shrink(luma(x), factor), reference=matlab_shrink(luma(y), factor)
    )
    np.testing.assert_allclose(score("ssim-down", distorted=x, reference=y), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [(161, 161), (162, 177), (187, 230)])
def test_ms_ssim_is_the_authors_procedure_on_even_and_odd_sizes(size):
    x, y = crop(PAIRS[0][0], *size), crop(PAIRS[0][1], *size)
    one, two = luma(x), luma(y)
    expected = 1.0
    for scale, weight in enumerate(WEIGHTS):
        structure, ssim = mean_terms(one, two)
        expected *= (ssim if scale == 4 else structure) ** weight
        one, two = matlab_shrink(one, 2), matlab_shrink(two, 2)
    np.testing.assert_allclose(score("ms-ssim", distorted=x, reference=y), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_ms_ssim_rgb_equals_piq(distorted, reference):
    x, y = photograph(distorted), photograph(reference)
    pair = [torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() for image in (x, y)]
    expected = float(piq.multi_scale_ssim(*pair, data_range=255))
    np.testing.assert_allclose(score("ms-ssim-rgb", distorted=x, reference=y), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("metric", ["ssim", "ssim-down", "ssim-rgb", "ms-ssim", "ms-ssim-rgb"])
def test_structural_metrics_equal_recorded_values_of_frame_analytics(metric):
    assert_equals_recorded(metric, "frame-analytics", 1e-9)


@pytest.mark.parametrize("metric", ["ssim", "ssim-rgb", "ms-ssim", "ms-ssim-rgb"])
def test_structural_metrics_equal_recorded_values_of_pytorch_msssim(metric):
    assert_equals_recorded(metric, "pytorch-msssim", 5e-6)  # its window is in float32


@pytest.mark.parametrize(("metric", "smallest"), [("ssim", 11), ("ssim-rgb", 11), ("ssim-down", 11), ("ms-ssim", 161)])
def test_the_smallest_size_is_where_the_window_still_fits(metric, smallest):
    assert METRICS[metric].info.min_size == smallest
    x, y = (crop(name, smallest - 1, 200) for name in PAIRS[0])
    with pytest.raises(ValueError, match="expected a plane of 11 x 11 pixels"):
        score(metric, distorted=x, reference=y)


def test_ms_ssim_of_a_negative_is_0_and_not_undefined():
    y = photograph("ref/bikes.png")
    assert score("ms-ssim", distorted=255 - y, reference=y) == 0.0
    assert score("ssim", distorted=255 - y, reference=y) < 0.0


def test_ssim_of_matlabs_rounded_grey_equals_the_official_values_to_their_printed_digits(shared):
    """The official row is ssim_index.m on rgb2gray, which rounds; `ssim` leaves luma unrounded, as it states."""
    for distorted, reference, value in official(shared, "ssim"):
        rounded = structural.ssim.function(distorted=rgb2gray(distorted), reference=rgb2gray(reference))
        assert round(rounded, 4) == value
        by_rounding = score("ssim", distorted=distorted, reference=reference) - rounded
        assert 0 <= by_rounding < 0.0015  # without the noise of rounding, images are a little more alike


def test_ms_ssim_factors_give_the_official_values_under_the_official_pooling(shared):
    """The official row pools the five factors by their normalised weighted *sum*, msssim.m's second method.

    `ms-ssim` is the product of the paper (equation 7): the same factors, pooled otherwise. That all digits agree also
    shows where MATLAB's imfilter centres a 2 x 2 window: one pixel off, and I19 becomes .8619 instead of .8462.
    """
    for distorted, reference, value in official(shared, "ms_ssim"):
        grey = {"distorted": rgb2gray(distorted), "reference": rgb2gray(reference)}
        factors = np.array(structural.scale_factors(**grey))
        assert round(float(factors @ WEIGHTS / WEIGHTS.sum()), 4) == value
        np.testing.assert_allclose(structural.ms_ssim.function(**grey), np.prod(factors**WEIGHTS), rtol=1e-12)


def test_ms_ssim_is_within_pyiqas_stated_deviation_of_its_own_values(shared):
    """pyiqa's own ms_ssim on the same pairs, as its calibration table prints it (luma rounded)."""
    stated = {"I03": 0.6707, "I04": 0.9996, "I06": 0.9998, "I08": 0.9567, "I19": 0.8418}
    pairs = official(shared, "ms_ssim")
    for (distorted, reference, _), value in zip(pairs, stated.values(), strict=True):
        grey = {"distorted": rgb2gray(distorted), "reference": rgb2gray(reference)}
        np.testing.assert_allclose(structural.ms_ssim.function(**grey), value, rtol=0, atol=8e-4)
