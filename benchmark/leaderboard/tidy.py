"""A board as tidy CSV, and as JSON that can be read again."""

from __future__ import annotations

import csv
import io
import json
import math
import types
import typing
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from benchmark.files import number, plain
from benchmark.leaderboard.board import SCHEMA, Board, DatasetBoard, Row
from benchmark.types import Agreement, UserError

CSV_COLUMNS = [
    "dataset",
    "revision",
    "subset",
    "metric",
    "version",
    "weights",
    "protocol",
    "statistic",
    "value",
    "low",
    "high",
    "method",
    "n_expected",
    "n_scored",
    "n_failed",
    "n_contents",
    "rank",
    "tie_group",
    "in_sample",
    "reported",
    "note",
]


def csv_table(board: Board) -> str:
    """One row per data set, subset, metric and statistic; a metric that did not run has one row with the reason.

    Empty cells are unknown or undefined; `method` then says why. Values have 10 significant digits. No timings.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for dataset in board.datasets:
        for row in dataset.rows:
            writer.writerows(_tidy_rows(dataset, row))
    if board.overall is not None:
        for place in board.overall.rows:
            writer.writerow(
                {
                    "dataset": "overall",
                    "metric": place.label,
                    "statistic": "mean_rank",
                    "value": _csv_number(place.mean_rank),
                    "rank": place.position,
                    "method": board.overall.rule,
                }
            )
    return out.getvalue()


def _tidy_rows(board: DatasetBoard, row: Row) -> Iterator[dict[str, Any]]:
    metric = row.metric
    facts = {
        "dataset": board.dataset.name,
        "revision": board.revision,
        "metric": metric.name,
        "version": metric.version,
        "weights": metric.weights_sha256,
        "protocol": metric.protocol,
        "in_sample": int(row.in_sample),
    }
    if row.agreement is None:
        yield facts | {"subset": board.subset, "note": f"not run: {row.not_run}"}
        return
    reported = {item.statistic: item.reported for item in row.reported}
    placed = {"rank": "" if row.rank is None else row.rank, "tie_group": row.tie_group}
    for agreement in (row.agreement, *row.by_distortion.values()):
        main = agreement is row.agreement
        for cells in _statistics(agreement):
            extra = placed | {"reported": _csv_number(reported.get(cells["statistic"], math.nan))} if main else {}
            stale = [f"{row.n_stale} stale scores do not count"] if main and row.n_stale else []
            yield facts | cells | extra | {"note": "; ".join([*agreement.warnings, *stale])}


def _statistics(agreement: Agreement) -> Iterator[dict[str, Any]]:
    for name, estimate in agreement.statistics.items():
        yield {
            "subset": agreement.subset,
            "statistic": name,
            "value": _csv_number(estimate.value),
            "low": _csv_number(estimate.low),
            "high": _csv_number(estimate.high),
            "method": estimate.method,
            "n_expected": agreement.n_expected,
            "n_scored": agreement.n_scored,
            "n_failed": agreement.n_failed,
            "n_contents": agreement.n_contents,
        }


def _csv_number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.10g}"


def json_text(board: Board) -> str:
    """Everything on the board, timings too; undefined numbers are null, infinite ones the strings "inf" and "-inf"."""
    return json.dumps(plain(asdict(board)), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def from_json(text: str) -> Board:
    """Read a board that `json_text` wrote; raises UserError for another schema."""
    document = json.loads(text)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise UserError(f"leaderboard JSON: expected schema {SCHEMA}, got {schema}; write it again with this program")
    return _rebuild(Board, document)


def _rebuild(kind: Any, value: Any) -> Any:
    """Turn plain JSON back into `kind`, a dataclass or the type of one of its fields."""
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {entry.name for entry in fields(kind)}
        return kind(**{name: _rebuild(hints[name], item) for name, item in value.items() if name in known})  # type: ignore[operator]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _rebuild(inner, value)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_rebuild(arguments[0], item) for item in value)
        return tuple(_rebuild(argument, item) for argument, item in zip(arguments, value, strict=True))
    if origin is dict:
        return {key: _rebuild(arguments[1], item) for key, item in value.items()}
    if kind is float:
        return number(value)
    return value
