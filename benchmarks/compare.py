"""The last stored run of ``pytest --benchmark-autosave`` against the one before it, as ratios.

    pytest tests -o python_files='bench_*.py' -n 0 --benchmark-only --benchmark-autosave
    python benchmarks/compare.py

A ratio is the shortest time now over the shortest time before: 2 is twice as slow. With one stored run there is nothing
to compare yet, and that is said. The exit code is always 0: a busy machine is no failure.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import page
from samples import significant

STORAGE = Path(".benchmarks")
"""Where pytest-benchmark puts its files, below the folder it is run in."""
NOISE = 1.2
"""Ratios nearer to 1 than this are left unmarked."""


@dataclass(frozen=True, slots=True)
class Change:
    """One benchmark in two runs; seconds."""

    name: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """Above 1 is slower than before."""
        return self.now / self.before

    @property
    def mark(self) -> str:
        """In a word, beyond what noise does."""
        return "slower" if self.ratio > NOISE else "faster" if self.ratio < 1 / NOISE else ""


def latest(storage: Path, count: int = 2) -> list[Path]:
    """The newest stored runs, the newest last: by pytest-benchmark's own number, then by time."""
    files = sorted(storage.glob("*/[0-9]*_*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return files[-count:]


def changes(before: dict[str, Any], now: dict[str, Any]) -> tuple[list[Change], list[str], list[str]]:
    """Benchmarks of both runs, the most slowed first; then names that are only in `now`, and only in `before`."""
    old, new = ({one["fullname"]: one["stats"]["min"] for one in run["benchmarks"]} for run in (before, now))
    both = [Change(name, old[name], seconds) for name, seconds in new.items() if name in old]
    return sorted(both, key=lambda one: -one.ratio), sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())


def report(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    both, added, gone = changes(before, now)
    rows = [
        [one.name, f"{significant(1e3 * one.before)}", f"{significant(1e3 * one.now)}", f"{one.ratio:.2f}", one.mark]
        for one in both
    ]
    lines = [
        _of(before, "before"),
        _of(now, "now"),
        "",
        page.table(["benchmark", "before, ms", "now, ms", "now / before", ""], rows),
    ]
    if _machine(before) != _machine(now):
        lines.insert(2, "The two runs are of different machines: the ratios say little of the code.")
    lines += [f"new: {name}" for name in added] + [f"not run now: {name}" for name in gone]
    return "\n".join(lines)


def _machine(run: dict[str, Any]) -> tuple[str, str]:
    facts = run["machine_info"]
    return facts["node"], facts.get("cpu", {}).get("brand_raw", "")


def _of(run: dict[str, Any], which: str) -> str:
    commit = run["commit_info"]
    return (
        f"{which}: {run['datetime'][:19]}, {(commit.get('id') or 'no commit')[:7]}{'+' if commit.get('dirty') else ''}"
    )


def main() -> None:
    """Print the comparison, or say that there is none yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=Path, default=STORAGE)
    given = parser.parse_args()
    stored = latest(given.storage)
    if len(stored) < 2:
        print(f"{len(stored)} stored runs in {given.storage.resolve()}: nothing to compare yet, the next run will")
        return
    print(report(*(json.loads(path.read_text()) for path in stored)))


if __name__ == "__main__":
    main()
