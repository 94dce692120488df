"""Precomputed per-image scores from a CSV into the store: published tables, and metrics whose code is not at hand."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from pathlib import Path

from benchmark.pairs import check_pairs, first_few
from benchmark.store import IMPORTED, Series, SeriesResult, Store
from benchmark.types import Dataset, MetricInfo, Pair, UserError

PAIR_COLUMNS = ("pair", "id", "distorted", "dist_img", "image", "name", "filename")
"""Headers under which the pair's id or file name is looked for, in this order."""


def import_scores(
    store: Store,
    dataset: Dataset,
    data_root: Path | None,
    path: Path,
    *,
    metric: str,
    higher_is_better: bool,
    pair_column: str | None = None,
    score_column: str | None = None,
    protocol: str = "",
) -> tuple[Series, int, int]:
    """Store the scores of `path` as the series of `metric`; return it with how many pairs have a score and how many not.

    The labels come from the data set's label list alone: no image need exist. Rows are matched by pair id, or by file
    name in any letter case. The metric's version is the hash of the scores, so that others are another row.
    Raises UserError for a missing column, a row that matches no pair or one twice, and a score that is not a number.
    """
    pairs = check_pairs(dataset.info, dataset.pairs(data_root, images=False), images=False)
    scores = _read(path, pairs, pair_column, score_column, metric)
    digest = hashlib.sha256(repr((sorted(scores.items()), higher_is_better)).encode()).hexdigest()
    info = MetricInfo(
        name=metric,
        title=metric,
        version=f"{IMPORTED}{digest[:12]}",
        higher_is_better=higher_is_better,
        protocol=protocol or f"Scores imported from {path.name}; how they were computed is not known here.",
        library="imported",
    )
    stored = store.add_dataset(dataset.info, pairs)
    series = store.add_series(stored, info)
    by_content: dict[str, SeriesResult] = {}
    for pair in pairs:
        result = by_content.setdefault(pair.content, SeriesResult(series.id, pair.content))
        score = scores.get(pair.id)
        if score is None:
            result.failures[pair.id] = f"{path.name} has no score for it"
        elif not math.isfinite(score):
            result.failures[pair.id] = f"{metric} is {score}, expected a finite number"
        else:
            result.scores[pair.id] = score
    store.commit_unit(by_content.values())
    n_scored = sum(len(result.scores) for result in by_content.values())
    return series, n_scored, len(pairs) - n_scored


def _read(
    path: Path, pairs: list[Pair], pair_column: str | None, score_column: str | None, metric: str
) -> dict[str, float]:
    """Return score by pair id."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a CSV in UTF-8 ({error})") from error
    if not rows:
        raise UserError(f"{path}: no rows; expected a header and one line per pair, for example pair,score")
    header = [column for column in rows[0] if column]
    named = _column(path, header, pair_column, PAIR_COLUMNS, "--pair-column")
    scored = _column(path, header, score_column, ("score", metric), "--score-column")
    ids = {pair.id.lower(): pair.id for pair in pairs}
    by_name: dict[str, list[str]] = {}
    for pair in pairs:
        by_name.setdefault(pair.distorted.name.lower(), []).append(pair.id)
    scores: dict[str, float] = {}
    unknown, twice, wrong = [], [], []
    for line, row in enumerate(rows, start=2):
        key = (row[named] or "").strip().lower()
        same_name = by_name.get(Path(key).name, [])
        pair_id = ids.get(key) or (same_name[0] if len(same_name) == 1 else None)
        if pair_id is None:
            unknown.append(f"{row[named]!r} (line {line})")
        elif pair_id in scores:
            twice.append(f"{row[named]} (line {line})")
        else:
            try:
                scores[pair_id] = float(row[scored])
            except (TypeError, ValueError):
                wrong.append(f"{row[scored]!r} (line {line})")
    for offenders, what in (
        (unknown, f"rows match no pair, for example expected {pairs[0].id}"),
        (twice, "pairs stand twice"),
        (wrong, "scores are not numbers"),
    ):
        if offenders:
            raise UserError(f"{path}: {len(offenders)} {what}: {first_few(offenders)}")
    return scores


def _column(path: Path, header: list[str], asked: str | None, usual: tuple[str, ...], option: str) -> str:
    """Find a column by the name asked for, else by the usual names, in any letter case."""
    lower = {column.lower(): column for column in header}
    for name in (asked,) if asked else usual:
        if name.lower() in lower:
            return lower[name.lower()]
    expected = asked or " or ".join(usual)
    raise UserError(f"{path}: no column {expected}; found {', '.join(header)}; name it with {option}")
