"""Published values: facts that agree with the reference tables, matched only where the protocol is the same."""

import csv

import pytest

from benchmark.published import COLUMNS, matching, parse, published
from benchmark.types import UserError

HEADER = ",".join(COLUMNS) + "\n"


def test_every_fact_has_a_source_a_protocol_and_a_known_statistic():
    facts = published()
    assert len(facts) > 200
    for fact in facts:
        assert fact.source
        assert fact.protocol
        assert fact.statistic in {"srcc", "krcc", "plcc", "plcc_raw"}
        assert fact.oriented > 0  # every published metric here is a good one


def test_no_fact_stands_twice():
    keys = [(fact.source, fact.name, fact.dataset, fact.statistic) for fact in published()]
    assert len(set(keys)) == len(keys)


def test_a_raw_correlation_is_turned_and_its_print_kept():
    (fact,) = (fact for fact in matching(metric="dssim", dataset="tid2013") if fact.statistic == "srcc")
    assert (fact.value, fact.oriented) == (-0.860908, 0.860908)
    (fact,) = (fact for fact in matching(metric="dssim", dataset="csiq") if fact.statistic == "srcc")
    assert fact.oriented == 0.946151


def test_a_protocol_that_is_not_ours_matches_nothing():
    assert {fact.source for fact in matching(metric="ms-ssim", dataset="tid2013")} == {
        "pyiqa benchmark table (full-reference)"
    }
    assert [
        fact.oriented for fact in matching(metric="ms-ssim-rgb", dataset="tid2013") if fact.statistic == "srcc"
    ] == [0.7983]
    for fact in published():
        if "not stated" in fact.protocol:
            assert fact.metric == ""


def test_psnr_of_two_independent_sources_agrees():
    values = {
        fact.source: fact.value for fact in matching(metric="psnr", dataset="tid2013") if fact.statistic == "srcc"
    }
    assert len(values) == 2
    assert set(values.values()) == {0.6869}


def test_the_tables_equal_the_reference(shared):
    mine = {(fact.name, fact.dataset, fact.statistic, fact.value) for fact in published()}
    with (shared / "reference/published/published.csv").open() as handle:
        for row in csv.DictReader(handle):
            statistic = row["statistic"].replace("plcc_logistic", "plcc")
            assert (row["metric"], row["dataset"], statistic, float(row["value"])) in mine
    with (shared / "reference/published/pyiqa_fr_raw_plcc_srcc_krcc.csv").open() as handle:
        for row in csv.DictReader(handle):
            name = row.pop("Metric name")
            for column, values in row.items():
                for statistic, value in zip(("plcc_raw", "srcc", "krcc"), values.split("/"), strict=True):
                    assert (name, column.split("(")[0], statistic, float(value)) in mine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected the columns metric"),
        (HEADER + "m,m,d,srcc,high,1,p,s\n", "line 2"),
        (HEADER + "m,m,d,srcc,0.5,0,p,s\n", "sign 1 or -1"),
        (HEADER + "m,m,d,srcc,1.5,1,p,s\n", "in \\[-1, 1\\]"),
        (HEADER + "m,m,d,srcc,0.5,1,,s\n", "protocol is empty"),
    ],
)
def test_a_damaged_table_names_its_line(text, message):
    with pytest.raises(UserError, match=message):
        parse(text)
