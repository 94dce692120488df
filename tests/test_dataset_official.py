"""Every official data set, in a small generated tree that is always there."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

import fake_trees
import numpy as np
import pytest

from benchmark.images import read_rgb
from benchmark.types import UserError
from iqa_datasets import csiq, kadid10k, live, pipal, tid2008, tid2013


@dataclass
class Tree:
    dataset: object
    root: Path
    """The data root."""
    folder: Path
    expected: dict[str, float]
    """Label by id."""


def small(dataset, expected):
    contents = len(expected) if dataset.info.name == "live" else None
    return replace(dataset, info=replace(dataset.info, n_pairs=len(expected), n_contents=contents))


def grid(pattern, *axes):
    """Names from a pattern and the axes' values, with labels 1.00, 1.01, ..."""
    names = [
        pattern.format(*values) for values in np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    ]
    return [(name, round(1 + index / 100, 2)) for index, name in enumerate(names)]


def make(name: str, root: Path) -> Tree:
    """A generated miniature of the data set `name`."""
    if name in {"tid2013", "tid2008"}:
        dataset, kinds = (tid2013.DATASET, 24) if name == "tid2013" else (tid2008.DATASET, 17)
        labels = grid("I{:02d}_{:02d}_{:d}.bmp", [1, 25], range(1, kinds + 1), [1, 4])
        folder = fake_trees.tid(root / name.upper(), labels, deviations=[0.1 + i / 1000 for i in range(len(labels))])
        return Tree(small(dataset, labels), root, folder, {key.lower(): label for key, label in labels})
    if name == "kadid10k":
        labels = grid("I{:02d}_{:02d}_{:02d}.png", [1, 81], range(1, 26), [1, 5])
        folder = fake_trees.kadid(root / "KADID-10k", labels)
        return Tree(small(kadid10k.DATASET, labels), root, folder, dict(labels))
    if name == "pipal":
        labels = [
            (key, label * 1000) for key, label in grid("A{:04d}_{:02d}_{:02d}.bmp", [1, 2, 3, 4], range(7), [0, 9])
        ]
        folder = fake_trees.pipal(root / "PIPAL", labels, parts=True)
        return Tree(small(pipal.DATASET, labels), root, folder, dict(labels))
    if name == "csiq":
        labels = [
            (f"{content}.{kind}.{level}.png", round(0.01 * level + 0.1 * index, 3))
            for content in ("1600", "aerial_city")
            for index, kind in enumerate(fake_trees.CSIQ_FOLDERS)
            for level in (1, 3)
        ]
        folder = fake_trees.csiq(root / "CSIQ", labels)
        return Tree(small(csiq.DATASET, labels), root, folder, dict(labels))
    labels = [
        (f"{part}/img{index}.bmp", reference, 10.0 + index)
        for part in fake_trees.LIVE_PARTS
        for index, reference in ((1, "bikes.bmp"), (17, "womanhat.bmp"))
    ]
    folder = fake_trees.live(root / "live", labels)
    expected = {key: dmos for key, _, dmos in labels}
    dataset = replace(live.DATASET, info=replace(live.DATASET.info, n_pairs=len(labels), n_contents=2))
    return Tree(dataset, root, folder, expected)


NAMES = ("tid2013", "tid2008", "kadid10k", "pipal", "csiq", "live")


@pytest.fixture(params=NAMES)
def tree(request, tmp_path):
    return make(request.param, tmp_path)


LABEL_FILES = {
    "tid2013": "mos_with_names.txt",
    "tid2008": "mos_with_names.txt",
    "kadid10k": "dmos.csv",
    "pipal": "Train_Label/A0002.txt",
    "csiq": "csiq.DMOS.xlsx",
    "live": "dmos_realigned.mat",
}


def test_every_name_gets_its_own_label_and_readable_files(tree):
    pairs = tree.dataset.pairs(tree.root)
    assert {pair.id: pair.label for pair in pairs} == tree.expected
    assert [pair.id for pair in pairs] == sorted(tree.expected)
    assert tree.dataset.missing(tree.root) is None
    for pair in pairs:
        assert pair.distorted.stem.lower() == Path(pair.id).stem.lower()
        assert pair.reference.stem.lower() == pair.content
        assert pair.distortion
        np.testing.assert_array_equal(read_rgb(pair.distorted), [[[192, 128, 64]]])


