"""MDSI, MS-GMSD and MS-GMSDc against recorded values of other libraries and hand-made cases."""

import numpy as np
import pytest
from photographs import PAIRS, assert_equals_recorded, luma, photograph, score
from scipy.signal import convolve2d

from benchmark.metrics.tensors import near_viewing_size, unit_tensor

PREWITT = np.array([[1.0, 0.0, -1.0]] * 3) / 3


def test_mdsi_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("mdsi", "frame-analytics", 1e-7)


def test_ms_gmsd_equals_recorded_values_of_piqa():
    assert_equals_recorded("ms-gmsd", "piqa", 5e-6)  # float32


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_ms_gmsd_is_the_papers_equations(distorted, reference):
    x, y = luma(photograph(distorted)), luma(photograph(reference))
    total = 0.0
    for weight in (0.096, 0.596, 0.289, 0.019):
        m_x, m_y = (
            np.hypot(convolve2d(a, PREWITT, mode="same"), convolve2d(a, PREWITT.T, mode="same")) for a in (x, y)
        )
        masked = (1.5 * m_x * m_y + 170) / (m_x**2 + m_y**2 - 0.5 * m_x * m_y + 170)
        total += weight * masked.var()
        x, y = (a.reshape(a.shape[0] // 2, 2, a.shape[1] // 2, 2).mean(axis=(1, 3)) for a in (x, y))
    ours = score("ms-gmsd", distorted=photograph(distorted), reference=photograph(reference))
    np.testing.assert_allclose(ours, np.sqrt(total), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("blind", "seeing"), [("ms-gmsd", "ms-gmsd-c"), ("ms-gmsd", "mdsi")])
def test_a_change_of_colour_alone_moves_the_colour_metrics_only(blind, seeing):
    reference = photograph("ref/bikes.png")
    grey = np.repeat(np.rint(luma(reference)).astype(np.uint8)[..., None], 3, axis=2)
    assert score(blind, distorted=grey, reference=reference) < 5e-3
    assert score(seeing, distorted=grey, reference=reference) > 0.05


@pytest.mark.parametrize("size", [(288, 288), (389, 393), (512, 768)])
def test_the_assembled_mdsi_is_piqs_own_function(size):
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        expected = float(piq.mdsi(*(near_viewing_size(unit_tensor(image)) for image in (distorted, reference))))
        ours = score("mdsi", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


def test_mdsi_of_equal_images_is_exactly_0():
    for name in ("ref/bikes.png", "ref/house.png", "jpeg/bikes_q012.jpg"):
        assert score("mdsi", distorted=photograph(name).copy(), reference=photograph(name)) == 0
