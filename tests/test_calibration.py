"""The page of calibration values: complete, within its tolerances, and what is measured now."""

import re

import numpy as np
import pytest
from calibration import table
from photographs import METRICS

from benchmark.types import UserError

PAGE = table.ROOT / "results" / "calibration.md"
AGAIN = "run `python tests/calibration/table.py > results/calibration.md`"
SLOW = {"ilniqe", "mad"}
"""Left to the page: they take a minute each through pyiqa."""


def tables():
    """Rows of the page's tables as dictionaries of cells, by heading."""
    found, titles, heading = {}, [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading, titles = line[3:], []
        elif line.startswith("| ") and not line.startswith("| :--"):
            cells = [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
            if titles:
                found.setdefault(heading, []).append(dict(zip(titles, cells, strict=True)))
            titles = titles or cells
    return found


def pairs():
    """Every row of the two tables of pairs, by metric, source with version, and pair."""
    found = tables()
    rows = [row for heading in found if heading.endswith("pair by pair") for row in found[heading]]
    return {(row["metric"], row["source"], row["pair"]): row for row in rows}


KNOWN = table.known()
COMPARISONS = table.comparisons()
PAIRS = pairs()


def key(each):
    return each.metric, f"{each.source} {each.version}".strip(), each.pair


def test_every_value_has_a_tolerance_with_its_reason_and_every_tolerance_a_value():
    assert {(each.metric, each.source) for each in KNOWN} == set(COMPARISONS)
    for comparison in COMPARISONS.values():
        assert comparison.tolerance > 0
        assert len(comparison.why) > 10


def test_the_page_holds_every_value_of_every_source_as_it_stands_there():
    assert {name: row["value"] for name, row in PAIRS.items()} == {key(each): each.value for each in KNOWN}, AGAIN


def test_what_the_page_calls_measured_is_within_its_tolerance():
    for each in KNOWN:
        row = PAIRS[key(each)]
        if not row["measured"]:
            assert row["difference"].startswith("not measured: needs")
            continue
        measured, stated = float(row["measured"]), float(row["difference"])
        difference = measured - float(each.value)
        rounding = 10.0 ** -table.digits(each.value)
        assert abs(difference) <= COMPARISONS[each.metric, each.source].tolerance + rounding, key(each)
        np.testing.assert_allclose(stated, difference, rtol=0.05, atol=rounding, err_msg=str(key(each)))


def test_the_summary_gives_the_tolerances_and_their_reasons():
    summary = tables()["Summary"]
    assert {(row["metric"], row["tolerance"], row["why no less"]) for row in summary} == {
        (each.metric, f"{each.tolerance:g}", each.why) for each in COMPARISONS.values()
    }, AGAIN


def measured_again():
    """Every official value, and the first pair of every library: the other pairs have tests of their own."""
    seen = set()
    for each in KNOWN:
        if each.metric in SLOW or (each.version and (each.metric, each.source) in seen):
            continue
        seen.add((each.metric, each.source))
        yield each


@pytest.mark.parametrize("each", list(measured_again()), ids=lambda each: "-".join(key(each)))
def test_the_page_still_says_what_is_measured(each):
    try:
        value = table.measure(each, COMPARISONS[each.metric, each.source])
    except UserError as error:
        pytest.skip(str(error))
    stated = PAIRS[key(each)]["measured"]
    assert stated, f"can be measured now: {AGAIN}"
    tolerance = METRICS[each.metric].info.tolerance + 10.0 ** -table.digits(each.value)
    np.testing.assert_allclose(value, float(stated), rtol=0, atol=tolerance, err_msg=AGAIN)


def test_a_page_made_without_the_images_says_so(monkeypatch):
    official = next(each for each in KNOWN if not each.version)
    comparison = COMPARISONS[official.metric, official.source]
    page = table.document(rows=[(official, comparison, table.NO_IMAGES)])
    assert page.count(table.NO_IMAGES) == 2
    with pytest.raises(UserError, match="the images"):
        table._image(table.SHARED / "not" / "there.bmp", False)


def test_the_traps_are_told_where_a_reader_meets_the_numbers():
    text = PAGE.read_text(encoding="utf-8")
    for trap in (
        "`vsi` does not meet its official row, which is doubtful",
        "MAD is here only through pyiqa",
        "images with flat areas",
    ):
        assert re.search(re.escape(trap), text)
