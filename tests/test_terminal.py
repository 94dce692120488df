"""What names hold reaches no terminal as it is: neither escape sequences nor anything that hides or turns text."""

import csv
import os
import pty
import re
import shutil
import subprocess
import sys
import threading

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.output.console import SafeConsole
from benchmark.text import visible

TITLE = "\x1b]0;OWNED\x07"
"""Sets a terminal's title."""
HOSTILE = f"{TITLE}\x9b2J\x08\x7f\u202eevil"
"""Also: clear the screen by a C1 control, step back, delete, and write from right to left."""
SHOWN = "\\x1b]0;OWNED\\x9b2J\\x7f\\u202eevil"
"""As it is shown; Rich leaves bells and steps back out."""
FORBIDDEN = re.compile("\x1b\\]|[\x07\x08\x7f-\x9f\u202e]|\x1b\\[2J")
PLUGIN = f"""
from benchmark.plugin import MetricInfo

class Hostile:
    info = MetricInfo("hostile", "title {HOSTILE!r}"[:-1], "1", True, {HOSTILE!r}, licence={HOSTILE!r})

    def load(self, device):
        return self

    def prepare(self, reference):
        return None

    def score(self, distorted, prepared):
        raise ValueError({HOSTILE!r} + "\\udc80\\ud800")

hostile = Hostile()
"""


def on_terminal(*arguments, cwd):
    """Exit code of a program and what it writes to a terminal, to stdout and stderr alike."""
    master, slave = pty.openpty()
    written = []

    def read():
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux's way to say that the other end is closed
                return
            if not part:
                return
            written.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmark", *map(str, arguments)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "COLUMNS": "500", "TERM": "xterm"},
            check=False,
        )
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    return done.returncode, b"".join(written).decode()


@pytest.fixture(scope="module")
def folder(toy, tmp_path_factory):
    """A table of the toy images whose every text is hostile, a plugin of that kind, and scores of both."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = []
    for content in "abcd":
        reference = f"{content}{TITLE}.png"
        shutil.copy(toy / content / "ref.png", folder / reference)
        for level in range(1, 4):
            name = f"{content}{level}{TITLE}.png"
            shutil.copy(toy / content / f"{level}.png", folder / name)
            rows.append((name, reference, 6 - level, f"{content}{HOSTILE}", f"{level}{HOSTILE}"))
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("distorted", "reference", "mos", "content", "distortion"), *rows])
    (folder / "missing.csv").write_text((folder / "table.csv").read_text().replace("a1", "no"))
    (folder / "plugin.py").write_text(PLUGIN)
    code, text = on_terminal(
        *(
            "run",
            "--dataset",
            "table:table.csv",
            "--metrics",
            "psnr,hostile",
            "--plugin",
            "plugin.py",
            "--workers",
            "1",
        ),
        cwd=folder,
    )
    assert code == 3, text
    (folder / "output").write_text(text)
    return folder


COMMANDS = {
    "board": ("leaderboard", "--plugin", "plugin.py"),
    "board of a distortion": ("leaderboard", "--subset", f"distortion=1{HOSTILE}"),
    "markdown": ("leaderboard", "--format", "markdown"),
    "csv": ("leaderboard", "--format", "csv"),
    "export": ("export",),
    "doctor": ("doctor", "dataset", "table:table.csv"),
    "doctor of missing files": ("doctor", "dataset", "table:missing.csv"),
    "doctor of the plugin": ("doctor", "metric", "--plugin", "plugin.py"),
    "listing": ("list", "--plugin", "plugin.py"),
    "long listing": ("list", "--verbose", "--plugin", "plugin.py"),
    "score": ("score", "--distorted", f"a1{TITLE}.png", "--reference", f"a{TITLE}.png", "--metrics", "psnr"),
    "score as csv": (
        *("score", "--distorted", f"a1{TITLE}.png", "--reference", f"a{TITLE}.png", "--metrics", "psnr,hostile"),
        *("--plugin", "plugin.py", "--format", "csv"),
    ),
    "weights": ("weights", "add", f"a1{TITLE}.png"),
    "unknown metric": ("run", "--metrics", HOSTILE),
    "unknown data set": ("run", "--dataset", HOSTILE),
    "missing file": ("import-scores", HOSTILE, "--metric", "x", "--lower-is-better"),
    "missing subset": ("leaderboard", "--subset", f"distortion={HOSTILE}"),
}


def test_a_run_shows_reasons_and_names_as_escapes(folder):
    text = (folder / "output").read_text()
    assert not FORBIDDEN.search(text)
    assert SHOWN in text
    assert "\\x80\\ud800" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_a_text_drive_the_terminal(folder, command):
    code, text = on_terminal(*COMMANDS[command], cwd=folder)
    assert code in (0, 2, 3), text
    assert not FORBIDDEN.search(text), repr(text)
    assert "\\x1b]0;OWNED" in text or command in ("csv", "doctor", "listing", "markdown"), text


def test_what_is_written_to_a_file_is_the_data_as_it_is(folder):
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "export"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert f"1{HOSTILE}" in done.stdout


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2028, 0xD800, 0xDCFF])
def test_every_control_character_but_tab_and_line_end_is_shown(code):
    shown = visible(f"a{chr(code)}b")
    if chr(code) in "\t\n":
        assert shown == f"a{chr(code)}b"
    else:
        assert shown == f"a\\x{code:02x}b" if code < 0x100 else f"a\\u{code:04x}b"
    assert visible(shown) == shown


def test_other_characters_stay_as_they_are():
    text = "Zürich 東京 🎉 \\x1b C:\\new"
    assert visible(text) == text


@pytest.mark.parametrize("thing", [HOSTILE, Text(HOSTILE, style="bold red"), "table"], ids=["str", "text", "table"])
def test_a_console_keeps_its_own_styles_and_shows_controls(thing):
    if thing == "table":
        thing = Table(HOSTILE)
        thing.add_row(HOSTILE)
    safe, plain = (kind(force_terminal=True, color_system="standard", width=200) for kind in (SafeConsole, Console))
    with safe.capture() as shown, plain.capture() as raw:
        safe.print(thing, markup=False) if isinstance(thing, str) else safe.print(thing)
        plain.print(thing, markup=False) if isinstance(thing, str) else plain.print(thing)
    assert FORBIDDEN.search(raw.get()), "the attack is one"
    assert not FORBIDDEN.search(shown.get())
    assert ("\x1b[" in shown.get()) == ("\x1b[" in raw.get())
