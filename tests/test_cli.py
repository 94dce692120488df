"""The command line: help that teaches, hints for wrong names, exit codes, results on stdout and talk on stderr."""

import re
import shutil

import pytest
from command import benchmark
from conftest import PLUGIN

from benchmark.cli.options import dataset_names, metric_names, names, size
from benchmark.registry import Registry
from benchmark.types import UserError

COMMANDS = ("run", "list", "leaderboard", "throughput", "score", "import-scores", "export", "gate")


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
        (["export", "-o", "."], "--output: expected the name of a file, got the folder ."),
        (["export", "-o", ""], "--output: expected the name of a file, got nothing"),
        (["leaderboard", "-o", "/tmp"], "--output: expected the name of a file, got the folder /tmp"),
        (["import-scores", "none.csv", "--metric", "x", "--lower-is-better"], "none.csv: no such file"),
        (["run", "--dataset", "table:my,own/scores.csv"], "a comma separates data sets"),
        (["gate", "--metrics", ""], "--metrics: expected one or more names"),
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
    done = benchmark("list")
    assert done.returncode == 0, done.stderr
    assert re.search(r"live-kodak +210 +13 +DMOS +lower +ready", done.stdout)
    assert re.search(r"tid2013 +3,000 +25 +MOS +higher +needs data", done.stdout)
    assert re.search(r"lpips +full-reference +lower +ready", done.stdout)


@pytest.mark.parametrize("columns", ["80", "", "40"])
@pytest.mark.parametrize("arguments", [["list"], ["list", "--verbose"]])
def test_no_listing_is_cut_whether_narrow_or_piped(columns, arguments):
    done = benchmark(*arguments, environment={"COLUMNS": columns})
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stdout
    whole = "".join(done.stdout.split())
    assert "live-kodak" in whole
    assert ("Artificially" if columns != "40" else "lpips-squeeze") in whole


def test_the_long_listing_tells_every_fact_below_its_name():
    text = benchmark("list", "--verbose", environment={"COLUMNS": "80"}).stdout
    blocks = {block.split("\n")[0]: block for block in text.split("\n\n")}
    for fact in ("protocol:", "direction: lower is better", "range: ", "smallest image: ", "version: ", "licence: "):
        assert f"\n    {fact}" in blocks["lpips"]
    assert "\n    weights: 9.9 MB embedded" in blocks["lpips"]
    assert re.search(r"sha256 of the weights:\s+[0-9a-f]{64}", blocks["lpips"])
    for fact in (
        "title:",
        "pairs: 3000 from 25",
        "label: MOS",
        "url: https",
        "citation:",
        "expected layout:\n        ",
    ):
        assert f"\n    {fact}" in blocks["tid2013"]
    assert re.search(r"status: needs data: .*no data folder", " ".join(blocks["tid2013"].split()))
    assert all(len(line) <= 80 or len(line.split()) == 1 for line in text.splitlines())


def test_help_names_what_an_option_takes_in_words():
    for command in COMMANDS:
        text = benchmark(command, "--help").stdout.partition("Options:")[2]
        assert not re.search(r"<\w+( range)?>", text), text


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


def test_an_export_of_what_is_not_stored_names_the_nearest(toy, tmp_path):
    run(toy, tmp_path, "--metrics", "difference", "--no-board")
    for option, name, near in (("-m", "diference", "difference"), ("-d", "toi", "toy"), ("-m", "psnr", "difference")):
        done = benchmark("export", "--results", tmp_path, option, name)
        assert done.returncode == 2
        assert re.search(rf"unknown stored .*'{name}'; .*{near}", done.stderr)
        assert done.stdout == ""


def test_all_ready_may_stand_among_other_names():
    registry = Registry((PLUGIN,))
    ready = metric_names("all-ready", registry)
    assert metric_names("psnr,all-ready, difference", registry)[0] == "psnr"
    assert set(metric_names("psnr,all-ready", registry)) == set(ready)


def test_a_comma_does_not_cut_the_name_of_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a,b.csv", "plain.csv"):
        (tmp_path / name).write_text("")
    assert dataset_names("tid2013,table:a,b.csv,table:plain.csv,live") == [
        *("tid2013", "table:a,b.csv", "table:plain.csv", "live")
    ]
    assert dataset_names("table:gone,x.csv,live", {"table:gone,x.csv"}) == ["table:gone,x.csv", "live"]
    assert dataset_names("table:~/a,b.csv") == ["table:~/a,b.csv"]
    assert dataset_names("table:x=a,b.csv,live") == ["table:x=a,b.csv", "live"]
    assert dataset_names("table:gone.csv,table:plain.csv") == ["table:gone.csv", "table:plain.csv"]
    with pytest.raises(UserError, match="no such file: my; a comma separates"):
        dataset_names("table:my,files/x.csv")


def test_texts_of_the_user_are_neither_markup_nor_emoji(toy, tmp_path):
    done = run(toy, tmp_path, "--metrics", "difference:warning:[bold]")
    assert "difference:warning:[bold]" in done.stderr
    (tmp_path / "t.csv").write_text("distorted,label\n")
    done = benchmark("run", "--dataset", f"table:{tmp_path}/label:warning:[/x].csv")
    assert f"{tmp_path}/label:warning:[/x].csv" in done.stderr


@pytest.mark.parametrize(
    "ending", ["raise KeyboardInterrupt", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"]
)
def test_an_interrupted_command_ends_with_a_word(tmp_path, ending):
    (tmp_path / "ends.py").write_text(ending)
    done = benchmark("leaderboard", "--plugin", tmp_path / "ends.py")
    assert (done.returncode, done.stderr.strip(), done.stdout) == (130, "interrupted", "")


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


def test_pairs_whose_files_changed_are_named(toy, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(toy, root)
    run(root, tmp_path / "r", "--metrics", "difference", "--no-board")
    shutil.copy(root / "a" / "6.png", root / "a" / "1.png")
    done = run(root, tmp_path / "r", "--metrics", "difference", "--no-board")
    assert "the files of 1 pairs changed since they were scored: a/1.png" in done.stderr
    assert "1 scores made" in done.stderr
