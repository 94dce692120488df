"""The board: ranks, ties, what is left out and why; every name that is wrong is answered with what exists."""

import math
from dataclasses import replace

import pytest
from command import benchmark
from leaderboard_store import METRIC, TOY, add, full_store, noisy, toy_pairs
from numpy.testing import assert_allclose

from benchmark.agreement import agree
from benchmark.in_sample import labels_seen
from benchmark.leaderboard.board import Board, DatasetBoard, Row
from benchmark.leaderboard.build import build
from benchmark.leaderboard.overall import mean_ranks, overall
from benchmark.leaderboard.render import FORMATS, render
from benchmark.measured import Measured
from benchmark.statistics import STATISTICS, WITH_LABEL_NOISE
from benchmark.store import Store
from benchmark.types import Agreement, Estimate, UserError

FEW = {"replicates": 60}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with full_store(tmp_path_factory.mktemp("store") / "scores.sqlite") as store:
        yield store


@pytest.fixture(scope="module")
def board(store) -> Board:
    return build(store, **FEW)


def rows_of(board: Board) -> dict[str, Row]:
    return {row.label: row for row in board.datasets[0].rows}


class Registered:
    """A registry of facts alone."""

    def __init__(self, *infos):
        self.metrics = {info.name: type("Listed", (), {"info": info})() for info in infos}
        self.datasets = {}


def test_rank_runs_by_srcc_over_complete_rows_and_the_rest_follow_unranked(board):
    rows = board.datasets[0].rows
    assert [row.label for row in rows] == ["seen", "good", "close", "loud", "wrong_way", "flat", "torn", "absent"]
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5, None, None, None]
    assert [row.tie_group == "" for row in rows] == [False] * 5 + [True] * 3


def test_every_kind_of_row_says_what_it_is(board):
    rows = rows_of(board)
    torn = rows["torn"].agreement
    assert (torn.n_expected, torn.n_scored, torn.n_failed) == (96, 91, 3)
    assert len(rows["torn"].failures) == 3
    assert "expected 8 x 8" in rows["torn"].failures[0]
    assert rows["absent"].agreement is None
    assert rows["absent"].not_run == "needs weights that are not here"
    assert "constant" in rows["flat"].estimate("srcc").method
    assert rows["seen"].in_sample
    assert not rows["good"].in_sample
    assert rows["wrong_way"].value("srcc") < 0
    assert "wrong_way" in rows["wrong_way"].agreement.warnings[0]
    assert_allclose(rows["good"].seconds_per_pair, 0.5 / 96)


def test_each_distortion_has_its_own_srcc_and_counts(board):
    torn = rows_of(board)["torn"].by_distortion
    assert list(torn) == ["gblur", "jpeg"]
    assert (torn["jpeg"].n_scored, torn["jpeg"].n_expected, torn["gblur"].n_scored) == (43, 48, 48)


def test_equal_srcc_share_a_rank(tmp_path):
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        for name, noise in (("a", 5), ("b", 5), ("c", 40)):
            add(store, TOY, pairs, {"name": name}, noisy(pairs, noise=noise))
        rows = build(store, **FEW).datasets[0].rows
    assert [(row.label, row.rank, row.tie_group) for row in rows] == [("a", 1, "a"), ("b", 1, "a"), ("c", 3, "b")]


def test_sorting_reorders_rows_and_leaves_ranks_alone(store, board):
    ranks = {row.label: row.rank for row in board.datasets[0].rows}
    by_name = build(store, sort="name", **FEW).datasets[0].rows
    assert [row.label for row in by_name] == sorted(ranks)
    by_rmse = [row.value("rmse") for row in build(store, sort="rmse", **FEW).datasets[0].rows if row.rank]
    assert by_rmse == sorted(by_rmse)
    assert build(store, sort="time", **FEW).datasets[0].rows[0].label == "good"
    assert {row.label: row.rank for row in by_name} == ranks


