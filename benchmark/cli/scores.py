"""``score`` for the user's own images, and ``import-scores`` for scores that others computed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.filenames import printable
from benchmark.files import plain
from benchmark.images import reading_rules
from benchmark.metrics.backends import FASTEST
from benchmark.output.console import results, say, write
from benchmark.registry import Registry
from benchmark.store import Store, store_path
from benchmark.types import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from benchmark.workflows.score import Matched, Scores

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
        typer.Option(
            "--format",
            help="terminal, csv or json; default by --output's ending. Example: --format json",
            metavar="FORMAT",
        ),
    ] = None,
    output: options.Output = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    device: options.Device = "auto",
    backend: options.Backend = FASTEST,
    executor: options.Executor = options.AUTO,
    background: options.Background = None,
    plugin: options.Plugins = None,
    quiet: options.Quiet = False,
) -> None:
    """Score your own images: one pair, or two folders matched by name. No labels, no store.

    \b
    Examples:
      python -m benchmark score --distorted a.jpg --reference a.png
      python -m benchmark score --distorted out/ --reference originals/ --metrics ssim,lpips --output scores.csv
    """
    from benchmark.files import write_whole
    from benchmark.workflows.run import Where, tell_warnings
    from benchmark.workflows.score import match, score_matched

    chosen = output_format or (output.suffix.lstrip(".").lower() if output else "terminal")
    if chosen not in FORMATS or (output and chosen == "terminal"):
        raise UserError(f"--format: expected csv or json{'' if output else ' or terminal'}, got {chosen!r}")
    registry = Registry(tuple(plugin or ()))
    wanted = options.metric_names(metrics, registry)
    matched = match(distorted, reference)
    where = Where(executor, workers, options.size(memory) if memory else None, device, backend, background)
    try:
        scored = score_matched(registry, wanted, matched, where=where, quiet=quiet)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted: `score` keeps nothing, and nothing was written") from None
    if chosen == "terminal":
        results.print(_table(scored, registry))
    else:
        text = _csv(scored) if chosen == "csv" else _json(scored, matched, background)
        if output:
            write_whole(output, text)
        else:
            write(text)
    if scored.lacking:
        say(f"not run: {', '.join(scored.lacking)}: without --reference there is nothing to compare with")
    for path in matched.unmatched:
        say(f"not scored: {path} has no partner of the same name", quiet=quiet)
    for sentence in matched.skipped:
        say(f"not scored: {sentence}", quiet=quiet)
    tell_warnings(scored.warnings)
    for (pair, metric), reason in scored.failures.items():
        say(f"failed: {pair}, {metric}: {reason}")
    if scored.lacking or matched.unmatched or matched.incomplete or scored.failures:
        raise typer.Exit(3)


def _table(scored: Scores, registry: Registry) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    table.add_column("image", overflow="fold")
    for metric in scored.metrics:
        arrow = "higher is better" if registry.metric(metric).info.higher_is_better else "lower is better"
        table.add_column(Text(f"{metric}\n({arrow})"), justify="right", overflow="fold")
    for pair in scored.pairs:
        cells = (scored.scores.get((pair.id, metric)) for metric in scored.metrics)
        table.add_row(Text(pair.id), *("failed" if cell is None else f"{cell:.6g}" for cell in cells))
    return table


def _csv(scored: Scores) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["distorted", "reference", "metric", "version", "weights", "better", "score", "failure"])
    for pair in scored.pairs:
        for metric in scored.metrics:
            key, info = (pair.id, metric), scored.infos[metric]
            facts = [metric, info.version, info.weights_sha256, "higher" if info.higher_is_better else "lower"]
            found = [scored.scores.get(key, ""), scored.failures.get(key, "")]
            reference = "" if pair.reference is None else printable(pair.reference)
            writer.writerow([printable(pair.distorted), reference, *facts, *found])
    return out.getvalue()


def _json(scored: Scores, matched: Matched, background: str | None) -> str:
    metrics = {
        name: {
            "version": info.version,
            "weights_sha256": info.weights_sha256,
            "higher_is_better": info.higher_is_better,
            "protocol": info.protocol,
        }
        for name, info in scored.infos.items()
    }
    rows = [
        {
            "distorted": printable(pair.distorted),
            "reference": None if pair.reference is None else printable(pair.reference),
            "scores": {m: scored.scores[pair.id, m] for m in scored.metrics if (pair.id, m) in scored.scores},
            "failures": {m: scored.failures[pair.id, m] for m in scored.metrics if (pair.id, m) in scored.failures},
            "warnings": [scored.warnings[pair.id]] if pair.id in scored.warnings else [],
        }
        for pair in scored.pairs
    ]
    found = {
        "schema": 1,
        "reading": reading_rules(background),
        "metrics": metrics,
        "pairs": rows,
        "unmatched": matched.unmatched,
        "skipped": matched.skipped,
    }
    return json.dumps(plain(found), indent=2, allow_nan=False) + "\n"


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
    dataset: options.OneDataset = options.DEFAULT_DATASET,
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
        typer.Option(
            help='One sentence on how the scores were made. Example: --protocol "dssim 3.2, default options"',
            metavar="TEXT",
        ),
    ] = "",
    trained_on: Annotated[
        str | None,
        typer.Option(
            help="Data sets whose labels the metric has seen: its cells there are marked. Example: --trained-on tid2013,kadid10k",
            metavar="NAMES",
        ),
    ] = None,
    infinite_as: Annotated[
        float | None,
        typer.Option(
            help="What an infinite score counts as where a statistic needs finite numbers; without it, its pair fails. "
            "Example: --infinite-as 100",
            metavar="NUMBER",
        ),
    ] = None,
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
    if metric in registry.metrics or metric.startswith("pyiqa:"):
        raise UserError(
            f"--metric {metric}: the program computes that itself; give the imported scores a name of their own"
        )
    seen = options.training_sets(trained_on, registry) if trained_on is not None else []
    chosen = registry.dataset(dataset)
    with Store(store_path(results_folder)) as store:
        series, n_scored, n_missing = store_scores(
            store,
            chosen,
            data_root,
            path,
            metric=metric,
            higher_is_better=higher_is_better,
            pair_column=pair_column,
            score_column=score_column,
            protocol=protocol,
            trained_on=seen,
            infinite_as=infinite_as,
        )
    say(
        f"{chosen.info.name}: {n_scored} scores of {metric} ({series.info.version}) are in {store_path(results_folder)}",
        quiet=quiet,
    )
    if n_missing:
        say(f"{chosen.info.name}: {n_missing} pairs have no score in {path}; the row will be shown as incomplete")
        raise typer.Exit(3)
