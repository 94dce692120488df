"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from benchmark.registry import Registry
from benchmark.types import UserError

DEFAULT_METRICS = "psnr,ssim,lpips"
DEFAULT_DATASET = "live-kodak"
ALL_READY = "all-ready"

Metrics = Annotated[
    str,
    typer.Option(
        "--metrics",
        "-m",
        help="Metrics, comma-separated, or all-ready. Example: --metrics psnr,ssim,lpips",
        metavar="NAMES",
    ),
]
Datasets = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Data sets, comma-separated; table:FILE.csv for your own. Example: --dataset live-kodak,tid2013",
        metavar="NAMES",
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        envvar="IQA_DATA",
        help="Folder that holds the data sets, one folder each. Example: --data-root ~/iqa (finds ~/iqa/tid2013)",
        metavar="DIR",
    ),
]
Results = Annotated[
    Path,
    typer.Option(
        "--results", envvar="IQA_RESULTS", help="Folder of the score store. Example: --results runs/a", metavar="DIR"
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", help="A Python file with metrics or data sets; repeatable. Example: --plugin my.py", metavar="FILE"
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Worker processes, one thread each; default the cores. Example: --workers 4"),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        help="What all workers together may plan with; default half of the machine. Example: --memory 8GB",
        metavar="SIZE",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device", help="auto takes a CUDA device where there is one. Example: --device cuda:1", metavar="DEVICE"
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="A part of the contents: PART:FRACTION:SEED, or a name of the table's split column. Example: --split test:0.2:7",
        metavar="SPLIT",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages; results and errors only.")]
Replicates = Annotated[
    int,
    typer.Option("--replicates", min=100, help="Bootstrap replicates behind the intervals. Example: --replicates 2000"),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write, whole or not at all; default the terminal. Example: -o board.md",
        metavar="FILE",
    ),
]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def names(text: str, option: str) -> list[str]:
    """Split a comma-separated list, without repeats; raises UserError when it is empty."""
    found = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise UserError(f"{option}: expected one or more names separated by commas, got {text!r}")
    return found


def metric_names(text: str, registry: Registry) -> list[str]:
    """Read --metrics; `all-ready` stands for every metric that can run here."""
    if text == ALL_READY:
        return [name for name, metric in sorted(registry.metrics.items()) if registry.metric_missing(metric) is None]
    found = names(text, "--metrics")
    for name in found:
        registry.metric(name)
    return found


def size(text: str) -> int:
    """Read a number of bytes such as 800MB, 8GB or 2GiB; raises UserError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", text.strip(), re.IGNORECASE)
    if match is None or match[2].upper() not in UNITS:
        raise UserError(f"--memory: expected a size such as 800MB or 8GB, got {text!r}")
    return int(float(match[1]) * UNITS[match[2].upper()])


def store_path(results: Path) -> Path:
    """Where the score store of a results folder lies."""
    return results / "scores.sqlite"
