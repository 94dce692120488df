"""Every official data set with its real names and labels, in trees of one-pixel images."""

import csv
import os

import fake_trees
import numpy as np
import pytest

from iqa_datasets import csiq, kadid10k, live, pipal, tid, tid2008, tid2013


def real_labels(shared, name):
    return fake_trees.read_list(shared / "reference" / "mos_lists" / name)


def check_real(dataset, root, expected, n_distortions):
    pairs = dataset.pairs(root)
    assert len(pairs) == dataset.info.n_pairs
    assert {pair.id.lower(): pair.label for pair in pairs} == expected
    assert len({pair.distortion for pair in pairs}) == n_distortions
    return pairs


def test_tid2008_with_its_real_names_and_labels(shared, tmp_path):
    labels = [
        (os.path.basename(row["dis_img_path"]), float(row["score"])) for row in real_labels(shared, "TID2008.csv")
    ]
    fake_trees.tid(tmp_path / "tid2008", labels)
    check_real(tid2008.DATASET, tmp_path, {name.lower(): label for name, label in labels}, 17)


def test_tid2013_with_its_real_names_labels_and_deviations(shared, tmp_path):
    with (shared / "reference/per_image_scores/TID2013.VQMT.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [(row["dist_img"], float(row["mos"])) for row in rows]
    assert {"I25_11_1.BMP", "i01_01_2.bmp"} <= {name for name, _ in labels}, "letter case is mixed in the real list"
    fake_trees.tid(tmp_path / "tid2013", labels, deviations=[float(row["var"]) for row in rows])
    pairs = check_real(tid2013.DATASET, tmp_path, {name.lower(): label for name, label in labels}, 24)
    assert {pair.id: pair.label_std for pair in pairs} == {row["dist_img"].lower(): float(row["var"]) for row in rows}
    rounded = {os.path.basename(row["dis_img_path"]): float(row["score"]) for row in real_labels(shared, "TID2013.csv")}
    np.testing.assert_allclose([pair.label for pair in pairs], [rounded[pair.id] for pair in pairs], atol=1e-4)


def test_kadid10k_with_its_real_names_and_labels(shared, tmp_path):
    labels = [
        (os.path.basename(row["dis_img_path"]), float(row["score"])) for row in real_labels(shared, "KADID-10k.csv")
    ]
    fake_trees.kadid(tmp_path / "kadid10k", labels)
    check_real(kadid10k.DATASET, tmp_path, {name.lower(): label for name, label in labels}, 25)


def test_csiq_with_its_real_names_and_labels(shared, tmp_path):
    rows = real_labels(shared, "CSIQ.csv")
    labels = [(os.path.basename(row["dis_img_path"]), float(row["score"])) for row in rows]
    fake_trees.csiq(tmp_path / "csiq", labels)
    pairs = check_real(csiq.DATASET, tmp_path, {name.lower(): label for name, label in labels}, 6)
    references = {os.path.basename(row["dis_img_path"]): os.path.basename(row["ref_img_path"]) for row in rows}
    assert all(pair.reference.name == references[pair.id] for pair in pairs)


def test_live_with_its_real_names_labels_and_references(shared, tmp_path):
    rows = real_labels(shared, "LIVE.csv")
    labels = [
        (row["dis_img_path"].removeprefix("LIVE/"), os.path.basename(row["ref_img_path"]), float(row["score"]))
        for row in rows
    ]
    fake_trees.live(tmp_path / "LIVE", labels)
    pairs = check_real(live.DATASET, tmp_path, {name: dmos for name, _, dmos in labels}, 5)
    references = {name: reference for name, reference, _ in labels}
    assert all(pair.reference.name == references[pair.id] for pair in pairs)


def test_pipal_with_its_real_names_and_labels_has_the_published_numbers_of_types(shared, tmp_path):
    labels = [(os.path.basename(row["dis_img_path"]), float(row["score"])) for row in real_labels(shared, "PIPAL.csv")]
    fake_trees.pipal(tmp_path / "pipal", labels, parts=True)
    pairs = check_real(pipal.DATASET, tmp_path, {name.lower(): label for name, label in labels}, 7)
    counts = {kind: sum(pair.distortion == kind for pair in pairs) / 200 for kind in pipal.DISTORTIONS}
    assert list(counts.values()) == [12, 16, 10, 24, 13, 14, 27]


@pytest.mark.parametrize(("name", "module"), [("KADID-10k.csv", kadid10k), ("TID2013.csv", tid)])
def test_names_of_types_are_those_of_an_independent_list(shared, name, module):
    """The other list abbreviates; one telling word per type is compared."""
    words = {
        "GBLUR": "gaussian blur", "Lens_Blur": "lens", "Motion_Blur": "motion", "JP2K": "jpeg2000", "JPEG": "jpeg",
        "Color_Diffusion": "diffusion", "Color_Shift": "colour shift", "Impulse_Noise": "impulse", "Brighten": "brighten",
        "Impluse_Noise": "impulse", "Darken": "darken", "Mean_Shift": "mean shift", "Jitter": "jitter", "Pixelate": "pixelate",
        "High_Sharpen": "sharpen", "Contrast Dist.": "contrast", "Contrast_Dist.": "contrast", "Denoising": "denoising",
        "Masked_Noise": "masked", "Comfort_Noise": "comfort", "Dithering": "dither", "Chroma_Aberrations": "aberrations",
        "Saturation_Dist.": "saturation", "Saturation_Dist._HSV": "hsv", "Saturation_Dist._Lab": "lab",
        "Multiplicative_Noise": "multiplicative", "Multi._Gaussian Noise": "multiplicative", "Block_Dist.": "block",
        "Color_Block": "block", "Quantization": "quantization", "Quantization_Noise": "quantization", "Pink_Noise": "correlated",
    }  # fmt: skip
    compared = set()
    for row in real_labels(shared, name):
        if (word := words.get(row["dis_type"])) is not None:
            code = int(row["dis_img_path"].rsplit("_", 2)[1])
            assert word in module.DISTORTIONS[code - 1].lower()
            compared.add(code)
    assert len(compared) >= 16
