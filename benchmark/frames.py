"""Scores, agreements, tests, metrics and data sets as pandas frames whose columns are declared.

Each table of columns says for every column what it holds, in which dtype, and in which unit or direction. Pandas is
imported when a frame is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard.board import Board, DatasetBoard, Row
from benchmark.measured import current
from benchmark.names import unknown_name
from benchmark.registry import Registry
from benchmark.store import Store
from benchmark.types import Agreement, DatasetInfo, MetricInfo, UserError

if TYPE_CHECKING:
    import pandas as pd

TEXT, NUMBER, COUNT, FLAG = "string", "float64", "Int64", "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a frame."""

    name: str
    dtype: str
    meaning: str
    """What it holds, with its unit or direction."""


SCORES = (
    Column("dataset", TEXT, "name of the data set"),
    Column("metric", TEXT, "name of the metric: its protocol"),
    Column("version", TEXT, "version of the metric"),
    Column("pair", TEXT, "id of the pair, unique within the data set"),
    Column("content", TEXT, "the reference and everything derived from it"),
    Column("distortion", TEXT, "distortion type; missing when unknown"),
    Column("level", NUMBER, "the data set's own level of the distortion; missing when unknown"),
    Column("label", NUMBER, "the human number, in the data set's unit; direction: label_higher_is_better"),
    Column("score", NUMBER, "the metric's raw number; direction: higher_is_better; missing when it failed"),
    Column("failure", TEXT, "why there is no score; missing when there is one"),
    Column("higher_is_better", FLAG, "the metric's declared direction"),
    Column("label_higher_is_better", FLAG, "the label's declared direction"),
    Column("label_std", NUMBER, "spread of the label, in its unit; missing when unknown"),
    Column("n_ratings", COUNT, "number of ratings behind the label; missing when unknown"),
    Column("split", TEXT, "the data set's own split; missing when it has none"),
    Column("revision", TEXT, "sha256 of ids and labels"),
    Column("weights", TEXT, "sha256 of the metric's weights; empty without weights"),
)
"""One row per pair and metric."""

AGREEMENT = (
    Column("dataset", TEXT, "name of the data set"),
    Column("subset", TEXT, '"all", or a part such as "distortion=jpeg"'),
    Column("metric", TEXT, "name of the metric, with its version where several are shown"),
    Column("version", TEXT, "version of the metric"),
    Column("statistic", TEXT, "srcc, krcc, plcc, rmse, ...; oriented: higher correlation is better"),
    Column("value", NUMBER, "the statistic; missing when undefined, and method says why"),
    Column("low", NUMBER, "lower end of the interval over contents"),
    Column("high", NUMBER, "upper end of the interval over contents"),
    Column("method", TEXT, "how the interval was made, or why something is undefined"),
    Column("n_expected", COUNT, "pairs of the subset"),
    Column("n_scored", COUNT, "pairs with a score"),
    Column("n_failed", COUNT, "pairs that failed"),
    Column("n_contents", COUNT, "contents with a scored pair"),
    Column("rank", COUNT, "by SRCC among complete rows, 1 is best; missing when not ranked"),
    Column("tie_group", TEXT, "metrics that share a letter could not be told apart from the group's leader"),
    Column("in_sample", FLAG, "the metric was trained on labels of this data set"),
    Column("not_run", TEXT, "why the metric did not run; missing when it did"),
)
"""One row per data set, subset, metric and statistic; one row for a metric that did not run."""

METRICS = (
    Column("metric", TEXT, "name: another protocol is another name"),
    Column("title", TEXT, "readable name"),
    Column("kind", TEXT, "full-reference or no-reference"),
    Column("higher_is_better", FLAG, "declared direction of the scores"),
    Column("low", NUMBER, "smallest possible score"),
    Column("high", NUMBER, "largest possible score"),
    Column("version", TEXT, "changes whenever a score may change"),
    Column("library", TEXT, "whose implementation the values were proven with"),
    Column("trained_on", TEXT, "data sets whose labels it has seen, comma-separated"),
    Column("needs", TEXT, "what it lacks to run here; missing when it is ready"),
    Column("protocol", TEXT, "what fixes its value"),
    Column("licence", TEXT, "licence of code and weights"),
)
"""One row per metric; the index is the metric's name."""

