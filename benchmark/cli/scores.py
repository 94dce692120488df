"""``score`` for the user's own images, and ``import-scores`` for scores that others computed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options
from benchmark.cli.run import make_executor
from benchmark.cli.terminal import results, say
from benchmark.registry import Registry
from benchmark.store import Store
from benchmark.types import UserError

FORMATS = ("terminal", "csv", "json")


def score(
    distorted: Annotated[
        Path, typer.Option(help="A distorted image, or a folder of them. Example: --distorted out/", metavar="PATH")
    ],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Its reference, or a folder matched by name. Example: --reference originals/", metavar="PATH"
        ),
    ] = None,
    metrics: options.Metrics = options.DEFAULT_METRICS,
    output_format: Annotated[
        str | None,
        typer.Option("--format", help="terminal, csv or json; default by --output's ending. Example: --format json"),
    ] = None,
    output: options.Output = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    device: options.Device = "auto",
    plugin: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Score your own images: one pair, or two folders matched by name. No labels, no store.

    \b
    Examples:
      python -m benchmark score --distorted a.jpg --reference a.png
      python -m benchmark score --distorted out/ --reference originals/ --metrics ssim,lpips --output scores.csv
    """
    from benchmark import adhoc
    from benchmark.files import write_whole

    chosen = output_format or (output.suffix.lstrip(".").lower() if output else "terminal")
    if chosen not in FORMATS or (output and chosen == "terminal"):
        raise UserError(f"--format: expected csv or json{'' if output else ' or terminal'}, got {chosen!r}")
    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    pairs, unmatched = adhoc.match(distorted, reference)
    scored = adhoc.score(registry, wanted, pairs, make_executor(registry, workers, memory, device))
    if chosen == "terminal":
        results.print(_table(scored, registry))
    else:
        text = _csv(scored) if chosen == "csv" else _json(scored, unmatched)
        if output:
            write_whole(output, text)
        else:
            typer.echo(text, nl=False)
    for path in unmatched:
        say(f"not scored: {path} has no partner of the same name", quiet=quiet)
    for (pair, metric), reason in scored.failures.items():
        say(f"failed: {pair}, {metric}: {reason}")
    if unmatched or scored.failures:
        raise typer.Exit(3)


def _table(scored, registry: Registry):
    from rich.table import Table

    table = Table("image", box=None, header_style="bold")
    for metric in scored.metrics:
        arrow = "higher is better" if registry.metric(metric).info.higher_is_better else "lower is better"
        table.add_column(f"{metric}\n({arrow})", justify="right")
    for pair in scored.pairs:
        cells = (scored.scores.get((pair.id, metric)) for metric in scored.metrics)
        table.add_row(pair.id, *("failed" if cell is None else f"{cell:.6g}" for cell in cells))
    return table


def _csv(scored) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["distorted", "reference", "metric", "score", "failure"])
    for pair in scored.pairs:
        for metric in scored.metrics:
            key = (pair.id, metric)
            writer.writerow(
                [pair.distorted, pair.reference or "", metric, scored.scores.get(key, ""), scored.failures.get(key, "")]
            )
    return out.getvalue()


def _json(scored, unmatched: list[str]) -> str:
    rows = [
        {
            "distorted": str(pair.distorted),
            "reference": None if pair.reference is None else str(pair.reference),
            "scores": {m: scored.scores[pair.id, m] for m in scored.metrics if (pair.id, m) in scored.scores},
            "failures": {m: scored.failures[pair.id, m] for m in scored.metrics if (pair.id, m) in scored.failures},
        }
        for pair in scored.pairs
    ]
    return json.dumps({"schema": 1, "pairs": rows, "unmatched": unmatched}, indent=2) + "\n"


def import_scores(
    path: Annotated[Path, typer.Argument(help="A CSV with one line per pair.", metavar="SCORES.csv")],
    metric: Annotated[
        str, typer.Option(help="Name of the metric on the boards. Example: --metric dssim", metavar="NAME")
    ],
    higher_is_better: Annotated[
        bool | None,
        typer.Option(
            "--higher-is-better/--lower-is-better", help="Direction of the scores: always declared, never guessed."
        ),
    ] = None,
    dataset: options.Datasets = options.DEFAULT_DATASET,
    data_root: options.DataRoot = None,
    pair_column: Annotated[
        str | None,
        typer.Option(help="Column with the pair's id or file name. Example: --pair-column dist_img", metavar="NAME"),
    ] = None,
    score_column: Annotated[
        str | None, typer.Option(help="Column with the score. Example: --score-column DSSIM", metavar="NAME")
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(help='One sentence on how the scores were made. Example: --protocol "dssim 3.2, default options"'),
    ] = "",
    results_folder: options.Results = Path("results"),
    plugin: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Take per-image scores that were computed elsewhere; only the label list is needed, no image.

    \b
    Example:
      python -m benchmark import-scores --dataset tid2013 --data-root ~/iqa --metric dssim --lower-is-better scores.csv
    """
    from benchmark.imported import import_scores as store_scores

    if higher_is_better is None:
        raise UserError("declare the direction of the scores: --higher-is-better or --lower-is-better")
    registry = Registry(tuple(plugin or ()))
    if metric in registry.metrics:
        raise UserError(
            f"--metric {metric}: the program computes that itself; give the imported scores a name of their own"
        )
    with Store(options.store_path(results_folder)) as store:
        series, n_scored, n_missing = store_scores(
            store,
            registry.dataset(dataset),
            data_root,
            path,
            metric=metric,
            higher_is_better=higher_is_better,
            pair_column=pair_column,
            score_column=score_column,
            protocol=protocol,
        )
    say(
        f"{dataset}: {n_scored} scores of {metric} ({series.info.version}) are in {options.store_path(results_folder)}",
        quiet=quiet,
    )
    if n_missing:
        say(f"{dataset}: {n_missing} pairs have no score in {path}; the row will be shown as incomplete")
        raise typer.Exit(3)