def test_the_data_root_may_be_the_data_set_itself(tree):
    assert tree.dataset.pairs(tree.folder) == tree.dataset.pairs(tree.root)


def test_labels_need_no_images(tree):
    complete = tree.dataset.pairs(tree.root)
    for path in sorted(tree.folder.rglob("*")):
        if path.suffix.lower() in {".bmp", ".png"}:
            path.unlink()
    labels_only = tree.dataset.pairs(tree.root, images=False)
    assert [(p.id, p.label, p.content, p.distortion, p.level, p.label_std) for p in labels_only] == [
        (p.id, p.label, p.content, p.distortion, p.level, p.label_std) for p in complete
    ]


def test_missing_images_are_an_error_that_names_the_first_few(tree):
    gone = sorted(tree.dataset.pairs(tree.root), key=lambda pair: pair.id)[:7]
    for pair in gone:
        pair.distorted.unlink()
    with pytest.raises(UserError, match=r"7 images are missing: .* and 2 more") as error:
        tree.dataset.pairs(tree.root)
    assert gone[0].distorted.name.lower() in str(error.value).lower()


def test_a_missing_reference_is_an_error_that_names_it(tree):
    reference = tree.dataset.pairs(tree.root)[0].reference
    reference.unlink()
    with pytest.raises(UserError, match="1 images are missing") as error:
        tree.dataset.pairs(tree.root)
    assert reference.name.lower() in str(error.value).lower()


def test_a_wrong_count_is_an_error_with_both_numbers(tree):
    n = len(tree.expected)
    dataset = replace(tree.dataset, info=replace(tree.dataset.info, n_pairs=n + 1))
    with pytest.raises(UserError, match=f"expected {n + 1} pairs, found {n}"):
        dataset.pairs(tree.root)


def test_a_label_out_of_range_is_an_error_that_names_it(tree):
    dataset = replace(tree.dataset, info=replace(tree.dataset.info, label_range=(-100.0, -90.0)))
    with pytest.raises(UserError, match=r"labels lie outside -100..-90: .* = "):
        dataset.pairs(tree.root)


def test_an_absent_set_says_what_it_is_and_how_to_get_it(tree, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError) as error:
        tree.dataset.pairs(empty)
    info = tree.dataset.info
    for fact in (info.title, info.url, info.licence, info.layout.splitlines()[0]):
        assert fact in str(error.value)
    assert tree.dataset.missing(empty) == str(error.value).splitlines()[0]
    assert "no data folder given" in tree.dataset.missing(None)


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut"])
def test_a_damaged_label_file_is_a_user_error_naming_it(tree, damage):
    path = tree.folder / LABEL_FILES[tree.dataset.info.name]
    content = path.read_bytes()
    path.write_bytes(
        {"garbage": b"\xff\xfe\0x\x9d\n" * 5, "empty": b"", "cut": content[: len(content) // 2] + b"\0"}[damage]
    )
    with pytest.raises(UserError, match=path.name):
        tree.dataset.pairs(tree.root, images=False)


@pytest.mark.parametrize("name", ["tid2013", "pipal", "kadid10k"])
def test_a_doubled_label_is_an_error_that_names_it(name, tmp_path):
    tree = make(name, tmp_path)
    path = tree.folder / LABEL_FILES[name]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n")
    if (std := tree.folder / "mos_std.txt").exists():
        std.write_text(std.read_text() + "0.1\n")
    with pytest.raises(UserError, match="1 pairs stand twice in the label list"):
        tree.dataset.pairs(tree.root)


@pytest.mark.parametrize("name", ["tid2013", "pipal", "kadid10k"])
@pytest.mark.parametrize(
    "line", ["what is this", "5.0 I01_99_1.bmp", "five I01_01_2.bmp", "A0002_99_00.bmp,1", "I01_01_01.png,I02.png,3,1"]
)
def test_an_unreadable_label_line_is_named_with_its_number(name, line, tmp_path):
    tree = make(name, tmp_path)
    path = tree.folder / LABEL_FILES[name]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "", line, *lines[3:]]))
    with pytest.raises(UserError, match=r"1 cannot be read: line 5: "):
        tree.dataset.pairs(tree.root, images=False)


