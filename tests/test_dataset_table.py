"""Any CSV as a data set: the direction is declared, paths stay inside, errors name the line."""

from pathlib import Path

import fake_trees
import pytest

from benchmark.registry import Registry
from benchmark.types import UserError

FULL = """# higher-is-better
distorted,reference,label,content,distortion,level,label_std,n_ratings,split
d/a1.bmp,r/a.bmp,3.5,a,blur,1,0.25,20,val
d/a2.bmp,r/a.bmp,2.5,a,blur,2,,,val
d/b1.bmp,r/b.bmp,4.5,b,,,,,
"""


@pytest.fixture
def table(tmp_path):
    """Writes a table beside its images and returns the data set."""
    for name in ("d/a1.bmp", "d/a2.bmp", "d/b1.bmp", "r/a.bmp", "r/b.bmp"):
        fake_trees.touch(tmp_path / "set" / name)
    fake_trees.touch(tmp_path / "outside.bmp")

    def write(text, encoding="utf-8"):
        path = tmp_path / "set" / "mine.csv"
        path.write_bytes(text.encode(encoding))
        return Registry().dataset(f"table:{path}")

    return write


def refused(dataset, match):
    with pytest.raises(UserError, match=match) as error:
        dataset.pairs(None)
    assert dataset.missing(None) == str(error.value).splitlines()[0]


def test_all_columns_arrive(table):
    dataset = table(FULL)
    one, two, three = dataset.pairs(None)
    assert dataset.info.name == f"table:{dataset.path.as_posix()}"
    assert dataset.missing(None) is None
    assert (one.id, one.label, one.content, one.distortion, one.level) == ("d/a1.bmp", 3.5, "a", "blur", 1.0)
    assert (one.label_std, one.n_ratings, one.split) == (0.25, 20, "val")
    assert one.distorted.is_file()
    assert one.reference.is_file()
    assert (two.label_std, two.n_ratings, two.split) == (None, None, "val")
    assert (three.distortion, three.level, three.split) == ("", None, None)


def test_the_reference_is_the_content_unless_one_is_named(table):
    pairs = table("distorted,reference,mos\nd/a1.bmp,r/a.bmp,1\nd/a2.bmp,r/a.bmp,2\n").pairs(None)
    assert {pair.content for pair in pairs} == {"r/a.bmp"}


def test_without_a_reference_column_the_set_is_no_reference_and_each_image_its_own_content(table):
    pairs = table("distorted,mos\nd/a1.bmp,1\nd/a2.bmp,2\n").pairs(None)
    assert [(pair.reference, pair.content) for pair in pairs] == [(None, "d/a1.bmp"), (None, "d/a2.bmp")]


@pytest.mark.parametrize(
    ("head", "higher"),
    [
        ("distorted,mos", True),
        ("distorted,dmos", False),
        ("distorted,DMOS", False),
        ("# higher-is-better\ndistorted,label", True),
        ("# Lower-Is-Better\ndistorted,label", False),
        ("# gathered in May\n\n#lower-is-better\ndistorted,label", False),
        ("# lower-is-better\ndistorted,dmos", False),
    ],
)
def test_the_direction_is_what_the_file_declares(table, head, higher):
    info = table(f"{head}\nd/a1.bmp,1\n").info
    assert info.label_higher_is_better is higher
    assert ("higher" if higher else "lower") in info.note


def test_a_label_without_direction_is_refused_with_the_ways_to_declare_it(table):
    dataset = table("distorted,label\nd/a1.bmp,1\n")
    refused(dataset, "direction of the column 'label' is not declared; name it mos .* or dmos .* '# higher-is-better'")
    with pytest.raises(UserError, match="is not declared"):
        _ = dataset.info


@pytest.mark.parametrize(
    "head", ["# higher-is-better\ndistorted,dmos", "# higher-is-better\n# lower-is-better\ndistorted,label"]
)
def test_two_directions_are_refused(table, head):
    refused(table(f"{head}\nd/a1.bmp,1\n"), "is declared in both ways")


