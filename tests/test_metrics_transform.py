"""HaarPSI and DSS against recorded values of other libraries."""

import numpy as np
import pytest
from photographs import PAIRS, assert_equals_recorded, photograph, score


@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 1e-4), ("piqa", 1e-3)])
def test_haarpsi_is_near_recorded_values_of_independent_libraries(library, atol):
    assert_equals_recorded("haarpsi", library, atol)  # YIQ's digits; piqa has other borders too


def test_dss_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("dss", "frame-analytics", 1e-7)  # piq sums the subbands in float32


@pytest.mark.parametrize("name", ["haarpsi", "dss"])
def test_swapping_the_images_changes_nothing(name):
    x, y = (photograph(image) for image in PAIRS[0])
    np.testing.assert_allclose(
        score(name, distorted=x, reference=y), score(name, distorted=y, reference=x), rtol=0, atol=1e-9
    )
