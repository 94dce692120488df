"""``run``: score what is missing, then show the board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.metrics.backends import FASTEST
from benchmark.registry import Registry
from benchmark.workflows.run import Where
from benchmark.workflows.run import run as run_workflow


def run(
    metrics: options.Metrics = options.DEFAULT_METRICS,
    dataset: options.Datasets = options.DEFAULT_DATASET,
    data_root: options.DataRoot = None,
    split: options.Split = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    device: options.Device = "auto",
    backend: options.Backend = FASTEST,
    executor: options.Executor = options.AUTO,
    background: options.Background = None,
    results_folder: options.Results = Path("results"),
    plugin: options.Plugins = None,
    statistics: options.Statistics = None,
    replicates: options.Replicates = 1000,
    quiet: options.Quiet = False,
    board: Annotated[bool, typer.Option(help="Show the leaderboard when done.")] = True,
    fetch: Annotated[
        bool, typer.Option(help="Fetch the weights that metrics lack; IQA_OFFLINE=1 forbids it everywhere.")
    ] = True,
) -> None:
    """Score a data set with metrics and show how well they agree with people.

    Only what the store lacks is computed: kill it at any time and run the same command again.

    \b
    Examples:
      python -m benchmark run
      python -m benchmark run --metrics psnr,ssim,lpips --workers 2
      python -m benchmark run --dataset tid2013,kadid10k --data-root ~/iqa --metrics all-ready
      python -m benchmark run --dataset table:my/scores.csv --metrics ssim --plugin my_metric.py
      python -m benchmark run --dataset pipal --data-root /shared/iqa --executor dask://10.0.0.5:8786
    """
    only = options.statistic_names(statistics)
    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    where = Where(executor, workers, options.size(memory) if memory else None, device, backend, background)
    result = run_workflow(
        registry,
        options.dataset_names(dataset),
        wanted,
        results_folder,
        where=where,
        data_root=data_root,
        split=split,
        fetch=fetch,
        quiet=quiet,
    )
    if board:
        from benchmark.cli.show import print_board

        print_board(results_folder, registry, result.datasets, wanted, split, replicates, only)
    if not result.complete:
        raise typer.Exit(3)
