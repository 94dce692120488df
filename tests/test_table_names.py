"""A table of labels is known by its content and its name, never by the path it was given by."""

import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.table_names import table_name
from benchmark.types import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`one/scores.csv` with its images."""
    (tmp_path / "one").mkdir()
    level = np.arange(400, dtype=np.uint8).reshape(20, 20, 1) // 2
    for name, shift in (("reference", 0), ("a", 3), ("b", 9), ("c", 20)):
        Image.fromarray(np.repeat(level + np.uint8(shift), 3, axis=2)).save(tmp_path / "one" / f"{name}.png")
    labels(tmp_path / "one", (3, 2, 1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labels(folder, mos):
    rows = [f"{name}.png,reference.png,{value}" for name, value in zip("abc", mos, strict=True)]
    (folder / "scores.csv").write_text("\n".join(["distorted,reference,mos", *rows]))


def benchmark(*arguments):
    """Run a command; return what it printed, and its messages with line breaks taken out."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--results", "results"])
    if isinstance(done.exception, UserError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def run(table, metrics="psnr"):
    _, messages = benchmark("run", "--dataset", table, "--metrics", metrics, "--workers", "1", "--no-board")
    return messages


def test_a_table_takes_the_name_of_its_file_or_the_one_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert table_name("table:some/where/my.scores.csv").name == "table:my.scores"
    given = table_name("table:Mine 2=~/x.csv")
    assert (given.name, given.path) == ("table:Mine 2", tmp_path / "x.csv")
    (tmp_path / "a=b.csv").write_text("")
    assert table_name(f"table:{tmp_path}/a=b.csv").name == "table:a=b"


def test_one_table_by_any_path_is_one_data_set(folder, monkeypatch):
    assert "3 scores made" in run(f"table:{folder}/one/scores.csv")
    assert "0 scores made" in run("table:one/scores.csv")
    assert "0 scores made" in run(f"table:one/scores.csv,table:{folder}/one/scores.csv")
    shutil.copytree(folder / "one", folder / "copy")
    assert "0 scores made" in run("table:copy/scores.csv")
    exported, _ = benchmark("export")
    assert {line.split(",")[0] for line in exported.splitlines()[1:]} == {"table:scores"}


@pytest.mark.parametrize("output", ["latex", "markdown", "csv", "json"])
def test_no_board_holds_the_path_of_a_table(folder, output):
    run(f"table:{folder}/one/scores.csv")
    board, _ = benchmark("leaderboard", "--format", output)
    assert "scores" in board
    assert str(folder) not in board


def test_a_given_name_is_another_data_set_and_is_asked_for_by_name_or_by_file(folder):
    run("table:one/scores.csv")
    assert "3 scores made" in run("table:mine=one/scores.csv")
    for asked, name in (
        ("table:mine", "table:mine"),
        ("table:mine=one/scores.csv", "table:mine"),
        ("table:one/scores.csv", "table:scores"),
    ):
        exported, _ = benchmark("export", "--dataset", asked)
        assert {line.split(",")[0] for line in exported.splitlines()[1:]} == {name}


def test_two_tables_of_one_name_are_kept_apart_and_named(folder):
    run("table:one/scores.csv")
    shutil.copytree(folder / "one", folder / "two")
    labels(folder / "two", (1, 2, 3))
    messages = run("table:two/scores.csv")
    assert "3 scores made" in messages
    assert "other labels are stored under this name" in messages
    board, _ = benchmark("leaderboard", "--format", "markdown")
    assert "also stored, and left out:" in board
    for asked, sign in (("table:one/scores.csv", ""), ("table:two/scores.csv", "-")):
        board, _ = benchmark("leaderboard", "--format", "csv", "--dataset", asked, "--replicates", "100")
        (value,) = [
            line.split(",srcc,")[1].split(",")[0]
            for line in board.splitlines()
            if ",all,psnr," in line and ",srcc," in line
        ]
        assert value == f"{sign}1"
    with pytest.raises(UserError, match=r"different files of one name, table:scores; give one of them another"):
        run("table:one/scores.csv,table:two/scores.csv")


def test_a_table_that_was_never_scored_is_not_taken_for_another_of_its_name(folder):
    run("table:one/scores.csv")
    shutil.copytree(folder / "one", folder / "two")
    labels(folder / "two", (1, 2, 3))
    with pytest.raises(
        UserError, match=r"no scores of this table are stored: those of table:scores are of other labels"
    ):
        benchmark("leaderboard", "--dataset", "table:two/scores.csv")


def test_a_run_names_the_scores_of_other_metrics_that_a_changed_image_makes_stale(folder):
    run("table:one/scores.csv", "psnr,ssim")
    Image.new("RGB", (20, 20), (9, 9, 9)).save(folder / "one" / "b.png")
    messages = " ".join(run("table:one/scores.csv").split())
    assert "the files of 1 pairs changed since they were scored: b.png" in messages
    assert "scores of other metrics are of what these files were (ssim 1): they are kept, do not count" in messages
    assert "run --dataset table:scores=FILE.csv --metrics ssim" in messages
    exported, _ = benchmark("export", "--metrics", "ssim")
    assert "b.png" in exported
    assert "1 scores made" in run("table:one/scores.csv", "ssim")


def test_scores_are_imported_for_a_table_by_its_name(folder):
    (folder / "theirs.csv").write_text("pair,score\na.png,1\nb.png,2\nc.png,3\n")
    table = f"table:mine={folder}/one/scores.csv"
    _, messages = benchmark(
        "import-scores", "--dataset", table, "--metric", "theirs", "--higher-is-better", "theirs.csv"
    )
    assert "table:mine: 3 scores of theirs" in messages
