"""Run the command line as a user does, in a process of its own."""

import os
import subprocess
import sys

WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONWARNINGS": "error::RuntimeWarning"}


def benchmark(*arguments, cwd=None, environment=None, **options):
    """Return the finished process of ``python -m benchmark ...`` with its output as text."""
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **WIDE, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
