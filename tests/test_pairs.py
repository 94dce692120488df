"""Checks, splits and folders that all data sets share."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.pairs import (
    check_pairs,
    dataset_folder,
    first_few,
    how_to_get,
    label_revision,
    missing_files,
    require_files,
    shortened,
    split_pairs,
)
from benchmark.types import Pair, UserError
from iqa_datasets.tid2013 import DATASET

PINNED = ["c003", "c004", "c009"]
"""The three of c000 .. c009 with the smallest sha256 of "7:c00N", as coreutils' sha256sum prints them."""
INFO = replace(DATASET.info, n_pairs=None, n_contents=None)


def pairs_of(n_contents, each=3):
    return [
        Pair(f"c{c:03d}_{i}.png", Path(f"c{c:03d}_{i}.png"), Path(f"c{c:03d}.png"), f"c{c:03d}", label=float(i))
        for c in range(n_contents)
        for i in range(each)
    ]


def contents(pairs):
    return {pair.content for pair in pairs}


# --- splits ---


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("n_contents", [2, 13, 25])
def test_test_and_train_share_no_content_and_leave_none_out(fraction, n_contents):
    pairs = pairs_of(n_contents)
    test, train = (split_pairs(pairs, f"{part}:{fraction}:7") for part in ("test", "train"))
    assert contents(test).isdisjoint(contents(train))
    assert {pair.id for pair in test + train} == {pair.id for pair in pairs}
    assert len(contents(test)) == min(max(1, round(fraction * n_contents)), n_contents - 1)
    assert {pair.split for pair in test} == {"test"}
    assert {pair.split for pair in train} == {"train"}


def test_the_draw_is_pinned_for_every_machine():
    assert sorted(contents(split_pairs(pairs_of(10), "test:0.3:7"))) == PINNED


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_pairs():
    pairs = pairs_of(40)
    assert contents(split_pairs(pairs, "test:0.25:1")) == contents(split_pairs(pairs[::-1], "test:0.25:1"))
    draws = {frozenset(contents(split_pairs(pairs, f"test:0.25:{seed}"))) for seed in range(20)}
    assert len(draws) == 20
    assert split_pairs(pairs, "test:0.25") == split_pairs(pairs, "test:0.25:0")


def test_the_draw_is_the_same_under_another_hash_seed():
    code = (
        "from benchmark.pairs import split_pairs; from benchmark.types import Pair; from pathlib import Path;"
        "print(sorted({p.content for p in split_pairs([Pair(str(c), Path('d'), None, f'c{c:03d}', 1.0)"
        " for c in range(10)], 'test:0.3:7')}))"
    )
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert out.stdout.strip() == str(PINNED)


def test_a_larger_fraction_contains_a_smaller_one():
    pairs = pairs_of(30)
    assert contents(split_pairs(pairs, "test:0.1:3")) < contents(split_pairs(pairs, "test:0.4:3"))


def test_every_content_is_drawn_about_equally_often():
    pairs = pairs_of(10, each=1)
    counts = dict.fromkeys(contents(pairs), 0)
    for seed in range(500):
        for pair in split_pairs(pairs, f"test:0.2:{seed}"):
            counts[pair.content] += 1
    assert all(60 <= count <= 140 for count in counts.values()), "100 expected, standard deviation 9"


@pytest.mark.parametrize(
    "split",
    ["test:0", "test:1:2", "test:1.5:2", "test:nan:1", "test:a:1", "test:0.2:x", "dev:0.2:1", "test:0.2:1:1", "test:"],
)
def test_a_wrong_split_is_explained_with_an_example(split):
    with pytest.raises(UserError, match=r"for example test:0\.2:7"):
        split_pairs(pairs_of(5), split)


def test_a_single_content_cannot_be_split():
    with pytest.raises(UserError, match="needs two contents or more, found 1"):
        split_pairs(pairs_of(1), "test:0.5:1")


def test_a_named_split_is_taken_from_the_column_and_may_not_tear_a_content():
    pairs = [replace(pair, split="val" if pair.content < "c002" else "fit") for pair in pairs_of(4)]
    assert contents(split_pairs(pairs, "val")) == {"c000", "c001"}
    with pytest.raises(UserError, match="the splits here are fit, val"):
        split_pairs(pairs, "test")
    with pytest.raises(UserError, match="cuts through the contents c000"):
        split_pairs([replace(pairs[0], split="fit"), *pairs[1:]], "val")


# --- checks ---


def test_pairs_come_back_sorted_by_id():
    pairs = pairs_of(3)
    assert check_pairs(INFO, pairs[::-1], images=False) == pairs


@pytest.mark.parametrize("label", [float("nan"), float("inf"), "5", None, -0.1, 9.1])
def test_a_label_that_is_no_number_or_out_of_range_is_refused(label):
    pairs = pairs_of(2)
    with pytest.raises(UserError, match=r"(outside 0\.\.9|cannot be used): c000_0.png = "):
        check_pairs(INFO, [replace(pairs[0], label=label), *pairs[1:]], images=False)


def test_doubled_ids_missing_files_and_wrong_numbers_are_refused(tmp_path):
    pairs = pairs_of(2)
    with pytest.raises(UserError, match=r"1 pairs stand twice in the label list: c000_0\.png"):
        check_pairs(INFO, [*pairs, pairs[0]], images=False)
    with pytest.raises(UserError, match="expected 7 pairs, found 6"):
        check_pairs(replace(INFO, n_pairs=7), pairs, images=False)
    with pytest.raises(UserError, match="expected 3 contents, found 2: c000, c001"):
        check_pairs(replace(INFO, n_contents=3), pairs, images=False)
    with pytest.raises(UserError, match=r"8 images are missing: .* and 3 more"):
        check_pairs(replace(INFO, n_pairs=6), pairs)