def test_files_of_the_operating_system_do_not_matter(tree):
    for folder in [path for path in tree.folder.rglob("*") if path.is_dir()]:
        for name in ("Thumbs.db", "._a.bmp", ".DS_Store"):
            (folder / name).touch()
    assert len(tree.dataset.pairs(tree.root)) == len(tree.expected)


def test_two_files_of_one_name_are_refused_since_either_may_be_the_rated_one(tmp_path):
    tree = make("pipal", tmp_path)
    fake_trees.touch(tree.folder / "Train_Dist" / "A0001_00_00.bmp")
    with pytest.raises(UserError, match="1 files have the name of another"):
        tree.dataset.pairs(tree.root)


# --- the traps of single sets ---


def test_tid_ids_are_lower_case_and_levels_and_types_come_from_the_name(tmp_path):
    tree = make("tid2013", tmp_path)
    by_id = {pair.id: pair for pair in tree.dataset.pairs(tree.root)}
    pair = by_id["i25_22_4.bmp"]
    assert (pair.content, pair.distortion, pair.level) == ("i25", "colour quantization with dither", 4.0)


def test_tid_deviations_follow_the_order_of_the_list_and_may_be_absent(tmp_path):
    tree = make("tid2013", tmp_path)
    by_id = {pair.id: pair for pair in tree.dataset.pairs(tree.root)}
    assert by_id["i01_01_1.bmp"].label_std == pytest.approx(0.1)
    assert by_id["i01_02_1.bmp"].label_std == pytest.approx(0.102)
    std = tree.folder / "mos_std.txt"
    std.write_text("0.1\n")
    with pytest.raises(UserError, match="has 1 values, expected one for each of 96 labels"):
        tree.dataset.pairs(tree.root)
    std.unlink()
    assert {pair.label_std for pair in tree.dataset.pairs(tree.root)} == {None}


def test_tid2008_has_no_type_18(tmp_path):
    tree = make("tid2008", tmp_path)
    (tree.folder / "mos_with_names.txt").write_text("5.0 I01_18_1.bmp\n")
    with pytest.raises(UserError, match="types 01 to 17"):
        tree.dataset.pairs(tree.root)


def test_kadid_dmos_is_higher_is_better_and_var_is_the_deviation_of_30_ratings(tmp_path):
    """Thirty ratings, with their mean and deviation in `dmos` and `var` as in the release."""
    ratings = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], [2, 5, 10, 9, 4])
    labels = [("I01_01_01.png", round(float(ratings.mean()), 2))]
    fake_trees.kadid(tmp_path / "kadid10k", labels, deviation=round(float(ratings.std(ddof=1)), 3))
    dataset = replace(kadid10k.DATASET, info=replace(kadid10k.DATASET.info, n_pairs=1, n_contents=1))
    (pair,) = dataset.pairs(tmp_path)
    assert dataset.info.label_higher_is_better
    assert dataset.info.label_std_kind == "ratings"
    assert pair.n_ratings == 30
    assert pair.label_std == pytest.approx(ratings.std(ddof=1), abs=5e-4), "printed with three decimals"


def test_kadid_refuses_a_reference_of_another_content(tmp_path):
    tree = make("kadid10k", tmp_path)
    path = tree.folder / "dmos.csv"
    path.write_text(path.read_text().replace("I01_01_01.png,I01.png", "I01_01_01.png,I81.png"))
    with pytest.raises(UserError, match=r"line 2: I01_01_01.png cannot have the reference 'I81.png'"):
        tree.dataset.pairs(tree.root)


@pytest.mark.parametrize("parts", [True, False])
def test_pipal_is_found_in_one_folder_or_four_with_the_same_ids(tmp_path, parts):
    labels = grid("A{:04d}_{:02d}_{:02d}.bmp", [1, 70, 130, 190], range(7), [0])
    folder = fake_trees.pipal(tmp_path / "pipal", labels, parts=parts)
    assert (folder / "Distortion_4").is_dir() == parts
    pairs = small(pipal.DATASET, labels).pairs(tmp_path)
    assert [(pair.id, pair.label) for pair in pairs] == labels
    assert pairs[3].distortion == "GAN-based super-resolution"


