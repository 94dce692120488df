"""HaarPSI and DSS against recorded values of other libraries and of the authors' code."""

import numpy as np
import pytest
from calibration import table
from photographs import METRICS, PAIRS, assert_equals_recorded, photograph, score

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics import opencv_transform
from benchmark.metrics.tensors import unit_tensor


@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 1e-4), ("piqa", 1e-3)])
def test_haarpsi_is_near_recorded_values_of_independent_libraries(library, atol):
    assert_equals_recorded("haarpsi", library, atol)  # YIQ's digits; piqa has other borders too


def test_dss_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("dss", "frame-analytics", 1e-7)  # piq sums the subbands in float32


@pytest.mark.parametrize("backend", ["opencv", "piq"])
def test_haarpsi_of_two_black_images_is_1_and_of_black_and_grey_is_not(backend):
    scorer = METRICS["haarpsi"].load("cpu", backend)
    black, grey = (ImageBatch(np.full((1, 64, 64, 3), level, np.uint8)) for level in (0, 127))
    assert scorer.score(black, scorer.prepare(black)) == 1
    assert scorer.score(grey, scorer.prepare(black)) < 0.5
    assert scorer.score(black, scorer.prepare(grey)) < 0.5


def test_haarpsi_gives_the_authors_values_under_octave_with_the_digits_of_their_yiq(shared, monkeypatch):
    """HaarPSI.m has .596 -.274 -.322 and .211 -.523 .312, where piq has four digits."""
    authors = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    monkeypatch.setattr(opencv_transform, "YIQ", authors)
    known = [each for each in table.known() if (each.metric, each.source) == ("haarpsi", "Octave")]
    assert len(known) == 5
    for each in known:
        x, y = (opencv_transform.haar(read_rgb(path)) for path in (each.distorted, each.reference))
        np.testing.assert_allclose(opencv_transform.haar_similarity(x, y), float(each.value), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["haarpsi", "dss"])
def test_swapping_the_images_changes_nothing(name):
    x, y = (photograph(image) for image in PAIRS[0])
    np.testing.assert_allclose(
        score(name, distorted=x, reference=y), score(name, distorted=y, reference=x), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("size", [(288, 288), (389, 393), (384, 513), (512, 768)])
@pytest.mark.parametrize(("name", "atol"), [("haarpsi", 1e-11), ("dss", 2.0**-25 + 1e-12)])
def test_the_assembled_metric_is_piqs_own_function(name, atol, size):
    """piq rounds the similarity of each of DSS's subbands to float32.

    They are at most 1, so that each is off by half a unit in the last place below 1, 2^-25, or less; their weights sum to 1.
    What is left is float64 in another order, 1e-14 or less of a mean; HaarPSI's way back through the logistic multiplies it
    by up to 32 (at similarity 1).
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
