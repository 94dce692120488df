"""Any CSV as a data set: the direction is declared, paths stay inside, errors name the line."""

from pathlib import Path

import fake_trees
import pytest
from command import benchmark

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
    assert dataset.info.name == f"table:{dataset.path.stem}"
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
        ("distorted,mos\n,\n , \n", "has no rows"),
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


def test_a_label_that_statistics_cannot_use_is_named_by_line_and_column(table):
    head = "distorted,mos,label_std,n_ratings\n"
    for row, reason in (
        ("d/a1.bmp,1e13,1,2", "line 2: d/a1.bmp = 1e\\+13, expected 1e\\+12 at most in size"),
        ("d/a1.bmp,-1e307,1,2", "at most in size"),
        ("d/a1.bmp,1,inf,2", "line 2: label_std 'inf' is not a number"),
        ("d/a1.bmp,1,-1,2", "line 2: d/a1.bmp: label_std -1.0, expected a finite number from 0"),
        ("d/a1.bmp,1,1e200,2", "label_std 1e\\+200, expected"),
        ("d/a1.bmp,1,1,1e30", "line 2: d/a1.bmp: n_ratings 1000000000000000019884624838656, expected a whole number"),
        ("d/a1.bmp,1,1,9223372036854775808", "n_ratings 9223372036854775808, expected a whole number from 1 to 1e"),
        ("d/a1.bmp,1,1,0", "n_ratings 0, expected a whole number"),
        ("d/a1.bmp,1,0.5,1", "line 2: d/a1.bmp: label_std 0.5 with n_ratings 1, and one rating has no deviation"),
        ("d/a1.bmp,1_000,1,2", "line 2: mos '1_000' is not a number: write it without separators"),
    ):
        refused(table(f"{head}{row}\n"), reason)
    (pair,) = table(f"{head}d/a1.bmp,1,,1\n").pairs(None)
    assert (pair.label_std, pair.n_ratings) == (None, 1), "one rating without a deviation is a label all the same"


@pytest.mark.parametrize("path", ["D/A1.BMP", "d\\a1.bmp", ".\\D\\a1.BMP", "./d/a1.bmp", "d//a1.bmp", "R/../d/a1.bmp"])
def test_a_file_is_found_in_another_letter_case_and_with_backslashes(table, path):
    (pair,) = table(f"distorted,reference,mos\n{path},r\\a.bmp,1\n").pairs(None)
    assert pair.distorted.samefile(pair.reference.parent.parent / "d/a1.bmp")
    assert (pair.id, pair.content) == (path, "r/a.bmp"), "the id is what the cell says"


def test_an_umlaut_in_two_pieces_is_the_same_name(table, tmp_path):
    fake_trees.touch(tmp_path / "set" / "d" / "u\u0308.bmp")
    (pair,) = table("distorted,mos\nd/\u00fc.bmp,1\n").pairs(None)
    assert pair.distorted.is_file()


def test_a_name_as_written_comes_before_one_in_another_letter_case(table, tmp_path):
    fake_trees.touch(tmp_path / "set" / "d" / "A1.bmp")
    pairs = table("distorted,mos\nd/a1.bmp,1\nd/A1.bmp,2\n").pairs(None)
    assert [pair.distorted.name for pair in pairs] == ["A1.bmp", "a1.bmp"]
    table("distorted,mos\nd/a1.BMP,1\nd/b1.bmp,2\n").pairs(None)
    assert not table("distorted,mos\nd/a1.BMP,1\nd/b1.bmp,2\n").pairs(None)[0].distorted.exists(), "either may be meant"


def test_one_image_under_two_names_is_refused(table):
    refused(table("distorted,mos\nd/a1.bmp,1\n./d/a1.bmp,2\n"), "1 images stand under two names: .*a1.bmp")


def test_of_some_missing_images_the_nearest_are_named_and_the_other_pairs_stay(table, caplog):
    long = "x" * 300
    dataset = table(f"distorted,mos\nd/a1.bmp,1\nd/a3.bmp,2\nno/such.bmp,3\n{long}.bmp,4\n")
    pairs = dataset.pairs(None)
    assert len(pairs) == 4
    assert dataset.missing(None) is None
    (said,) = {record.getMessage() for record in caplog.records}
    assert "3 images are missing" in said
    assert "a3.bmp (there is a" in said
    assert "such.bmp (no folder " in said
    assert "xxx.bmp (File name too long)" in said
    assert said.endswith("their pairs will fail")


