"""NIQE, BRISQUE and PIQE against their authors' values; the statistics they share, against MATLAB's rules and scipy."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from photographs import METRICS, official, photograph, rgb2gray

from benchmark.images import ImageBatch
from benchmark.metrics import brisque, natural_scenes, niqe, piqe
from benchmark.metrics.embedded import read_arrays
from benchmark.types import PairError, UserError
from benchmark.weights.catalogue import EMBEDDED
from benchmark.weights.convert_statistics import convert_brisque, convert_niqe

HAS_FLAT_AREAS = {"I03.bmp", "I08.bmp", "I19.bmp"}
"""Calibration images on which the authors' values rest on rounding noise."""


def score(name, rgb):
    return float(METRICS[name].load("cpu").score(ImageBatch(rgb[None]), None)[0])


def against_official(shared, name, row=None):
    """(image name, ours, the authors') of the five calibration images; `row` where the authors' has another name."""
    images = ["I03.bmp", "I04.bmp", "I06.bmp", "I08.bmp", "I19.bmp"]
    return [
        (image, score(name, distorted), value)
        for image, (distorted, _, value) in zip(images, official(shared, row or name), strict=True)
    ]


def test_niqe_equals_the_authors_values_and_comes_near_them_where_theirs_are_rounding_noise(shared):
    for image, ours, theirs in against_official(shared, "niqe"):
        np.testing.assert_allclose(ours, theirs, rtol=0.01 if image in HAS_FLAT_AREAS else 1e-3, err_msg=image)
        if image == "I04.bmp":
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_brisque_equals_the_authors_values_and_comes_near_them_where_theirs_are_rounding_noise(shared):
    for image, ours, theirs in against_official(shared, "brisque"):
        tolerance = 2.5 if image in {"I08.bmp", "I19.bmp"} else 2e-3  # their features are printed with six digits
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=image)


def test_piqe_equals_matlabs_values_to_their_printed_digits(shared):
    for image, ours, theirs in against_official(shared, "piqe"):
        assert round(ours, 2) == theirs, image


def test_niqe_pirm_comes_near_pyiqas_niqe_in_the_same_protocol(shared):
    """pyiqa 0.1.16, create_metric("niqe", color_space="ycbcr", crop_border=4): it keeps the rounding noise."""
    theirs = [15.3436, 4.6761, 4.1156, 3.3832, 11.5562]
    for (image, ours, _), value in zip(against_official(shared, "niqe-pirm", row="niqe"), theirs, strict=True):
        np.testing.assert_allclose(ours, value, rtol=0.06 if image in HAS_FLAT_AREAS else 2e-3, err_msg=image)


@pytest.mark.slow
def test_ilniqe_comes_near_the_authors_values(shared):
    missing = METRICS["ilniqe"].missing()
    if missing:
        pytest.skip(f"needs {missing}")
    for image, ours, theirs in against_official(shared, "ilniqe"):
        np.testing.assert_allclose(ours, theirs, rtol=0.04, err_msg=image)


def test_grey_is_matlabs():
    rgb = photograph("ref/bikes.png")
    np.testing.assert_array_equal(natural_scenes.grey(rgb), rgb2gray(rgb))


def test_studio_luma_runs_from_16_to_235():
    black_white = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], dtype=np.uint8)
    np.testing.assert_array_equal(niqe.studio_luma(black_white), [[16, 235, 81]])


def test_halving_a_line_by_hand():
    """MATLAB: imresize([0 0 0 0 1 0 0 0], 0.5) gives these numbers in every row, since rows do not differ."""
    image = np.tile([0.0, 0, 0, 0, 1, 0, 0, 0], (8, 1))
    near, far = (2 * 0.5 * (1.5 * d**3 - 2.5 * d**2 + 1) for d in (0.25, 0.75))
    beyond, last = (2 * 0.5 * (-0.5 * d**3 + 2.5 * d**2 - 4 * d + 2) for d in (1.25, 1.75))
    taps = np.array([last, far, near, beyond]) / 2  # of output pixels 0 to 3, whose centres lie at 0.5, 2.5, 4.5, 6.5
    np.testing.assert_allclose(natural_scenes.halved(image)[0], taps, atol=1e-12)
    assert natural_scenes.halved(np.ones((5, 7))).shape == (3, 4)
    np.testing.assert_allclose(natural_scenes.halved(np.ones((5, 7))), 1, atol=1e-12)


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 4.0])
def test_the_fits_find_the_shape_that_scipy_drew_from(shape):
    from scipy.stats import gennorm

    values = gennorm(shape, scale=3).rvs(400_000, random_state=np.random.default_rng(7))
    found, variance = natural_scenes.fit_symmetric(values)
    np.testing.assert_allclose(found, shape, rtol=0.03)
    np.testing.assert_allclose(variance, gennorm(shape, scale=3).var(), rtol=0.03)
    to_the_right = np.random.default_rng(8).random(len(values)) < 2 / 3  # the wider side holds more: it is continuous
    values = np.where(to_the_right, 2, -1) * np.abs(values)
    found, left, right = natural_scenes.fit_asymmetric(values)
    np.testing.assert_allclose(found, shape, rtol=0.04)
    np.testing.assert_allclose(right / left, 2, rtol=0.02)


