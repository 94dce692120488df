"""Temporary folders of killed processes go at the next start; those of living ones stay."""

import os
import subprocess
import sys
import tempfile

import pytest

from benchmark.leftovers import sweep, temporary_folder

HOLDER = """
import os, signal, sys
from benchmark.leftovers import temporary_folder
with temporary_folder("iqa-test-") as folder:
    (folder / "big").write_bytes(bytes(1000))
    print(folder, flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_folder_is_gone_after_its_block(tmp_path):
    with temporary_folder("iqa-test-") as folder:
        (folder / "x").write_text("x")
        assert folder.parent == tmp_path
    assert os.listdir(tmp_path) == []


def test_a_folder_stays_as_long_as_its_process_lives_and_goes_when_it_was_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = holder.stdout.readline().strip()
    with temporary_folder("iqa-test-"):
        assert os.path.exists(os.path.join(name, "big"))
    holder.communicate()
    assert os.path.exists(name)
    with temporary_folder("iqa-test-") as folder:
        assert os.listdir(tmp_path) == [folder.name]


def test_what_is_not_known_to_be_a_leftover_stays(tmp_path):
    (tmp_path / "iqa-test-without-owner").mkdir()
    (tmp_path / "other").write_text("other")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "x").write_text("x")
    (tmp_path / "iqa-test-link").symlink_to("kept")
    sweep(tmp_path, "iqa-test-")
    assert sorted(os.listdir(tmp_path)) == ["iqa-test-link", "iqa-test-without-owner", "kept", "other"]
    assert os.listdir(tmp_path / "kept") == ["x"]