DATASETS = (
    Column("dataset", TEXT, "name"),
    Column("title", TEXT, "readable name"),
    Column("n_pairs", COUNT, "number of pairs; missing where any number is right"),
    Column("n_contents", COUNT, "number of contents; missing where any number is right"),
    Column("label", TEXT, "kind of label: MOS, DMOS, Elo, ..."),
    Column("label_higher_is_better", FLAG, "declared direction of the labels"),
    Column("low", NUMBER, "smallest possible label"),
    Column("high", NUMBER, "largest possible label"),
    Column("needs", TEXT, "why it cannot be used from the given folder; missing when it can"),
    Column("licence", TEXT, "licence as its authors give it"),
    Column("url", TEXT, "where to ask for it"),
)
"""One row per data set."""

TESTS = (
    Column("dataset", TEXT, "name of the data set"),
    Column("first", TEXT, "name of a metric"),
    Column("second", TEXT, "name of another metric"),
    Column("statistic", TEXT, "which statistic is compared"),
    Column("difference", NUMBER, "statistic of the first minus that of the second; positive: the first agrees better"),
    Column("low", NUMBER, "lower end of the interval of the difference"),
    Column("high", NUMBER, "upper end of the interval of the difference"),
    Column("p", NUMBER, "two-sided p-value of the paired test over contents; missing when it cannot be tested"),
    Column("p_holm", NUMBER, "p, corrected by Holm's method over all tests of the table"),
    Column("method", TEXT, "how it was tested, or why it could not be"),
)
"""One row per two metrics."""

OWN_SCORES = (
    Column("image", TEXT, "name of the distorted image, or its number"),
    Column("metric", TEXT, "name of the metric: its protocol"),
    Column("score", NUMBER, "the metric's raw number; direction: higher_is_better; missing when it failed"),
    Column("failure", TEXT, "why there is no score; missing when there is one"),
    Column("higher_is_better", FLAG, "the metric's declared direction"),
    Column("distorted", TEXT, "path of the image; missing for images in memory"),
    Column("reference", TEXT, "path of its reference; missing without one"),
    Column("version", TEXT, "version of the metric"),
)
"""One row per image and metric, of images that belong to no data set."""

STORED = (
    Column("dataset", TEXT, "name of the data set"),
    Column("revision", TEXT, "sha256 of ids and labels"),
    Column("metric", TEXT, "name of the metric"),
    Column("version", TEXT, "version of the metric"),
    Column("weights", TEXT, "sha256 of the metric's weights; empty without weights"),
    Column("n_scored", COUNT, "pairs with a score"),
    Column("n_failed", COUNT, "pairs that failed when last tried"),
    Column("not_run", TEXT, "why the metric did not run; missing when it did"),
    Column("backends", TEXT, "which implementations made the scores; missing where that is not on record"),
)
"""One row per stored series of scores."""

COSTS = (
    Column("metric", TEXT, "name of the metric"),
    Column("seconds_per_pair", NUMBER, "mean processor time per pair in seconds, decoding apart"),
)
"""One row per metric that was timed."""


