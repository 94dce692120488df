"""What benchmark scripts write: Markdown with the machine, the versions, the date and the command on top."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "numpy",
    "torch",
    "opencv-python-headless",
    "scikit-image",
    "pillow",
    "frame-analytics",
    "piq",
    "lpips",
    "torchmetrics",
    "pyiqa",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a measurement has to reach."""

    what: str
    bar: str
    measured: str
    met: bool
    cause: str = ""
    """Why it falls short, where it does."""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line breaks in cells are made harmless."""
    lines = [header, ["---"] * len(header), *([str(cell) for cell in row] for row in rows)]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n" for line in lines
    )


def bars(measured: Iterable[Bar]) -> str:
    """The bars as a table: what, bar, measured, met."""
    rows = [
        [one.what, one.bar, one.measured, "yes" if one.met else f"no{': ' if one.cause else ''}{one.cause}"]
        for one in measured
    ]
    return table(["what", "bar", "measured", "met"], rows)


def heading(title: str) -> str:
    """Title, then where, when, with what and by which command this was measured."""
    present = [f"{name} {found}" for name in PACKAGES if (found := installed(name))]
    return (
        f"# {title}\n\n"
        f"- Command: `python {shlex.join([_below_project(sys.argv[0]), *sys.argv[1:]])}`\n"
        f"- Machine: {machine()}; load average at the end {os.getloadavg()[0]:.1f}\n"
        f"- Versions: iqa-benchmark at {_commit()}, Python {platform.python_version()}, {', '.join(present)}\n"
        f"- Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n"
    )


def installed(package: str) -> str:
    """Version of an installed package, or ""."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cores() -> int:
    """How many cores this process, and so every contestant, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Processor, cores that may be used, memory and system, in one line."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in _lines(info) if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{names[0] if names else platform.processor()}, {cores()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []


def _below_project(path: str) -> str:
    root = Path(__file__).resolve().parents[1]
    absolute = Path(path).resolve()
    return str(absolute.relative_to(root)) if absolute.is_relative_to(root) else path


def _commit() -> str:
    """Short hash of the checkout, with a + where tracked files differ from it."""
    root = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "no checkout") + ("+" if changed else "")
