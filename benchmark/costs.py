"""What metrics cost on the machines where they were measured: the packaged table `costs.csv`, read and written here.

`python -m benchmark throughput --metrics all-ready --size 384x512,288x288 --save-costs benchmark/costs.csv` makes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path

from benchmark import delimited
from benchmark.files import write_whole
from benchmark.pairs import first_few
from benchmark.types import UserError

COSTS = Path(__file__).with_name("costs.csv")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one metric costs for one size of image, in one thread of one machine, a pair at a time."""

    metric: str
    version: str
    """The metric's version; costs of another version say nothing of this one."""
    backend: str
    """The library that computed it."""
    device: str
    """"cpu", or the name of the CUDA device."""
    machine: str
    """Name of the CPU and number of cores."""
    threads: int
    height: int
    width: int
    seconds: float
    """Median per pair with the reference prepared once: processor time on the CPU, time by the clock on a device."""
    seconds_alone: float
    """The same with the reference prepared for each pair."""
    p95: float
    """95th percentile of what `seconds` is the median of."""
    peak_memory: int
    """Bytes above those of the loaded metric: resident memory on the CPU, the device's own on a device; 0: unknown."""
    n: int
    """Calls behind `seconds`."""


def measured(metric: str, version: str) -> list[Cost]:
    """Return the packaged costs of a metric in this version, in the order of the file; none where none was measured."""
    return [cost for cost in _packaged(COSTS) if (cost.metric, cost.version) == (metric, version)]


@cache
def _packaged(path: Path) -> tuple[Cost, ...]:
    return tuple(read(path))


def read(path: Path) -> list[Cost]:
    """Read a table of costs, in file order; raises UserError for a file that is not one."""
    try:
        table = delimited.read(path)
        if table.names != COLUMNS:
            raise ValueError(f"expected the columns {', '.join(COLUMNS)}, got {first_few(table.names)}")
        rows = table.rows(COLUMNS)
        return [Cost(*(_TYPES[name](cell) for name, cell in zip(COLUMNS, row, strict=True))) for _, row in rows]
    except (UserError, ValueError) as error:
        raise UserError(f"{path}: not a table of costs ({error}); `throughput --save-costs` makes one") from error


def save(path: Path, new: Sequence[Cost]) -> None:
    """Put `new` costs into a table of costs, sorted; the file is made when it is not there.

    They take the place of what was measured of the same metrics on the same device, machine and size, whatever
    their version and backend were.
    """
    replaced = {_place(cost) for cost in new}
    kept = [cost for cost in read(path) if _place(cost) not in replaced] if path.exists() else []
    write_whole(path, text(sorted([*kept, *new], key=astuple)))


def text(costs: Iterable[Cost]) -> str:
    """The table as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(cost) for cost in costs)
    return file.getvalue()


def _place(cost: Cost) -> tuple[str, str, str, int, int]:
    return cost.metric, cost.device, cost.machine, cost.height, cost.width


COLUMNS = tuple(field.name for field in fields(Cost))
_TYPES = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Cost)}
