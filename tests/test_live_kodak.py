"""The embedded data set: stimuli are the published ones, the same bytes everywhere, and are kept safely."""

import csv
import hashlib
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import iqa_datasets.live_kodak as live_kodak
import iqa_datasets.stimuli as stimuli
from benchmark.images import ImageBatch, read_rgb
from iqa_datasets.stimulus_cache import pixel_hash

DATASET = live_kodak.DATASET
SRCC = {
    # luma PSNR, luma SSIM after 2 x 2 averaging: measured by other code on the same 210 rows (noise: another realisation)
    "all": (-0.850, -0.935),
    "jpeg": (-0.865, -0.977),
    "gblur": (-0.745, -0.944),
    "wn": (-0.986, -0.971),
}


@pytest.fixture(scope="module")
def rows():
    with (live_kodak.DATA / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder that this module fills once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IQA_CACHE", str(folder))
        DATASET.pairs(None)
    return folder


@pytest.fixture
def pairs(cache, monkeypatch):
    monkeypatch.setenv("IQA_CACHE", str(cache))
    return DATASET.pairs(None)


def reference_of(row):
    return read_rgb(live_kodak.DATA / row["reference"])


def test_210_rows_are_203_images_of_13_photographs(rows, pairs):
    assert len(pairs) == len({pair.id for pair in pairs}) == 210
    assert len({pair.distorted for pair in pairs}) == len({row["sha256"] for row in rows}) == 203
    assert len({pair.content for pair in pairs}) == 13
    kinds = [pair.distortion for pair in pairs]
    assert {kind: kinds.count(kind) for kind in kinds} == {"jpeg": 80, "gblur": 65, "wn": 65}


def test_rows_that_share_an_image_agree_in_everything_but_their_scores(rows):
    by_file = {}
    for row in rows:
        facts = (row["reference"], row["content"], row["distortion"], row["parameter"], row["sha256"])
        assert by_file.setdefault(row["file"], facts) == facts


def test_labels_are_those_of_the_source(shared, pairs):
    with (shared / "data/live_kodak/scores.csv").open(newline="") as file:
        source = {row["live_image"]: row for row in csv.DictReader(file)}
    assert {pair.id for pair in pairs} == set(source)
    for pair in pairs:
        row = source[pair.id]
        assert (pair.label, pair.label_std) == (float(row["dmos"]), float(row["dmos_std"]))
        assert (pair.content, pair.distortion) == (row["ref_name"], row["dist_type"])
        assert pair.level == float(row["parameter"].partition("=")[2])
        assert pair.distorted.stem == Path(row["dist"]).stem


def test_labels_equal_the_rows_of_the_whole_live_data_set(shared, pairs):
    with (shared / "reference/mos_lists/LIVE.csv").open(newline="") as file:
        live = {row["dis_img_path"].removeprefix("LIVE/"): row for row in csv.DictReader(file)}
    for pair in pairs:
        assert pair.label == pytest.approx(float(live[pair.id]["score"]), abs=1e-9)
        assert Path(live[pair.id]["ref_img_path"]).stem == pair.content


def test_embedded_jpeg_files_are_whole(rows):
    for row in rows:
        if row["distortion"] == "jpeg":
            assert hashlib.sha256((live_kodak.DATA / row["file"]).read_bytes()).hexdigest() == row["sha256"]


def test_every_stimulus_has_the_committed_pixels(rows, cache):
    folder = next(cache.iterdir())
    made = [row for row in rows if row["distortion"] != "jpeg"]
    assert len(made) == 130
    for row in made:
        assert pixel_hash(read_rgb(folder / row["file"])) == row["sha256"]


def test_blur_is_within_one_level_of_the_expected_files(shared, rows):
    expected = sorted((shared / "data/live_kodak/gblur").glob("*.png"))
    assert len(expected) == 10
    by_stem = {Path(row["file"]).stem: row for row in rows if row["distortion"] == "gblur"}
    for path in expected:
        row = by_stem[path.stem]
        blurred = stimuli.gaussian_blur(reference_of(row), sigma=Decimal(row["parameter"]))
        difference = np.abs(blurred.astype(int) - read_rgb(path))
        assert difference.max() <= 1
        assert np.count_nonzero(difference) <= 20


def test_blur_equals_a_plain_convolution_up_to_rounding(rows):
    row = next(row for row in rows if row["distortion"] == "gblur" and float(row["parameter"]) > 2)
    sigma = float(row["parameter"])
    radius = round(3 * sigma)
    kernel = stats.norm.pdf(np.arange(-radius, radius + 1), scale=sigma)
    kernel /= kernel.sum()
    reference = reference_of(row)[:96, :128].astype(float)
    plain = np.apply_along_axis(np.convolve, 0, reference, kernel, mode="same")
    plain = np.apply_along_axis(np.convolve, 1, plain, kernel, mode="same")
    blurred = stimuli.gaussian_blur(reference.astype(np.uint8), sigma=Decimal(row["parameter"]))
    assert np.abs(blurred - plain).max() < 0.5 + 2e-3


def test_blur_kernel_sums_to_one_exactly_and_is_symmetric():
    for sigma in ("0.419238", "1.5", "7.66665"):
        kernel = stimuli.gaussian_kernel(Decimal(sigma))
        assert kernel.sum() == 2**stimuli.KERNEL_BITS
        np.testing.assert_array_equal(kernel, kernel[::-1])


@pytest.mark.parametrize("sigma", ["0.011719", "0.125", "1.996094"])
def test_noise_is_the_rounded_normal_distribution(sigma):
    scale = 255 * float(sigma)
    edges = stats.norm.cdf(np.arange(-255, 255) + 0.5, scale=scale)
    np.testing.assert_allclose(stimuli.noise_thresholds(Decimal(sigma)) / 2.0**32, edges, atol=2**-32)


@pytest.mark.parametrize("sigma", ["0.011719", "0.046875"])
def test_noise_has_the_wanted_moments_and_no_memory(sigma):
    grey = np.full((512, 768, 3), 128, dtype=np.uint8)
    noise = stimuli.add_gaussian_noise(grey, sigma=Decimal(sigma), key="test").astype(float) - 128
    scale = 255 * float(sigma)
    n = noise.size
    variance = scale**2 + 1 / 12  # rounding adds 1/12
    assert abs(noise.mean()) < 4 * math.sqrt(variance / n)
    assert noise.var() == pytest.approx(variance, rel=4 * math.sqrt(2 / n))
    assert abs(stats.skew(noise.ravel())) < 4 * math.sqrt(6 / n)
    assert abs(stats.kurtosis(noise.ravel())) < 4 * math.sqrt(24 / n) + 1e-3
    for shifted in (noise[1:] * noise[:-1], noise[:, 1:] * noise[:, :-1], noise[..., 1:] * noise[..., :-1]):
        assert abs(shifted.mean()) < 4 * variance / math.sqrt(shifted.size)


def test_another_key_gives_another_realisation():
    grey = np.full((64, 64, 3), 128, dtype=np.uint8)
    one, two = (stimuli.add_gaussian_noise(grey, sigma=Decimal("0.1"), key=key) for key in "ab")
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 4 / math.sqrt(one.size)


def test_psnr_of_every_noisy_image_is_that_of_clipped_normal_noise(rows, pairs):
    """Expected squared error of clip(x + round(N)) - x, summed over the histogram of the reference."""
    values = np.arange(256)
    noise = np.arange(-2500, 2501)
    clipped = np.clip(values[:, None] + noise, 0, 255) - values[:, None]
    for pair in pairs:
        if pair.distortion != "wn":
            continue
        probability = np.diff(stats.norm.cdf(np.arange(-2501, 2501) + 0.5, scale=255 * pair.level))
        reference, noisy = read_rgb(pair.reference), read_rgb(pair.distorted)
        error = (clipped.astype(float) ** 2) @ probability
        expected = np.bincount(reference.ravel(), minlength=256) @ error / reference.size
        measured = np.mean((noisy.astype(float) - reference) ** 2)
        assert 10 * abs(math.log10(measured / expected)) < 0.03, pair.id


@pytest.mark.slow
def test_luma_psnr_and_ssim_agree_with_people_as_measured_by_other_code(pairs):
    from scipy.ndimage import uniform_filter
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    def luma(path):
        return ImageBatch(read_rgb(path)[None]).luma[0]

    def half(image):
        return uniform_filter(image, 2)[::2, ::2]

    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    scores = []
    for pair in pairs:
        reference, distorted = luma(pair.reference), luma(pair.distorted)
        psnr = peak_signal_noise_ratio(reference, distorted, data_range=255)
        scores.append((psnr, structural_similarity(half(reference), half(distorted), **wang)))
    scores, dmos = np.array(scores), np.array([pair.label for pair in pairs])
    for subset, expected in SRCC.items():
        chosen = [subset in ("all", pair.distortion) for pair in pairs]
        measured = [stats.spearmanr(scores[chosen, i], dmos[chosen]).statistic for i in (0, 1)]
        np.testing.assert_allclose(measured, expected, atol=0.01 if subset == "wn" else 0.005)


def test_two_processes_at_once_leave_a_whole_cache(tmp_path, rows):
    code = (
        "import iqa_datasets.live_kodak as m, iqa_datasets.stimulus_cache as c, pathlib, sys\n"
        "rows = {r['file']: r for r in m._rows() if r['distortion'] != 'jpeg' and r['content'] == 'caps'}\n"
        "c.fill(pathlib.Path(sys.argv[1]), {n: r['sha256'] for n, r in rows.items()}, lambda n: m._stimulus(rows[n]))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    mine = [row for row in rows if row["distortion"] != "jpeg" and row["content"] == "caps"]
    for row in mine:
        assert pixel_hash(read_rgb(tmp_path / row["file"])) == row["sha256"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == len(mine) + 1


def test_labels_alone_make_no_image(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path))
    assert len(DATASET.pairs(None, images=False)) == 210
    assert not list(tmp_path.iterdir())


def test_the_notice_and_the_word_regenerated_come_with_the_data():
    assert "COPYRIGHT NOTICE" in (live_kodak.DATA / "LIVE_NOTICE.txt").read_text()
    assert "regenerated" in DATASET.info.title
    for fact in ("JPEG", "blur", "noise", "13 of LIVE's 29", "203"):
        assert fact in DATASET.info.note
    assert DATASET.missing(None) is None
