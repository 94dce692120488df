"""Training: the same change on both images, exact resume, splits by content, every pair once."""

import csv
import operator
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage.color import lab2rgb, rgb2lab
from typer.testing import CliRunner

import asna.train
from asna.__main__ import app
from asna.augment import Augmentation, augment, lab_to_rgb, rgb_to_lab, scale_lightness
from asna.checkpoint import load, read_checkpoint
from asna.data import Epoch, ImageCache, crop, plan_epoch, split_contents
from asna.evaluate import per_distortion, predict
from asna.loss import LossWeights
from asna.model import ASNAConfig
from asna.session import run_training
from asna.train import TrainConfig, learning_rate
from asna.trainstate import spread
from benchmark.registry import Registry
from benchmark.types import UserError

TINY = TrainConfig(
    model=ASNAConfig(head="gap"),
    epochs=3,
    batch_size=4,
    crop=32,
    learning_rate=1e-3,
    loss=LossWeights(1.0, 0.5, 0.0),
    validation_fraction=0.25,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Four contents with three noisy images each, 40 x 36 pixels; the label falls with the noise."""
    folder = tmp_path_factory.mktemp("toy")
    rng = np.random.default_rng(0)
    rows = []
    for content in range(4):
        base = rng.integers(0, 256, (36, 40, 3), dtype=np.uint8)
        Image.fromarray(base).save(folder / f"r{content}.png")
        for level in range(3):
            noisy = np.clip(base + rng.normal(0, 8 * 4**level, base.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"d{content}{level}.png")
            rows.append(
                (f"d{content}{level}.png", f"r{content}.png", 5 - level - 0.1 * content, f"c{content}", "noise")
            )
    with (folder / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("distorted", "reference", "mos", "content", "distortion"), *rows])
    return folder / "pairs.csv"


@pytest.fixture(scope="module")
def pairs(table):
    return Registry().dataset(f"table:{table}").pairs(None)


def run(table, output, config=TINY, **options):
    return run_training(dataset=f"table:{table}", data_root=None, output=output, config=config, device="cpu", **options)


def test_lab_conversion_is_scikit_images():
    image = torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = np.stack([rgb2lab(x.permute(1, 2, 0).numpy()) for x in image])
    np.testing.assert_allclose(rgb_to_lab(image).permute(0, 2, 3, 1), expected, atol=2e-2)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(image)), image, atol=1e-6, rtol=0)


def test_lightness_is_scaled_in_lab():
    image = 0.2 + 0.4 * torch.rand(1, 3, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lab = rgb2lab(image[0].permute(1, 2, 0).numpy())
    lab[..., 0] *= 0.8
    result = scale_lightness(image, torch.tensor([0.8], dtype=torch.float64))
    np.testing.assert_allclose(result[0].permute(1, 2, 0), lab2rgb(lab), atol=1e-3)


def test_augmentation_is_the_same_for_a_reference_and_its_distorted_images():
    reference = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    owner = torch.tensor([0, 0, 1, 2])
    for seed in range(5):
        new_reference, new_distorted = augment(
            reference=reference,
            distorted=reference[owner],
            owner=owner,
            augmentation=Augmentation(),
            generator=torch.Generator().manual_seed(seed),
        )
        torch.testing.assert_close(new_distorted, new_reference[owner])
        assert not torch.equal(new_reference, reference)
        assert new_reference.min() >= 0
        assert new_reference.max() <= 1


@pytest.mark.parametrize(("batch_size", "per_reference"), [(4, 1), (4, 3), (11, 1), (3, 2), (2, 1), (2, 2)])
def test_a_plan_holds_every_pair_once_and_no_lonely_batch(pairs, batch_size, per_reference):
    plan = plan_epoch(pairs, batch_size=batch_size, pairs_per_reference=per_reference, seed=1, epoch=0)
    members = [i for batch in plan for group in batch for i in group.pairs]
    assert sorted(members) == list(range(len(pairs)))
    assert all(sum(len(g.pairs) for g in batch) >= 2 for batch in plan)
    for group in (g for batch in plan for g in batch):
        assert len({pairs[i].reference for i in group.pairs}) == 1
    again = plan_epoch(pairs, batch_size=batch_size, pairs_per_reference=per_reference, seed=1, epoch=0)
    other = plan_epoch(pairs, batch_size=batch_size, pairs_per_reference=per_reference, seed=1, epoch=1)
    assert plan == again
    assert plan != other


def test_reference_and_distorted_are_cut_at_one_place(pairs, tmp_path):
    same = [replace(pair, distorted=pair.reference) for pair in pairs]
    plan = plan_epoch(same, batch_size=4, pairs_per_reference=2, seed=1, epoch=0)
    for cache in (ImageCache(None), ImageCache(tmp_path), ImageCache(tmp_path)):
        batch = Epoch(same, plan, crop_size=32, cache=cache)[0]
        assert batch.distorted.dtype == torch.uint8
        torch.testing.assert_close(batch.distorted, batch.reference[batch.owner])


def test_a_crop_larger_than_the_image_reflects_it():
    image = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    expected = np.pad(image, ((0, 3), (0, 4), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(crop(image, size=8, row=0.5, column=0.5), expected)


def test_splits_share_no_content_and_honour_the_data_sets_own(pairs):
    training, validation = split_contents(pairs, fraction=0.25, seed=3)
    assert not {p.content for p in training} & {p.content for p in validation}
    assert len(training) + len(validation) == len(pairs)
    own = [replace(pair, split="val" if pair.content == "c2" else "train") for pair in pairs]
    _, validation = split_contents(own, fraction=0.25, seed=3)
    assert {p.content for p in validation} == {"c2"}


def test_the_schedule_is_the_papers_by_default():
    config = TrainConfig()
    rates = [learning_rate(config, step=100 * epoch, steps_per_epoch=100) for epoch in (0, 9, 10, 19)]
    np.testing.assert_allclose(rates, [1e-4, 1e-4, 1e-5, 1e-5])
    assert (config.batch_size, config.epochs, config.crop) == (16, 20, 288)
    assert config.augmentation.lightness == (0.3, 1.5)
    assert (config.l2_convolutions, config.l2_dense) == (1e-4, 1e-6)


def test_killed_and_resumed_training_equals_uninterrupted_training_to_the_bit(table, tmp_path):
    whole = run(table, tmp_path / "whole")
    part = run(table, tmp_path / "parts", minutes=0)
    assert not part.finished
    while not part.finished:
        part = run(table, tmp_path / "parts", minutes=0, resume=True)
    assert whole.finished
    assert whole.srcc == part.srcc
    for name in ("last.safetensors", "best.safetensors"):
        a, b = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        assert a.keys() == b.keys()
        for key in a:
            torch.testing.assert_close(a[key], b[key], rtol=0, atol=0)


@pytest.mark.parametrize("last_act", ["RunLog.add", "snapshot"])
@pytest.mark.parametrize("done", [False, True])
def test_training_killed_before_or_after_what_it_writes_per_epoch_gives_the_same_log(
    table, tmp_path, monkeypatch, last_act, done
):
    run(table, tmp_path / "whole")
    run(table, tmp_path / "killed", minutes=0)
    act = operator.attrgetter(last_act)(asna.train)

    def killed(*arguments):
        if done:
            act(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"asna.train.{last_act}", killed)
        with pytest.raises(KeyboardInterrupt):
            run(table, tmp_path / "killed", resume=True)
    run(table, tmp_path / "killed", resume=True)
    assert course(tmp_path / "killed") == course(tmp_path / "whole")


def course(folder):
    """The rows of a log, without what the clock says."""
    with (folder / "log.csv").open(newline="") as file:
        return [
            {k: v for k, v in row.items() if k not in ("seconds", "pairs_per_second")} for row in csv.DictReader(file)
        ]


def test_decoding_in_workers_with_a_cache_changes_nothing(table, tmp_path):
    plain = run(table, tmp_path / "a", replace(TINY, epochs=1))
    other = run(table, tmp_path / "b", replace(TINY, epochs=1), workers=2, cache=tmp_path / "cache")
    a, b = load_file(plain.best), load_file(other.best)
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_training_learns_and_writes_checkpoint_log_and_figure(table, pairs, tmp_path):
    result = run(table, tmp_path, replace(TINY, epochs=8, patience=8, learning_rate=5e-3))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    facts = read_checkpoint(result.best, kind="asna").metadata
    assert sorted(facts["training_contents"] + facts["validation_contents"]) == ["c0", "c1", "c2", "c3"]
    assert {"dataset_revision", "commit", "device", "torch", "training", "config", "validation"} <= facts.keys()
    model = load(result.best)
    labels = [p.label for p in pairs if p.content in facts["training_contents"]]
    np.testing.assert_allclose(float(model.label_mean), np.mean(labels))
    np.testing.assert_allclose(float(model.label_sd), np.std(labels))
    assert per_distortion(pairs, predict(model, pairs))[0].srcc > 0.5


def test_training_stops_early_when_validation_stands_still(table, tmp_path):
    result = run(table, tmp_path, replace(TINY, epochs=30, patience=2, learning_rate=0.0))
    assert result.finished
    assert result.epochs == 3


def test_resuming_with_other_settings_or_over_a_run_is_refused(table, tmp_path):
    run(table, tmp_path, replace(TINY, epochs=1))
    with pytest.raises(UserError, match="other settings of epochs, learning_rate"):
        run(table, tmp_path, replace(TINY, epochs=2, learning_rate=1.0), resume=True)
    with pytest.raises(UserError, match="holds a run already"):
        run(table, tmp_path)


def test_the_flattened_head_starts_from_a_pooled_trunk(table, tmp_path):
    pooled = run(table, tmp_path / "gap", replace(TINY, epochs=1))
    config = replace(TINY, epochs=1, model=ASNAConfig(), crop=288, learning_rate=0.0)
    flat = run(table, tmp_path / "flat", config, init=str(pooled.best))
    a, b = load_file(pooled.best), load_file(flat.best)
    kept = [k for k in a if not k.startswith(("head.1.", "label_")) and "running" not in k and "num_batches" not in k]
    assert len(kept) > 50
    assert all(torch.equal(a[key], b[key]) for key in kept)


def test_a_flattened_head_starts_with_the_pooled_means_judgement():
    torch.manual_seed(0)
    pooled = torch.randn(32, 16)
    features = torch.randn(2, 8, 36, 36)
    expected = features.mean(dim=(2, 3)) @ pooled[:, :8].T
    torch.testing.assert_close(features.flatten(1) @ spread(pooled).T, expected, atol=1e-4, rtol=1e-4)


def test_the_command_line_trains_and_evaluates(table, tmp_path):
    runner = CliRunner()
    options = ["--device", "cpu", "--preset", "gap", "--epochs", "1", "--batch-size", "4", "--crop", "32"]
    result = runner.invoke(
        app, ["train", "--dataset", f"table:{table}", "--output", str(tmp_path), "--precision", "fp32", *options]
    )
    assert result.exit_code == 0, result.output
    best = str(tmp_path / "best.safetensors")
    result = runner.invoke(app, ["evaluate", "--dataset", f"table:{table}", "--checkpoint", best, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "noise" in result.output


@pytest.mark.parametrize("wrong", [{"crop": 100}, {"precision": "fp8"}, {"batch_size": 1}, {"model": ASNAConfig()}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        replace(TINY, **wrong)


def test_help_is_light():
    code = "import sys\nsys.argv = ['asna', '--help']\nfrom asna.__main__ import app\ntry: app()\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'scipy', 'matplotlib', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