@pytest.mark.parametrize("path", ["../outside.bmp", "d/../../outside.bmp", "{absolute}"])
def test_a_path_outside_is_refused_unless_allowed(table, tmp_path, path):
    path = path.format(absolute=tmp_path / "outside.bmp")
    refused(table(f"distorted,mos\nd/a1.bmp,1\n{path},2\n"), "line 3: distorted .* lies outside .*'# allow-outside'")
    pairs = table(f"# allow-outside\ndistorted,mos\nd/a1.bmp,1\n{path},2\n").pairs(None)
    assert any(pair.distorted == tmp_path / "outside.bmp" for pair in pairs)


def test_a_folder_whose_name_begins_like_the_tables_is_outside_too(table, tmp_path):
    fake_trees.touch(tmp_path / "set2" / "x.bmp")
    refused(table("distorted,mos\n../set2/x.bmp,1\n"), "lies outside")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("d/a2.bmp,r/a.bmp,good,1,20", "line 4: mos 'good' is not a number"),
        ("d/a2.bmp,r/a.bmp,,1,20", "line 4: mos is empty"),
        (",r/a.bmp,3,1,20", "line 4: distorted is empty"),
        ("d/a2.bmp,,3,1,20", "line 4: reference is empty"),
        ("d/a2.bmp,r/a.bmp,3,x,20", "line 4: level 'x' is not a number"),
        ("d/a2.bmp,r/a.bmp,3,1,2.5", "line 4: n_ratings 2.5 is not a whole number"),
        ("d/a2.bmp,r/a.bmp,3,1", "line 4: 4 cells, expected 5"),
        ("d/a2.bmp,r/a.bmp,nan,1,20", "line 4: mos 'nan' is not a number that can be used here"),
        ("d/a1.bmp,r/a.bmp,3,1,20", "1 pairs stand twice in the label list: d/a1.bmp"),
        ('"d/a2.bmp,r/a.bmp,3,1,20', "line 4: "),
    ],
)
def test_a_wrong_row_is_named_by_line_and_reason(table, row, reason):
    refused(table(f"# note\ndistorted,reference,mos,level,n_ratings\nd/a1.bmp,r/a.bmp,3,1,20\n{row}\n"), reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no line of column names"),
        ("image,mos\nd/a1.bmp,1\n", "needs the columns distorted and one of mos, dmos, label; it has image, mos"),
        ("distorted,score\nd/a1.bmp,1\n", "it has distorted, score"),
        ("distorted|mos\nd/a1.bmp|1\n", "it has distorted|mos"),
        ("distorted,mos,dmos\nd/a1.bmp,1,1\n", "expected one column of labels"),
        ("distorted,mos,level,level\nd/a1.bmp,1,1,1\n", "1 columns have the name of another: level"),
        ("distorted,mos\n", "has no rows"),
    ],
)
def test_a_wrong_head_is_explained(table, text, reason):
    refused(table(text), reason)


def test_spreadsheet_habits_are_read(table):
    """A byte order mark, CRLF, blanks around cells, blank lines and columns of the user's own."""
    dataset = table(
        'Distorted , MOS,remark\r\n d/a1.bmp , 1.5 ,"fine, really"\r\n\r\n,,\r\nd/a2.bmp,2,\r\n', "utf-8-sig"
    )
    assert [(pair.id, pair.label) for pair in dataset.pairs(None)] == [("d/a1.bmp", 1.5), ("d/a2.bmp", 2.0)]


def test_a_file_that_is_not_there_or_no_text_is_a_user_error(table, tmp_path):
    refused(Registry().dataset(f"table:{tmp_path / 'none.csv'}"), "none.csv: no such file")
    dataset = table("distorted,mos\n")
    dataset.path.write_bytes(b"\xff\xfe\x00\x00")
    refused(dataset, "no text in UTF-8, UTF-16 or cp1252")
    refused(Registry().dataset(f"table:{Path(tmp_path)}"), "a folder, expected a CSV")


def test_labels_alone_need_no_images(table):
    dataset = table("distorted,mos\nd/none.bmp,1\n")
    assert [pair.id for pair in dataset.pairs(None, images=False)] == ["d/none.bmp"]


def test_a_mistyped_column_is_refused_with_the_name_that_was_meant(table):
    dataset = table("distorted,refrence,mos,remarks\nd/a1.bmp,r/a.bmp,1,good\n")
    refused(dataset, r"unknown columns refrence \(did you mean reference\?\)")
