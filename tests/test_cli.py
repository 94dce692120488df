"""The command line: help that teaches, hints for wrong names, exit codes, results on stdout and talk on stderr."""

import re
import shutil

import pytest
from command import benchmark
from conftest import PLUGIN

from benchmark.cli.options import names, size
from benchmark.types import UserError

COMMANDS = ("run", "list", "leaderboard", "score", "import-scores", "export", "gate")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option_and_shows_an_example(command):
    done = benchmark(command, "--help")
    assert done.returncode == 0, done.stderr
    assert f"python -m benchmark {command}" in done.stdout
    options = re.split(r"\n  (?=-)", done.stdout.partition("Options:")[2])[1:]
    for option in options:
        assert len(option.split()) > 4, option


def test_help_tells_the_exit_codes():
    done = benchmark("--help")
    for code in ("0 done", "1 the gate", "2 the request", "3 done but", "130 interrupted"):
        assert code in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--metrics", "lpip"], "unknown metric 'lpip'; did you mean lpips"),
        (["run", "--metrics", ","], "--metrics: expected one or more names"),
        (["run", "--dataset", "tid2103"], "unknown data set 'tid2103'; did you mean tid2013"),
        (["run", "--dataset", "tid2013"], "no data folder given"),
        (["run", "--dataset", "tid2013", "--data-root", "/nowhere"], "/nowhere is not a folder"),
        (["run", "--memory", "much"], "--memory: expected a size such as 800MB"),
        (["run", "--device", "tpu"], "expected auto, cpu, cuda"),
        (["run", "--split", "test:2:1"], "0 < FRACTION < 1"),
        (["run", "--plugin", "none.py"], "plugin none.py: no such file"),
        (["leaderboard"], "run `python -m benchmark run` first"),
        (["leaderboard", "--format", "word"], "--format: expected"),
        (["gate", "--baseline", "none.json"], "no baseline here"),
        (["export"], "run `python -m benchmark run` first"),
    ],
)
def test_what_the_user_can_mend_is_one_message_and_exit_code_2(tmp_path, arguments, message):
    done = benchmark(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_missing_data_set_says_what_it_is_where_to_ask_and_the_folder_it_expects(tmp_path):
    done = benchmark("run", "--dataset", "kadid10k", "--data-root", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    for part in ("what:", "where:", "licence:", "expected under", "dmos.csv"):
        assert part in done.stderr


def test_list_shows_what_is_ready_and_what_needs_data():
    done = benchmark("list", "--verbose")
    assert done.returncode == 0, done.stderr
    assert re.search(r"live-kodak +210 +13 +DMOS +lower +ready", done.stdout)
    assert re.search(r"tid2013 +3,000 +25 +MOS +higher +needs data", done.stdout)
    assert re.search(r"lpips +full-reference +lower +ready", done.stdout)


def test_a_broken_plugin_fails_alone_with_its_reason(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    done = benchmark("list", "--plugin", tmp_path / "broken.py")
    assert done.returncode == 2
    assert "broken.py: ModuleNotFoundError: No module named 'nothing_of_that_name'" in done.stderr


def run(toy, folder, *arguments):
    return benchmark(
        *("run", "--dataset", "toy", "--data-root", toy, "--plugin", PLUGIN, "--results", folder, "--workers", "1"),
        *arguments,
    )


def test_the_board_goes_to_stdout_and_talk_to_stderr(toy, tmp_path):
    done = run(toy, tmp_path, "--metrics", "difference,psnr")
    assert done.returncode == 0, done.stderr
    assert "difference" in done.stdout
    assert "48 scores made" in done.stderr
    assert "scores made" not in done.stdout
    quiet = run(toy, tmp_path, "--metrics", "difference,psnr", "--quiet")
    assert (quiet.returncode, quiet.stderr, quiet.stdout) == (0, "", done.stdout)


def test_failed_pairs_give_exit_code_3_names_and_a_row_that_is_not_ranked(toy, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(toy, root)
    (root / "a" / "1.png").write_bytes(b"")
    done = run(root, tmp_path / "r", "--metrics", "difference,unloadable")
    assert done.returncode == 3
    assert "difference failed on 1 pairs" in done.stderr
    assert "a/1.png: 1.png: cannot be decoded" in done.stderr
    assert "unloadable not run: OSError: no weights here" in done.stderr
    assert "1 failed" in done.stdout
    assert "no weights here" in done.stdout


@pytest.mark.parametrize(
    ("text", "value"), [("800MB", 800_000_000), ("8gb", 8 * 10**9), ("1.5GiB", 3 << 29), ("7", 7), ("2 K", 2000)]
)
def test_sizes_are_read(text, value):
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 e3", "1XB"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(UserError, match="--memory"):
        size(text)


def test_names_are_split_without_repeats():
    assert names(" a, b,a ,", "--metrics") == ["a", "b"]
