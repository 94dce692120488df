"""GMSD against the paper written out, another library, and the authors' values."""

import numpy as np
import pytest
from photographs import PAIRS, assert_equals_recorded, luma, official, photograph, rgb2gray, score
from scipy.signal import convolve2d

from benchmark.metrics import gradient

PREWITT = np.array([[1.0, 0.0, -1.0]] * 3) / 3


def similarity_map(x, y):
    """Gradient magnitude similarity of grey in [0, 255] as GMSD.m: conv2 with zero borders, T = 170 (eq. 4)."""

    def half_size(image):
        padded = np.pad(image, ((0, 1), (0, 1)))  # conv2(..., 'same') with a 2 x 2 kernel looks one pixel ahead
        return (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:])[::2, ::2] / 4

    def magnitude(image):
        return np.hypot(convolve2d(image, PREWITT, mode="same"), convolve2d(image, PREWITT.T, mode="same"))

    m_x, m_y = magnitude(half_size(x)), magnitude(half_size(y))
    return (2 * m_x * m_y + 170) / (m_x**2 + m_y**2 + 170)


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
@pytest.mark.parametrize("size", [(512, 768), (97, 131), (96, 131), (97, 130), (6, 7)])
def test_gmsd_is_the_papers_equation_on_even_and_odd_sizes(distorted, reference, size):
    x, y = (photograph(name)[: size[0], : size[1]] for name in (distorted, reference))
    expected = similarity_map(luma(x), luma(y)).std()
    np.testing.assert_allclose(score("gmsd", distorted=x, reference=y), expected, rtol=0, atol=1e-10)


def test_gmsd_is_near_recorded_values_of_frame_analytics():
    assert_equals_recorded("gmsd", "frame-analytics", 4e-4)  # it mirrors the borders, where the authors put zeros


def test_gmsd_of_matlabs_rounded_grey_equals_the_official_values_to_nine_digits(shared):
    """The official row is GMSD.m on rgb2gray, which rounds, and std2, which divides by N - 1 where the paper has N."""
    for distorted, reference, value in official(shared, "gmsd"):
        n = similarity_map(rgb2gray(distorted), rgb2gray(reference)).size
        rounded = gradient.gmsd.function(distorted=rgb2gray(distorted), reference=rgb2gray(reference))
        np.testing.assert_allclose(rounded * np.sqrt(n / (n - 1)), value, rtol=0, atol=1e-9)
        np.testing.assert_allclose(score("gmsd", distorted=distorted, reference=reference), value, rtol=0, atol=3e-4)
