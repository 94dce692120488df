"""What is told of the two images of a pair: an orientation that one of them lacks, the background, and no idle words."""

import csv
import io
import json

import numpy as np
import pytest
from command import benchmark
from image_files import smooth
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from benchmark.images import reading_rules
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitScorer, Wanted, WorkerSetup
from benchmark.types import Pair, UserError

RGB = smooth(48, 64)
NOISY = (RGB.astype(int) + np.random.default_rng(0).integers(-9, 10, RGB.shape)).clip(0, 255).astype(np.uint8)


def save(path, rgb, orientation=None):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(rgb).save(path, exif=exif)
    return path


def outcome(pairs, background=None):
    ids = frozenset(pair.id for pair in pairs)
    scorer = UnitScorer(Registry(), WorkerSetup(background=background))
    result = scorer(Unit("content", tuple(pairs), (Wanted(0, "psnr", ids),)))
    return result.results[0], result.warnings


def pair(name, distorted, reference):
    return Pair(name, distorted, reference, "content", 0.0)


def test_where_one_image_of_a_pair_has_an_orientation_it_is_applied_and_told(tmp_path):
    upright, turned = save(tmp_path / "r.png", RGB), save(tmp_path / "r3.png", RGB, 3)
    noisy, noisy_turned = save(tmp_path / "d.png", NOISY), save(tmp_path / "d3.png", NOISY, 3)
    noisy_one = save(tmp_path / "d1.png", NOISY, 1)
    pairs = [
        pair("both", noisy_turned, turned),
        pair("neither", noisy, upright),
        pair("trivial", noisy_one, upright),
        pair("reference", noisy, turned),
        pair("distorted", noisy_turned, upright),
    ]
    result, warnings = outcome(pairs)
    alike, upside_down = peak_signal_noise_ratio(RGB, NOISY), peak_signal_noise_ratio(RGB[::-1, ::-1], NOISY)
    assert upside_down < alike - 10
    expected = {"both": alike, "neither": alike, "trivial": alike, "reference": upside_down, "distorted": upside_down}
    assert result.scores == pytest.approx(expected, abs=1e-9)  # the same mean of squares in another order
    assert set(warnings) == {"reference", "distorted"}
    assert "the reference carries an EXIF orientation, which was applied, and the distorted" in warnings["reference"]
    assert "the distorted image carries an EXIF orientation" in warnings["distorted"]


def test_an_orientation_is_named_where_it_makes_the_sizes_differ(tmp_path):
    reference, distorted = save(tmp_path / "r.png", RGB, 6), save(tmp_path / "d.png", NOISY)
    result, warnings = outcome([pair("a", distorted, reference)])
    assert "64 x 48, but its reference is 48 x 64; the reference carries an EXIF orientation" in result.failures["a"]
    assert warnings == {}
    plain = save(tmp_path / "small.png", RGB[:40])
    result, _ = outcome([pair("a", distorted, plain)])
    assert "EXIF" not in result.failures["a"]


def test_score_tells_an_orientation_once_with_a_count(tmp_path):
    for folder, orientation in (("out", None), ("in", 3)):
        (tmp_path / folder).mkdir()
        for number in range(3):
            save(tmp_path / folder / f"{number}.png", NOISY if folder == "out" else RGB, orientation)
    base = ("score", "--distorted", tmp_path / "out", "--reference", tmp_path / "in", "-m", "psnr")
    done = benchmark(*base, "-o", tmp_path / "x.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("EXIF orientation") == 1
    assert "warning: 3 pairs: the reference carries an EXIF orientation" in done.stderr
    assert "0.png, 1.png, 2.png" in done.stderr
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["reading"] == reading_rules()
    assert all("EXIF" in row["warnings"][0] for row in written["pairs"])


def test_run_tells_an_orientation_once_with_a_count(tmp_path):
    save(tmp_path / "ref.png", RGB, 3)
    for number in range(4):
        save(tmp_path / f"{number}.png", NOISY)
    lines = ["distorted,reference,mos", *(f"{number}.png,ref.png,{number}" for number in range(4))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    done = benchmark(
        *("run", "--dataset", f"table:{tmp_path}/t.csv", "-m", "ssim", "--results", tmp_path / "r", "--no-board")
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("EXIF orientation") == 1
    assert "warning: 4 pairs: the reference carries an EXIF orientation" in done.stderr


def transparent(path):
    Image.fromarray(np.dstack([RGB, np.full(RGB.shape[:2], 100, np.uint8)])).save(path)
    return path


def test_a_background_reaches_both_images_of_a_pair(tmp_path):
    distorted, reference = transparent(tmp_path / "d.png"), save(tmp_path / "r.png", RGB)
    result, _ = outcome([pair("a", distorted, reference)])
    assert "--background" in result.failures["a"]
    composed = np.rint((RGB * 100.0 + 255 * 155.0) / 255)
    result, _ = outcome([pair("a", distorted, reference)], background="white")
    # The same sum of squares in another order.
    assert result.scores["a"] == pytest.approx(peak_signal_noise_ratio(RGB, composed.astype(np.uint8)), abs=1e-9)
    result, _ = outcome([pair("b", reference, distorted)], background="white")
    assert result.scores["b"] == pytest.approx(peak_signal_noise_ratio(composed.astype(np.uint8), RGB), abs=1e-9)


def test_score_composes_on_the_background_that_is_given(tmp_path):
    distorted, reference = transparent(tmp_path / "d.png"), save(tmp_path / "r.png", RGB)
    base = ("score", "--distorted", distorted, "--reference", reference, "-m", "psnr", "--format", "csv")
    scores = {}
    for background in ("white", "255,255,255", "black"):
        done = benchmark(*base, "--background", background)
        assert done.returncode == 0, done.stderr
        (row,) = csv.DictReader(io.StringIO(done.stdout))
        scores[background] = row["score"]
    assert scores["white"] == scores["255,255,255"] != scores["black"]
    for wrong in ("grey", "1,2", "1,2,256", "1,2,-3", "1, 2,x", "²,1,1"):
        done = benchmark(*base, "--background", wrong)
        assert done.returncode == 2
        assert "expected white, black or R,G,B of 0 to 255" in done.stderr


def test_the_background_is_part_of_the_rules_by_which_images_are_read():
    assert reading_rules() == "rules-2"
    assert reading_rules("white") == reading_rules("255,255,255") == "rules-2 background=255,255,255"
    assert reading_rules("0,0,07") == "rules-2 background=0,0,7"
    with pytest.raises(UserError, match="white, black or R,G,B"):
        reading_rules("mauve")


def test_pillows_warnings_which_name_no_file_are_not_shown(tmp_path):
    path = save(tmp_path / "d.jpg", NOISY, 1)
    content = bytearray(path.read_bytes())
    count = content.index(b"Exif\0\0") + 14
    assert content[count : count + 2] in (b"\0\1", b"\1\0")
    content[count : count + 2] = b"\x09\x09"  # entries that are not there
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="EXIF|Exif"), Image.open(path) as image:
        image.getexif()
    done = benchmark("score", "--distorted", path, "--reference", save(tmp_path / "r.png", RGB), "-m", "psnr")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
