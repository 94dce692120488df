"""NLPD against the authors' values and recorded values of pyiqa."""

import numpy as np
from photographs import assert_equals_recorded, official, photograph, rgb2gray, scorer

from benchmark.images import ImageBatch
from benchmark.metrics import nlpd


def test_of_matlabs_rounded_grey_nlpd_equals_the_official_values_to_eight_digits(shared):
    for distorted, reference, value in official(shared, "nlpd"):
        pyramids = {"distorted": rgb2gray(distorted), "reference": rgb2gray(reference)}
        ours = nlpd.distance(**{name: nlpd.normalised_pyramid(grey) for name, grey in pyramids.items()})
        np.testing.assert_allclose(ours, value, rtol=0, atol=1e-8)


def test_nlpd_is_near_recorded_values_of_pyiqa():
    assert_equals_recorded("nlpd", "pyiqa", 1.5e-3)  # it leaves out one weight, .0072


def test_nlpd_is_a_distance_that_sees_contrast_and_hardly_mean_luminance():
    reference = (64 + photograph("ref/caps.png") // 2).astype(np.uint8)
    images = [reference, reference + 20, (96 + reference // 4).astype(np.uint8)]
    values = scorer("nlpd").score(ImageBatch(np.stack(images)), scorer("nlpd").prepare(ImageBatch(reference[None])))
    assert values[0] == 0
    assert 0 < 4 * values[1] < values[2]
