"""The paper's recipe runs end to end on miniature trees; the ablation makes its table."""

import json
import zlib
from dataclasses import replace
from pathlib import Path

import fake_trees
import numpy as np
import pytest
from PIL import Image
from test_asna_training import TINY, table  # noqa: F401

from asna import ablation
from asna.checkpoint import read_checkpoint
from asna.reproduce import paper_config, pretraining_pairs, reproduce
from benchmark.registry import Registry
from benchmark.types import UserError


def paint(folder: Path) -> None:
    """Give every image of a fake tree a picture of its own: noise grows with the last digit of the name."""
    for path in folder.rglob("*"):
        if path.suffix.lower() == ".bmp":
            rng = np.random.default_rng(zlib.crc32(path.name[:3].lower().encode()))
            picture = rng.normal(128, 40, (24, 20, 3))
            digit = path.stem[-1] if "_" in path.stem else "0"
            picture += 12 * int(digit) * np.random.default_rng(1).normal(size=picture.shape)
            path.unlink()
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def root(tmp_path) -> Path:
    for name, types in (("tid2008", 2), ("tid2013", 3)):
        labels = [
            (f"i{c:02d}_{t:02d}_{v}.bmp", 6.0 - v) for c in range(1, 5) for t in range(1, types) for v in range(1, 4)
        ]
        fake_trees.tid(tmp_path / name, labels)
    labels = [(f"A{c:04d}_0{t}_0{v}.bmp", 1500.0 - 20 * v) for c in range(1, 6) for t in range(2) for v in range(3)]
    fake_trees.pipal(tmp_path / "pipal", labels, parts=False)
    paint(tmp_path)
    return tmp_path


@pytest.fixture
def registry() -> Registry:
    """The harness's own data sets, of any size."""
    found = Registry()
    for name in ("tid2008", "tid2013", "pipal"):
        dataset = found.datasets[name]
        found.datasets[name] = replace(dataset, info=replace(dataset.info, n_pairs=None, n_contents=None))
    return found


def test_the_recipe_is_the_papers():
    config = paper_config()
    assert (config.epochs, config.batch_size, config.learning_rate, config.step_epochs) == (20, 16, 1e-4, 10)
    assert config.model.head == "flatten"
    assert (config.loss.mse, config.loss.plcc) == (1.0, 0.0)


def test_the_recipe_runs_end_to_end_resumes_and_reports(root, registry, tmp_path):
    config = replace(TINY, epochs=2, crop=16)
    options = {"data_root": root, "output": tmp_path / "out", "config": config, "registry": registry}
    report = reproduce(**options)
    assert "0.831" in report
    assert "held-out contents" in report
    assert "What differs" in report
    rows = json.loads((tmp_path / "out" / "report.json").read_text())
    assert rows[0]["n"] == 6
    facts = read_checkpoint(tmp_path / "out" / "training" / "best.safetensors", kind="asna").metadata
    assert facts["trained_on"] == ["tid2008", "tid2013", "pipal"]
    assert len(facts["validation_contents"]) == 1
    with pytest.raises(UserError, match="holds a run already"):
        reproduce(**options)
    assert reproduce(**options, resume=True) == report


def test_a_picture_of_both_tid_sets_is_one_content(root, registry):
    pairs = pretraining_pairs(registry, root)
    assert len(pairs) == 4 * 3 + 4 * 2 * 3
    assert len({pair.id for pair in pairs}) == len(pairs)
    assert len({pair.content for pair in pairs}) == 4


def test_missing_data_is_said_before_training(tmp_path):
    with pytest.raises(UserError, match="pipal"):
        reproduce(data_root=tmp_path, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_interval_over_seeds_is_students():
    mean, low, high = ablation.interval([1.0, 2.0, 3.0])
    np.testing.assert_allclose([mean, low, high], [2.0, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5], rtol=1e-6)


def test_the_ablation_makes_its_table_and_keeps_finished_runs(table, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(ablation, "TERMS", {name: ablation.TERMS[name] for name in ("none", "surrogate", "soft-rank")})
    monkeypatch.setattr(ablation, "CROP", 32)
    options = {"table": table, "output": tmp_path / "out", "work": tmp_path / "work", "steps": 3, "seeds": 2}
    report = ablation.run_ablation(**options).read_text()
    assert "no ranking term" in report
    assert "2 seeds each" in report
    assert (tmp_path / "out" / "ablation.png").exists()
    before = (tmp_path / "out" / "ablation.csv").read_text()
    monkeypatch.setattr(ablation, "run_one", None)
    ablation.run_ablation(**options)
    assert (tmp_path / "out" / "ablation.csv").read_text() == before


def test_soft_rank_of_the_library_ranks():
    pytest.importorskip("torchsort", reason="the extra `ablation` is not installed")
    import torch

    ranks = ablation.ranking_function("soft-rank", "cpu")
    values = torch.tensor([[0.3, -2.0, 5.0, 1.0]])
    np.testing.assert_allclose(ranks(values), [[2, 1, 4, 3]], atol=0.2)
