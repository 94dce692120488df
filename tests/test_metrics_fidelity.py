"""PSNR against the formula by hand, recorded values of other libraries, and the authors' values."""

import warnings

import numpy as np
import pytest
from photographs import PAIRS, assert_equals_recorded, luma, official, photograph, score


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_psnr_is_the_formula_with_the_error_pooled_over_channels(distorted, reference):
    x, y = photograph(distorted), photograph(reference)
    by_hand = 10 * np.log10(255**2 / np.mean((x.astype(np.float64) - y.astype(np.float64)) ** 2))
    np.testing.assert_allclose(score("psnr", distorted=x, reference=y), by_hand, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_psnr_y_is_the_formula_on_unrounded_luma(distorted, reference):
    x, y = photograph(distorted), photograph(reference)
    by_hand = 10 * np.log10(255**2 / np.mean((luma(x) - luma(y)) ** 2))
    np.testing.assert_allclose(score("psnr-y", distorted=x, reference=y), by_hand, rtol=0, atol=1e-10)


@pytest.mark.parametrize("metric", ["psnr", "psnr-y"])
@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 1e-8), ("torchmetrics", 2e-6)])
def test_psnr_equals_recorded_values_of_independent_libraries(metric, library, atol):
    assert_equals_recorded(metric, library, atol)


def test_psnr_does_not_wrap_around_in_8_bits():
    reference = np.full((8, 8, 3), 250, np.uint8)
    distorted = np.full((8, 8, 3), 4, np.uint8)
    expected = 20 * np.log10(255 / 246)
    np.testing.assert_allclose(score("psnr", distorted=distorted, reference=reference), expected, rtol=1e-12)


@pytest.mark.parametrize("metric", ["psnr", "psnr-y"])
def test_black_against_white_is_0_db_and_equal_images_are_infinite_without_a_warning(metric):
    black, white = np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(metric, distorted=black, reference=white) == 0.0
        assert score(metric, distorted=white, reference=white) == np.inf


def test_the_squared_error_of_a_large_image_does_not_overflow_32_bits():
    reference, distorted = np.zeros((1000, 1001, 3), np.uint8), np.full((1000, 1001, 3), 254, np.uint8)
    expected = 20 * np.log10(255 / 254)
    np.testing.assert_allclose(score("psnr", distorted=distorted, reference=reference), expected, rtol=1e-12)


def test_psnr_equals_the_official_values_to_their_printed_digits(shared):
    for distorted, reference, value in official(shared, "psnr"):
        assert round(score("psnr", distorted=distorted, reference=reference), 2) == value
