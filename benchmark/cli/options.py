"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from benchmark import api
from benchmark.files import expanded
from benchmark.names import known_name, unknown_name
from benchmark.registry import Registry
from benchmark.table_names import TABLE, is_table, table_name
from benchmark.types import UserError

DEFAULT_METRICS = ",".join(api.DEFAULT_METRICS)
DEFAULT_DATASET = api.DEFAULT_DATASET
ALL_READY = "all-ready"
MOST_WORKERS = 1024
"""More than any one machine has use for: a slip of the keyboard."""
MOST_BYTES = 2**60
"""More memory than there is in any machine."""

Metrics = Annotated[
    str,
    typer.Option(
        "--metrics",
        "-m",
        help="Metrics, comma-separated; all-ready stands for all that can run here. Example: --metrics psnr,ssim,lpips",
        metavar="NAMES",
    ),
]
Datasets = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Data sets; a comma separates; table:FILE.csv for your own, table:NAME=FILE.csv to name it. "
        "Example: --dataset live-kodak,tid2013",
        metavar="NAMES",
    ),
]
OneDataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="The one data set that the scores belong to; table:FILE.csv for your own, table:NAME=FILE.csv to name it. "
        "Example: --dataset tid2013",
        metavar="NAME",
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
    typer.Option(
        "--workers",
        min=1,
        max=MOST_WORKERS,
        help="Worker processes, one thread each; default the cores. Example: --workers 4",
        metavar="N",
    ),
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
Executor = Annotated[
    str,
    typer.Option(
        "--executor",
        help="auto takes this process for small work, else local processes; inline is this process (for breakpoint() in a "
        "plugin), dask a Dask cluster of this machine, or the address of a Dask scheduler, whose workers must see the images "
        "under the same paths. Example: --executor dask://10.0.0.5:8786",
        metavar="auto|inline|local|dask|ADDRESS",
    ),
]
AUTO = "auto"
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        help="fastest takes the quickest implementation that is installed, reference the one that each metric was proven "
        "with; or a name such as opencv or piq, for the metrics that have it: the others take their fastest. They agree within "
        "each metric's tolerance. Example: --backend reference",
        metavar="NAME",
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        "--background",
        help="What transparent images are composed on, in sRGB code values: white, black or R,G,B; without it they are "
        "refused. Example: --background white",
        metavar="COLOUR",
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


def _few_enough(replicates: int) -> int:
    """Read --replicates; raises UserError for more than memory holds, before any work is done."""
    from benchmark.agreement import check_replicates

    check_replicates(replicates)
    return replicates


Replicates = Annotated[
    int,
    typer.Option(
        "--replicates",
        min=100,
        callback=_few_enough,
        help="Bootstrap replicates behind the intervals. Example: --replicates 2000",
        metavar="N",
    ),
]
Statistics = Annotated[
    str | None,
    typer.Option(
        "--statistics",
        help="Only these, beside SRCC; the board names what was left out. Example: --statistics krcc,plcc",
        metavar="NAMES",
    ),
]


def output_file(text: str) -> Path:
    """Read --output; raises UserError for a folder, before any work is done."""
    path = expanded(text)
    if not text.strip() or path.is_dir():
        what = "nothing" if not text.strip() else f"the folder {text}"
        raise UserError(f"--output: expected the name of a file, got {what}; for example -o {path / 'scores.csv'}")
    return path


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write, whole or not at all; default the terminal. Example: -o board.md",
        metavar="FILE",
        parser=output_file,
    ),
]

SHOWN_CHARACTERS = 60
"""Of a text that was not understood."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def names(text: str, option: str) -> list[str]:
    """Split a comma-separated list, without repeats; raises UserError when it is empty."""
    return _some(text.split(","), text, option)


def _some(pieces: Iterable[str], text: str, option: str) -> list[str]:
    """The pieces that are not empty, each once."""
    found = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if not found:
        raise UserError(f"{option}: expected one or more names separated by commas, got {text!r}")
    return found


def statistic_names(text: str | None) -> list[str] | None:
    """Read --statistics, None without it; raises UserError for a name that is no statistic."""
    if text is None:
        return None
    from benchmark.statistics import STATISTICS

    found = names(text, "--statistics")
    for name in found:
        if name not in STATISTICS:
            raise unknown_name("statistic", name, STATISTICS)
    return found


def metric_names(text: str, registry: Registry) -> list[str]:
    """Read --metrics; `all-ready`, alone or among others, stands for every metric that can run here."""
    found: list[str] = []
    for name in names(text, "--metrics"):
        if name == ALL_READY:
            found += [one for one, metric in sorted(registry.metrics.items()) if not registry.metric_missing(metric)]
        else:
            registry.metric(name)
            found.append(name)
    return list(dict.fromkeys(found))


def dataset_names(text: str, stored: Collection[str] = ()) -> list[str]:
    """Read --dataset. A comma separates, unless it belongs to the name of a table that is a file or is `stored`.

    Raises UserError when a table is cut at a comma.
    """
    pieces, found = text.split(","), []
    while pieces:
        joined = [",".join(pieces[:n]).strip() for n in range(1, len(pieces) + 1)]
        length = next((n for n, name in enumerate(joined, 1) if _is_table(name, stored)), 1)
        found.append(joined[length - 1])
        rest = pieces[length:]
        if rest and found[-1].startswith(TABLE) and not _is_table(found[-1], stored) and _part_of_path(rest[0]):
            raise UserError(
                f"--dataset: no such file: {table_name(found[-1]).path}; a comma separates data sets, so {rest[0]!r} "
                "was read as the next one, and there is no file of the whole name either"
            )
        pieces = rest
    return _some(found, text, "--dataset")


def training_sets(text: str, registry: Registry) -> list[str]:
    """Read --trained-on, in any letter case. Names of data sets that are not here are taken too, unless nearly one that is.

    Raises UserError with the nearest known name.
    """
    known = set(registry.datasets).union(*(metric.info.trained_on for metric in registry.metrics.values()))
    try:
        return [known_name(name, known) for name in names(text, "--trained-on")]
    except ValueError as error:
        raise UserError(f"--trained-on: {error}") from error


def _part_of_path(text: str) -> bool:
    return not text.startswith(TABLE) and ("/" in text or text.strip().lower().endswith(".csv"))


def _is_table(name: str, stored: Collection[str]) -> bool:
    return is_table(name) and (name in stored or os.path.isfile(table_name(name).path))


def size(text: str) -> int:
    """Read a number of bytes such as 800MB, 8GB or 2GiB; raises UserError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", text.strip(), re.IGNORECASE | re.ASCII)
    found = float(match[1]) * UNITS.get(match[2].upper(), math.nan) if match else math.nan
    if not 1 <= found <= MOST_BYTES:
        raise UserError(f"--memory: expected a size such as 800MB or 8GB, got {shortened(text)!r}")
    return int(found)


def shortened(text: str) -> str:
    """`text`, or its beginning where it is too long to be shown."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