def test_a_reference_in_two_contents_is_refused_since_a_split_would_cut_it():
    pairs = pairs_of(2)
    with pytest.raises(UserError, match=r"1 references belong to more than one content.*c000.png \(c000, other\)"):
        check_pairs(INFO, [replace(pairs[0], content="other"), *pairs[1:]], images=False)


def test_no_reference_pairs_need_no_reference_file(tmp_path):
    image = tmp_path / "a.png"
    image.touch()
    assert check_pairs(INFO, [Pair("a.png", image, None, "a", 1.0)])


def test_first_few_says_how_many_more():
    assert first_few(range(3)) == "0, 1, 2"
    assert first_few(range(8)) == "0, 1, 2, 3, 4 and 3 more"


def test_the_revision_changes_with_a_label_or_a_name_and_not_with_the_order():
    pairs = pairs_of(3)
    revision = label_revision(pairs)
    assert label_revision(pairs[::-1]) == revision
    assert label_revision([replace(pairs[0], label=0.5), *pairs[1:]]) != revision
    assert label_revision([replace(pairs[0], id="other"), *pairs[1:]]) != revision


# --- folders ---


@pytest.mark.parametrize("name", ["tid2013", "TID2013", "TID-2013", "tid_2013"])
def test_the_folder_of_a_set_is_found_in_any_spelling(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "tid2008").mkdir()
    assert dataset_folder(INFO, tmp_path) == tmp_path / name


def test_without_a_folder_of_its_own_the_data_root_is_taken(tmp_path):
    (tmp_path / "tid2013").touch()
    assert dataset_folder(INFO, tmp_path) == tmp_path


def test_without_a_data_root_the_error_tells_all_there_is_to_know(tmp_path):
    with pytest.raises(UserError, match="--data-root DIR or the environment variable IQA_DATA") as error:
        dataset_folder(INFO, None)
    assert str(error.value) == how_to_get(
        INFO, "no data folder given (--data-root DIR or the environment variable IQA_DATA)"
    )
    with pytest.raises(UserError, match="is not a folder"):
        dataset_folder(INFO, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": 1e80}, r"c000_0.png = 1e\+80, expected 1e\+12 at most in size"),
        ({"label_std": float("inf")}, "label_std inf, expected a finite number from 0"),
        ({"label_std": float("nan")}, "label_std nan"),
        ({"label_std": -1.0}, "label_std -1.0"),
        ({"n_ratings": 0}, "n_ratings 0, expected a whole number from 1"),
        ({"n_ratings": 2**63}, "n_ratings 9223372036854775808"),
        ({"n_ratings": 20.0}, "n_ratings 20.0, expected a whole number"),
        ({"n_ratings": 1, "label_std": 0.5}, "one rating has no deviation"),
    ],
)
def test_what_statistics_cannot_use_no_data_set_may_hold(changes, reason):
    info = replace(INFO, label_range=(float("-inf"), float("inf")))
    pairs = pairs_of(2)
    with pytest.raises(UserError, match=f"1 pairs have labels that cannot be used: .*{reason}"):
        check_pairs(info, [replace(pairs[0], **changes), *pairs[1:]], images=False)
    assert check_pairs(info, [replace(pairs[0], n_ratings=1), *pairs[1:]], images=False)


def test_some_files_may_be_missing_where_no_number_is_declared_and_none_where_one_is(tmp_path):
    image = tmp_path / "a.png"
    image.touch()
    pairs = [
        Pair("a", image, None, "a", 1.0),
        Pair("b", tmp_path / "b.png", None, "b", 2.0),
        Pair("c", tmp_path, None, "c", 3.0),
        Pair("d", tmp_path / ("x" * 300), None, "d", 3.0),
        Pair("e", image / "below", None, "e", 3.0),
    ]
    assert check_pairs(INFO, pairs) == pairs
    declared = replace(INFO, n_pairs=5)
    for check in (lambda: check_pairs(declared, pairs), lambda: require_files(INFO, pairs)):
        with pytest.raises(UserError, match="4 images are missing: ") as error:
            check()
        assert f"{tmp_path} (no plain file)" in str(error.value)
        assert "(File name too long)" in str(error.value)
    with pytest.raises(UserError, match="4 images are missing: "):
        check_pairs(INFO, pairs[1:])


def test_a_folder_that_may_not_be_entered_is_named_with_the_reason(tmp_path, monkeypatch):
    """Permissions do not bind the user that tests may run as, so that the system's answer is put in its mouth."""

    def refuse(path, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        assert missing_files(pairs_of(1)[:1]) == {
            Path("c000_0.png"): " (Permission denied)",
            Path("c000.png"): " (Permission denied)",
        }
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        with pytest.raises(UserError, match=r"tid2013: .* cannot be read \(Permission denied\)"):
            dataset_folder(INFO, tmp_path)


def test_a_message_stays_short_however_long_the_names_are():
    shown = first_few(["a" * 1_000_000] * 7)
    assert len(shown) < 5 * 450 + 20
    assert "(1000000 characters)" in shown
    assert shown.endswith(" and 2 more")
    assert shortened("as it is") == "as it is"
