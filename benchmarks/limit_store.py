"""How fast scores go into the store, and how long all boards of a full one take."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness
import page
import synthetic_store
from samples import rates, significant, spread

from benchmark.store import SeriesResult, Store

SCORES_PER_SECOND = 20_000
SECONDS = 60
"""What "seconds" means for the boards: less than a minute."""
UNITS, PAIRS, METRICS = 200, 116, 40
"""PIPAL's contents, pairs per content, and a full run's metrics."""


def commits(rounds: int) -> tuple[list[page.Bar], str]:
    """Commit PIPAL, unit by unit, with 4 metrics and with 40."""
    bars = []
    for metrics in (4, METRICS):
        seconds = []
        for number in range(rounds):
            print(f"store with {metrics} metrics, round {number + 1} of {rounds}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                seconds.append(_commit(Path(folder) / "scores.sqlite", metrics))
        rate = rates(UNITS * PAIRS * metrics, seconds)
        bars.append(
            page.Bar(
                f"scores/s committed, one transaction per unit of {PAIRS} pairs x {metrics} metrics",
                f">= {SCORES_PER_SECOND}",
                rate.text(),
                rate.median >= SCORES_PER_SECOND,
            )
        )
    return bars, f"{UNITS} units, in a folder below the working directory; opening the store is not counted.\n"


def _commit(path: Path, metrics: int) -> float:
    pairs = [f"A{i:04d}_00_00.bmp" for i in range(UNITS * PAIRS)]
    with Store(path) as store:
        stored = store.add_dataset(*_dataset())
        series = [
            store.add_series(stored, synthetic_store.MetricInfo(f"m{i}", f"M{i}", "1", True, "none"))
            for i in range(metrics)
        ]
        units = [
            [SeriesResult(one.id, str(unit), dict.fromkeys(pairs[unit * PAIRS :][:PAIRS], 0.5)) for one in series]
            for unit in range(UNITS)
        ]
        start = time.perf_counter()
        for unit in units:
            store.commit_unit(unit)
        return time.perf_counter() - start


def _dataset():
    size = synthetic_store.REAL["live"]
    return synthetic_store.info_of("live", size), synthetic_store.pairs_of("live", size)


def boards(rounds: int) -> tuple[list[page.Bar], str]:
    """Render all boards of 40 metrics and 5 data sets of real size, as the command does it."""
    found: dict[str, list[float]] = {"first": [], "again": []}
    with tempfile.TemporaryDirectory() as made:
        source = Path(made) / "scores.sqlite"
        n_scores = synthetic_store.write(source, metrics=METRICS)
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "scores.sqlite").write_bytes(source.read_bytes())
                for what, seconds in found.items():
                    print(f"boards, {what} time, round {number + 1} of {rounds}", file=sys.stderr)
                    seconds.append(_render(Path(folder)))
    bars = [
        page.Bar(
            f"`leaderboard` of {METRICS} metrics x {len(synthetic_store.REAL)} data sets, 1,000 replicates, {what} time",
            f"seconds (< {SECONDS})",
            f"{spread(seconds).text()} s",
            spread(seconds).median < SECONDS,
        )
        for what, seconds in found.items()
    ]
    return (
        bars,
        f"{significant(n_scores, 6)} scores; the whole command, Markdown of all boards with every distortion.\n",
    )


def _render(folder: Path) -> float:
    command = [
        sys.executable,
        "-m",
        "benchmark",
        "leaderboard",
        "--results",
        str(folder),
        "-o",
        str(folder / "board.md"),
    ]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=harness.users_environment(), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds
