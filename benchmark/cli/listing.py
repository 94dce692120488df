"""``list``: the metrics and data sets there are, and whether they can be used here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.cli.terminal import results, say
from benchmark.registry import Registry
from benchmark.types import Dataset, DatasetInfo, MetricInfo

if TYPE_CHECKING:
    from rich.table import Table

INDENT = 4
TABLE_ROW = (
    "table:FILE.csv",
    "any",
    "any",
    "declared",
    "declared",
    "yours",
    "Any CSV with distorted, reference, mos or dmos",
)
Facts = list[tuple[str, str]]


def list_names(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Protocols, licences, where data comes from, and why not ready.")
    ] = False,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """List metrics and data sets, and whether they can be used here.

    \b
    Example:
      python -m benchmark list --verbose --data-root ~/iqa
    """
    registry = Registry(tuple(plugin or ()))
    if verbose:
        for name, metric in sorted(registry.metrics.items()):
            _print_block(name, _metric_facts(metric.info, registry.metric_missing(metric)))
        for name, dataset in sorted(registry.datasets.items()):
            _print_block(name, _dataset_facts(dataset.info, dataset.missing(data_root)))
    else:
        results.print(_metric_table(registry))
        results.print(_dataset_table(registry.datasets, data_root))
        say("how what is needed comes here: `python -m benchmark list --verbose`")
    for point, reason in registry.broken.items():
        say(f"not loaded: {point}: {reason}")


def _metric_table(registry: Registry) -> Table:
    rows = []
    for name, metric in sorted(registry.metrics.items()):
        info, missing = metric.info, registry.metric_missing(metric)
        status = f"needs {missing.partition(': `')[0]}" if missing else "ready"
        rows.append((name, info.kind, _better(info.higher_is_better), status, info.title))
    return _table(("metric", "kind", "better", "status", "title"), rows)


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
                _better(info.label_higher_is_better),
                "needs data" if dataset.missing(data_root) else "ready",
                info.title,
            )
        )
    return _table(("data set", "pairs", "contents", "label", "better", "status", "title"), [*rows, TABLE_ROW])


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """A table whose cells wrap and are never cut."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for number, title in enumerate(titles):
        table.add_column(title, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _metric_facts(info: MetricInfo, missing: str | None) -> Facts:
    low, high = info.score_range
    return [
        ("title", info.title),
        ("kind", info.kind),
        ("protocol", info.protocol),
        ("direction", f"{_better(info.higher_is_better)} is better"),
        ("range", f"{low:g} to {high:g}"),
        ("smallest image", f"{info.min_size} x {info.min_size} pixels"),
        ("version", info.version),
        ("library", info.library),
        ("licence", info.licence),
        ("weights", f"sha256 {info.weights_sha256}" if info.weights_sha256 else "none"),
        ("trained on", ", ".join(info.trained_on)),
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
        ("label", f"{info.label_kind}, {low:g} to {high:g}, {_better(info.label_higher_is_better)} is better"),
        ("licence", info.licence),
        ("url", info.url),
        ("citation", info.citation),
        ("expected layout", info.layout),
        ("note", info.note),
        ("status", f"needs data: {missing}" if missing else "ready"),
    ]


def _print_block(name: str, facts: Facts) -> None:
    """The name, and below it the facts that are known, indented; long ones wrap, nothing is cut."""
    from rich.text import Text

    results.print(Text(name, style="bold"), soft_wrap=True)
    for title, text in facts:
        first, *more = (f"{title}: {text}" if "\n" not in text else f"{title}:\n{text}").splitlines()
        lines = [*_wrapped(first, INDENT), *(line for part in more for line in _wrapped(part, 2 * INDENT))]
        for line in lines if text else ():
            results.print(Text(line), soft_wrap=True)
    results.print()


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of the console's width; a word that is longer (a hash, an address) stays whole."""
    return textwrap.wrap(
        text,
        results.width,
        initial_indent=" " * indent,
        subsequent_indent=" " * 2 * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _better(higher_is_better: bool) -> str:
    return "higher" if higher_is_better else "lower"