def test_a_subset_counts_only_its_pairs_and_is_named(store):
    (found,) = build(store, subset="distortion=jpeg", split="test", **FEW).datasets
    assert found.subset == "split=test; distortion=jpeg"
    assert (found.n_pairs, found.n_contents) == (18, 3)
    assert found.distortions == ()
    torn = next(row for row in found.rows if row.label == "torn")
    assert (torn.agreement.n_expected, torn.agreement.n_scored, torn.agreement.n_failed) == (18, 13, 3)


def test_a_data_set_without_the_subset_is_left_out_with_the_reason(tmp_path):
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        add(store, TOY, pairs, {}, noisy(pairs))
        add(store, replace(TOY, name="other"), [replace(pair, distortion="wn") for pair in pairs], {}, noisy(pairs))
        found = build(store, subset="distortion=jpeg", **FEW)
        assert [one.dataset.name for one in found.datasets] == ["toy"]
        assert any(note.startswith("other: left out") for note in found.notes)
        with pytest.raises(UserError, match="did you mean jpeg"):
            build(store, subset="distortion=jpg", **FEW)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sort": "scrc"}, "did you mean srcc"),
        ({"datasets": ["toi"]}, "did you mean toy"),
        ({"metrics": ["god"]}, "did you mean good"),
        ({"subset": "distortion=jpg"}, "did you mean jpeg"),
        ({"split": "validation"}, "test, train"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(store, arguments, message):
    with pytest.raises(UserError, match=message):
        build(store, **arguments, **FEW)


def test_an_unknown_format_is_answered_with_the_nearest(board):
    with pytest.raises(UserError, match="did you mean markdown"):
        render(board, "markdwon")


def test_a_known_metric_without_scores_says_how_to_get_them(store):
    registry = Registered(replace(METRIC, name="later"))
    with pytest.raises(UserError, match="run --metrics later"):
        build(store, registry, metrics=["later"], **FEW)


def test_an_empty_store_says_what_to_do(tmp_path):
    with Store(tmp_path / "s.sqlite") as store, pytest.raises(UserError, match="benchmark run"):
        build(store)


def test_another_version_never_mixes_and_shows_as_its_own_row_on_demand(tmp_path):
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        add(store, TOY, pairs, {"version": "1"}, noisy(pairs, noise=3))
        add(store, TOY, pairs, {"version": "2"}, noisy(pairs, noise=9))
        registry = Registered(replace(METRIC, version="3"))
        (row,) = build(store, registry, **FEW).datasets[0].rows
        assert row.agreement is None
        assert "--all-versions" in row.not_run
        rows = build(store, registry, all_versions=True, **FEW).datasets[0].rows
        assert [row.label for row in rows] == ["good 1", "good 2"]


def test_an_older_label_revision_is_left_out_and_said(tmp_path):
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        add(store, TOY, [replace(pair, label=pair.label / 2) for pair in pairs], {}, noisy(pairs))
        add(store, TOY, pairs, {}, noisy(pairs))
        found = build(store, **FEW)
        assert len(found.datasets) == 1
        assert found.datasets[0].revision == store.datasets()[1].revision
        first, second = store.datasets()
        assert (
            f"revision {second.revision[:12]}; also stored, and left out: {first.revision[:12]} (96 pairs)"
            in found.notes[0]
        )
        for output in ("markdown", "latex", "json"):
            assert "also stored, and left out" in render(found, output)
        (other,) = build(store, datasets=[f"toy@{first.revision[:8]}"], **FEW).datasets
        assert other.revision == first.revision
        assert len(build(store, all_versions=True, **FEW).datasets) == 2


def hand_made(name: str, cells: dict[str, float | None], *, in_sample=(), incomplete=()) -> DatasetBoard:
    """A board of SRCC alone; None for a metric that did not run."""
    rows = []
    for label, value in cells.items():
        agreement = None
        if value is not None:
            scored = 9 if label in incomplete else 10
            agreement = Agreement(label, name, "all", 10, scored, 0, 5, {"srcc": Estimate(value)})
        rows.append(Row(label, replace(METRIC, name=label), agreement, in_sample=label in in_sample))
    return DatasetBoard(replace(TOY, name=name), "0" * 64, "all", 10, 5, (), tuple(rows), "", "")


def test_the_overall_rank_is_the_mean_of_ranks_by_hand():
    first = hand_made("first", {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6})
    second = hand_made("second", {"a": 0.5, "b": 0.6, "c": 0.6, "d": 0.1})
    found = overall([first, second])
    # first: 1 2 3 4; second: a 3, b and c share (1 + 2) / 2, d 4
    assert [(row.label, row.mean_rank, row.position) for row in found.rows] == [
        ("b", 1.75, 1),
        ("a", 2.0, 2),
        ("c", 2.25, 3),
        ("d", 4.0, 4),
    ]
    assert found.rows[0].ranks == {"first": 2.0, "second": 1.5}
    assert "mean" in found.rule


def test_equal_mean_ranks_share_a_position():
    found = overall([hand_made("first", {"a": 0.9, "b": 0.8}), hand_made("second", {"a": 0.8, "b": 0.9})])
    assert [(row.label, row.position) for row in found.rows] == [("a", 1), ("b", 1)]


def test_an_in_sample_cell_is_left_out_and_the_other_ranks_are_stretched():
    first = hand_made("first", {"a": 0.9, "b": 0.8, "c": 0.7})
    second = hand_made("second", {"a": 0.99, "b": 0.8, "c": 0.7}, in_sample={"a"})
    ranks = {row.label: row.ranks for row in overall([first, second]).rows}
    # on second, b and c alone are ranked 1 and 2, stretched to 1 and 3
    assert ranks == {"a": {"first": 1.0}, "b": {"first": 2.0, "second": 1.0}, "c": {"first": 3.0, "second": 3.0}}


def test_metrics_that_are_not_complete_everywhere_are_left_out_with_the_reason():
    first = hand_made("first", {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6, "e": 0.5, "f": math.nan})
    second = hand_made("second", {"a": 0.9, "b": 0.8, "c": None, "d": 0.7, "f": 0.1}, incomplete={"d"})
    found = overall([first, second])
    assert [row.label for row in found.rows] == ["a", "b"]
    assert found.left_out == {
        "c": "not run on second",
        "d": "incomplete on second",
        "e": "not run on second",
        "f": "SRCC undefined on first",
    }


def test_one_data_set_has_no_overall_rank():
    assert overall([hand_made("only", {"a": 0.9, "b": 0.8})]) is None


def test_mean_ranks_equal_scipys():
    from scipy.stats import rankdata

    values = {"a": 0.3, "b": 0.9, "c": 0.3, "d": 0.1, "e": 0.3}
    assert list(mean_ranks(values).values()) == list(rankdata([-value for value in values.values()]))


def test_a_measured_value_stands_beside_the_published_one_only_where_all_matches(tmp_path):
    pairs = toy_pairs()
    scores = noisy(pairs, noise=3)
    with Store(tmp_path / "s.sqlite") as store:
        tid = replace(TOY, name="tid2013")
        add(store, tid, pairs, {"name": "dssim"}, scores)
        add(store, tid, pairs, {"name": "butteraugli"}, dict(list(scores.items())[:-1]))
        add(store, tid, pairs, {"name": "unheard-of"}, scores)
        rows = rows_of(build(store, **FEW))
        reported = {item.statistic: item for item in rows["dssim"].reported}
        assert_allclose(reported["srcc"].reported, 0.860908)  # printed as -0.860908: raw scores against raw labels
        assert_allclose(reported["srcc"].difference, rows["dssim"].value("srcc") - 0.860908)
        assert rows["butteraugli"].reported == ()
        assert rows["unheard-of"].reported == ()
        part = rows_of(build(store, subset="distortion=jpeg", **FEW))
        assert part["dssim"].reported == ()


def test_one_store_gives_the_same_bytes_each_time(store, board):
    again = build(store, **FEW)
    for name in FORMATS:
        if name != "terminal":
            assert render(again, name) == render(board, name)


def test_bytes_do_not_depend_on_timings_nor_on_the_order_of_storing(tmp_path):
    pairs = toy_pairs()
    texts = []
    for number, names in enumerate((["a", "b", "c"], ["c", "a", "b"])):
        with Store(tmp_path / f"{number}.sqlite") as store:
            for name in names:
                scores = noisy(pairs, noise=9, seed=ord(name))
                add(store, TOY, pairs, {"name": name}, scores, seconds=float(number))
            found = build(store, **FEW)
            texts.append([render(found, name) for name in ("markdown", "csv", "latex")])
    assert texts[0] == texts[1]


def broken_store(path):
    """A good data set, and one as an older program could store it: a label that no loader takes any more."""
    store, pairs = Store(path), toy_pairs()
    add(store, TOY, pairs, {}, noisy(pairs, noise=6))
    endless = [replace(pairs[0], label=math.inf), *pairs[1:]]
    add(store, replace(TOY, name="endless"), endless, {}, noisy(pairs, noise=6))
    return store


def test_a_data_set_with_damaged_labels_is_named_and_the_others_are_shown(tmp_path):
    with broken_store(tmp_path / "s.sqlite") as store:
        board = build(store, **FEW)
        assert [one.dataset.name for one in board.datasets] == ["toy"]
        (reason,) = board.failed
        for words in ("endless: no board", "damaged", "is inf"):
            assert words in reason
        for format in ("markdown", "latex", "json"):
            assert "endless: no board" in render(board, format)
        with pytest.raises(UserError, match="endless: no board"):
            build(store, datasets=["endless"], **FEW)


def test_a_data_set_whose_statistics_raise_is_named_and_the_others_are_shown(tmp_path, monkeypatch):
    from benchmark.leaderboard import build as module

    whole = module._dataset_board

    def failing(stored, *arguments, **options):
        if stored.info.name == "beyond":
            raise ValueError("numbers beyond computing")
        return whole(stored, *arguments, **options)

    pairs = toy_pairs()
    monkeypatch.setattr(module, "_dataset_board", failing)
    with Store(tmp_path / "s.sqlite") as store:
        for name in ("toy", "beyond"):
            add(store, replace(TOY, name=name), pairs, {}, noisy(pairs, noise=6))
        board = build(store, **FEW)
    assert [one.dataset.name for one in board.datasets] == ["toy"]
    (reason,) = board.failed
    assert "beyond: its statistics cannot be computed (numbers beyond computing)" in reason
    assert "doctor dataset beyond" in reason


def test_the_command_exits_with_3_where_a_data_set_has_no_board_and_with_2_where_none_has(tmp_path):
    broken_store(tmp_path / "scores.sqlite").close()
    for arguments, code in (((), 3), (("--dataset", "endless"), 2), (("--dataset", "toy"), 0)):
        done = benchmark("leaderboard", "--results", tmp_path, "--replicates", 100, *arguments)
        assert done.returncode == code, done.stderr
        assert ("endless: no board" in done.stderr) == (code != 0)
        assert ("Toy set, regenerated" in done.stdout) == (code != 2)
        assert "Traceback" not in done.stderr


def test_choices_of_statistics_and_resamples_are_checked_before_any_work(tmp_path):
    for arguments, message in (
        (("--statistics", "srcc,plc"), "unknown statistic 'plc'; did you mean plcc"),
        (("--replicates", 10**9), "--replicates: expected at most 20000, got 1000000000"),
    ):
        for command in ("run", "leaderboard"):
            done = benchmark(command, "--results", tmp_path / "none", *arguments)
            assert done.returncode == 2, done.stderr
            assert message in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "change",
    [
        {"label_std": math.inf},
        {"label_std": None},
        {"label_std": -1.0},
        {"n_ratings": 1},
        {"n_ratings": 0},
        {"n_ratings": 10**30},
        {"label": 1e80},
        {"label": 1e307},
        {"label": -1e307},
    ],
    ids=repr,
)
def test_one_row_that_no_loader_takes_any_more_never_breaks_a_board(change):
    """Such rows lie in stores of older programs; what they forbid is undefined, with the number of labels at fault."""
    pairs = [replace(pair, n_ratings=20) for pair in toy_pairs()]
    odd = [replace(pairs[0], **change), *pairs[1:]]
    one = Measured(METRIC, noisy(pairs, noise=6), {})
    statistics = agree(TOY, odd, one, **FEW).statistics
    assert not math.isnan(statistics["srcc"].value)
    assert set(statistics) == set(STATISTICS)
    if next(iter(change)) != "label" and change.get("n_ratings") != 10**30:
        for name in WITH_LABEL_NOISE:
            assert math.isnan(statistics[name].value)
            assert "1 of 96 labels" in statistics[name].method


