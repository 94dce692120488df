"""Names that are not UTF-8: written with their bytes escaped, wherever they go, and never a traceback."""

import csv
import json
import os
import shutil

import pytest
from command import benchmark

from benchmark.filenames import printable
from benchmark.files import write_whole
from benchmark.images import read_rgb
from benchmark.types import PairError


def test_bytes_that_are_no_text_are_escaped_and_all_else_stays():
    assert printable(os.fsdecode(b"caf\xe9/\xff.png")) == r"caf\xe9/\xff.png"
    for name in ("café.png", "日本.png", "a\\xe9.png", "line\nbreak", "😀"):
        assert printable(name) == name
    assert printable("\ud800") == r"\ud800"
    printable("\udc80\udcff\udfff").encode()


@pytest.fixture
def odd(toy, tmp_path):
    """A folder whose name and one of whose images are not UTF-8; its name is written out."""
    folder = tmp_path / os.fsdecode(b"d\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    shutil.copy(toy / "a" / "1.png", folder / os.fsdecode(b"caf\xe9.png"))
    (folder / os.fsdecode(b"bad\xe9.png")).write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("form", ["csv", "json", "terminal"])
def test_scores_of_such_files_are_written_in_every_form(odd, toy, tmp_path, form):
    out = tmp_path / f"x.{form}"
    to = ("--output", out) if form != "terminal" else ()
    done = benchmark("score", "--distorted", odd, "--reference", toy / "a" / "ref.png", "--metrics", "psnr", *to)
    assert done.returncode == 3, done.stderr
    assert r"failed: bad\xe9.png, psnr: bad\xe9.png: cannot be decoded" in done.stderr
    assert "Traceback" not in done.stderr
    if form == "csv":
        rows = {row["distorted"]: row["score"] for row in csv.DictReader(out.open(encoding="utf-8"))}
        assert float(rows[rf"{tmp_path}/d\xe9/caf\xe9.png"]) > 0
    elif form == "json":
        (_, pair) = json.loads(out.read_text())["pairs"]
        assert pair["distorted"] == rf"{tmp_path}/d\xe9/caf\xe9.png"
        assert pair["scores"]["psnr"] > 0
    else:
        assert r"caf\xe9.png" in done.stdout


def test_an_error_that_names_such_a_path_is_a_line(odd, toy):
    done = benchmark("score", "--distorted", odd / "gone.png", "--reference", toy / "a" / "ref.png", "-m", "psnr")
    assert done.returncode == 2
    assert r"d\xe9/gone.png: no such file or folder" in done.stderr


def test_a_pair_error_names_such_a_file_in_words_that_can_be_kept(odd):
    for name in (b"bad\xe9.png", b"gone\xe9.png"):
        with pytest.raises(PairError) as caught:
            read_rgb(odd / os.fsdecode(name))
        str(caught.value).encode()


def test_a_table_in_such_a_folder_is_scored_kept_and_exported(toy, tmp_path):
    folder = tmp_path / os.fsdecode(b"t\xe9")
    try:
        shutil.copytree(toy / "a", folder)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (folder / "2.png").write_bytes(b"no image")
    lines = ["distorted,reference,mos", *(f"{i}.png,ref.png,{i}" for i in range(1, 7))]
    table = folder / os.fsdecode(b"l\xe9.csv")
    table.write_text("\n".join(lines) + "\n")
    results = tmp_path / "results"
    done = benchmark("run", "--dataset", f"table:{table}", "-m", "ssim", "--results", results, "--replicates", "100")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "5 scores made" in done.stderr
    exported = benchmark("export", "--results", results, "--output", tmp_path / "all.csv")
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader((tmp_path / "all.csv").open(encoding="utf-8")))
    assert len(rows) == 6
    assert sum(bool(row["score"]) for row in rows) == 5


def test_text_with_such_a_name_can_be_written_whole(tmp_path):
    write_whole(tmp_path / "a.txt", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "a.txt").read_bytes() == rb"caf\xe9"
