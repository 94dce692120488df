"""What every registered metric promises, whichever it is: built-in, trained here, or brought by a plugin.

The checks are the doctor's own; what is named here is which metrics are held to them, and the exceptions.
"""

from functools import cache

import numpy as np
import pytest
from photographs import METRICS, photograph

from benchmark.doctor import arithmetic
from benchmark.doctor import metric as doctor
from benchmark.doctor.finding import Verdict
from benchmark.doctor.state import global_state
from benchmark.doctor.stimuli import LADDERS
from benchmark.doctor.subject import Subject
from benchmark.metrics.protocol import Metric
from benchmark.types import UserError

FULL_REFERENCE = [name for name, metric in METRICS.items() if metric.info.kind == "full-reference"]
NO_REFERENCE = [name for name, metric in METRICS.items() if metric.info.kind == "no-reference"]
COMPANIONS = [name for name in ("psnr", "ssim", "gmsd", "lpips", "niqe") if name in METRICS]
"""Metrics that share a batch's views with the one under test: one of each kind of view."""
UNDEFINED_FOR_A_FLAT_REFERENCE = {"iw-ssim"}
"""Its weights are the information in the reference: where there is none they are 0 / 0, and the pair fails by name."""
NOT_QUITE_THE_BEST = {
    "vmaf": "score 97.42",
    "vmaf-neg": "score 97.42",
    "mad": "score 0, and light noise scores as well",
}
"""Motion is one of VMAF's features, and a still has none: the reference itself does not reach 100. MAD is 0 for what it
takes to be invisible."""

ASYMMETRIC = {name for name in METRICS if name.startswith(("asna", "butteraugli", "vmaf", "vif"))}
ASYMMETRIC |= {"cvvdp", "iw-ssim", "mad", "mdsi", "pieapp", "topiq-fr", "ahiq", "ssimulacra2"}
"""Metrics that tell the reference from the distorted image by their definition."""


@pytest.fixture(scope="module")
def load():
    """Load a metric on the CPU, once; skips, with its reason, one that cannot run here."""

    @cache
    def load(name):
        try:
            return Subject.load(METRICS[name])
        except UserError as error:
            return pytest.skip(f"{name} cannot run here: {error}")

    return load


def assert_passes(finding):
    assert finding.verdict is Verdict.OK, f"{finding.check}: {finding.sentence}"


@pytest.mark.parametrize("name", METRICS)
def test_the_facts_of_a_metric_are_complete(name):
    assert isinstance(METRICS[name], Metric)
    assert_passes(doctor.facts(METRICS[name].info))


@pytest.mark.parametrize("name", FULL_REFERENCE)
def test_no_image_is_better_than_the_reference_itself(name, load):
    finding = doctor.identical(load(name))
    if name in NOT_QUITE_THE_BEST:
        assert finding.sentence.startswith(NOT_QUITE_THE_BEST[name])
        return  # that light distortions score worse still: tests/test_metrics_codecs.py
    assert_passes(finding)


@pytest.mark.parametrize("name", sorted(set(FULL_REFERENCE) - {name for name in METRICS if name.startswith("asna")}))
def test_scores_of_equal_images_differ_by_no_more_than_the_tolerance_from_picture_to_picture(name, load):
    """What is within the tolerance counts as a tie in ranks: the rounding of equal images must not be ranked.

    ASNA is a network that gives its own score to each picture.
    """
    images = [photograph(f"ref/{content}.png")[:256, :256] for content in ("bikes", "caps", "house", "ocean")]
    scores = [load(name).scores(distorted=[image], reference=image)[0] for image in images]
    assert len(set(scores)) == 1 or np.ptp(scores) <= METRICS[name].info.tolerance


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("name", METRICS)
def test_more_distortion_scores_worse_in_the_declared_direction(name, ladder, load):
    assert_passes(doctor.monotone(load(name), ladder))


@pytest.mark.parametrize("name", FULL_REFERENCE)
def test_reference_and_distorted_cannot_be_swapped_unnoticed_where_the_metric_tells_them_apart(name, load):
    finding = doctor.swapped(load(name))
    assert finding.sentence.startswith("not symmetric" if name in ASYMMETRIC else "symmetric")


@pytest.mark.parametrize("name", NO_REFERENCE)
def test_without_a_reference_a_score_is_of_the_distorted_image_alone(name, load):
    assert_passes(doctor.ignores_reference(load(name)))


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_one_float64_per_image(name, load):
    assert_passes(doctor.output(load(name)))


@pytest.mark.parametrize("name", METRICS)
def test_a_score_does_not_depend_on_its_batch_its_order_or_other_metrics(name, load):
    assert_passes(doctor.batches(load(name), [load(other).scorer for other in COMPANIONS]))


@pytest.mark.parametrize("name", METRICS)
def test_a_prepared_reference_serves_again_and_loading_again_changes_nothing(name, load):
    assert_passes(doctor.repeatable(load(name)))


@pytest.mark.parametrize("name", METRICS)
def test_awkward_images_get_a_finite_score_in_the_stated_range(name, load):
    finding = doctor.awkward(load(name))
    if name in UNDEFINED_FOR_A_FLAT_REFERENCE and finding.verdict is Verdict.NOTE:
        return  # refused by name, and nothing else
    assert_passes(finding)


@pytest.mark.parametrize("name", METRICS)
def test_no_arithmetic_on_8_bits_wraps_around(name, load):
    assert arithmetic.wraparound(load(name)).verdict is not Verdict.FAIL


@pytest.mark.parametrize("name", METRICS)
def test_loading_and_scoring_print_nothing_and_change_no_global_state(name, load):
    assert_passes(global_state(load(name)))


@pytest.mark.parametrize("name", METRICS)
def test_images_are_not_written_to(name, load):
    assert_passes(doctor.inputs_untouched(load(name)))


SAME_PICTURES = [{"tid2008", "tid2013"}, {"live", "live-kodak"}, {"koniq10k", "koniq10k-512x384"}]


@pytest.mark.parametrize("name", METRICS)
def test_who_has_seen_a_data_set_has_seen_those_with_the_same_pictures(name):
    seen = set(METRICS[name].info.trained_on)
    assert all(not seen & same or same <= seen for same in SAME_PICTURES)


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        ("ssimulacra2", {"cid22", "tid2013", "kadid10k", "konfig-iqa"}),
        ("cvvdp", {"xr-david", "tid2013", "live"}),
        ("fsimc", {"tid2008"}),
        ("haarpsi", {"live", "tid2008", "tid2013", "csiq"}),
        ("dists", {"kadid10k"}),
        ("psnr", set()),
    ],
)
def test_what_the_authors_fitted_to_is_named(name, sets):
    seen = METRICS[name].info.trained_on
    assert sets <= set(seen)
    assert bool(sets) == bool(seen)
