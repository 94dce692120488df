"""HaarPSI and DSS against recorded values of other libraries and of the authors' code."""

import numpy as np
import pytest
from photographs import PAIRS, assert_equals_recorded, photograph, score

from benchmark.images import ImageBatch
from benchmark.metrics.tensors import unit_tensor


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


@pytest.mark.parametrize("size", [(288, 288), (389, 393), (384, 513), (512, 768)])
@pytest.mark.parametrize(("name", "atol"), [("haarpsi", 1e-12), ("dss", 2.0**-25 + 1e-12)])
def test_the_assembled_metric_is_piqs_own_function(name, atol, size):
    """piq rounds the similarity of each of DSS's subbands to float32.

    They are at most 1, so that each is off by half a unit in the last place below 1, 2^-25, or less; their weights sum to 1.
    What is left is float64 in another order.
    """
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        if name == "haarpsi":
            expected = float(piq.haarpsi(unit_tensor(distorted), unit_tensor(reference)))
        else:
            expected = float(
                piq.dss(*(unit_tensor(ImageBatch(image[None]).luma[0]) for image in (distorted, reference)))
            )
        ours = score(name, distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=atol)
