"""Imported scores: matched by id or name, direction declared, every odd row refused by line."""

import pytest
from command import benchmark
from conftest import PLUGIN
from scipy.stats import spearmanr

from benchmark.imported import import_scores
from benchmark.registry import Registry
from benchmark.store import Store
from benchmark.types import UserError

PAIRS = [f"{content}/{level}.png" for content in "abcd" for level in range(1, 7)]


def imported(tmp_path, toy, text, **options):
    (tmp_path / "scores.csv").write_text(text)
    with Store(tmp_path / "scores.sqlite") as store:
        dataset = Registry((PLUGIN,)).dataset("toy")
        options = {"metric": "m", "higher_is_better": False, **options}
        series, n_scored, n_missing = import_scores(store, dataset, toy, tmp_path / "scores.csv", **options)
        return store.scores(series), store.failures(series), n_scored, n_missing, series.info


def test_scores_are_matched_by_id_and_kept_exactly(toy, tmp_path):
    text = "pair,score\n" + "".join(f"{pair},{i / 7}\n" for i, pair in enumerate(PAIRS))
    scores, failures, n_scored, n_missing, info = imported(tmp_path, toy, text)
    assert scores == {pair: i / 7 for i, pair in enumerate(PAIRS)}
    assert (failures, n_scored, n_missing) == ({}, 24, 0)
    assert info.version.startswith("imported-")
    assert not info.higher_is_better


def test_another_file_is_another_version(toy, tmp_path):
    versions = {imported(tmp_path, toy, f"pair,score\na/1.png,{score}\n")[4].version for score in (1, 2)}
    assert len(versions) == 2


