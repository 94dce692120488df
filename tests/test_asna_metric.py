"""The bridge to the harness: same scores as the network, whatever the batch; checked weights; facts from their JSON."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from asna.checkpoint import WEIGHTS, load, save_model
from asna.model import ASNA, ASNAConfig
from asna.shipping import ship
from asna.views import SYMMETRIES, Ensemble, View
from benchmark.images import ImageBatch
from benchmark.metrics.asna import _metrics
from benchmark.types import UserError


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Both networks, untrained, shipped to a folder of their own."""
    folder = tmp_path_factory.mktemp("weights")
    for head in ("gap", "flatten"):
        run = folder / f"run-{head}"
        run.mkdir()
        torch.manual_seed(1)
        model = ASNA(ASNAConfig(head=head)).eval()
        model.label_mean.fill_(50.0)
        model.label_sd.fill_(29.0)
        facts = {"label_higher_is_better": True, "training_contents": ["a"], "validation_contents": ["b"]}
        save_model(run / "best.safetensors", model, facts)
        (run / "log.csv").write_text("epoch\n")
        (run / "curves.png").write_bytes(b"")
        ship(run, name=f"asna-{head}", version="7", weights=folder)
    return folder


@pytest.fixture(scope="module")
def metrics(weights):
    return {metric.info.name: metric for metric in _metrics(weights)}


@pytest.fixture(scope="module")
def images() -> tuple[ImageBatch, ImageBatch]:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (1, 50, 70, 3), dtype=np.uint8)
    noisy = reference + rng.normal(0, [[[[5]]], [[[20]]], [[[60]]]], (3, 50, 70, 3))
    return ImageBatch(reference), ImageBatch(np.clip(noisy, 0, 255).astype(np.uint8))


def test_every_metric_says_that_its_labels_are_synthetic_and_its_training_set(metrics):
    assert set(metrics) == {"asna", "asna-gap", "asna-flatten", "asna-tta", "asna-ensemble"}
    for metric in metrics.values():
        assert "trained on synthetic labels" in metric.info.note
        assert metric.info.trained_on == ("synthetic-cid22",)
        assert metric.info.higher_is_better
        assert metric.info.version == "7"


def test_a_metric_scores_what_its_network_scores(metrics, weights, images):
    reference, distorted = images
    scorer = metrics["asna"].load("cpu")
    with torch.inference_mode():
        expected = load(weights / "asna-gap.safetensors")(reference=reference.tensor, distorted=distorted.tensor)
    result = scorer.score(distorted, scorer.prepare(reference))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["asna", "asna-flatten", "asna-tta", "asna-ensemble"])
def test_scores_have_the_same_bits_in_any_batch(metrics, images, name):
    reference, distorted = images
    scorer = metrics[name].load("cpu")
    together = scorer.score(distorted, scorer.prepare(reference))
    alone = [scorer.score(ImageBatch(distorted.rgb[i : i + 1]), scorer.prepare(reference))[0] for i in range(3)]
    np.testing.assert_array_equal(together, alone)


def test_the_ensemble_is_the_mean_of_its_networks(metrics, images):
    reference, distorted = images

    def score(name):
        scorer = metrics[name].load("cpu")
        return scorer.score(distorted, scorer.prepare(reference))

    np.testing.assert_allclose(score("asna-ensemble"), (score("asna-gap") + score("asna-flatten")) / 2, rtol=1e-6)


def test_eight_views_are_the_mean_over_turned_and_flipped_pairs(metrics, weights, images):
    reference, distorted = images
    scorer = metrics["asna-tta"].load("cpu")
    model = load(weights / "asna-gap.safetensors")
    turned = []
    with torch.inference_mode():
        for k in range(4):
            for flip in (False, True):
                a, b = (torch.rot90(batch.tensor, k, (2, 3)) for batch in images)
                a, b = (x.flip(3) if flip else x for x in (a, b))
                turned.append(model(reference=a.contiguous(), distorted=b.contiguous()).numpy())
    assert np.ptp(turned, axis=0).max() > 1e-4
    np.testing.assert_allclose(scorer.score(distorted, scorer.prepare(reference)), np.mean(turned, axis=0), atol=1e-3)


def test_lightness_views_are_off_by_default_and_at_hand(weights, images):
    reference, distorted = images
    assert {view.lightness for view in SYMMETRIES} == {1.0}
    model = load(weights / "asna-gap.safetensors")
    dark = Ensemble([model], [View(lightness=0.5)])
    plain = Ensemble([model])
    with torch.inference_mode():
        a = dark(reference=reference.tensor, distorted=distorted.tensor)
        b = plain(reference=reference.tensor, distorted=distorted.tensor)
    assert (a - b).abs().max() > 1e-3


def test_swapped_images_score_otherwise(metrics, images):
    reference, distorted = images
    one = ImageBatch(distorted.rgb[2:])
    scorer = metrics["asna"].load("cpu")
    there = scorer.score(one, scorer.prepare(reference))
    back = scorer.score(reference, scorer.prepare(one))
    assert abs(there - back) > 1e-3


def test_damaged_or_missing_weights_are_a_clear_error(metrics, weights):
    path = weights / "asna-flatten.safetensors"
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(UserError, match="asna-flatten: damaged weights"):
            metrics["asna-flatten"].load("cpu")
        path.unlink()
        with pytest.raises(UserError, match="asna-flatten: cannot read its weights"):
            metrics["asna-flatten"].load("cpu")
    finally:
        path.write_bytes(content)


def test_a_metric_without_weights_is_not_registered(tmp_path, weights):
    assert _metrics(tmp_path) == []
    for suffix in (".safetensors", ".json"):
        (tmp_path / f"asna-gap{suffix}").write_bytes((weights / f"asna-gap{suffix}").read_bytes())
    assert {metric.info.name for metric in _metrics(tmp_path)} == {"asna", "asna-gap", "asna-tta"}


def test_listing_the_metrics_is_light():
    code = "import sys, benchmark.metrics.asna; assert not {'torch', 'scipy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_shipped_metric_orders_noise_and_knows_an_identical_image(images):
    metrics = {metric.info.name: metric for metric in _metrics()}
    if "asna" not in metrics:
        pytest.skip("no checkpoint is shipped")
    assert json.loads((WEIGHTS / "asna-gap.json").read_text())["note"] == metrics["asna"].info.note
    reference, distorted = images
    scorer = metrics["asna"].load("cpu")
    prepared = scorer.prepare(reference)
    scores = np.concatenate([scorer.score(reference, prepared), scorer.score(distorted, prepared)])
    assert (np.diff(scores) < 0).all()
