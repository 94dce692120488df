"""The figure of agreement against cost: one dot per metric, the Pareto front marked. The same bytes from the same points."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import DatasetBoard
from benchmark.throughput.pareto import pareto_front
from benchmark.throughput.report import Report
from benchmark.types import Estimate, UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png", ".pdf")
FRONT, REST = "#b2182b", "#7f7f7f"
INCHES, DPI = (10.0, 7.0), 150
ROOM = 0.01
"""Room above the highest and below the lowest bar, in SRCC."""
LABEL_STEPS = ((6, 3), (6, -9), (-6, 3), (-6, -9), (0, 9), (0, -15), (10, 12), (10, -18), (-10, 12), (-10, -18))
"""Where a label may stand, in points from its dot; the first place that is free is taken."""


@dataclass(frozen=True, slots=True)
class Point:
    """One metric in the figure."""

    label: str
    seconds: float
    """Per pair, with the reference prepared once."""
    srcc: Estimate
    in_sample: bool = False
    """The metric was trained on labels of this data set: shown, and no part of the front."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The points of one figure, and what its title and axes say."""

    points: tuple[Point, ...]
    left_out: dict[str, str]
    """Why, by metric."""
    title: str
    cost: str
    agreement: str
    notes: str
    """How the vertical bars were made, and what marks mean."""


def scene(report: Report, board: DatasetBoard) -> Scene:
    """Join costs with agreements: of the first size of the report, and of its smallest batch.

    Metrics that were not measured, or whose row on the board is incomplete or undefined, are left out with the reason.
    Raises UserError when none is left.
    """
    measured = [cell for cell in report.cells if cell.reference != "each"]
    first = report.decoding[0] if report.decoding else measured[0]
    size = (first.height, first.width)
    batch = min(cell.batch for cell in measured)
    rows = {row.metric.name: row for row in board.rows}
    points, left_out = [], {}
    for cell in measured:
        if (cell.height, cell.width, cell.batch) != (*size, batch):
            continue
        row = rows.get(cell.metric)
        if cell.failure:
            left_out[cell.metric] = cell.failure
        elif row is None or row.not_run or not row.complete or math.isnan(row.value("srcc")):
            run = f"no complete scores; run `python -m benchmark run --metrics {cell.metric}` first"
            left_out[cell.metric] = (row.not_run if row else "") or run
        else:
            seconds = cell.processor_per_pair if report.machine.device == "cpu" else cell.latency_per_pair
            srcc = row.agreement.statistics["srcc"] if row.agreement else Estimate(math.nan)
            points.append(Point(cells.name(row), seconds, srcc, row.in_sample))
    if not points:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise UserError(f"--figure: no metric has both a cost and an agreement ({reasons})")
    kind = "processor" if report.machine.device == "cpu" else "device"
    where = report.machine.name if report.machine.device == "cpu" else report.machine.device
    return Scene(
        points=tuple(points),
        left_out=left_out,
        title=f"Agreement with people on {board.dataset.name} against cost per pair\n"
        f"{where}, {report.machine.threads} thread\n{size[0]}x{size[1]} pixels (height x width), "
        + ("a pair at a time" if batch == 1 else f"batches of {batch}"),
        cost=f"{kind} seconds per pair, reference prepared once (log scale) \N{LEFTWARDS ARROW} cheaper is better",
        agreement=f"SRCC on {board.dataset.name} \N{RIGHTWARDS ARROW} higher is better",
        notes=board.interval.partition(" (")[0]
        + (f"\n{cells.IN_SAMPLE_SENTENCE} Not on the front." if any(point.in_sample for point in points) else ""),
    )


def draw(shown: Scene, suffix: str) -> bytes:
    """Draw a scene as SVG, PNG or PDF (".svg", ...), without a date in it."""
    import matplotlib

    style: Any = {"svg.hashsalt": "iqa-benchmark", "font.size": 9, "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(matplotlib.rcParamsDefault), matplotlib.rc_context(style):
        figure = _figure(shown)
        file = io.BytesIO()
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        figure.savefig(file, format=suffix.removeprefix("."), dpi=DPI, metadata=undated.get(suffix))
    return file.getvalue()


def _figure(shown: Scene) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(figure)  # measures the labels, whatever the file's format
    axes = figure.add_subplot()
    points = shown.points
    gains = [math.nan if point.in_sample else point.srcc.value for point in points]
    front = pareto_front(costs=[point.seconds for point in points], gains=gains)
    chosen = set(front)
    for i, point in enumerate(points):
        colour = FRONT if i in chosen else REST
        if not math.isnan(point.srcc.low):
            axes.vlines(point.seconds, point.srcc.low, point.srcc.high, color=colour, alpha=0.45, linewidth=1)
        fill = "white" if point.in_sample else colour
        axes.plot(point.seconds, point.srcc.value, "o", color=colour, markerfacecolor=fill, markersize=5, zorder=3)
    axes.step(
        [points[i].seconds for i in front],
        [points[i].srcc.value for i in front],
        where="post",
        color=FRONT,
        linewidth=1.2,
        label="Pareto front (bold): no other metric is both cheaper and better",
    )
    axes.set_xscale("log")
    axes.set_xlim(min(point.seconds for point in points) / 2, max(point.seconds for point in points) * 4)
    ends = [
        end for point in points for end in (point.srcc.low, point.srcc.value, point.srcc.high) if not math.isnan(end)
    ]
    axes.set_ylim(min(ends) - ROOM, min(1.0, max(ends) + ROOM))
    axes.set_title(shown.title, fontsize=11)
    axes.set_xlabel(shown.cost)
    figure.supxlabel(shown.notes, fontsize=7)
    axes.set_ylabel(shown.agreement)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    _label(axes, points, chosen)
    return figure


def _label(axes: Any, points: Sequence[Point], front: Iterable[int]) -> None:
    """Name every dot, those on the front first and in bold; a label takes the first place that no other one covers."""
    bold = set(front)
    figure = axes.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    dots = [axes.transData.transform((point.seconds, point.srcc.value)) for point in points]
    taken: list[Any] = []
    for i in sorted(range(len(points)), key=lambda i: (i not in bold, -points[i].srcc.value, points[i].label)):
        text = axes.annotate(
            points[i].label,
            (points[i].seconds, points[i].srcc.value),
            LABEL_STEPS[0],
            textcoords="offset points",
            color=FRONT if i in bold else "#333333",
            fontweight="bold" if i in bold else "normal",
            fontsize=9 if i in bold else 8,
        )
        free = None
        for x, y in LABEL_STEPS:
            text.set_ha("left" if x > 0 else "right" if x < 0 else "center")
            text.set_position((x, y))
            box = text.get_window_extent(renderer)
            covered = any(box.overlaps(other) for other in taken) or any(
                box.contains(*dot) for j, dot in enumerate(dots) if j != i
            )
            if not covered:
                free = box
                break
        taken.append(free or text.get_window_extent(renderer))
