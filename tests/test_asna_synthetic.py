"""Synthetic pairs: many distortions of growing strength, labels from a consensus, the same bytes again."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from PIL import Image

from asna import synthetic
from asna.consensus import METRICS, consensus_labels, quantiles
from asna.distortion_types import DISTORTIONS, WEIGHTS
from asna.distortions import distort, draw_kind
from asna.synthetic import SyntheticConfig, list_units, make_unit, write_table
from benchmark.registry import Registry

SMALL = SyntheticConfig(size=48, margin=8, pairs_per_crop=6, validation_pairs_per_crop=5, training_crops=2)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(30, 226, (12, 12, 3), dtype=np.uint8)).resize(
        (96, 96), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(coarse) + rng.normal(0, 6, (96, 96, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def pristine(tmp_path, photograph) -> Path:
    for number, folder in enumerate(("training", "training", "validation")):
        (tmp_path / "pristine" / folder).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.roll(photograph, 20 * number, axis=1))
        image.save(tmp_path / "pristine" / folder / f"p{number}.png")
    return tmp_path / "pristine"


def fake_scorers():
    """Stand-ins for the six metrics: each falls, or rises, with the squared error."""

    def error(distorted, reference):
        return float(np.square(distorted.astype(float) - reference).mean())

    return {name: error if not higher else lambda d, r: -error(d, r) for name, higher in METRICS.items()}


def test_there_are_more_than_twenty_types_and_the_base_families_are_drawn_more_often():
    assert len(DISTORTIONS) >= 20
    assert all(
        WEIGHTS[name] > 2 * np.median(list(WEIGHTS.values())) for name in ("jpeg", "gaussian_blur", "white_noise")
    )


@pytest.mark.parametrize("kind", sorted(DISTORTIONS))
def test_a_distortion_grows_with_its_strength_and_repeats_with_its_seed(kind, photograph):
    def error(strength):
        image = distort(photograph, kind=kind, strength=strength, rng=np.random.default_rng(1))
        assert image.shape == photograph.shape
        assert image.dtype == np.uint8
        return np.square(image.astype(float) - photograph).mean()

    faint, strong = error(0.0), error(1.0)
    assert strong > 2 * faint
    assert strong > 20
    assert error(0.5) == error(0.5)


def test_white_noise_has_the_stated_standard_deviation():
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    noisy = distort(grey, kind="white_noise", strength=0.25, rng=np.random.default_rng(0)) / 255.0
    np.testing.assert_allclose(noisy.std(), 0.008 * 250**0.25, rtol=0.02)


def test_motion_blur_keeps_the_mean_and_acts_along_a_line():
    point = np.zeros((65, 65, 3), dtype=np.uint8)
    point[32, 32] = 255
    blurred = distort(point, kind="motion_blur", strength=0.5, rng=np.random.default_rng(3)).astype(float)[..., 0]
    rows, columns = np.nonzero(blurred)
    values = np.linalg.svd(np.stack([rows - rows.mean(), columns - columns.mean()]), compute_uv=False)
    assert values[0] > 4 * values[1]


def test_mixtures_and_pristine_images_are_drawn():
    rng = np.random.default_rng(0)
    kinds = [draw_kind(rng) for _ in range(2000)]
    assert "pristine" in kinds
    mixed = [kind for kind in kinds if "+" in kind]
    assert 0.05 < len(mixed) / len(kinds) < 0.15
    assert set(DISTORTIONS) <= set(kinds)


def test_quantiles_are_scipys_mean_ranks():
    values = np.random.default_rng(0).integers(0, 9, 40).astype(float)
    expected = (scipy.stats.rankdata(values) - 0.5) / 40
    np.testing.assert_allclose(quantiles(values, values), expected)


def test_consensus_follows_its_metrics_and_orients_them():
    quality = np.random.default_rng(0).normal(size=200)
    scores = {name: np.exp(quality) if higher else -quality for name, higher in METRICS.items()}
    training = np.arange(200) < 150
    labels = consensus_labels(scores, training=training)
    np.testing.assert_allclose(scipy.stats.spearmanr(labels[training], quality[training]).statistic, 1.0)
    np.testing.assert_allclose(np.sort(labels[training]), 100 * (np.arange(150) + 0.5) / 150)
    assert labels.min() >= 0
    assert labels.max() <= 100


def test_validation_rows_do_not_move_training_labels():
    rng = np.random.default_rng(0)
    scores = {name: rng.normal(size=60) for name in METRICS}
    training = np.arange(60) < 40
    before = consensus_labels(scores, training=training)[training]
    changed = {name: np.where(training, values, 99.0) for name, values in scores.items()}
    np.testing.assert_array_equal(consensus_labels(changed, training=training)[training], before)


def test_a_score_that_is_not_finite_is_refused():
    scores = {name: np.array([0.0, np.nan]) for name in METRICS}
    with pytest.raises(ValueError, match="not finite"):
        consensus_labels(scores, training=np.array([True, True]))


def test_units_are_the_same_bytes_again_and_the_table_is_readable(pristine, tmp_path):
    units = list_units(pristine, SMALL)
    assert [unit.split for unit in units] == ["train"] * 4 + ["val"]
    for output in (tmp_path / "a", tmp_path / "b"):
        (output / "parts").mkdir(parents=True)
        for unit in units if output.name == "a" else reversed(units):
            make_unit(unit, output, SMALL, fake_scorers())
        write_table(units, output, SMALL)
    a, b = (
        {p.relative_to(o): p.read_bytes() for p in o.rglob("*") if p.is_file()}
        for o in (tmp_path / "a", tmp_path / "b")
    )
    assert a == b
    pairs = Registry().dataset(f"table:{tmp_path / 'a' / 'pairs.csv'}").pairs(None)
    assert len(pairs) == 4 * 6 + 5
    assert {pair.split for pair in pairs if pair.content == "p2"} == {"val"}
    assert {pair.split for pair in pairs if pair.content != "p2"} == {"train"}
    reference = np.asarray(Image.open(pairs[0].reference))
    assert reference.shape == (48, 48, 3)
    assert "no person" in json.loads((tmp_path / "a" / "synthetic.json").read_text())["label"]


def test_the_reference_is_an_unaltered_crop_of_its_photograph(pristine, tmp_path):
    unit = list_units(pristine, SMALL)[0]
    (tmp_path / "parts").mkdir()
    make_unit(unit, tmp_path, SMALL, fake_scorers())
    photograph = np.asarray(Image.open(unit.photograph))
    reference = np.asarray(Image.open(tmp_path / "images" / unit.name / "reference.png"))
    windows = np.lib.stride_tricks.sliding_window_view(photograph, reference.shape)[:, :, 0]
    assert (windows == reference).all(axis=(2, 3, 4)).any()


def test_a_photograph_on_both_sides_is_refused(pristine):
    (pristine / "validation" / "p0.png").write_bytes((pristine / "training" / "p0.png").read_bytes())
    with pytest.raises(ValueError, match="one split"):
        list_units(pristine, SMALL)


def test_a_set_begun_with_other_settings_is_refused(pristine, tmp_path):
    (tmp_path / "out" / "parts").mkdir(parents=True)
    (tmp_path / "out" / "parts" / "settings").write_text("{}")
    with pytest.raises(ValueError, match="other settings"):
        synthetic.synthesize(pristine=pristine, output=tmp_path / "out", config=replace(SMALL, seed=1))


def test_the_table_shows_the_raw_scores_of_the_consensus(pristine, tmp_path):
    unit = list_units(pristine, SMALL)[:1]
    (tmp_path / "parts").mkdir()
    make_unit(unit[0], tmp_path, SMALL, fake_scorers())
    with write_table(unit, tmp_path, SMALL).open() as file:
        assert set(METRICS) <= set(next(csv.DictReader(file)))
