"""Peak memory of a run's processes, with few pairs and with many: only what a pair needs by itself may grow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness
import page
from pipal_shape import Shape, make, repeated

SHAPE, TIMES = Shape(20, 100, 16, 16), 10
FEW = SHAPE.contents * SHAPE.distorted
MANY = TIMES * FEW
METRICS = "psnr,ssim"
BYTES_PER_PAIR = 64
"""What "a few bytes" means."""
POLL_SECONDS = 0.02


def measure(rounds: int) -> tuple[list[page.Bar], str]:
    """Peak resident memory of the parent and of its largest worker, at 2,000 and 20,000 pairs of 16 x 16."""
    tables = {FEW: make(SHAPE), MANY: repeated(make(SHAPE), TIMES)}
    peaks: dict[int, list[tuple[int, int]]] = {}
    for number in range(rounds):
        for pairs, table in tables.items():
            print(f"memory of {pairs} pairs, round {number + 1} of {rounds}", file=sys.stderr)
            peaks.setdefault(pairs, []).append(_peaks(table))
    rows, bars = [], []
    causes = {
        "parent": "it holds the label list: id, two paths, label and distortion of every pair",
        "largest worker": "",
    }
    for which, (what, cause) in enumerate(causes.items()):
        few, many = (min(peak[which] for peak in peaks[pairs]) for pairs in (FEW, MANY))
        growth = (many - few) / (MANY - FEW)
        rows.append([what, f"{few / 2**20:.1f}", f"{many / 2**20:.1f}", f"{growth:.0f}"])
        bars.append(
            page.Bar(
                f"{what}: growth of peak memory from {FEW} to {MANY} pairs",
                f"<= {BYTES_PER_PAIR} bytes a pair",
                f"{growth:.0f} bytes a pair",
                growth <= BYTES_PER_PAIR,
                cause,
            )
        )
    text = f"{METRICS}, two workers, `--no-board`; VmHWM, the smallest of {rounds} rounds.\n\n"
    return bars, text + page.table(["process", "MiB with few", "MiB with many", "bytes a pair"], rows)


def _peaks(table: Path) -> tuple[int, int]:
    """Peak resident bytes of the command's process, and of the largest of its children."""
    peaks: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "benchmark",
            "run",
            "--metrics",
            METRICS,
            "--dataset",
            f"table:{table.resolve()}",
        ]
        command += ["--results", folder, "--device", "cpu", "--workers", "2", "--no-board", "--quiet"]
        process = subprocess.Popen(command, cwd=folder, env=harness.users_environment())
        while process.poll() is None:
            for pid in _tree(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), _peak(pid))
            time.sleep(POLL_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    parent = peaks.pop(process.pid)
    return parent, max(peaks.values())


def _tree(pid: int) -> list[int]:
    """The process and all below it, from /proc."""
    found = [pid]
    for each in found:
        try:
            found += [int(child) for child in Path(f"/proc/{each}/task/{each}/children").read_text().split()]
        except OSError:  # it has just ended
            continue
    return found


def _peak(pid: int) -> int:
    """VmHWM in bytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
