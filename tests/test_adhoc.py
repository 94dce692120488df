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

from benchmark.images.formats import FORMATS, IMAGE_SUFFIXES, OTHER_IMAGE_SUFFIXES
from benchmark.registry import Registry
from benchmark.scoring import UnitScorer, WorkerSetup
from benchmark.types import UserError
from benchmark.workflows.score import UNIT_PAIRS, match, score


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
    assert any(path.endswith("y.png") for path in match(folders / "out", folders / "in").unmatched)


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


def test_without_a_reference_only_metrics_that_need_none_run_and_the_others_are_named(toy):
    image = toy / "a" / "1.png"
    done = benchmark("score", "--distorted", image, "--metrics", "psnr,ssim")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--reference: psnr, ssim compare an image with its reference" in done.stderr
    done = benchmark("score", "--distorted", image, "--metrics", "psnr,brisque", "--format", "csv")
    assert done.returncode == 3
    assert "not run: psnr: without --reference" in done.stderr
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["metric"] == "brisque"


def test_scores_in_files_say_version_weights_and_direction(folders):
    info = Registry().metric("lpips").info
    base = (
        "score",
        "--distorted",
        folders / "out/x.png",
        "--reference",
        folders / "in/x.png",
        "--metrics",
        "psnr,lpips",
    )
    rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(benchmark(*base, "--format", "csv").stdout))}
    assert [rows["lpips"][key] for key in ("version", "weights", "better")] == [
        info.version,
        info.weights_sha256,
        "lower",
    ]
    assert [rows["psnr"][key] for key in ("weights", "better")] == ["", "higher"]
    metrics = json.loads(benchmark(*base, "--format", "json").stdout)["metrics"]
    assert metrics["lpips"]["weights_sha256"] == info.weights_sha256
    assert metrics["psnr"]["higher_is_better"] is True


def test_names_with_brackets_are_shown_as_they_are(folders):
    for name in ("[bold]/x.png", "c[/d].png", ":warning:/x.png"):
        (folders / "odd" / name).parent.mkdir(parents=True)
        shutil.copy(folders / "out" / "x.png", folders / "odd" / name)
    done = benchmark("score", "--distorted", folders / "odd", "--reference", folders / "in/x.png", "--metrics", "psnr")
    assert done.returncode == 0, done.stderr
    for name in ("[bold]/x.png", "c[/d].png", ":warning:/x.png"):
        assert name in done.stdout


class Serial:
    """Does units in this process and keeps them."""

    def __init__(self):
        self.units = []

    def results(self, units):
        scorer = UnitScorer(Registry(), WorkerSetup())
        for unit in units:
            self.units.append(unit)
            yield unit, scorer(unit)


def test_one_reference_is_shared_among_several_units_and_progress_is_told(toy, tmp_path):
    for number in range(2 * UNIT_PAIRS + 1):
        shutil.copy(toy / "a" / f"{1 + number % 6}.png", tmp_path / f"{number}.png")
    pairs = match(tmp_path, toy / "a" / "ref.png").pairs
    executor, told = Serial(), []
    found = score(Registry(), ["psnr"], pairs, executor, progress=lambda *state: told.append(state))
    assert [len(unit.pairs) for unit in executor.units] == [UNIT_PAIRS, UNIT_PAIRS, 1]
    assert found.scores["7.png", "psnr"] == expected(toy, "a", 2)
    assert len(found.scores) == len(pairs)
    assert [done for done, _, _ in told] == [0, UNIT_PAIRS, 2 * UNIT_PAIRS, len(pairs)]


def test_endings_are_those_of_the_formats_that_are_read():
    Image.init()
    known = {ending: Image.EXTENSION[ending] for ending in IMAGE_SUFFIXES if ending in Image.EXTENSION}
    assert set(known.values()) <= FORMATS
    assert {*IMAGE_SUFFIXES} - {*known} <= {".jxl", ".heic", ".heif"}  # known to Pillow once their plugins are loaded
    assert not {*IMAGE_SUFFIXES} & {*OTHER_IMAGE_SUFFIXES}
