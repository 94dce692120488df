"""How a program ends: its exit codes, streams that cannot be written, and signals from the first moment on."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from command import WIDE, benchmark
from conftest import PLUGIN

from benchmark import ending
from benchmark.ending import BUG, INTERRUPTED, MENDABLE, READER_GONE, REMEDIES, OutputLostError, failed
from benchmark.types import UserError

PROGRAM = [sys.executable, "-m", "benchmark"]


def shell(line, *arguments, cwd=None, environment=None):
    """Run a line of bash in which "$@" stands for the program's words."""
    return subprocess.run(
        ["bash", "-c", line, "bash", *PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **WIDE, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    """A folder with scores of the toy data set."""
    folder = tmp_path_factory.mktemp("results")
    done = benchmark(
        *("run", "--dataset", "toy", "--data-root", toy, "--plugin", PLUGIN, "--results", folder, "--workers", "1"),
        *("--metrics", "difference,psnr", "--quiet"),
    )
    assert done.returncode == 0, done.stderr
    return folder


PRINTING = [
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("list",),
    ("list", "--verbose"),
    ("list", "--format", "csv"),
    ("weights", "list"),
    ("export", "--results", "RESULTS"),
    ("leaderboard", "--results", "RESULTS", "--plugin", PLUGIN),
    ("leaderboard", "--results", "RESULTS", "--plugin", PLUGIN, "--format", "json"),
]


commands = pytest.mark.parametrize("command", PRINTING, ids=lambda command: " ".join(map(str, command[:3])))


def filled(command, results):
    return [results if word == "RESULTS" else word for word in command]


@commands
@pytest.mark.parametrize(
    ("line", "code"),
    [('"$@" > /dev/full', MENDABLE), ('"$@" >&-', MENDABLE), ('"$@" > /dev/null 2>&- <&-', 0)],
    ids=["full", "closed", "others closed"],
)
def test_a_stream_that_cannot_be_used_is_no_bug_and_no_regression(results, command, line, code):
    if "full" in line and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    done = shell(line, *filled(command, results))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if code == MENDABLE:
        assert done.stderr.splitlines()[-1].startswith("error: standard output cannot be written: ")


@commands
def test_a_reader_that_is_gone_ends_the_program_without_a_word(results, command):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        words = [*PROGRAM, *map(str, filled(command, results))]
        done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "weights folder" not in line]) == (
        READER_GONE,
        [],
    )


def test_messages_that_nobody_can_read_do_not_end_the_program(results):
    done = shell('"$@" 2> /dev/full', "leaderboard", "--results", results, "--plugin", PLUGIN)
    assert done.returncode == 0
    assert "difference" in done.stdout


def test_what_a_run_scored_is_kept_when_nobody_reads_its_board(toy, tmp_path):
    arguments = ("run", "--dataset", "toy", "--data-root", toy, "--plugin", PLUGIN, "--results", tmp_path)
    arguments += ("--metrics", "difference", "--workers", "1")
    assert shell('"$@" > /dev/full', *arguments).returncode == MENDABLE
    assert "0 scores made" in benchmark(*arguments).stderr


