"""``list``: the metrics and data sets there are, and whether they can be used here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.cli.metric_facts import (
    COLUMNS,
    FORMATS,
    NOT_MEASURED,
    STATUS,
    better,
    faster_backends,
    score_range,
    table,
    times,
    weights,
)
from benchmark.metrics.protocol import Metric
from benchmark.output.console import Facts, print_block, results, say, write
from benchmark.output.console import table as terminal_table
from benchmark.registry import Registry
from benchmark.types import Dataset, DatasetInfo, UserError

if TYPE_CHECKING:
    from rich.table import Table

TABLE_ROW = (
    "table:[NAME=]FILE.csv",
    "any",
    "any",
    "declared",
    "declared",
    "yours",
    "Any CSV with distorted, reference, mos or dmos",
)


def list_names(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Protocols, licences, where data comes from, and why not ready.")
    ] = False,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="markdown, csv or json: the metrics as one table, with what each was proven by and what it costs; "
            "default by --output's ending. Example: --format markdown",
            metavar="FORMAT",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Of that table, comma-separated; default all. Example: --columns 'metric,better,proven by'",
            metavar="NAMES",
        ),
    ] = None,
    output: options.Output = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """List metrics and data sets, and whether they can be used here.

    \b
    Examples:
      python -m benchmark list --verbose --data-root ~/iqa
      python -m benchmark list --format markdown --output metrics.md
    """
    registry = Registry(tuple(plugin or ()))
    if output_format or columns or output:
        _write_table(registry, output_format, columns, output)
    elif verbose:
        for name, metric in sorted(registry.metrics.items()):
            print_block(name, _metric_facts(metric, registry.metric_missing(metric)))
        for name, dataset in sorted(registry.datasets.items()):
            print_block(name, _dataset_facts(dataset.info, dataset.missing(data_root)))
    else:
        results.print(_metric_table(registry))
        results.print(_dataset_table(registry.datasets, data_root))
        say("how what is needed comes here: `python -m benchmark list --verbose`")
    for point, reason in registry.broken.items():
        say(f"not loaded: {point}: {reason}")


def _write_table(registry: Registry, output_format: str | None, columns: str | None, output: Path | None) -> None:
    """The metrics in one of `FORMATS`, to a file or to stdout."""
    from benchmark.files import write_whole

    ending = output.suffix.lower().replace(".md", ".markdown")[1:] if output else ""
    chosen = output_format or ending or FORMATS[0]
    if chosen not in FORMATS:
        raise UserError(f"--format: expected {', '.join(FORMATS)}, got {chosen!r}; .md, .csv and .json say which")
    wanted = options.names(columns, "--columns") if columns else []
    known = (*COLUMNS, STATUS)
    for name in wanted:
        if name not in known:
            raise UserError(f"--columns: expected some of {', '.join(known)}, got {name!r}")
    text = table(registry, chosen, wanted)
    if output:
        write_whole(output, text)
    else:
        write(text)


def _metric_table(registry: Registry) -> Table:
    rows = []
    for name, metric in sorted(registry.metrics.items()):
        info, missing = metric.info, registry.metric_missing(metric)
        status = f"needs {missing.partition(': `')[0]}" if missing else "ready"
        rows.append((name, info.kind, better(info.higher_is_better), status, info.title))
    return terminal_table(("metric", "kind", "better", "status", "title"), rows)


def _dataset_table(datasets: dict[str, Dataset], data_root: Path | None) -> Table:
    rows = []
    for name, dataset in sorted(datasets.items()):
        info = dataset.info
        rows.append(
            (
                name,
                f"{info.n_pairs:,}" if info.n_pairs else "any",
                str(info.n_contents or "any"),
                info.label_kind,
                better(info.label_higher_is_better),
                "needs data" if dataset.missing(data_root) else "ready",
                info.title,
            )
        )
    return terminal_table(("data set", "pairs", "contents", "label", "better", "status", "title"), [*rows, TABLE_ROW])


def _metric_facts(metric: Metric, missing: str | None) -> Facts:
    info = metric.info
    cpu, cuda = (times(info, cuda=cuda) or [NOT_MEASURED] for cuda in (False, True))
    return [
        ("title", info.title),
        ("kind", info.kind),
        ("protocol", info.protocol),
        ("direction", f"{better(info.higher_is_better)} is better"),
        ("range", score_range(info)),
        ("smallest image", f"{info.min_size} x {info.min_size} pixels"),
        ("version", info.version),
        ("library", info.library),
        ("faster backends", faster_backends(metric)),
        ("proven by", info.proof),
        ("licence", info.licence),
        ("weights", weights(metric, here=True)),
        ("sha256 of the weights", info.weights_sha256),
        ("trained on", ", ".join(info.trained_on)),
        *(("CPU time per pair", text) for text in cpu),
        *(("CUDA time per pair", text) for text in cuda),
        ("citation", info.citation),
        ("note", info.note),
        ("status", f"needs {missing}" if missing else "ready"),
    ]


def _dataset_facts(info: DatasetInfo, missing: str | None) -> Facts:
    low, high = info.label_range
    counts = f"{info.n_pairs or 'any number of'} from {info.n_contents or 'any number of'} contents"
    return [
        ("title", info.title),
        ("pairs", counts),
        ("label", f"{info.label_kind}, {low:g} to {high:g}, {better(info.label_higher_is_better)} is better"),
        ("licence", info.licence),
        ("url", info.url),
        ("citation", info.citation),
        ("expected layout", info.layout),
        ("note", info.note),
        ("status", f"needs data: {missing}" if missing else "ready"),
    ]