def test_a_pair_without_score_and_an_infinite_one_are_named(toy, tmp_path):
    scores, failures, n_scored, n_missing, _ = imported(tmp_path, toy, "pair,score\na/1.png,1\na/2.png,inf\n")
    assert (scores, n_scored, n_missing) == ({"a/1.png": 1.0}, 1, 23)
    assert failures["a/2.png"] == "m is inf, expected a finite number"
    assert failures["b/1.png"] == "scores.csv has no score for it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line of column names"),
        ("pair,score\n", "no rows"),
        ("pair,score\n , \n,\n", "no rows"),
        ("pair,value\na/1.png,1\n", "no column score or m; found pair, value"),
        ("who,score\na/1.png,1\n", "no column pair or id"),
        (
            "pair,score\nz/1.png,1\n",
            r"1 rows match no pair.*'z/1.png' \(line 2, which may be a/1.png, b/1.png, c/1.png, d/1.png\)",
        ),
        ("pair,score\n1.png,1\n", "match no pair"),
        ("pair,score\na/1.png,1\nA/1.PNG,2\n", r"1 pairs stand twice: A/1.PNG \(line 3\)"),
        ("pair,score\na/1.png,high\n", r"1 scores are not numbers: score 'high' is not a number \(line 2\)"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(toy, tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        imported(tmp_path, toy, text)


def test_a_file_that_is_no_text_is_refused(toy, tmp_path):
    (tmp_path / "scores.csv").write_bytes(b"\xff\xfe\x00")
    dataset = Registry((PLUGIN,)).dataset("toy")
    with (
        Store(tmp_path / "scores.sqlite") as store,
        pytest.raises(UserError, match="no text in UTF-8, UTF-16 or cp1252"),
    ):
        import_scores(store, dataset, toy, tmp_path / "scores.csv", metric="m", higher_is_better=True)


def test_the_command_takes_other_headers_and_shows_the_metric_on_the_board(toy, tmp_path):
    lines = "".join(f"{pair},{pair[2]}\n" for pair in PAIRS)
    (tmp_path / "s.csv").write_text(f"file,Value\n{lines}")
    common = ("--results", tmp_path / "r", "--plugin", PLUGIN)
    where = ("--dataset", "toy", "--data-root", toy, *common)
    names = ("--pair-column", "file", "--score-column", "value")
    done = benchmark("import-scores", *where, "--metric", "theirs", "--lower-is-better", *names, tmp_path / "s.csv")
    assert done.returncode == 0, done.stderr
    board = benchmark("leaderboard", "--format", "csv", *common)
    assert "theirs" in board.stdout, board.stderr
    undeclared = benchmark("import-scores", *where, "--metric", "theirs", *names, tmp_path / "s.csv")
    assert undeclared.returncode == 2
    assert "--lower-is-better" in undeclared.stderr
    taken = benchmark("import-scores", *where, "--metric", "psnr", "--higher-is-better", *names, tmp_path / "s.csv")
    assert taken.returncode == 2
    assert "name of their own" in taken.stderr


@pytest.mark.parametrize(
    ("metric", "published"), [("DSSIM", -0.860908), ("SSIMULACRA", -0.6733), ("Butteraugli", -0.760307)]
)
def test_tid2013_needs_the_label_list_alone(shared, tmp_path, metric, published):
    """The published rank correlations of three closed-source runs come out of `import-scores` and the label list."""
    import csv

    table = shared / "reference" / "per_image_scores" / "TID2013.VQMT.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    root = tmp_path / "tid2013"
    root.mkdir()
    (root / "mos_with_names.txt").write_text("".join(f"{row['mos']} {row['dist_img']}\n" for row in rows))
    dataset = Registry().dataset("tid2013")
    with Store(tmp_path / "scores.sqlite") as store:
        series, n_scored, n_missing = import_scores(
            store, dataset, root, table, metric=metric.lower(), higher_is_better=False, score_column=metric
        )
        scores = store.scores(series)
        labels = {pair.id: pair.label for pair in store.pairs(store.datasets()[0])}
    assert (n_scored, n_missing) == (3000, 0)
    srcc = spearmanr([scores[pair] for pair in sorted(labels)], [labels[pair] for pair in sorted(labels)])[0]
    assert round(srcc, 6) == pytest.approx(published, abs=5e-7)


def test_names_are_found_in_another_letter_case_and_with_backslashes(toy, tmp_path):
    scores, *_ = imported(tmp_path, toy, "pair;score\nA\\1.PNG;1,5\n.\\b\\2.png;2\nc/3.png;3\n")
    assert scores == {"a/1.png": 1.5, "b/2.png": 2.0, "c/3.png": 3.0}


def test_a_name_as_written_comes_before_one_in_another_letter_case(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("distorted,mos\na.png,1\nA.png,2\n")
    (tmp_path / "scores.csv").write_text("pair,score\nA.png,0.1\na.png,0.2\n")
    dataset = Registry().dataset(f"table:{table}")
    with Store(tmp_path / "scores.sqlite") as store:
        series, *_ = import_scores(
            store, dataset, None, tmp_path / "scores.csv", metric="m", higher_is_better=True, trained_on=("live",)
        )
        assert store.scores(series) == {"A.png": 0.1, "a.png": 0.2}
        assert [one.info.trained_on for one in store.series(store.datasets()[0])] == [("live",)]
        (tmp_path / "scores.csv").write_text("pair,score\na.PNG,0.1\n")
        with pytest.raises(UserError, match=r"'a.PNG' \(line 2, which may be A.png, a.png\)"):
            import_scores(store, dataset, None, tmp_path / "scores.csv", metric="m", higher_is_better=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair,score\na/1.png,27,4\n", "line 2: 3 cells, expected 2; if 27,4 is one number, write it with a point"),
        ("pair,score,score\na/1.png,1,2\n", "1 columns have the name of another: score"),
        ("pair,score\na/1.png,1_000\n", r"score '1_000' is not a number: .* \(line 2\)"),
        ("pair,score\na/1.png,5%\n", r"write it without the percent sign \(line 2\)"),
        ("pair,score\na/1.png,\n", r"score is empty \(line 2\)"),
        ("pair,score\na/7.png,1\n", r"'a/7.png' \(line 2, did you mean a/\d.png\?\)"),
    ],
)
def test_nothing_is_half_read(toy, tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        imported(tmp_path, toy, text)


def test_infinity_in_the_worse_direction_is_a_failed_pair_even_so(toy, tmp_path):
    text = "pair,score\n" + "".join(f"{c}/{n}.png,{n}\n" for c in "abcd" for n in range(1, 7))
    scores, failures, *_ = imported(
        tmp_path, toy, text.replace("a/1.png,1", "a/1.png,-inf"), infinite_as=100.0, higher_is_better=True
    )
    assert len(scores) == 23
    assert "-inf" in failures["a/1.png"]


def test_an_infinite_score_counts_where_it_is_said_what_as(toy, tmp_path):
    text = "pair,score\na/1.png,inf\na/2.png,nan\na/3.png,1\n"
    scores, failures, *_, info = imported(tmp_path, toy, text, infinite_as=100.0, higher_is_better=True)
    assert scores == {"a/1.png": float("inf"), "a/3.png": 1.0}
    assert failures["a/2.png"].startswith("m is nan, expected a finite number")
    assert info.infinite_as == 100.0
    with pytest.raises(UserError, match="infinite_as: expected a finite number, got inf"):
        imported(tmp_path, toy, text, infinite_as=float("inf"))


@pytest.mark.parametrize("name", ["", "a,b", "a\nb", "all-ready", " m", "a/b", "\x1b[31m"])
def test_a_name_that_cannot_be_asked_for_is_refused(toy, tmp_path, name):
    for options in ({"metric": name}, {"trained_on": (name,)}):
        with pytest.raises(UserError, match="cannot be asked for"):
            imported(tmp_path, toy, "pair,score\na/1.png,1\n", **options)


def test_the_command_takes_training_sets_and_names_the_nearest_of_a_mistyped_one(toy, tmp_path):
    (tmp_path / "s.csv").write_text("pair;score\n" + "".join(f"{pair};{pair[2]},5\n" for pair in PAIRS))
    common = ("--dataset", "toy", "--data-root", toy, "--results", tmp_path / "r", "--plugin", PLUGIN)
    command = ("import-scores", *common, "--metric", "theirs", "--lower-is-better", tmp_path / "s.csv", "--trained-on")
    done = benchmark(*command, "TID2013, toy,of-our-own")
    assert done.returncode == 0, done.stderr
    assert "s.csv: read as semicolon-separated text with decimal commas" in done.stderr
    with Store(tmp_path / "r" / "scores.sqlite", readonly=True) as store:
        (series,) = store.series(store.datasets()[0])
    assert series.info.trained_on == ("tid2013", "toy", "of-our-own")
    mistyped = benchmark(*command, "tid2103")
    assert mistyped.returncode == 2
    assert "did you mean tid2013?" in mistyped.stderr


def test_a_table_whose_name_is_too_long_for_a_file_is_a_user_error(tmp_path):
    done = benchmark("run", "--dataset", f"table:{'x' * 300}.csv", "--metrics", "psnr", "--results", tmp_path / "r")
    assert done.returncode == 2
    assert "File name too long" in done.stderr
