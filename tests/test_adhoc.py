"""`score`: one pair or two folders, matched by name; what does not match or fails is named."""

import csv
import io
import json
import shutil

import pytest
from command import benchmark
from PIL import Image
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio

from benchmark.adhoc import match
from benchmark.types import UserError


@pytest.fixture
def folders(toy, tmp_path):
    """Two folders of images with the same names, one of them in another format."""
    for name in ("out/sub", "in/sub"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(toy / "a" / "1.png", tmp_path / "out" / "x.png")
    shutil.copy(toy / "b" / "2.png", tmp_path / "out" / "sub" / "y.png")
    shutil.copy(toy / "a" / "ref.png", tmp_path / "in" / "x.png")
    Image.open(toy / "b" / "ref.png").save(tmp_path / "in" / "sub" / "Y.bmp")
    return tmp_path


def expected(toy, content, level):
    return peak_signal_noise_ratio(imread(toy / content / "ref.png"), imread(toy / content / f"{level}.png"))


def test_two_folders_are_matched_by_relative_name_whatever_the_suffix(folders, toy):
    done = benchmark(
        *(
            "score",
            "--distorted",
            folders / "out",
            "--reference",
            folders / "in",
            "--metrics",
            "psnr",
            "--format",
            "csv",
        )
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    scores = {row["distorted"].rpartition("/")[2]: float(row["score"]) for row in rows}
    assert scores == {"x.png": expected(toy, "a", 1), "y.png": expected(toy, "b", 2)}


def test_one_pair_goes_to_a_json_file(folders, toy):
    out = folders / "scores.json"
    done = benchmark(
        *("score", "--distorted", folders / "out/x.png", "--reference", folders / "in/x.png"),
        *("--metrics", "psnr,ssim", "--output", out),
    )
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text())
    assert written["schema"] == 1
    assert written["pairs"][0]["scores"]["psnr"] == expected(toy, "a", 1)
    assert set(written["pairs"][0]["scores"]) == {"psnr", "ssim"}


def test_a_folder_against_one_reference(folders):
    done = benchmark(
        *("score", "--distorted", folders / "out", "--reference", folders / "in/x.png", "--metrics", "psnr"),
    )
    assert done.returncode == 0, done.stderr
    assert "sub/y.png" in done.stdout


def test_what_has_no_partner_or_fails_is_named_and_the_rest_is_scored(folders):
    Image.new("RGB", (9, 9)).save(folders / "out" / "alone.png")
    (folders / "out" / "broken.png").write_bytes(b"x")
    (folders / "in" / "broken.png").write_bytes((folders / "in" / "x.png").read_bytes())
    done = benchmark("score", "--distorted", folders / "out", "--reference", folders / "in", "--metrics", "psnr")
    assert done.returncode == 3
    assert "alone.png has no partner of the same name" in done.stderr
    assert "failed: broken.png, psnr: broken.png: cannot be decoded" in done.stderr
    assert "x.png" in done.stdout


def test_ambiguous_stems_are_not_guessed(folders):
    shutil.copy(folders / "in" / "x.png", folders / "in" / "sub" / "y.jpg")
    _, unmatched = match(folders / "out", folders / "in")
    assert any(path.endswith("y.png") for path in unmatched)


@pytest.mark.parametrize(
    ("distorted", "reference", "message"),
    [
        ("gone.png", "in/x.png", "no such file"),
        ("out/x.png", "in", "a folder, but"),
        ("empty", "in", "no images; expected files ending in"),
        ("out", "other", "no image of .* has one of the same name"),
    ],
)
def test_paths_that_cannot_be_paired_say_why(folders, distorted, reference, message):
    (folders / "empty").mkdir()
    (folders / "other").mkdir()
    shutil.copy(folders / "in" / "x.png", folders / "other" / "z.png")
    with pytest.raises(UserError, match=message):
        match(folders / distorted, folders / reference)
