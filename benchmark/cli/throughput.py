"""``throughput``: what metrics cost, and what one gets for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.files import expanded
from benchmark.metrics.backends import FASTEST
from benchmark.output.console import progress, results, say
from benchmark.registry import Registry
from benchmark.types import UserError

if TYPE_CHECKING:
    from benchmark.leaderboard.board import DatasetBoard
    from benchmark.throughput.report import Report

DEFAULT_SIZE = "384x512"
TABLES = (".csv", ".md", ".json")
FIGURES = (".svg", ".png", ".pdf")

Sizes = Annotated[
    str,
    typer.Option(
        "--size",
        help="Sizes of the images as HEIGHTxWIDTH in pixels, comma-separated. Example: --size 288x288,1080x1920",
        metavar="SIZES",
    ),
]
Batches = Annotated[
    str,
    typer.Option(
        "--batch",
        help="Distorted images that are scored in one call, comma-separated. Example: --batch 1,8",
        metavar="NUMBERS",
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--seconds",
        min=0.0,
        max=3600.0,
        help="Time for the timed calls of each row of the table; three calls are made at least. Example: --seconds 5",
        metavar="SECONDS",
    ),
]
Repeats = Annotated[
    int | None,
    typer.Option(
        "--repeats", min=1, help="Make exactly so many timed calls per row instead. Example: --repeats 20", metavar="N"
    ),
]
Tables = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write beside the table in the terminal, by its ending .csv, .md or .json; repeatable. "
        "Example: -o cost.csv -o cost.md",
        metavar="FILE",
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--figure",
        help="Draw agreement against cost, with the Pareto front, to an .svg, .png or .pdf: of the first size and the "
        "smallest batch. Example: --figure cost.svg",
        metavar="FILE",
    ),
]
FigureDataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="The data set whose stored scores give the figure its SRCC. Example: --dataset tid2013",
        metavar="NAME",
    ),
]
SaveCosts = Annotated[
    Path | None,
    typer.Option(
        "--save-costs",
        help="Put the cost of each metric and size into this table, in place of what the same machine measured before. "
        "Example: --save-costs benchmark/costs.csv",
        metavar="FILE",
    ),
]


def throughput(
    metrics: options.Metrics = options.DEFAULT_METRICS,
    size: Sizes = DEFAULT_SIZE,
    batch: Batches = "1",
    device: options.Device = "auto",
    backend: options.Backend = FASTEST,
    seconds: Seconds = 2.0,
    repeats: Repeats = None,
    output: Tables = None,
    figure: Picture = None,
    dataset: FigureDataset = options.DEFAULT_DATASET,
    results_folder: options.Results = Path("results"),
    save_costs: SaveCosts = None,
    plugin: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure what metrics cost: pairs and megapixels per second, latency, processor time, and memory.

    Each metric is measured in a process of its own with one thread, on embedded photographs, with the reference
    prepared once and for each pair; decoding is timed apart. Measure on an idle machine.

    \b
    Examples:
      python -m benchmark throughput --metrics psnr,ssim,lpips
      python -m benchmark throughput --metrics lpips --size 288x288,1080x1920 --batch 1,8 -o lpips.csv
      python -m benchmark throughput --metrics all-ready --figure cost.svg --dataset live-kodak --results results
      python -m benchmark throughput --metrics ssim --backend reference --repeats 20
    """
    from benchmark.costs import save
    from benchmark.executors import resolve_device
    from benchmark.files import write_whole
    from benchmark.throughput.measure import Task
    from benchmark.throughput.meters import Budget
    from benchmark.throughput.render import RENDERERS
    from benchmark.throughput.report import costs
    from benchmark.throughput.session import measure
    from benchmark.throughput.terminal import TerminalReport
    from benchmark.workflows.run import check_backend

    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    check_backend(backend, registry)
    tables = [_file(path, "--output", TABLES) for path in output or ()]
    picture = _file(figure, "--figure", FIGURES) if figure else None
    batches = batch_sizes(batch)
    if save_costs:
        _check_costs(save_costs, batches)
    task = Task(
        plugins=registry.plugins,
        sizes=image_sizes(size),
        batches=batches,
        device=resolve_device(device),
        backend=backend,
        budget=Budget(seconds, repeats),
    )
    board = _board(results_folder, registry, dataset) if picture else None
    with progress(quiet) as report:
        found = measure(registry, wanted, task, report)
    results.print(TerminalReport(found))
    for path in tables:
        write_whole(path, RENDERERS[path.suffix.lower()](found))
    if save_costs:
        save(save_costs, costs(found))
    if picture and board:
        _draw(picture, found, board)
    if found.failures:
        raise typer.Exit(3)


def image_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Read --size: (height, width) in pixels, each once; raises UserError for anything else."""
    found = []
    for name in options.names(text, "--size"):
        match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", name.lower())
        if match is None:
            raise UserError(f"--size: expected HEIGHTxWIDTH in pixels such as 384x512, got {name!r}")
        found.append((int(match[1]), int(match[2])))
    return tuple(dict.fromkeys(found))


def batch_sizes(text: str) -> tuple[int, ...]:
    """Read --batch: numbers of images, each once; raises UserError for anything else."""
    found = []
    for name in options.names(text, "--batch"):
        if not re.fullmatch(r"[1-9]\d{0,3}", name):
            raise UserError(f"--batch: expected numbers from 1 to 9999 separated by commas, got {name!r}")
        found.append(int(name))
    return tuple(dict.fromkeys(found))


def _file(path: Path, option: str, endings: tuple[str, ...]) -> Path:
    """Check the name of a file to write, before any work is done."""
    path = expanded(path)
    if path.is_dir() or path.suffix.lower() not in endings:
        raise UserError(f"{option}: expected a file ending in {', '.join(endings)}, got {str(path)!r}")
    return path


def _board(results_folder: Path, registry: Registry, dataset: str) -> DatasetBoard:
    """The agreements on one data set from the store."""
    from benchmark.leaderboard.build import build
    from benchmark.store import Store, store_path

    with Store(store_path(results_folder), readonly=True) as store:
        board = build(store, registry, datasets=[dataset], by_distortion=False)
    return board.datasets[0]


def _check_costs(path: Path, batches: tuple[int, ...]) -> None:
    """Raise UserError, before any work is done, when costs could not be put into this table."""
    from benchmark.costs import read

    if 1 not in batches:
        raise UserError("--save-costs: costs are those of a pair at a time; expected 1 among --batch")
    if path.exists():
        read(path)


def _draw(path: Path, report: Report, board: DatasetBoard) -> None:
    from benchmark.files import write_whole
    from benchmark.throughput.figure import draw, scene

    shown = scene(report, board)
    write_whole(path, draw(shown, path.suffix.lower()))
    for name, reason in shown.left_out.items():
        say(f"{path.name}: {name} left out: {reason}")