def test_statistics_can_be_chosen_and_what_is_left_out_is_said(store):
    board = build(store, statistics=["krcc"], sort="plcc", **FEW)
    (one,) = board.datasets
    assert set(one.rows[0].agreement.statistics) == {"srcc", "krcc", "plcc"}
    (note,) = one.notes
    assert note == (
        "Left out, as other statistics were asked for: PLCC (raw), RMSE, Outlier ratio, RMSE*, AUC different/similar, "
        "AUC better/worse."
    )
    full = build(store, **FEW).datasets[0]
    for row in one.rows:
        (same,) = [other for other in full.rows if other.label == row.label]
        assert repr(row.estimate("krcc")) == repr(same.estimate("krcc"))
    with pytest.raises(UserError, match="unknown statistic 'kcc'"):
        build(store, statistics=["kcc"], **FEW)


def test_more_resamples_than_memory_holds_are_refused_with_the_reason(store):
    with pytest.raises(UserError, match=r"expected at most 20000, got 1000000000: every resample .* in memory"):
        build(store, replicates=10**9)


def test_a_row_is_marked_where_the_metric_saw_labels_of_an_overlapping_set(tmp_path):
    pairs = toy_pairs()
    with Store(tmp_path / "s.sqlite") as store:
        part = replace(TOY, name="part", contains=("whole",))
        for info in (part, replace(TOY, name="whole"), replace(TOY, name="far")):
            for name in ("part", "whole", "elsewhere"):
                add(store, info, pairs, {"name": f"on-{name}", "trained_on": (name,)}, noisy(pairs, noise=6))
        board = build(store, **FEW)
    marked = {(one.dataset.name, row.label) for one in board.datasets for row in one.rows if row.in_sample}
    assert marked == {(there, f"on-{seen}") for there in ("part", "whole") for seen in ("part", "whole")}
    for format in ("markdown", "latex", "json"):
        assert render(board, format).count("part holds part of whole") == 2  # seen from either of the two


def test_two_sets_with_a_part_of_the_same_third_one_share_labels():
    one, other = replace(TOY, name="one", contains=("live",)), replace(TOY, name="other", contains=("live",))
    known = {"one": one, "other": other}
    seen = replace(METRIC, trained_on=("other",))
    assert labels_seen(seen, one, known) == (True, "other and one both hold part of live")
    assert labels_seen(seen, other, known) == (True, "")
    assert labels_seen(seen, replace(TOY, name="alone"), known) == (False, "")
    assert labels_seen(replace(METRIC, trained_on=("unheard-of",)), one, known) == (False, "")
