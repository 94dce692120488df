"""Agreement: joined by pair id, oriented once by the declared directions, honest about what is missing."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
from leaderboard_store import METRIC, TOY, add, noisy, toy_pairs
from numpy.testing import assert_allclose
from scipy.stats import kendalltau, spearmanr

from benchmark.agreement import agree, evaluate, evaluate_parts
from benchmark.measured import Measured, current, read
from benchmark.store import Store
from benchmark.subsets import distortions, take_subset
from benchmark.types import DatasetInfo, Pair, UserError

PAIRS = toy_pairs()
FEW = {"replicates": 50}


def measured(scores, *, failures=None, **facts):
    return Measured(replace(METRIC, **facts), scores, failures or {})


@pytest.mark.parametrize("label_higher_is_better", [True, False])
@pytest.mark.parametrize("metric_higher_is_better", [True, False])
def test_correlations_are_scipys_turned_by_both_declared_directions(metric_higher_is_better, label_higher_is_better):
    dataset = replace(TOY, label_higher_is_better=label_higher_is_better)
    scores = noisy(PAIRS, noise=10)
    agreement = agree(dataset, PAIRS, measured(scores, higher_is_better=metric_higher_is_better), **FEW)
    sign = 1 if metric_higher_is_better == label_higher_is_better else -1
    x, y = [scores[pair.id] for pair in PAIRS], [pair.label for pair in PAIRS]
    assert_allclose(agreement.statistics["srcc"].value, sign * spearmanr(x, y).statistic, atol=1e-12)
    assert_allclose(agreement.statistics["krcc"].value, sign * kendalltau(x, y).statistic, atol=1e-12)


def test_scores_are_joined_by_pair_id_whatever_their_order():
    scores = noisy(PAIRS, noise=10)
    backwards = dict(reversed(scores.items()))
    one, other = (agree(TOY, PAIRS, measured(of), **FEW) for of in (scores, backwards))
    assert repr(one) == repr(other)  # nan is not equal to itself


def test_a_reversed_metric_stays_negative_and_the_warning_names_it_and_both_directions():
    agreement = agree(TOY, PAIRS, measured(noisy(PAIRS, noise=5), name="wrong", higher_is_better=True), **FEW)
    assert agreement.statistics["srcc"].value < -0.8
    (warning,) = agreement.warnings
    assert "wrong" in warning
    assert "higher is better" in warning
    assert "DMOS, lower is better" in warning


def test_scores_outside_the_declared_range_are_counted_and_shown():
    scores = noisy(PAIRS, noise=5)
    low, high = min(scores.values()), sorted(scores.values())[-3]
    agreement = agree(TOY, PAIRS, measured(scores, name="wide", score_range=(low, high)), **FEW)
    (warning,) = agreement.warnings
    assert f"wide: 2 of {len(PAIRS)} scores lie outside its declared range" in warning


def test_a_good_metric_has_no_warning():
    assert agree(TOY, PAIRS, measured(noisy(PAIRS, noise=5)), **FEW).warnings == ()


def test_an_incomplete_metric_is_measured_on_what_is_there_and_counted():
    scores = noisy(PAIRS[4:], noise=5)
    agreement = agree(TOY, PAIRS, measured(scores, failures={PAIRS[0].id: "corrupt", PAIRS[1].id: "corrupt"}), **FEW)
    assert (agreement.n_expected, agreement.n_scored, agreement.n_failed) == (96, 92, 2)
    expected = spearmanr([scores[pair.id] for pair in PAIRS[4:]], [pair.label for pair in PAIRS[4:]]).statistic
    assert_allclose(agreement.statistics["srcc"].value, expected, atol=1e-12)


def test_an_infinite_score_counts_as_failed_with_its_value():
    one = measured(noisy(PAIRS) | {PAIRS[0].id: math.inf})
    assert one.failed(PAIRS) == {PAIRS[0].id: "good is inf, expected a finite number"}
    agreement = agree(TOY, PAIRS, one, **FEW)
    assert (agreement.n_scored, agreement.n_failed) == (95, 1)


@pytest.mark.parametrize("higher", [True, False])
def test_a_declared_infinity_is_a_score_that_ranks_first_and_any_other_is_a_failure(higher):
    info = replace(METRIC, higher_is_better=higher, infinite_as=60.0 if higher else -60.0)
    sign = 1.0 if higher else -1.0
    scores = noisy(PAIRS, -sign, noise=5)  # labels are DMOS
    best = sorted(PAIRS, key=lambda pair: pair.label)[:6]
    agreement = agree(TOY, PAIRS, Measured(info, scores | {pair.id: sign * math.inf for pair in best}, {}), **FEW)
    assert (agreement.n_scored, agreement.n_failed, agreement.warnings) == (96, 0, ())
    above = scores | {pair.id: sign * 1e6 for pair in best}
    expected = agree(TOY, PAIRS, Measured(replace(info, infinite_as=None), above, {}), **FEW).statistics["srcc"]
    assert repr(agreement.statistics["srcc"]) == repr(expected)
    assert "6 infinite scores count as 60" in agreement.statistics["plcc"].method
    for wrong in (-sign * math.inf, math.nan):
        one = Measured(info, scores | {PAIRS[0].id: wrong}, {})
        assert "expected a finite number or" in one.failed(PAIRS)[PAIRS[0].id]
        assert agree(TOY, PAIRS, one, **FEW).n_failed == 1


def test_scores_within_the_tolerance_are_ties_unless_nobody_declared_it():
    scores = {pair.id: 1.0 + 1e-9 * place for place, pair in enumerate(PAIRS)}
    undefined = agree(TOY, PAIRS, Measured(METRIC, scores, {}), **FEW).statistics
    assert {estimate.method for name, estimate in undefined.items()} == {"undefined: constant scores"}
    for info in (replace(METRIC, version="imported-1234"), replace(METRIC, tolerance=1e-12)):
        assert not math.isnan(agree(TOY, PAIRS, Measured(info, scores, {}), **FEW).statistics["srcc"].value)


def test_a_tolerance_that_is_a_visible_part_of_the_scores_is_warned_of():
    scores = {name: 1e-7 * score for name, score in noisy(PAIRS, noise=5).items()}  # they span about 6e-6
    (warning,) = agree(TOY, PAIRS, measured(scores), **FEW).warnings
    assert "its tolerance of 1e-06, within which scores are ties" in warning
    assert not agree(TOY, PAIRS, Measured(replace(METRIC, tolerance=1e-9), scores, {}), **FEW).warnings


def test_the_kind_of_label_spread_is_the_data_sets():
    one = measured(noisy(PAIRS, noise=5))
    of_means = agree(replace(TOY, label_std_kind="mean"), PAIRS, one, **FEW).statistics
    undeclared = agree(TOY, PAIRS, one, **FEW).statistics
    assert of_means["rmse_star"].value >= 0
    assert "1.96 standard errors" in of_means["rmse_star"].method
    assert math.isnan(undeclared["rmse_star"].value)
    assert of_means["auc_better"].value == undeclared["auc_better"].value
    assert "not declared" in undeclared["auc_better"].method


def test_one_label_without_a_spread_is_named_and_not_passed_over():
    pairs = [replace(PAIRS[0], label_std=None), *PAIRS[1:]]
    statistics = agree(TOY, pairs, measured(noisy(PAIRS, noise=5)), **FEW).statistics
    assert statistics["auc_better"].method == "undefined: 1 of 96 labels have no label_std"
    without = [replace(pair, label_std=None) for pair in PAIRS]
    assert "auc_better" not in agree(TOY, without, measured(noisy(PAIRS, noise=5)), **FEW).statistics


def test_constant_scores_are_undefined_with_the_reason():
    estimate = agree(TOY, PAIRS, measured(dict.fromkeys(noisy(PAIRS), 1.0)), **FEW).statistics["srcc"]
    assert math.isnan(estimate.value)
    assert "constant" in estimate.method


def test_a_metric_without_any_score_is_undefined_not_a_crash():
    agreement = agree(TOY, PAIRS, measured({}), **FEW)
    assert agreement.n_scored == 0
    assert math.isnan(agreement.statistics["srcc"].value)


def test_neither_order_nor_presence_of_other_metrics_changes_an_estimate():
    ones = {name: measured(noisy(PAIRS, noise=9, seed=seed)) for seed, name in enumerate("abc")}
    together = evaluate(TOY, PAIRS, ones, **FEW).agreements
    for name, one in reversed(ones.items()):
        assert repr(evaluate(TOY, PAIRS, {name: one}, **FEW).agreements[name]) == repr(together[name])


def test_only_complete_metrics_are_tested_against_each_other():
    ones = {"full": measured(noisy(PAIRS, noise=2)), "loud": measured(noisy(PAIRS, noise=60, seed=3))}
    ones["part"] = measured(noisy(PAIRS[1:]))
    evaluation = evaluate(TOY, PAIRS, ones, **FEW)
    assert evaluation.tie_groups == {"full": "a", "loud": "b"}
    assert "over 1 test " in evaluation.tests


def test_equal_scores_tie():
    scores = noisy(PAIRS, noise=9)
    assert evaluate(TOY, PAIRS, {"x": measured(scores), "y": measured(scores)}, **FEW).tie_groups == {
        "x": "a",
        "y": "a",
    }


def test_srcc_of_a_distortion_equals_the_full_statistics_of_that_subset():
    one = measured(noisy(PAIRS, noise=9))
    part = evaluate_parts(TOY, PAIRS, {"one": one}, ["jpeg"], **FEW)["one"]["jpeg"]
    whole = agree(TOY, take_subset(PAIRS, "distortion=jpeg"), one, subset="distortion=jpeg", **FEW)
    assert list(part.statistics) == ["srcc"]
    assert part.statistics["srcc"] == whole.statistics["srcc"]
    assert part.subset == "distortion=jpeg"


@pytest.mark.parametrize("name", ["krcc", "plcc_raw", "rmse", "outlier_ratio", "auc_better"])
def test_asking_for_one_statistic_changes_none_of_its_digits(name):
    one = measured(noisy(PAIRS, noise=9))
    alone = agree(TOY, PAIRS, one, statistics=(name,), **FEW).statistics
    assert set(alone) == {"srcc", name}
    assert alone[name] == agree(TOY, PAIRS, one, **FEW).statistics[name]


def test_subsets_by_distortion_content_level_and_split():
    assert distortions(PAIRS) == ["gblur", "jpeg"]
    assert len(take_subset(PAIRS, "all")) == 96
    assert {pair.distortion for pair in take_subset(PAIRS, "distortion=jpeg")} == {"jpeg"}
    assert len(take_subset(PAIRS, "distortion=jpeg,gblur")) == 96
    assert len(take_subset(PAIRS, "content=c1,c2;distortion=jpeg;level=3")) == 2
    assert {pair.content for pair in take_subset(PAIRS, "split=test")} == {"c0", "c1", "c2"}
    assert len({pair.content for pair in take_subset(PAIRS, "split=test:0.25:7")}) == 2


def test_a_value_with_a_comma_is_taken_whole_when_it_exists():
    pairs = [replace(PAIRS[0], distortion="blur, strong"), PAIRS[1]]
    assert take_subset(pairs, "distortion=blur, strong") == pairs[:1]


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ("distortion=jpg", "did you mean jpeg"),
        ("distorsion=jpeg", "distortion, content, split, level"),
        ("jpeg", "for example distortion=jpeg,gblur"),
        ("split=validation", "test, train"),
        ("content=c1;split=train", "train"),
    ],
)
def test_an_unknown_subset_names_what_exists(subset, message):
    with pytest.raises(UserError, match=message):
        take_subset(PAIRS, subset)


def test_current_takes_the_registrys_version_and_says_what_is_stored_instead(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for version in ("1", "2"):
            add(store, TOY, PAIRS, {"name": "known", "version": version}, noisy(PAIRS, seed=int(version)))
            add(store, TOY, PAIRS, {"name": "imported", "version": version}, noisy(PAIRS, seed=int(version)))
        (dataset,) = store.datasets()
        first = current(store, dataset, {"known": replace(METRIC, name="known", version="1")})
        assert [(one.info.name, one.info.version) for one in first] == [("known", "1"), ("imported", "2")]
        stale, _ = current(store, dataset, {"known": replace(METRIC, name="known", version="3")})
        assert stale.scores == {}
        assert "version 1, 2" in stale.not_run
        every = current(store, dataset, {}, all_versions=True)
        assert len(every) == 4


def test_other_weights_are_another_version(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, TOY, PAIRS, {"weights_sha256": "a" * 64}, noisy(PAIRS))
        (one,) = current(store, store.datasets()[0], {"good": replace(METRIC, weights_sha256="b" * 64)})
        assert "aaaaaaaa" in one.not_run
        assert "bbbbbbbb" in one.not_run


def official(name: str, title: str, kind: str, higher: bool) -> DatasetInfo:
    return replace(TOY, name=name, title=title, label_kind=kind, label_higher_is_better=higher, note="")


def vqmt(shared: Path, name: str) -> tuple[DatasetInfo, list[Pair], dict[str, dict[str, float]]]:
    """Labels and scores of DSSIM, SSIMULACRA and Butteraugli, all lower is better, as their authors released them."""
    file = {"tid2013": "TID2013.VQMT.csv", "csiq": "csiq.VQMT.csv"}[name]
    with (shared / "reference/per_image_scores" / file).open() as handle:
        rows = list(csv.DictReader(handle))
    if name == "tid2013":
        info = official(name, "TID2013", "MOS", True)
        pairs = [
            Pair(
                row["dist_img"].lower(),
                Path("x"),
                None,
                row["ref_img"].lower(),
                float(row["mos"]),
                f"type {int(row['dst_type']):02d}",
                float(row["dst_lev"]),
            )
            for row in rows
        ]
    else:
        info = official(name, "CSIQ", "DMOS", False)
        pairs = [
            Pair(
                f"{row['image']}.{row['dst_type']}.{row['dst_lev']}",
                Path("x"),
                None,
                row["image"],
                float(row["dmos"]),
                row["dst_type"],
            )
            for row in rows
        ]
    scores = {
        metric.lower(): {pair.id: float(row[metric]) for pair, row in zip(pairs, rows, strict=True)}
        for metric in ("DSSIM", "SSIMULACRA", "Butteraugli")
    }
    return info, sorted(pairs, key=lambda pair: pair.id), scores


@pytest.mark.parametrize(("name", "n_pairs"), [("tid2013", 3000), ("csiq", 866)])
def test_published_correlations_come_out_of_the_store_to_six_digits(shared, tmp_path, name, n_pairs):
    info, pairs, scores = vqmt(shared, name)
    assert len(pairs) == n_pairs
    with (shared / "reference/published/published.csv").open() as handle:
        published = [row for row in csv.DictReader(handle) if row["dataset"] == name and row["metric"] in scores]
    with Store(tmp_path / "s.sqlite") as store:
        for metric, of in scores.items():
            add(store, info, pairs, {"name": metric, "version": "imported-1"}, of)
        (dataset,) = store.datasets()
        found = {
            series.info.name: agree(info, store.pairs(dataset), read(store, series), statistics=("srcc", "krcc"), **FEW)
            for series in store.series(dataset)
        }
    assert len([row for row in published if row["source"].startswith("VQMT")]) == 6
    for row in published:
        if row["source"].startswith("VQMT"):
            sign = 1 if name == "csiq" else -1  # published as raw scores against raw labels
            value = found[row["metric"]].statistics[row["statistic"]].value
            assert_allclose(value, sign * float(row["value"]), atol=5.1e-7, rtol=0)
