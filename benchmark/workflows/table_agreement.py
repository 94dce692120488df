"""A table of scores and labels in, a board out: no image, no store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import published
from benchmark.leaderboard.board import Board
from benchmark.leaderboard.build import board_of
from benchmark.measured import Measured
from benchmark.names import unknown_name
from benchmark.pairs import label_revision
from benchmark.registry import Registry
from benchmark.types import DatasetInfo, LabelStdKind, MetricInfo, Pair, UserError

if TYPE_CHECKING:
    import pandas as pd

LABEL_DIRECTIONS = {"mos": True, "dmos": False}
"""What the name of a column of labels declares by itself, in any letter case: whether higher is better."""


def table_agreement(
    scores: pd.DataFrame | Mapping[str, Sequence[Any]],
    labels: str,
    metrics: Sequence[str],
    *,
    registry: Registry,
    contents: str | None = None,
    distortions: str | None = None,
    labels_higher_is_better: bool | None = None,
    higher_is_better: bool | Mapping[str, bool] | None = None,
    infinite_as: Mapping[str, float] | None = None,
    label_std: str | None = None,
    n_ratings: str | None = None,
    label_std_kind: LabelStdKind = "",
    name: str = "table",
    confidence: float = 0.95,
    **options: Any,
) -> Board:
    """Measure how well columns of scores agree with a column of labels; see `benchmark.api.agreement`."""
    import pandas as pd

    if not 0 < confidence < 1:
        raise UserError(f"confidence: expected a number between 0 and 1, such as 0.95, got {confidence!r}")
    frame = scores if isinstance(scores, pd.DataFrame) else pd.DataFrame(scores)
    if not len(frame):
        raise UserError("scores: expected a table with one row per image, got no rows")
    wanted = [metrics] if isinstance(metrics, str) else list(dict.fromkeys(metrics))
    if not wanted:
        raise UserError("metrics: expected the names of one or more columns of scores, got none")
    columns = [labels, *wanted, *(one for one in (contents, distortions, label_std, n_ratings) if one is not None)]
    for column in columns:
        if column not in frame.columns:
            raise UserError(f"{unknown_name('column', column, map(str, frame.columns))}")
        if list(frame.columns).count(column) > 1:
            raise UserError(
                f"column {column}: stands {list(frame.columns).count(column)} times in the table, expected once"
            )
    values = _numbers(frame, labels)
    missing = [str(row) for row, value in zip(frame.index, values, strict=True) if not math.isfinite(value)]
    if missing:
        raise UserError(
            f"column {labels}: expected a finite label in every row, got none in {len(missing)} (first: row {missing[0]}); "
            f"leave them out, for example frame.dropna(subset=[{labels!r}])"
        )
    info = _dataset(name, labels, values, labels_higher_is_better, label_std_kind, contents)
    groups = _texts(frame, contents) if contents else [str(number) for number in range(len(frame))]
    kinds = _texts(frame, distortions) if distortions else [""] * len(frame)
    spreads = _numbers(frame, label_std) if label_std else [math.nan] * len(frame)
    counts = _numbers(frame, n_ratings) if n_ratings else [math.nan] * len(frame)
    odd = next((count for count in counts if math.isinf(count)), None)
    if odd is not None:
        raise UserError(f"column {n_ratings}: expected whole numbers, got {odd}")
    width = len(str(len(frame)))
    pairs = [
        Pair(
            id=f"{number:0{width}d}",
            distorted=Path(),
            reference=None,
            content=groups[number],
            label=values[number],
            distortion=kinds[number],
            label_std=None if math.isnan(spreads[number]) else spreads[number],
            n_ratings=None if math.isnan(counts[number]) else int(counts[number]),
        )
        for number in range(len(frame))
    ]
    measured = [
        _measured(
            column,
            _numbers(frame, column),
            pairs,
            higher_is_better=_direction(column, higher_is_better, registry),
            infinite_as=_infinite_as(column, infinite_as, registry),
        )
        for column in wanted
    ]
    return board_of(info, label_revision(pairs), pairs, measured, confidence=confidence, **options)


def _dataset(
    name: str,
    labels: str,
    values: Sequence[float],
    declared: bool | None,
    label_std_kind: LabelStdKind,
    contents: str | None,
) -> DatasetInfo:
    higher = (
        LABEL_DIRECTIONS.get(str(labels).lower()) if declared is None else _flag(declared, "labels_higher_is_better")
    )
    if higher is None:
        raise UserError(
            f"column {labels}: its direction is declared, never guessed: labels_higher_is_better=True or False "
            "(columns called mos and dmos declare themselves)"
        )
    note = (
        ""
        if contents
        else "No contents were named: each row counts as a content of its own, which makes intervals too narrow where rows share a picture."
    )
    return DatasetInfo(
        name=name,
        title="a table of scores and labels",
        label_kind=str(labels).upper() if str(labels).lower() in LABEL_DIRECTIONS else str(labels),
        label_higher_is_better=higher,
        label_range=(min(values), max(values)),
        n_pairs=None,
        n_contents=None,
        licence="the table's own",
        url="",
        citation="",
        layout="",
        note=note,
        label_std_kind=label_std_kind,
    )


def _flag(value: Any, name: str) -> bool:
    """A declared direction; raises UserError for anything but True and False, of Python or NumPy."""
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise UserError(f"{name}: expected True or False, got {value!r}")


def _direction(metric: str, declared: bool | Mapping[str, bool] | None, registry: Registry) -> bool:
    """Whether higher scores are better: as declared, else as the registry or published values have it."""
    if declared is not None and not isinstance(declared, Mapping):
        return _flag(declared, "higher_is_better")
    if declared is not None and metric in declared:
        return _flag(declared[metric], f"higher_is_better[{metric!r}]")
    known = {name.lower(): one.info.higher_is_better for name, one in registry.metrics.items()}
    for fact in published.published():
        if fact.dataset in registry.datasets:
            labels_higher = registry.datasets[fact.dataset].info.label_higher_is_better
            known.setdefault(fact.name.lower(), (fact.sign > 0) == labels_higher)
    found = known.get(metric.lower().replace("_", "-"))
    if found is None:
        raise UserError(
            f"metric {metric}: its direction is declared, never guessed: higher_is_better={{{metric!r}: True}} or False"
        )
    return found


def _infinite_as(metric: str, declared: Mapping[str, float] | None, registry: Registry) -> float | None:
    """What infinite scores count as where numbers are needed: as declared, else as the registry's metric of the name."""
    if declared is not None and metric in declared:
        return declared[metric]
    known = registry.metrics.get(metric.lower().replace("_", "-"))
    return None if known is None else known.info.infinite_as