def test_pipal_is_found_when_archives_were_unpacked_into_folders_of_their_own(tmp_path):
    tree = make("pipal", tmp_path)
    part = tree.folder / "Distortion_1"
    inner = tree.folder / "inner"
    part.rename(inner)
    part.mkdir()
    inner.rename(part / "Distortion_1")
    assert len(tree.dataset.pairs(tree.root)) == len(tree.expected)


def test_live_leaves_out_references_and_keeps_the_order_of_the_parts(tmp_path):
    tree = make("live", tmp_path)
    pairs = {pair.id: pair for pair in tree.dataset.pairs(tree.root)}
    assert len(pairs) == 10
    assert pairs["gblur/img17.bmp"].content == "womanhat"
    assert pairs["gblur/img17.bmp"].distortion == "Gaussian blur"
    assert not tree.dataset.info.label_higher_is_better


def test_live_refuses_label_files_of_another_length(tmp_path):
    from scipy.io import loadmat, savemat

    tree = make("live", tmp_path)
    path = tree.folder / "dmos_realigned.mat"
    data = {key: value[:, :-1] for key, value in loadmat(path).items() if not key.startswith("__")}
    savemat(path, data)
    with pytest.raises(UserError, match="expected 982 entries in dmos_new, found 981"):
        tree.dataset.pairs(tree.root)
    savemat(path, {"dmos": np.zeros((1, 982))})
    with pytest.raises(UserError, match="holds no variable dmos_new"):
        tree.dataset.pairs(tree.root)


def test_csiq_spellings_of_folder_file_and_sheet_meet(tmp_path):
    tree = make("csiq", tmp_path)
    pairs = {pair.id: pair for pair in tree.dataset.pairs(tree.root)}
    pair = pairs["1600.jpeg2000.3.png"]
    assert (pair.distorted.parent.name, pair.distortion, pair.level) == ("jpeg2000", "JPEG2000 compression", 3.0)
    assert pairs["1600.AWGN.1.png"].distorted.parent.name == "awgn"
    assert pair.label_std == pytest.approx(0.05)


# --- what label files say of their deviations, and damage ---


@pytest.mark.parametrize(
    ("name", "kind", "contains"),
    [
        ("tid2013", "mean", ("tid2008",)),
        ("tid2008", "mean", ("tid2013",)),
        ("kadid10k", "ratings", ()),
        ("pipal", "", ()),
        ("csiq", "ratings", ()),
        ("live", "mean", ("live-kodak",)),
    ],
)
def test_of_what_the_deviations_are_is_declared_where_there_are_any(name, kind, contains, tmp_path):
    tree = make(name, tmp_path)
    assert tree.dataset.info.label_std_kind == kind
    assert tree.dataset.info.contains == contains
    assert all((pair.label_std is None) is (kind == "") for pair in tree.dataset.pairs(tree.root))


def test_deviations_of_tid2013_are_smaller_than_those_of_whole_ratings_can_be(shared):
    """The evidence that they are standard errors: whole numbers with a mean of m vary by sqrt(f (1 - f)), f = m mod 1."""
    import csv

    with (shared / "reference/per_image_scores/TID2013.VQMT.csv").open(newline="") as file:
        rows = [(float(row["mos"]) % 1, float(row["var"])) for row in csv.DictReader(file)]
    fractions, deviations = np.array(rows).T
    assert (deviations < np.sqrt(fractions * (1 - fractions))).sum() == 2906


def test_repeated_labels_of_live_kodak_vary_as_their_deviations_say():
    """The evidence that they are standard errors: images that were rated more than once have labels that vary as much."""
    from iqa_datasets import live_kodak

    pairs = live_kodak.DATASET.pairs(None, images=False)
    groups = {}
    for pair in pairs:
        groups.setdefault(pair.distorted, []).append(pair.label)
    repeated = [np.array(labels) for labels in groups.values() if len(labels) > 1]
    squares = sum(((labels - labels.mean()) ** 2).sum() for labels in repeated)
    between = np.sqrt(squares / sum(len(labels) - 1 for labels in repeated))
    assert len(repeated) == 6
    assert between == pytest.approx(2.25, abs=0.005), "to the two decimals that the loader names"
    assert np.median([pair.label_std for pair in pairs]) == pytest.approx(2.43, abs=0.005)
    assert live_kodak.DATASET.info.label_std_kind == "mean"
    assert live_kodak.DATASET.info.contains == ("live",)