def frame(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a frame of these columns and dtypes; `frame.attrs["columns"]` says what each column means."""
    import pandas as pd

    made = list(rows)
    table = pd.DataFrame(
        {
            column.name: pd.Series([_missing(row.get(column.name), column) for row in made], dtype=column.dtype)
            for column in columns
        }
    )
    table.attrs["columns"] = {column.name: column.meaning for column in columns}
    return table


def _missing(value: Any, column: Column) -> Any:
    """None and "" are missing; texts of a column that may be empty stay."""
    import pandas as pd

    if value is None or (value == "" and column.name not in ("weights", "version")):
        return float("nan") if column.dtype == NUMBER else pd.NA
    return value


def scores_frame(
    store: Store,
    registry: Registry | None = None,
    *,
    datasets: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    all_versions: bool = False,
) -> pd.DataFrame:
    """Per-pair scores and failures of a store: `SCORES`.

    Of several versions of a metric, or revisions of a data set, those count that a board would show; with
    `all_versions` all of them.
    """
    known = {name: metric.info for name, metric in registry.metrics.items()} if registry else {}
    latest = {stored.info.name: stored for stored in store.datasets()}
    chosen = store.datasets() if all_versions else list(latest.values())
    if datasets is not None:
        for name in datasets:
            if not store.find(name):
                raise UserError(
                    f"{unknown_name('stored data set', name, latest)}; only what was run or imported is here"
                )
        chosen = [one for name in datasets for one in (store.find(name) if all_versions else store.find(name)[-1:])]
    if metrics is not None:
        there = {series.info.name for stored in chosen for series in store.series(stored)}
        for name in metrics:
            if name not in there:
                raise UserError(f"{unknown_name('stored metric', name, there)}; run it first")

    def rows() -> Iterator[dict[str, Any]]:
        for stored in chosen:
            pairs = store.pairs(stored)
            for one in current(store, stored, known, all_versions=all_versions):
                if metrics is not None and one.info.name not in metrics:
                    continue
                for pair in pairs:
                    if pair.id not in one.scores and pair.id not in one.failures:
                        continue
                    yield {
                        "dataset": stored.info.name,
                        "metric": one.info.name,
                        "version": one.info.version,
                        "pair": pair.id,
                        "content": pair.content,
                        "distortion": pair.distortion,
                        "level": pair.level,
                        "label": pair.label,
                        "score": one.scores.get(pair.id),
                        "failure": one.failures.get(pair.id),
                        "higher_is_better": one.info.higher_is_better,
                        "label_higher_is_better": stored.info.label_higher_is_better,
                        "label_std": pair.label_std,
                        "n_ratings": pair.n_ratings,
                        "split": pair.split,
                        "revision": stored.revision,
                        "weights": one.info.weights_sha256,
                    }

    return frame(SCORES, rows())


def agreement_frame(board: Board) -> pd.DataFrame:
    """The statistics of a board: `AGREEMENT`."""
    return frame(
        AGREEMENT, (row for dataset in board.datasets for one in dataset.rows for row in _agreement(dataset, one))
    )


def _agreement(board: DatasetBoard, row: Row) -> Iterator[dict[str, Any]]:
    facts = {
        "dataset": board.dataset.name,
        "metric": row.label,
        "version": row.metric.version,
        "in_sample": row.in_sample,
    }
    if row.agreement is None:
        yield facts | {"subset": board.subset, "not_run": row.not_run}
        return
    placed = {"rank": row.rank, "tie_group": row.tie_group}
    yield from (facts | placed | cells for cells in _statistics(row.agreement))
    for agreement in row.by_distortion.values():
        yield from (facts | cells for cells in _statistics(agreement))


def _statistics(agreement: Agreement) -> Iterator[dict[str, Any]]:
    for name, estimate in agreement.statistics.items():
        yield {
            "subset": agreement.subset,
            "statistic": name,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "method": estimate.method,
            "n_expected": agreement.n_expected,
            "n_scored": agreement.n_scored,
            "n_failed": agreement.n_failed,
            "n_contents": agreement.n_contents,
        }


def metrics_frame(registry: Registry) -> pd.DataFrame:
    """Every metric by name: `METRICS`."""

    def row(info: MetricInfo, needs: str | None) -> dict[str, Any]:
        low, high = info.score_range
        facts = {name: getattr(info, name) for name in ("title", "kind", "higher_is_better", "version", "library")}
        return facts | {
            "metric": info.name,
            "low": low,
            "high": high,
            "trained_on": ", ".join(info.trained_on),
            "needs": needs,
            "protocol": info.protocol,
            "licence": info.licence,
        }

    found = sorted(registry.metrics.items())
    return frame(METRICS, (row(metric.info, registry.metric_missing(metric)) for _, metric in found))


def datasets_frame(registry: Registry, missing: Callable[[Any], str | None]) -> pd.DataFrame:
    """Every data set by name: `DATASETS`; `missing` says why one cannot be used."""

    def row(info: DatasetInfo, needs: str | None) -> dict[str, Any]:
        low, high = info.label_range
        return {
            "dataset": info.name,
            "title": info.title,
            "n_pairs": info.n_pairs,
            "n_contents": info.n_contents,
            "label": info.label_kind,
            "label_higher_is_better": info.label_higher_is_better,
            "low": low,
            "high": high,
            "needs": needs,
            "licence": info.licence,
            "url": info.url,
        }

    found = sorted(registry.datasets.items())
    return frame(DATASETS, (row(dataset.info, missing(dataset)) for _, dataset in found))
