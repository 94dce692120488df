"""The data of a throughput report, what every format renders; and the arithmetic from timings to rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmark.costs import Cost

SCHEMA = 1
"""Version of the report's JSON, raised when a field changes its meaning."""
Reuse = Literal["once", "each", "none"]
"""Whether the reference was prepared once for all calls, for each pair anew, or the metric takes none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a number of equal calls took. Seconds; nan where nothing was measured."""

    calls: int = 0
    warm_up_calls: int = 0
    """Calls before the timed ones, whose timings were discarded."""
    warm_up_seconds: float = 0.0
    latency_median: float = math.nan
    """Of one call, by the clock."""
    latency_p95: float = math.nan
    processor_median: float = math.nan
    """Processor time of one call, of all threads."""
    processor_p95: float = math.nan
    per_second: float = math.nan
    """Calls per second of the timed calls together, by the clock."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric on one size of image and one size of batch: a call scores `batch` pairs of decoded images."""

    metric: str
    version: str
    backend: str
    height: int
    width: int
    batch: int
    reference: Reuse
    timing: Timing = field(default_factory=Timing)
    peak_memory: int | None = None
    """Bytes that the calls took at their peak above what the loaded metric and its input images hold; None: unknown."""
    failure: str = ""
    """Why nothing was measured."""

    @property
    def pairs_per_second(self) -> float:
        """Of one thread, by the clock."""
        return self.batch * self.timing.per_second

    @property
    def megapixels_per_second(self) -> float:
        """Millions of distorted pixels per second."""
        return self.pairs_per_second * self.height * self.width / 1e6

    @property
    def processor_per_pair(self) -> float:
        """Median processor seconds per pair."""
        return self.timing.processor_median / self.batch

    @property
    def latency_per_pair(self) -> float:
        """Median seconds per pair, by the clock."""
        return self.timing.latency_median / self.batch


@dataclass(frozen=True, slots=True)
class Decoding:
    """What reading one image file takes, apart from all metrics."""

    kind: str
    """"BMP", "PNG" or "JPEG"."""
    height: int
    width: int
    file_size: int
    """Bytes."""
    timing: Timing = field(default_factory=Timing)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and with what it was measured."""

    cpu: str
    cores: int
    """That this process may use."""
    load: float
    """Mean number of processes that ran or waited in the minute before; nan where the system does not tell."""
    system: str
    python: str
    libraries: dict[str, str]
    """Versions by distribution."""
    device: str
    """"cpu", or the name of the CUDA device."""
    threads: int
    date: str
    """UTC, to the minute."""

    @property
    def name(self) -> str:
        """ "AMD EPYC, 2 cores": what costs are told apart by."""
        return f"{self.cpu}, {self.cores} cores"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one measurement found."""

    machine: Machine
    images: str
    """What the input was."""
    rules: str
    """How it was measured."""
    cells: tuple[Cell, ...]
    decoding: tuple[Decoding, ...]
    program: str
    schema: int = SCHEMA

    @property
    def failures(self) -> dict[str, str]:
        """Reasons by metric (or "decode KIND") and size, of what could not be measured; a reason common to all once."""
        found = {f"decode {one.kind} {one.height}x{one.width}": one.failure for one in self.decoding if one.failure}
        reasons: dict[str, dict[str, str]] = {}
        for cell in self.cells:
            if cell.failure:
                place = f"{cell.metric} {cell.height}x{cell.width} batch {cell.batch}"
                reasons.setdefault(cell.metric, {})[place] = cell.failure
        for metric, by_place in reasons.items():
            all_failed = all(cell.failure for cell in self.cells if cell.metric == metric)
            same = all_failed and len(set(by_place.values())) == 1
            found |= {metric: next(iter(by_place.values()))} if same else by_place
        return found


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of `values` lie, linear between neighbours; nan for no values.

    As numpy's default (Hyndman and Fan 1996, definition 7).
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def summarise(
    *,
    clock: Sequence[float],
    processor: Sequence[float],
    warm_up: Sequence[float] = (),
) -> Timing:
    """Turn the seconds of single calls, by the clock and of the processor, into a timing."""
    total = sum(clock)
    return Timing(
        calls=len(clock),
        warm_up_calls=len(warm_up),
        warm_up_seconds=sum(warm_up),
        latency_median=percentile(clock, 50),
        latency_p95=percentile(clock, 95),
        processor_median=percentile(processor, 50),
        processor_p95=percentile(processor, 95),
        per_second=len(clock) / total if total else math.nan,
    )


def costs(report: Report) -> list[Cost]:
    """The cost of each metric and size that was measured a pair at a time, as `benchmark.costs` keeps it.

    Processor time on the CPU; time by the clock on a device, where the processor waits.
    """
    machine, on_cpu = report.machine, report.machine.device == "cpu"
    single = [cell for cell in report.cells if cell.batch == 1 and not cell.failure]
    alone = {(cell.metric, cell.height, cell.width): cell for cell in single if cell.reference == "each"}
    found = []
    for cell in single:
        if cell.reference == "each":
            continue
        each = alone.get((cell.metric, cell.height, cell.width), cell)
        timing = cell.timing
        found.append(
            Cost(
                metric=cell.metric,
                version=cell.version,
                backend=cell.backend,
                device=machine.device,
                machine=machine.name,
                threads=machine.threads,
                height=cell.height,
                width=cell.width,
                seconds=_rounded(timing.processor_median if on_cpu else timing.latency_median),
                seconds_alone=_rounded(each.timing.processor_median if on_cpu else each.timing.latency_median),
                p95=_rounded(timing.processor_p95 if on_cpu else timing.latency_p95),
                peak_memory=cell.peak_memory or 0,
                n=timing.calls,
            )
        )
    return found


def _rounded(seconds: float) -> float:
    """Four significant digits: more is noise."""
    return float(f"{seconds:.4g}")