BUGS = [
    "raise ZeroDivisionError('1 / 0')",
    "raise EOFError('a file that ends early')",
    "raise BrokenPipeError(32, 'a pipe of its own')",
    "raise FileNotFoundError(2, 'no such file', 'x')",
    "raise RuntimeError('\\x1b]0;title\\x07 \\udcff')",
]


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("module", ["benchmark", "asna"])
def test_a_bug_has_a_code_of_its_own_a_traceback_and_a_word(tmp_path, bug, module):
    """The bug is put into a function that a command calls."""
    program, place, command = {
        "benchmark": ("benchmark.cli.app", "benchmark.cli.show.Registry", ["leaderboard"]),
        "asna": ("asna.__main__", "asna.session.evaluate_checkpoint", ["evaluate", "--dataset", "x"]),
    }[module]
    code = f"""
        import {place.rpartition(".")[0]}
        from benchmark.ending import run
        from {program} import app

        def broken(*arguments, **options):
            {bug}

        {place} = broken
        run(lambda: lambda: app({command}))
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == BUG, done.stderr
    assert "Traceback" in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[-1] == ending.REPORT


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), INTERRUPTED),
        (UserError("mend it"), MENDABLE),
        (MemoryError(), MENDABLE),
        *((OSError(number, "refused", "/some/file"), MENDABLE) for number in REMEDIES),
        (OSError(errno.ENOENT, "no such file", "/some/file"), BUG),
        (AssertionError(), BUG),
    ],
    ids=repr,
)
def test_every_error_has_its_code_and_none_is_that_of_a_regression(error, code, capsys):
    assert failed(error) == code
    said = capsys.readouterr().err
    assert said.startswith("error: " if code == MENDABLE else "interrupted" if code == INTERRUPTED else "")
    if isinstance(error, OSError):
        assert "/some/file" in said


def test_a_path_of_any_length_gives_a_message_that_can_be_read(capsys):
    assert failed(OSError(errno.ENAMETOOLONG, "too long", "x" * 10**6)) == MENDABLE
    assert len(capsys.readouterr().err) < 500


def test_lost_output_is_never_taken_for_an_error_of_a_file():
    assert not issubclass(OutputLostError, OSError)


def test_help_tells_every_code():
    text = " ".join(benchmark("--help").stdout.split())
    for code in (BUG, INTERRUPTED, READER_GONE):
        assert f"{code} " in text.partition("Exit codes:")[2]


@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_while_the_program_is_imported_ends_it_with_a_word(tmp_path, ignored):
    """Standing in for the slow import: a program whose loading sends the signal to itself."""
    code = """
        import os, signal, sys
        from benchmark.ending import run

        def load():
            os.kill(os.getpid(), signal.SIGINT)
            return lambda: print("went on")

        run(load)
        """
    prepare = (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignored else None
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
    )
    if ignored:
        assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")
    else:
        assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "interrupted\n")


def test_hardly_anything_is_imported_before_signals_are_answered():
    code = "import sys; before = set(sys.modules); import benchmark.__main__, benchmark.ending; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"dataclasses", "inspect", "pathlib", "rich", "traceback", "typer"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--memory", "9" * 400), "--memory: expected a size such as 800MB or 8GB, got '9999"),
        (("run", "--memory", "9" * 400 + "GB"), "--memory: expected a size"),
        (("run", "--memory", "0"), "--memory: expected a size"),
        (("run", "--memory", "١GB"), "--memory: expected a size"),
        (("run", "--workers", "1000000000"), "Invalid value for '--workers'"),
        (("export", "-o", "~no-such-user/x.csv"), "~no-such-user stands for the home folder"),
        (("run", "--dataset", "table:~no-such-user/x.csv"), "~no-such-user/x.csv"),
        (("leaderboard", "--format", "csv", "-o", "/proc/x.csv", "--results", "RESULTS"), "/proc/x.csv"),
        (("export", "-o", "x" * 300, "--results", "RESULTS"), "longer"),
        (("export", "-o", "/dev/full", "--results", "RESULTS"), "/dev/full: the disk is full"),
    ],
    ids=lambda value: " ".join(map(str, value))[:40] if isinstance(value, tuple) else "",
)
def test_what_nobody_can_have_meant_is_a_user_error(results, arguments, message):
    done = benchmark(*(results if word == "RESULTS" else word for word in arguments))
    assert done.returncode == MENDABLE, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000


def test_too_few_open_files_are_said(toy, tmp_path):
    done = shell(
        'ulimit -n 12; "$@"',
        *("run", "--dataset", "toy", "--data-root", toy, "--plugin", PLUGIN, "--results", tmp_path, "-m", "difference"),
    )
    assert done.returncode == MENDABLE, done.stderr
    assert "ulimit -n" in done.stderr
    assert "Traceback" not in done.stderr