CELLS_OF_TWO = np.empty((1, 982), dtype=object)
CELLS_OF_TWO[0, :] = [np.array([1.0, 2.0]) for _ in range(982)]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (np.array([["abc"] * 982], dtype=object), r"expected finite numbers in dmos_new; 982 are none: entry 1 \('abc'\)"),
        (CELLS_OF_TWO, r"entry 1 \('None'\)"),
        (np.full((1, 982), np.nan), r"entry 1 \('nan'\)"),
        (np.full((1, 982), 1j), r"entry 1 \('None'\)"),
    ],
)  # fmt: skip
def test_live_refuses_labels_that_are_no_numbers(entries, reason, tmp_path):
    from scipy.io import loadmat, savemat

    tree = make("live", tmp_path)
    path = tree.folder / "dmos_realigned.mat"
    data = {key: value for key, value in loadmat(path).items() if not key.startswith("__")}
    savemat(path, data | {"dmos_new": entries})
    with pytest.raises(UserError, match=f"live: .*dmos_realigned.mat: .*{reason}"):
        tree.dataset.pairs(tree.root)


def test_the_end_of_the_process_that_reads_a_matlab_file_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    """Damage can end the interpreter inside scipy: a signal in the reading process must not be one in this process."""
    from iqa_datasets import label_files

    tree = make("live", tmp_path)
    script = tmp_path / "matlab_process.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(label_files, "MATLAB_PROCESS", script)
    with pytest.raises(UserError, match=r"dmos_realigned.mat cannot be read .* ended with -11, as damage makes it"):
        tree.dataset.pairs(tree.root)
    script.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(label_files, "MATLAB_SECONDS", 0.2)
    with pytest.raises(UserError, match=r"cannot be read .*: no end after 0.2 s"):
        tree.dataset.pairs(tree.root)


def test_a_workbook_that_unpacks_to_very_much_is_refused_unread(tmp_path):
    import zipfile

    tree = make("csiq", tmp_path)
    path = tree.folder / "csiq.DMOS.xlsx"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * (65 * 2**20))
    with pytest.raises(UserError, match=r"csiq.DMOS.xlsx cannot be read as a sheet .* bytes when unpacked, expected"):
        tree.dataset.pairs(tree.root, images=False)


@pytest.mark.parametrize("name", ["tid2013", "kadid10k"])
def test_a_list_of_many_times_the_rows_is_refused_before_they_are_understood(name, tmp_path):
    tree = make(name, tmp_path)
    path = tree.folder / LABEL_FILES[name]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(lines[1:] * 100)]))
    with pytest.raises(UserError, match=rf"expected {len(tree.expected)} rows, found \d+"):
        tree.dataset.pairs(tree.root, images=False)


def test_an_open_quote_in_an_official_list_is_named_by_its_line(tmp_path):
    tree = make("kadid10k", tmp_path)
    path = tree.folder / "dmos.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], f'"{lines[3]}', *lines[4:]]))
    with pytest.raises(UserError, match=r"kadid10k: .*dmos.csv: .*1 cannot be read: line 4: a quote in"):
        tree.dataset.pairs(tree.root, images=False)


def test_an_official_list_that_a_spreadsheet_wrote_with_decimal_commas_is_read(tmp_path):
    tree = make("kadid10k", tmp_path)
    path = tree.folder / "dmos.csv"
    path.write_bytes(path.read_text().replace(",", ";").replace(".", ",").replace(",png", ".png").encode("utf-16"))
    assert {pair.id: pair.label for pair in tree.dataset.pairs(tree.root)} == tree.expected


@pytest.mark.parametrize("name", NAMES)
def test_random_damage_to_a_label_file_is_a_user_error_or_harmless(name, tmp_path):
    tree = make(name, tmp_path)
    path = tree.folder / LABEL_FILES[name]
    content = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(3 if name == "live" else 40):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), random.integers(1, 10)):
            damaged[at] = random.integers(0, 256)
        path.write_bytes(damaged)
        with contextlib.suppress(UserError):
            tree.dataset.pairs(tree.root, images=False)
