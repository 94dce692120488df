"""Subsets by values that themselves hold what separates values and conditions."""

from dataclasses import replace

import pytest
from leaderboard_store import TOY, add, noisy, toy_pairs

from benchmark.leaderboard.build import build
from benchmark.store import Store
from benchmark.subsets import take_subset
from benchmark.types import UserError

NAMES = ("jpeg", "blur; strong", "noise, grey", "noise", "a;b,c")
PAIRS = [replace(pair, distortion=NAMES[i % len(NAMES)]) for i, pair in enumerate(toy_pairs())]


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        *((f"distortion={name}", {name}) for name in NAMES),
        ("distortion=jpeg,blur; strong", {"jpeg", "blur; strong"}),
        ("distortion=noise, grey,noise", {"noise", "noise, grey"}),
        ("distortion=a;b,c,jpeg;level=2,3", {"a;b,c", "jpeg"}),
        ("level=2;distortion=blur; strong;content=c1,c2,c3,c4,c5", {"blur; strong"}),
    ],
)
def test_a_value_that_holds_a_separator_is_taken_whole_where_it_exists(subset, expected):
    assert {pair.distortion for pair in take_subset(PAIRS, subset)} == expected


def test_conditions_still_hold_all_at_once():
    found = take_subset(PAIRS, "level=2; distortion=blur; strong")
    assert found
    assert all(pair.level == 2 and pair.distortion == "blur; strong" for pair in found)


@pytest.mark.parametrize(
    ("subset", "message"),
    [("distortion=jpeg;blur", "FIELD=VALUE"), ("distortion=blur; weak", "FIELD=VALUE|unknown"), ("colour=1", "FIELD")],
)
def test_what_does_not_exist_is_still_refused(subset, message):
    with pytest.raises(UserError, match=message):
        take_subset(PAIRS, subset)


def test_the_board_takes_such_a_value_too(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, TOY, PAIRS, {}, noisy(PAIRS))
        (board,) = build(store, subset="distortion=blur; strong", split="train", replicates=60).datasets
    assert board.subset == "split=train; distortion=blur; strong"
    assert board.n_pairs == sum(pair.distortion == "blur; strong" and pair.split == "train" for pair in PAIRS)