def _measured(
    metric: str,
    values: Sequence[float],
    pairs: Sequence[Pair],
    *,
    higher_is_better: bool,
    infinite_as: float | None,
) -> Measured:
    info = MetricInfo(
        name=metric,
        title=metric,
        version="given",
        tolerance=0.0,
        infinite_as=infinite_as,
        higher_is_better=higher_is_better,
        protocol="Scores as they were given; how they were computed is not known here.",
        library="given",
    )
    scores = {pair.id: value for pair, value in zip(pairs, values, strict=True) if not math.isnan(value)}
    return Measured(info, scores, {pair.id: "the table has no score" for pair in pairs if pair.id not in scores})


def _numbers(frame: pd.DataFrame, column: str) -> list[float]:
    """The column as floats, nan where a cell is missing; raises UserError for a column of anything but numbers."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(frame[column]) or pd.api.types.is_bool_dtype(frame[column]):
        raise UserError(
            f"column {column}: expected numbers, got {frame[column].dtype}, such as {frame[column].iloc[0]!r}; convert it "
            f"first, for example pandas.to_numeric(frame[{column!r}])"
        )
    return [float(value) for value in frame[column].to_numpy(dtype="float64", na_value=math.nan)]


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    missing = frame[column].isna()
    if missing.any():
        raise UserError(f"column {column}: expected a name in every row, got none in {int(missing.sum())}")
    return [str(value) for value in frame[column]]
