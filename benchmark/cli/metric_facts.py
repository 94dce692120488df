"""What is known of a metric, in one order, for every form in which `list` gives it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from functools import cache as cached

from benchmark.costs import Cost, measured
from benchmark.metrics.backends import BackedMetric
from benchmark.metrics.described import Package
from benchmark.metrics.protocol import Metric
from benchmark.registry import Registry
from benchmark.types import MetricInfo
from benchmark.weights import cache
from benchmark.weights.catalogue import WeightsFile, needed_by

NOT_MEASURED = "not measured"
TYPICAL = (384, 512)
"""Height and width, in pixels, of the images whose cost a table shows where there are several."""
COLUMNS = (
    "metric",
    "kind",
    "better",
    "range",
    "library",
    "faster backends",
    "licence",
    "weights",
    "proven by",
    "CPU time",
    "CUDA time",
    "protocol",
)
"""Of the tables; `FORMATS` renders them."""
STATUS = "status"
"""What a metric lacks on this machine; in no page that is committed."""
TIMES = ("CPU time", "CUDA time")
"""Columns that differ from machine to machine."""
FORMATS = ("markdown", "csv", "json")
HEAD = """# Metrics

Written by `python -m benchmark list --format markdown --output results/metrics.md`.

A name is a protocol: another colour space, window or resize is another name. *library* is the implementation that the
values were proven with; *faster backends* agree with it within the metric's tolerance, and the fastest that is installed
is used. *weights*: embedded in this package, or what `python -m benchmark weights fetch METRIC` brings (the size is that
of the download). *proven by*: what the values were compared with, and how near they came;
[calibration.md](calibration.md) has the numbers. *CPU time* and *CUDA time* are per pair, the reference prepared once.
`pyiqa:NAME` runs every other model of pyiqa, with its own weights and by its own word alone.

"""


def better(higher_is_better: bool) -> str:
    """The direction in a word."""
    return "higher" if higher_is_better else "lower"


def score_range(info: MetricInfo) -> str:
    """The declared range of scores."""
    low, high = info.score_range
    return f"{low:g} to {high:g}"


def faster_backends(metric: Metric) -> str:
    """The implementations besides the reference, fastest first."""
    return ", ".join(each.name for each in metric.backends[:-1]) if isinstance(metric, BackedMetric) else ""


def weights(metric: Metric, *, here: bool) -> str:
    """Each file of weights with its size; `here` tells which of those that are not embedded are on this machine."""
    info = metric.info
    files = needed_by(info.name)
    if files:
        return "; ".join(_file(file, here) for file in files)
    if info.library == "pyiqa":
        return "pyiqa's own; fetched when the model is loaded"
    if info.weights_sha256:
        return f"sha256 {info.weights_sha256}"
    return f"none beside the package {package.distribution}" if (package := _package(metric)) else "none"


def times(info: MetricInfo, *, cuda: bool) -> list[str]:
    """What a pair was measured to take, one text per machine and size."""
    return [
        f"{_milliseconds(cost)} for {cost.height} x {cost.width} ({cost.backend}; {_where(cost)})"
        for cost in _costs(info)
        if (cost.device != "cpu") is cuda
    ]


def table(registry: Registry, format: str, columns: Sequence[str] = ()) -> str:
    """All metrics in one of `FORMATS`; without a choice of `columns`, Markdown is a page and the others tell the status."""
    rows = []
    for _, metric in sorted(registry.metrics.items()):
        missing = registry.metric_missing(metric)
        row = {**_row(metric), STATUS: f"needs {missing}" if missing else "ready"}
        rows.append({name: row[name] for name in columns or row})
    if format == "markdown":
        return _markdown(rows, columns) if columns else HEAD + _markdown(rows, COLUMNS) + _measured_on(registry)
    if format == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _package(metric: Metric) -> Package | None:
    """The optional package that a metric is made of, which may carry its parameters."""
    return getattr(metric, "package", None)


@cached
def _costs(info: MetricInfo) -> list[Cost]:
    return measured(info.name, info.version)


def _row(metric: Metric) -> dict[str, str]:
    info = metric.info
    cells = (
        info.name,
        info.kind,
        better(info.higher_is_better),
        score_range(info),
        info.library,
        faster_backends(metric),
        info.licence,
        weights(metric, here=False),
        info.proof,
        *(_typical(info, cuda=cuda) for cuda in (False, True)),
        info.protocol,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _typical(info: MetricInfo, *, cuda: bool) -> str:
    """The time of one pair of typical size, else of the first size that was measured."""
    costs = [cost for cost in _costs(info) if (cost.device != "cpu") is cuda]
    costs.sort(key=lambda cost: (cost.height, cost.width) != TYPICAL)
    if not costs:
        return NOT_MEASURED
    cost = costs[0]
    size = "" if (cost.height, cost.width) == TYPICAL else f" ({cost.height} x {cost.width})"
    return f"{_milliseconds(cost)}{size}"


def _measured_on(registry: Registry) -> str:
    """Which machines and devices the times come from."""
    infos = [metric.info for metric in registry.metrics.values()]
    machines = sorted({_where(cost) for info in infos for cost in _costs(info)})
    height, width = TYPICAL
    return (
        f"\nTimes are for {height} x {width} pixels unless another size stands there: {'; '.join(machines)}.\n"
        if machines
        else ""
    )


def _milliseconds(cost: Cost) -> str:
    return f"{cost.seconds * 1000:.3g} ms"


def _where(cost: Cost) -> str:
    threads = f"{cost.threads} thread{'s' if cost.threads > 1 else ''}"
    return f"{cost.machine}, {threads}" if cost.device == "cpu" else cost.device


def _file(file: WeightsFile, here: bool) -> str:
    size = cache.size_text(file.editions[0].size) if file.editions[0].size else "size not known"
    if file.embedded:
        return f"{size} embedded"
    if here and not cache.missing([file]):
        return f"{file.name} here"
    return f"{file.name} {'to fetch' if file.url else 'to be supplied'}, {size}"


def _markdown(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> str:
    from benchmark.leaderboard.markdown import escape
    from benchmark.leaderboard.markdown import table as lines

    cells = [[f"`{row[name]}`" if name == COLUMNS[0] else escape(row[name]) for name in columns] for row in rows]
    return "\n".join(lines(columns, cells, left=len(columns))) + "\n"
