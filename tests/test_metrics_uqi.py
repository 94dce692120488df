"""UQI against the paper's formula window by window, and SSIM with vanishing constants."""

import numpy as np
import pytest
from photographs import PAIRS, luma, photograph, score
from skimage.metrics import structural_similarity


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_uqi_is_the_papers_formula_in_every_window(distorted, reference):
    x, y = (photograph(image)[200:230, 300:341] for image in (distorted, reference))
    values = []
    for i in range(23):
        for j in range(34):
            a, b = luma(x)[i : i + 8, j : j + 8], luma(y)[i : i + 8, j : j + 8]
            covariance = np.mean((a - a.mean()) * (b - b.mean()))
            structure = 2 * covariance / (a.var() + b.var())
            values.append(structure * 2 * a.mean() * b.mean() / (a.mean() ** 2 + b.mean() ** 2))
    np.testing.assert_allclose(score("uqi", distorted=x, reference=y), np.mean(values), rtol=0, atol=1e-9)


def test_uqi_is_ssim_without_constants_where_nothing_is_flat():
    """scikit-image has odd windows only: 7 x 7 and 9 x 9 bracket 8 x 8 on noise."""
    x, y = np.random.default_rng(2).integers(0, 256, (2, 200, 200, 3), dtype=np.uint8)
    y = (0.5 * x + 0.5 * y).astype(np.uint8)
    options = {"data_range": 255, "use_sample_covariance": False, "K1": 1e-9, "K2": 1e-9}
    small, large = (structural_similarity(luma(x), luma(y), win_size=size, **options) for size in (7, 9))
    assert min(small, large) < score("uqi", distorted=x, reference=y) < max(small, large)


def test_flat_windows_count_by_their_means_and_black_ones_as_equal():
    black, grey, white = (np.full((20, 20, 3), value, np.uint8) for value in (0, 100, 200))
    np.testing.assert_allclose(score("uqi", distorted=white, reference=grey), 2 * 2 / (1 + 4), rtol=1e-12)
    assert score("uqi", distorted=black, reference=black) == 1
    assert score("uqi", distorted=black, reference=white) == 0


def test_flat_images_are_equal_exactly_whatever_their_colour():
    for colour in [(13, 200, 77), (255, 254, 253), (1, 0, 0)]:
        image = np.tile(np.array(colour, np.uint8), (24, 24, 1))
        assert score("uqi", distorted=image, reference=image) == 1
