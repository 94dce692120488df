"""VIF and CW-SSIM on steerable pyramids against the authors' values and recorded values of pyiqa."""

import sys
from unittest import mock

import numpy as np
import pytest
from photographs import METRICS, assert_equals_recorded, official, photograph, rgb2gray, score

from benchmark.metrics import described, steerable
from benchmark.types import UserError

NEEDS_PYRTOOLS = pytest.mark.skipif(bool(steerable.PYRTOOLS.missing()), reason=f"needs {steerable.PYRTOOLS.missing()}")


def of_matlabs_grey(metric, *, distorted, reference):
    return metric.compare(
        distorted=metric.describe(rgb2gray(distorted)), reference=metric.describe(rgb2gray(reference))
    )


@NEEDS_PYRTOOLS
@pytest.mark.parametrize(("metric", "row"), [(steerable.vif, "vif"), (steerable.cw_ssim, "cw_ssim")])
def test_of_matlabs_rounded_grey_they_equal_the_official_values_to_their_printed_digits(metric, row, shared):
    for distorted, reference, value in official(shared, row):
        assert round(of_matlabs_grey(metric, distorted=distorted, reference=reference), 4) == value


@NEEDS_PYRTOOLS
@pytest.mark.parametrize(("name", "atol"), [("vif", 4e-3), ("cw-ssim", 1e-3)])
def test_they_are_near_recorded_values_of_pyiqa(name, atol):
    assert_equals_recorded(name, "pyiqa", atol)  # it rounds the luma, and its VIF has other borders


@NEEDS_PYRTOOLS
def test_cw_ssim_forgives_a_shift_of_one_pixel_that_ssim_does_not():
    reference = photograph("ref/bikes.png")
    shifted = np.roll(reference, 1, axis=1)
    assert score("cw-ssim", distorted=shifted, reference=reference) > 0.97
    assert score("ssim", distorted=shifted, reference=reference) < 0.75


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vif", "the package pyrtools: pip install 'iqa-benchmark[pyramids]'"),
        ("cw-ssim", "the package pyrtools: pip install 'iqa-benchmark[pyramids]'"),
        ("flip", "the package flip-evaluator: pip install 'iqa-benchmark[flip]'"),
    ],
)
def test_without_its_package_a_metric_names_it_and_is_not_run(name, reason):
    with mock.patch.object(described, "find_spec", return_value=None):
        assert METRICS[name].missing() == reason
        with pytest.raises(UserError, match=f"^{name} needs the package"):
            METRICS[name].load("cpu")


def test_asking_what_is_missing_imports_nothing():
    before = set(sys.modules)
    for name in ("vif", "flip", "nlpd"):
        METRICS[name].missing()
    assert not {module.partition(".")[0] for module in set(sys.modules) - before} & {"pyrtools", "flip_evaluator"}