def test_a_table_without_one_pair_that_has_its_files_is_refused(table):
    refused(table("distorted,mos\nd/a.bmp,1\nd/b.bmp,2\n"), "2 images are missing: .*; no pair is left")
    refused(table("distorted,reference,mos\nd/a1.bmp,r/x.bmp,1\nd/x.bmp,r/a.bmp,2\n"), "no pair is left")


@pytest.mark.parametrize(
    ("head", "kind", "note"),
    [
        ("", "ratings", "single ratings, as no line '# label-std: mean' says otherwise"),
        ("# label-std: ratings\n", "ratings", "label_std is the standard deviation of the single ratings."),
        (
            "# Label-Std:  mean\n",
            "mean",
            "label_std is the standard deviation of the label itself, its standard error.",
        ),
    ],
)
def test_of_what_label_std_is_the_deviation_is_declared(table, head, kind, note):
    info = table(f"{head}distorted,mos,label_std\nd/a1.bmp,1,0.5\n").info
    assert info.label_std_kind == kind
    assert note in info.note


def test_without_a_label_std_it_has_no_kind(table):
    assert table("# label-std: mean\ndistorted,mos,label_std\nd/a1.bmp,1,\n").info.label_std_kind == ""


def test_cells_that_are_missing_and_contents_that_are_taken_are_noted(table):
    note = table(FULL).info.note
    assert "2 of 3 rows have no label_std" in note
    assert "2 of 3 rows have no n_ratings" in note
    assert "1 of" not in note
    assert "content" not in table(FULL).info.note
    note = table("distorted,mos\nd/a1.bmp,1\n").info.note
    assert note.endswith("No row names a content: each image is taken as a content of its own.")
    note = table("distorted,reference,mos,content\nd/a1.bmp,r/a.bmp,1,\nd/b1.bmp,r/b.bmp,1,b\n").info.note
    assert note.endswith("1 of 2 rows name no content: the reference is taken.")


def test_what_a_table_contains_is_declared(table):
    assert table("# Contains: LIVE, kadid10k, MyOwn\ndistorted,mos\nd/a1.bmp,1\n").info.contains == (
        "MyOwn",
        "kadid10k",
        "live",
    )
    assert table("distorted,mos\nd/a1.bmp,1\n").info.contains == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("# lable-std: mean", "did you mean '# label-std: ratings'"),
        ("# label-std: median", "says median, expected one of ratings, mean"),
        ("# label-std: mean\n# label-std: ratings", "says mean and ratings"),
        ("# label-std", "did you mean '# label-std: ratings'"),
        ("# higher is better", "did you mean '# higher-is-better'"),
        ("# contains: 3 references!", "expected names of data sets separated by commas"),
        ("# contain: live", "did you mean '# contains: "),
        ("# contains: tid2103", "no 'tid2103' is known; did you mean tid2013"),
    ],
)
def test_a_declaration_that_is_misspelt_is_refused_and_not_taken_for_a_remark(table, line, reason):
    refused(table(f"{line}\ndistorted,mos\nd/a1.bmp,1\n"), reason)


def test_excel_in_a_country_with_decimal_commas_is_read(table, caplog):
    text = "sep=;\r\n# lower-is-better;;\r\nDistorted;Label;Bemerkung f\u00fcr sp\u00e4ter\r\nd\\a1.bmp;1,25;\r\nd\\b1.bmp;3;\r\n"
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        pairs = table(text, encoding).pairs(None)
        assert [(pair.id, pair.label) for pair in pairs] == [("d\\a1.bmp", 1.25), ("d\\b1.bmp", 3.0)]
    assert "mine.csv: read as semicolon-separated cp1252 with decimal commas" in caplog.messages


def test_a_run_scores_what_is_there_and_names_what_is_missing_as_failed(toy, tmp_path):
    (tmp_path / "mine.csv").write_text(
        f"# allow-outside\ndistorted,reference,mos\n{toy}/a/1.png,{toy}/a/ref.png,5\n{toy}/A/2.png,{toy}/a/REF.PNG,4\n"
        f"{toy}/b/1.png,{toy}/b/ref.png,5\n{toy}/b/77.png,{toy}/b/ref.png,1\n"
    )
    done = benchmark(
        *("run", "--dataset", f"table:{tmp_path / 'mine.csv'}", "--metrics", "psnr", "--results", tmp_path / "r")
    )
    assert done.returncode == 3, done.stderr
    assert "3 scores made" in done.stderr
    assert "2 files found in another letter case" in done.stderr
    assert "1 images are missing" in done.stderr
    assert "77.png: no such file in" in done.stderr
