"""The traps of the single data sets without references; one of them with its real names and labels."""

import os
import re

import fake_trees
import numpy as np
import pytest
from no_reference_trees import LABEL_FILES, LABELS, make, small

from benchmark.registry import Registry
from benchmark.types import UserError
from iqa_datasets import koniq10k, livec


def test_koniq_keeps_deviations_and_numbers_of_ratings_in_the_unit_of_the_label(tmp_path):
    tree = make("koniq10k", tmp_path)
    assert {(pair.label_std, pair.n_ratings) for pair in tree.dataset.pairs(tree.root)} == {(0.5, 105)}


def test_koniq_in_two_sizes_is_two_data_sets_with_one_list_of_labels(tmp_path):
    tree = make("koniq10k", tmp_path)
    half = small(koniq10k.HALF, 3)
    assert {pair.distorted.parent.name for pair in tree.dataset.pairs(tmp_path)} == {"1024x768"}
    assert {pair.distorted.parent.name for pair in half.pairs(tmp_path)} == {"512x384"}
    for path in sorted((tree.folder / "1024x768").iterdir()):
        path.unlink()
    (tree.folder / "1024x768").rmdir()
    assert "holds no 1024x768" in tree.dataset.missing(tmp_path)
    assert half.missing(tmp_path) is None


def test_koniq_refuses_the_list_whose_mos_runs_to_100(tmp_path):
    fake_trees.koniq(tmp_path, [("10004473376.jpg", 77.38), ("10058760545.jpg", 15.23)])
    with pytest.raises(UserError, match=r"2 labels lie outside 1..5: 10004473376.jpg = 77.38"):
        small(koniq10k.DATASET, 2).pairs(tmp_path)
    path = tmp_path / LABEL_FILES["koniq10k"][0]
    path.write_text(path.read_text().replace(",MOS_zscore", ",set"))
    with pytest.raises(UserError, match="no column mos_zscore"):
        small(koniq10k.DATASET, 2).pairs(tmp_path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("8.jpg,0,0,0,1,0,105,good,0.5,60", "MOS 'good' is not a number"),
        ("8.jpg,0,0,0,1,0,105,3.5", "8 cells, expected 10"),
        ("8.jpg,0,0,0,1,0,105,3.5,0.5", "9 cells, expected 10"),
        ("8.jpg,0,0,0,1,0,10.5,3.5,0.5,60", "c_total 10.5 of 8.jpg is not a whole number"),
        ("8.jpg,0,0,0,1,0,105,3.5,-0.5,60", "SD -0.5 of 8.jpg is not 0 or more"),
        (",0,0,0,1,0,105,3.5,0.5,60", "image_name is empty"),
    ],
)
def test_koniq_names_an_unreadable_line_by_its_number(line, problem, tmp_path):
    tree = make("koniq10k", tmp_path)
    path = tree.folder / LABEL_FILES["koniq10k"][0]
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(UserError, match=f"1 cannot be read: line 5: {re.escape(problem)}"):
        tree.dataset.pairs(tree.root)


def test_koniq_and_spaq_name_a_column_that_is_not_there(tmp_path):
    import openpyxl

    tree = make("koniq10k", tmp_path)
    path = tree.folder / LABEL_FILES["koniq10k"][0]
    path.write_text(path.read_text().replace(",MOS,", ",score,"))
    with pytest.raises(UserError, match="no column mos"):
        tree.dataset.pairs(tree.root)
    tree = make("spaq", tmp_path)
    book = openpyxl.Workbook()
    book.active.append(["Image name", "Brightness"])
    book.save(tree.folder / LABEL_FILES["spaq"][0])
    with pytest.raises(UserError, match="no sheet has a row with the columns image name, mos"):
        tree.dataset.pairs(tree.root)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["4.jpg", "good"], "MOS 'good' is not a number"),
        (["4.jpg", None], "MOS is empty"),
        ([4, 50.0], "4 is no image name"),
    ],
)
def test_spaq_names_an_unreadable_row_by_its_number(row, problem, tmp_path):
    import openpyxl

    tree = make("spaq", tmp_path)
    path = tree.folder / LABEL_FILES["spaq"][0]
    book = openpyxl.load_workbook(path)
    book.active.append(row)
    book.save(path)
    with pytest.raises(UserError, match=f"1 cannot be read: line 5: {problem}"):
        tree.dataset.pairs(tree.root)