def test_a_flat_area_leaves_no_rounding_noise():
    image = np.full((64, 64), 200.0)
    image[:, 40:] = 90
    assert np.all(natural_scenes.normalised(image, border="nearest")[:, :37] == 0)


@pytest.mark.parametrize(("name", "module"), [("niqe", niqe), ("brisque", brisque)])
def test_an_embedded_file_is_the_one_that_is_named_and_described(name, module, tmp_path):
    assert hashlib.sha256(module.WEIGHTS.read_bytes()).hexdigest() == module.WEIGHTS_SHA256
    assert METRICS[name].info.weights_sha256 == module.WEIGHTS_SHA256
    assert module.WEIGHTS_SHA256 in (EMBEDDED / "README.md").read_text()
    assert (EMBEDDED / "LICENSE.live").is_file()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(module.WEIGHTS.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="damaged"):
        read_arrays(name, damaged, module.WEIGHTS_SHA256)


def test_converting_the_published_parameters_gives_the_embedded_files(shared, tmp_path):
    weights = shared / "weights"
    niqe_mat, allmodel = weights / "niqe" / "niqe_modelparameters.mat", weights / "brisque" / "allmodel"
    assert convert_niqe(niqe_mat, tmp_path / "niqe") == niqe.WEIGHTS_SHA256
    assert convert_brisque(allmodel, tmp_path / "brisque") == brisque.WEIGHTS_SHA256


def test_the_embedded_support_vectors_are_those_of_pyiqas_layout(shared):
    import torch

    path = shared / "weights" / "brisque" / "brisque_svm_weights.pth"
    coefficients, vectors = torch.load(path, weights_only=True)
    ours = read_arrays("brisque", brisque.WEIGHTS, brisque.WEIGHTS_SHA256)
    np.testing.assert_allclose(ours["coefficients"], coefficients.numpy().ravel(), rtol=1e-6)
    np.testing.assert_allclose(ours["vectors"], vectors.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["niqe", "niqe-pirm", "brisque"])
def test_a_flat_image_is_refused_with_its_reason(name):
    with pytest.raises(PairError, match="structure"):
        score(name, np.full((256, 256, 3), 90, np.uint8))


def test_piqe_of_a_flat_image_is_100():
    for value in (0, 90, 255):
        assert score("piqe", np.full((48, 48, 3), value, np.uint8)) == 100


def test_niqe_pirm_is_niqe_of_the_studio_luma_within_a_border_of_four():
    rgb = photograph("ref/bikes.png")
    luma = np.floor(rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255 + 16.5)[4:-4, 4:-4]
    as_grey = np.repeat(luma[..., None], 3, axis=2).astype(np.uint8)
    np.testing.assert_allclose(score("niqe-pirm", rgb), score("niqe", as_grey), rtol=0, atol=1e-9)


def test_a_reference_is_not_asked_for():
    images = np.stack([photograph("ref/bikes.png"), photograph("jpeg/bikes_q012.jpg")])
    for name in ("niqe", "brisque", "piqe"):
        scorer = METRICS[name].load("cpu")
        both = scorer.score(ImageBatch(images), None)
        np.testing.assert_array_equal(both, [score(name, image) for image in images])


def test_piqe_blocks_are_extended_by_reflection():
    """An image of 40 x 40 scores as its reflection to 48 x 48 does, but for what the filter sees beyond it."""
    image = photograph("ref/bikes.png")[100:140, 200:240]
    grey = natural_scenes.grey(image)
    padded = np.pad(grey, ((0, 8), (0, 8)), mode="symmetric")
    assert piqe.piqe(grey) == piqe.piqe(padded)


def test_facts_say_which_variant_a_name_means():
    for name in ("niqe", "brisque"):
        assert "LIVE's release (not MATLAB's toolbox function)" in METRICS[name].info.protocol
    assert replace(METRICS["niqe"].info, name="x").kind == "no-reference"
