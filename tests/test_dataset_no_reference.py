"""What the data sets without references have in common, in small generated trees; and a run on such a set."""

import csv
import io
import re
from dataclasses import replace

import fake_trees
import numpy as np
import pytest
from command import benchmark
from no_reference_trees import LABEL_FILES, NAMES, make, small

from benchmark.images import read_rgb
from benchmark.pairs import split_pairs
from benchmark.types import UserError
from iqa_datasets import koniq10k, livec, spaq


@pytest.fixture(params=NAMES)
def tree(request, tmp_path):
    return make(request.param, tmp_path)


def test_every_image_has_its_own_label_and_is_its_own_content_without_reference(tree):
    pairs = tree.dataset.pairs(tree.root)
    assert {pair.id: pair.label for pair in pairs} == tree.labels
    assert [pair.id for pair in pairs] == sorted(tree.labels)
    assert tree.dataset.missing(tree.root) is None
    for pair in pairs:
        assert (pair.reference, pair.content, pair.distortion) == (None, pair.id, "authentic")
        assert pair.distorted.name == pair.id
        np.testing.assert_array_equal(read_rgb(pair.distorted), [[[192, 128, 64]]])


def test_the_data_root_may_be_the_data_set_itself(tree):
    assert tree.dataset.pairs(tree.folder) == tree.dataset.pairs(tree.root)


def test_images_are_found_under_other_letter_cases(tree):
    for path in [path for path in tree.folder.rglob("*") if path.suffix.lower() in {".jpg", ".bmp"}]:
        path.rename(path.with_name(path.name.swapcase()))
    for folder in [path for path in tree.folder.iterdir() if path.is_dir()]:
        folder.rename(folder.with_name(folder.name.upper()))
    assert {pair.id: pair.label for pair in tree.dataset.pairs(tree.root)} == tree.labels


def test_labels_need_no_images(tree):
    complete = tree.dataset.pairs(tree.root)
    for path in [path for path in tree.folder.rglob("*") if path.suffix.lower() in {".jpg", ".bmp"}]:
        path.unlink()
    labels_only = tree.dataset.pairs(tree.root, images=False)
    assert [replace(pair, distorted=None) for pair in labels_only] == [replace(p, distorted=None) for p in complete]
    with pytest.raises(UserError, match="3 images are missing"):
        tree.dataset.pairs(tree.root)


