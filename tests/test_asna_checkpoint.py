"""Checkpoints come back as they went, never run code, and refuse what is damaged or foreign, clearly."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from asna.checkpoint import CheckpointError, load, read_checkpoint, save_model, sha256, shipped, write_checkpoint
from asna.model import ASNA, ASNAConfig


@pytest.fixture
def saved(tmp_path: Path) -> tuple[ASNA, Path]:
    torch.manual_seed(0)
    model = ASNA(ASNAConfig(head="gap")).eval()
    model.label_mean.fill_(4.47)
    model.label_sd.fill_(1.3)
    path = tmp_path / "net.safetensors"
    save_model(path, model, {"dataset": "toy"})
    return model, path


def test_a_network_comes_back_with_its_config_and_label_scale(saved):
    model, path = saved
    again = load(path)
    assert again.config == model.config
    assert not again.training
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(again(reference=a, distorted=b), model(reference=a, distorted=b), rtol=0, atol=0)
    assert read_checkpoint(path, kind="asna").metadata["dataset"] == "toy"


def test_equal_networks_are_equal_files(saved, tmp_path):
    model, path = saved
    save_model(tmp_path / "again.safetensors", model, {"dataset": "toy"})
    assert sha256(tmp_path / "again.safetensors") == sha256(path)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "net.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="damaged or not a safetensors file"):
        load(path)
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="damaged or not a safetensors file"):
        load(path)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, -1])
def test_a_truncated_file_is_refused(saved, keep):
    _, path = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


def test_another_programs_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="another program"):
        load(path)


def test_another_kind_format_or_shape_is_refused(saved, tmp_path):
    _, path = saved
    with pytest.raises(CheckpointError, match="expected a checkpoint of kind 'sorter', got 'asna'"):
        read_checkpoint(path, kind="sorter")
    other = tmp_path / "other.safetensors"
    save_file({}, other, {"asna": '{"kind": "asna", "format": 999, "metadata": {}}'})
    with pytest.raises(CheckpointError, match="format 1, got 999"):
        load(other)
    write_checkpoint(other, kind="asna", tensors={"a": torch.zeros(1)}, metadata={"config": {"head": "gap"}})
    with pytest.raises(CheckpointError, match="does not fit"):
        load(other)
    write_checkpoint(other, kind="asna", tensors={}, metadata={"config": {"head": "__import__"}})
    with pytest.raises(CheckpointError, match="does not fit"):
        load(other)


def test_unknown_names_and_missing_files_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no shipped checkpoint"):
        load("asna-nonsense")
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load(tmp_path / "absent.safetensors")


def test_a_failed_write_leaves_the_old_file_and_no_litter(saved):
    _, path = saved
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_checkpoint(path, kind="asna", tensors={}, metadata={"bad": object()})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_shipped_checkpoints_load_and_say_that_their_labels_are_synthetic():
    found = shipped()
    if not found:
        pytest.skip("no checkpoint is shipped")
    for name, path in found.items():
        facts = read_checkpoint(path, kind="asna").metadata
        assert "synthetic labels" in facts["note"]
        assert not set(facts["training_contents"]) & set(facts["validation_contents"])
        beside = json.loads(path.with_suffix(".json").read_text())
        assert beside["sha256"] == sha256(path), name
        assert path.stat().st_size < 5_000_000
        load(name)


def test_importing_the_package_is_light_and_names_come_when_used():
    code = (
        "import sys, asna; assert 'torch' not in sys.modules; from asna import ASNA, load; "
        "assert 'torch' in sys.modules and 'benchmark' not in sys.modules; "
        "import asna.loss, asna.sorter; assert 'benchmark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
