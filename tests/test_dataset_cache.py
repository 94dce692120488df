"""The cache of stimuli: whole files or none, checked, and made again when damaged."""

import json
import os
import shutil

import numpy as np
import pytest

from benchmark.images import read_rgb
from benchmark.types import UserError
from iqa_datasets.stimulus_cache import MANIFEST, cache_folder, fill, pixel_hash


def small(seed):
    return np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)


IMAGES = {f"kind/{seed}.bmp": small(seed) for seed in range(4)}
HASHES = {name: pixel_hash(rgb) for name, rgb in IMAGES.items()}


class Maker:
    """Hands out the images and remembers which."""

    def __init__(self):
        self.made = []

    def __call__(self, name):
        self.made.append(name)
        return IMAGES[name]


def test_images_are_made_once_and_progress_is_told(tmp_path):
    maker, told = Maker(), []
    fill(tmp_path, HASHES, maker, lambda done, total, what: told.append((done, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    fill(tmp_path, HASHES, maker, lambda *_: pytest.fail("nothing is left to do"))
    assert maker.made == list(IMAGES)


@pytest.mark.parametrize("damage", ["truncated", "removed", "replaced", "garbage"])
def test_a_damaged_image_alone_is_made_again(tmp_path, damage):
    fill(tmp_path, HASHES, Maker())
    victim = tmp_path / "kind/2.bmp"
    if damage == "truncated":
        os.truncate(victim, 60)
    elif damage == "removed":
        victim.unlink()
    elif damage == "replaced":
        shutil.copy(tmp_path / "kind/1.bmp", victim)
    else:
        victim.write_bytes(b"x" * victim.stat().st_size)
    maker = Maker()
    fill(tmp_path, HASHES, maker)
    assert maker.made == ["kind/2.bmp"]
    np.testing.assert_array_equal(read_rgb(victim), IMAGES["kind/2.bmp"])


@pytest.mark.parametrize("content", [None, "not json", "[]", json.dumps({"kind/1.bmp": [1, 2, "3"]})])
def test_without_a_usable_manifest_good_images_are_checked_and_kept(tmp_path, content):
    fill(tmp_path, HASHES, Maker())
    manifest = tmp_path / MANIFEST
    manifest.unlink() if content is None else manifest.write_text(content)
    maker = Maker()
    fill(tmp_path, HASHES, maker)
    assert maker.made == []
    assert set(json.loads(manifest.read_text())) >= set(IMAGES)


def test_a_complete_cache_that_cannot_be_written_serves_too(tmp_path, monkeypatch):
    fill(tmp_path, HASHES, Maker())
    (tmp_path / MANIFEST).unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    maker = Maker()
    fill(tmp_path, HASHES, maker)
    assert maker.made == []
    assert not (tmp_path / MANIFEST).exists()


def test_pixels_that_differ_from_the_committed_hash_are_refused_and_not_kept(tmp_path):
    with pytest.raises(UserError, match="computed other pixels than expected"):
        fill(tmp_path, {"kind/1.bmp": HASHES["kind/2.bmp"]}, Maker())
    assert not list(tmp_path.rglob("*.bmp"))


def test_a_folder_that_cannot_be_written_is_a_user_error_naming_iqa_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(UserError, match="IQA_CACHE"):
        fill(blocked / "inside", HASHES, Maker())


def test_a_full_disk_is_a_user_error_naming_iqa_cache(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"disk is full.*IQA_CACHE"):
        fill(tmp_path, HASHES, Maker())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    assert cache_folder("live") == tmp_path / "live"
    monkeypatch.delenv("IQA_CACHE")
    assert cache_folder("live").name == "live"
    assert "iqa-benchmark" in str(cache_folder("live"))
