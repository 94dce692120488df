"""VIF in the pixel domain and IW-SSIM against other libraries, and what they say where there is no information."""

import numpy as np
import pytest
from photographs import METRICS, PAIRS, assert_equals_recorded, photograph, score

from benchmark.images import ImageBatch
from benchmark.metrics.tensors import unit_tensor
from benchmark.types import PairError


@pytest.mark.parametrize("library", ["sewar", "torchmetrics"])
def test_vifp_equals_recorded_values_of_independent_libraries(library):
    assert_equals_recorded("vifp", library, 1e-9)


@pytest.mark.parametrize("size", [(41, 41), (97, 131), (128, 192)])
def test_vifp_equals_piq_on_even_and_odd_sizes(size):
    import piq

    x, y = (photograph(image)[: size[0], : size[1]] for image in PAIRS[0])
    expected = float(piq.vif_p(unit_tensor(x), unit_tensor(y)))
    np.testing.assert_allclose(score("vifp", distorted=x, reference=y), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["vifp", "vif"])
def test_vif_tells_reference_from_distorted_and_exceeds_one_for_more_contrast(name):
    if name == "vif":
        pytest.importorskip("pyrtools")
    reference = photograph("ref/caps.png")
    dull = np.rint(64 + reference / 2).astype(np.uint8)
    assert score(name, distorted=dull, reference=reference) < 0.9
    assert score(name, distorted=reference, reference=dull) > 1.1


def test_iw_ssim_is_near_recorded_values_of_frame_analytics():
    assert_equals_recorded("iw-ssim", "frame-analytics", 1e-3)  # other borders of the pyramid


def test_iw_ssim_of_a_flat_reference_fails_by_name():
    texture = photograph("ref/bikes.png")[:200, :200]
    with pytest.raises(PairError, match="iw-ssim is undefined"):
        score("iw-ssim", distorted=texture, reference=np.full_like(texture, 127))


@pytest.mark.parametrize("backend", ["opencv", "piq"])
def test_iw_ssim_of_equal_images_is_1_whatever_the_reference_holds(backend):
    scorer = METRICS["iw-ssim"].load("cpu", backend)
    black, texture = np.zeros((170, 180, 3), np.uint8), photograph("ref/bikes.png")[:170, :180]
    for image in (black, texture):
        batch = ImageBatch(image[None])
        assert scorer.score(batch, scorer.prepare(batch)) == 1


def test_iw_ssim_of_striped_references_fails_by_name():
    texture = photograph("ref/bikes.png")[:200, :200]
    stripes = np.broadcast_to(texture[:1], texture.shape)
    with pytest.raises(PairError, match="the same along stripes"):
        score("iw-ssim", distorted=texture, reference=stripes)


@pytest.mark.parametrize("size", [(161, 163), (288, 288), (389, 393)])
def test_the_assembled_iw_ssim_is_piqs_own_function(size):
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        expected = piq.information_weighted_ssim(
            *(unit_tensor(ImageBatch(image[None]).luma[0]) for image in (distorted, reference))
        )
        ours = score("iw-ssim", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, float(expected), rtol=0, atol=1e-12)


def test_iw_ssim_gives_flat_regions_no_weight_whoever_computes_it():
    """In float32 the sky's rounding counts as information, and moves the score of this pair by 1e-3 and more."""
    import cv2
    import piq

    reference = photograph("ref/plane.png")
    distorted = cv2.GaussianBlur(reference, (0, 0), 3)
    pair = [unit_tensor(ImageBatch(image[None]).luma[0]) for image in (distorted, reference)]
    exact = float(piq.information_weighted_ssim(*pair))
    np.testing.assert_allclose(score("iw-ssim", distorted=distorted, reference=reference), exact, rtol=0, atol=1e-7)
    assert abs(float(piq.information_weighted_ssim(*(image.float() for image in pair))) - exact) > 1e-3