def test_livec_leaves_out_the_training_images_and_keeps_deviations(tmp_path):
    tree = make("livec", tmp_path)
    pairs = tree.dataset.pairs(tree.root)
    assert (tree.folder / "Images/trainingImages/t1.bmp").is_file()
    assert not [pair.id for pair in pairs if pair.id.startswith("t")]
    assert {pair.label_std for pair in pairs} == {20.0}


@pytest.mark.parametrize(
    "training", [[*fake_trees.LIVEC_TRAINING[:6], "9.bmp"], ["9.bmp", *fake_trees.LIVEC_TRAINING[:6]]]
)
def test_livec_refuses_a_list_that_does_not_begin_with_the_seven_training_images(training, tmp_path):
    fake_trees.livec(tmp_path, LABELS["livec"], training=training)
    with pytest.raises(UserError, match=r"expected the training images t1\.bmp \.\.\. in the first 7 entries"):
        small(livec.DATASET, 3).pairs(tmp_path)


@pytest.mark.parametrize("what", ["Images", "MOS", "StdDev"])
def test_livec_refuses_label_files_of_another_length_or_content(what, tmp_path):
    from scipy.io import loadmat, savemat

    tree = make("livec", tmp_path)
    path, variable = tree.folder / f"Data/All{what}_release.mat", f"All{what}_release"
    row = loadmat(path)[variable].ravel()
    savemat(path, {variable: row[:-1]})
    with pytest.raises(UserError, match=f"expected 10 entries in {variable}, found 9"):
        tree.dataset.pairs(tree.root)
    savemat(path, {"other": row})
    with pytest.raises(UserError, match=f"holds no variable {variable}"):
        tree.dataset.pairs(tree.root)
    savemat(path, {variable: np.array([[["a", "b"]]] * 10, dtype=object)[:, 0, 0] if what != "Images" else _empty(10)})
    with pytest.raises(
        UserError,
        match=f"expected (finite numbers|a name in each entry) (in|of) {variable}; 10 (are none|hold none): entry 1",
    ):
        tree.dataset.pairs(tree.root)


def _empty(count):
    cells = np.empty((count, 1), dtype=object)
    cells[:, 0] = [np.array([], dtype="U1") for _ in range(count)]
    return cells


def test_livec_with_its_real_names_and_labels(shared, tmp_path):
    rows = fake_trees.read_list(shared / "reference/mos_lists/LIVE_Challenge.csv")
    labels = [(os.path.basename(row["dis_img_path"]), float(row["score"])) for row in rows]
    assert len(labels) == 1161, "the list lacks 100.bmp"
    fake_trees.livec(tmp_path / "livec", [*labels, ("100.bmp", 50.0)])
    pairs = livec.DATASET.pairs(tmp_path)
    assert {pair.id: pair.label for pair in pairs} == {**dict(labels), "100.bmp": 50.0}
    assert {int(pair.distorted.stem) for pair in pairs} == set(range(3, 1165))
    assert {pair.distorted.suffix for pair in pairs} == {".bmp", ".JPG"}


def test_the_full_lists_of_names_are_expected(tmp_path):
    fake_trees.koniq(tmp_path / "koniq10k", [(f"{i}.jpg", 3.0) for i in range(10073)], sizes=())
    fake_trees.spaq(tmp_path / "spaq", [])
    datasets = Registry().datasets
    assert len(datasets["koniq10k"].pairs(tmp_path, images=False)) == 10073
    assert len(datasets["koniq10k-512x384"].pairs(tmp_path, images=False)) == 10073
    with pytest.raises(UserError, match="expected 11125 pairs, found 0"):
        datasets["spaq"].pairs(tmp_path, images=False)