def test_a_missing_image_is_an_error_that_names_it(tree):
    gone = tree.dataset.pairs(tree.root)[0].distorted
    gone.unlink()
    with pytest.raises(UserError, match=rf"1 images are missing: .*{re.escape(gone.name)}"):
        tree.dataset.pairs(tree.root)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_file_that_is_gone_is_named_with_how_to_get_the_set(name, tmp_path):
    tree = make(name, tmp_path)
    for file in LABEL_FILES[name]:
        content = (tree.folder / file).read_bytes()
        (tree.folder / file).unlink()
        with pytest.raises(UserError, match=re.escape(file)) as error:
            tree.dataset.pairs(tree.root)
        assert tree.dataset.missing(tree.root) == str(error.value).splitlines()[0]
        for fact in (tree.dataset.info.title, tree.dataset.info.url, tree.dataset.info.layout.splitlines()[0]):
            assert fact in str(error.value)
        (tree.folder / file).write_bytes(content)
    assert tree.dataset.missing(tree.root) is None


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut"])
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_label_file_is_a_user_error_naming_it(name, damage, tmp_path):
    tree = make(name, tmp_path)
    for file in LABEL_FILES[name]:
        path = tree.folder / file
        content = path.read_bytes()
        path.write_bytes(
            {"garbage": b"\xff\xfe\0x\x9d\n" * 5, "empty": b"", "cut": content[: len(content) // 2] + b"\0"}[damage]
        )
        with pytest.raises(UserError, match=re.escape(path.name)):
            tree.dataset.pairs(tree.root, images=False)
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["koniq10k", "spaq"])
def test_a_wrong_count_is_an_error_with_both_numbers(name, tmp_path):
    tree = make(name, tmp_path)
    with pytest.raises(UserError, match="expected 4 pairs, found 3"):
        small(tree.dataset, 4).pairs(tree.root)


def test_a_label_out_of_range_is_an_error_that_names_it(tree):
    info = replace(tree.dataset.info, label_range=(-2.0, -1.0))
    with pytest.raises(UserError, match=r"3 labels lie outside -2..-1: .* = "):
        replace(tree.dataset, info=info).pairs(tree.root)


@pytest.mark.parametrize(
    ("build", "dataset"),
    [(fake_trees.koniq, koniq10k.DATASET), (fake_trees.spaq, spaq.DATASET), (fake_trees.livec, livec.DATASET)],
)
def test_an_image_rated_twice_is_refused(build, dataset, tmp_path):
    build(tmp_path, [("1.jpg", 3.0), ("2.jpg", 4.0), ("2.jpg", 4.0)])
    with pytest.raises(UserError, match=r"1 pairs stand twice in the label list: 2\.jpg"):
        small(dataset, 3).pairs(tmp_path)


def test_two_files_of_one_name_are_refused_since_either_may_be_the_rated_one(tree):
    folder = tree.dataset.pairs(tree.root)[0].distorted.parent
    fake_trees.touch(folder / "copies" / min(tree.labels))
    with pytest.raises(UserError, match="1 files have the name of another"):
        tree.dataset.pairs(tree.root)


def test_a_split_divides_the_images(tree):
    pairs = tree.dataset.pairs(tree.root)
    test, train = (split_pairs(pairs, f"{part}:0.34:1") for part in ("test", "train"))
    assert (len(test), len(train)) == (1, 2)
    assert {pair.id for pair in test + train} == set(tree.labels)


# --- a run ---

PLUGIN = """
from dataclasses import replace
from benchmark.metrics.imagewise import ImagewiseMetric
from benchmark.types import MetricInfo
from iqa_datasets import livec

small = replace(livec.DATASET, info=replace(livec.DATASET.info, name="livec-small", n_pairs=8, n_contents=8))
spread = ImagewiseMetric(
    MetricInfo("spread", "Spread", "1", False, "Standard deviation of RGB.", kind="no-reference"), lambda: lambda rgb: rgb.std()
)
"""


def test_a_metric_without_a_reference_is_scored_on_such_a_set_and_one_with_it_is_not_run(tmp_path):
    from PIL import Image

    labels = [(f"{index}.{'bmp' if index % 2 else 'png'}", 90.0 - index) for index in range(1, 9)]
    folder = fake_trees.livec(tmp_path / "data" / "livec_small", labels)
    random = np.random.default_rng(0)
    for index, (name, _) in enumerate(labels, 1):
        noisy = 128 + random.normal(0, 5 * index, (32, 48, 3))
        (folder / "Images" / name).unlink()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / "Images" / name)
    (tmp_path / "plugin.py").write_text(PLUGIN)
    common = ("--results", tmp_path / "results", "--plugin", tmp_path / "plugin.py")
    done = benchmark(
        *("run", "--dataset", "livec-small", "--data-root", tmp_path / "data", "--metrics", "spread,psnr"),
        *("--workers", "1", *common),
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "psnr not run: needs a reference, and the data set has none" in done.stderr
    assert re.search(r"spread\W.*1\.000", done.stdout)
    exported = benchmark("export", "--results", tmp_path / "results")
    found = [row for row in csv.DictReader(io.StringIO(exported.stdout)) if row.get("score")]
    assert {row["metric"] for row in found} == {"spread"}
    expected = {name: read_rgb(folder / "Images" / name).std() for name, _ in labels}
    assert {row["pair"]: float(row["score"]) for row in found} == pytest.approx(expected, abs=1e-12)
