"""Precomputed per-image scores from a CSV into the store: published tables, and metrics whose code is not at hand."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from benchmark import delimited
from benchmark.filenames import printable
from benchmark.pairs import SHOWN, check_pairs, first_few, shortened
from benchmark.registry import NAME, RESERVED
from benchmark.store import IMPORTED, Series, SeriesResult, Store
from benchmark.types import Dataset, MetricInfo, Pair, UserError

PAIR_COLUMNS = ("pair", "id", "distorted", "dist_img", "image", "name", "filename")
"""Headers under which the pair's id or file name is looked for, in this order."""
MOST_GUESSES = 20_000
"""Pairs among which the nearest to a mistyped one is looked for."""
LONGEST_GUESS = 200
"""Characters of a mistyped one that are looked at."""


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
    trained_on: Sequence[str] = (),
    infinite_as: float | None = None,
) -> tuple[Series, int, int]:
    """Store the scores of `path` as the series of `metric`; return it with how many pairs have a score and how many not.

    The labels come from the data set's label list alone: no image need exist. The file is read by the rules of
    `benchmark.delimited`. Rows are matched by pair id, else by file name, in any letter case and with either slash. The
    metric's version is the hash of the scores, so that others are another row. `trained_on` names the data sets whose
    labels the metric has seen; an infinite score fails its pair, unless `infinite_as` says what it counts as where a
    statistic needs finite numbers.
    Raises UserError for a name that cannot be asked for, a missing column, a row that matches no pair or one twice, and a
    score that is not a number.
    """
    for name in (metric, *trained_on):
        if not re.fullmatch(NAME, name) or name in RESERVED:
            raise UserError(f"the name {shortened(name)!r} cannot be asked for; use letters, digits and . _ + -")
    if infinite_as is not None and not math.isfinite(infinite_as):
        raise UserError(f"infinite_as: expected a finite number, got {infinite_as}")
    pairs = check_pairs(dataset.info, dataset.pairs(data_root, images=False), images=False)
    scores = _read(path, pairs, pair_column, score_column, metric)
    facts = (sorted(scores.items()), higher_is_better, *(() if infinite_as is None else (infinite_as,)))
    info = MetricInfo(
        name=metric,
        title=metric,
        version=f"{IMPORTED}{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}",
        higher_is_better=higher_is_better,
        protocol=protocol or f"Scores imported from {printable(path.name)}; how they were computed is not known here.",
        infinite_as=infinite_as,
        library="imported",
        trained_on=tuple(trained_on),
    )
    stored = store.add_dataset(dataset.info, pairs)
    series = store.add_series(stored, info)
    by_content: dict[str, SeriesResult] = {}
    for pair in pairs:
        result = by_content.setdefault(pair.content, SeriesResult(series.id, pair.content))
        score = scores.get(pair.id)
        if score is None:
            result.failures[pair.id] = f"{printable(path.name)} has no score for it"
        elif reason := info.why_no_score(score):
            result.failures[pair.id] = reason
        else:
            result.scores[pair.id] = score
    store.commit_unit(by_content.values())
    n_scored = sum(len(result.scores) for result in by_content.values())
    return series, n_scored, len(pairs) - n_scored


def _read(
    path: Path, pairs: list[Pair], pair_column: str | None, score_column: str | None, metric: str
) -> dict[str, float]:
    """Return score by pair id."""
    text = delimited.read(path)
    named = _column(text, pair_column, PAIR_COLUMNS, "--pair-column")
    scored = _column(text, score_column, ("score", metric), "--score-column")
    decimal = text.decimal_mark((scored,))
    found = _PairNames(pairs)
    scores: dict[str, float] = {}
    unknown, twice, wrong = [], [], []
    for line, (name, cell) in text.rows((named, scored)):
        pair_id = found.id_of(name)
        if pair_id is None:
            unknown.append((name, line))
        elif pair_id in scores:
            twice.append(f"{name} (line {line})")
        else:
            try:
                scores[pair_id] = delimited.number(cell, "score", decimal=decimal, infinite=True)
            except ValueError as error:
                wrong.append(f"{error} (line {line})")
    explained = [f"{name!r} (line {line}{found.trouble(name)})" for name, line in unknown[:SHOWN]]
    for offenders, what in (
        (explained + unknown[SHOWN:], f"rows match no pair, for example expected {pairs[0].id}"),
        (twice, "pairs stand twice"),
        (wrong, "scores are not numbers"),
    ):
        if offenders:
            raise UserError(f"{path}: {len(offenders)} {what}: {first_few(offenders)}")
    if not scores:
        raise UserError(f"{path}: no rows; expected a header and one line per pair, for example pair,score")
    return scores


class _PairNames:
    """Finds a pair by its id, else by its id in another letter case or with the other slash, else by its file name."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs
        self._ids = {pair.id for pair in pairs}

    def id_of(self, text: str) -> str | None:
        """The id of the one pair that is meant; None where there is none, or several."""
        if text in self._ids:
            return text
        found = self._candidates(text)
        return found[0] if len(found) == 1 else None

    def trouble(self, text: str) -> str:
        """What keeps a text from naming a pair: several that it may be, or a nearest one; "" without either."""
        found = self._candidates(text)
        if len(found) > 1:
            return f", which may be {first_few(found)}"
        known = list(islice(self._by_like, MOST_GUESSES))
        near = difflib.get_close_matches(_like(text)[:LONGEST_GUESS], known, n=1, cutoff=0.8)
        return f", did you mean {self._by_like[near[0]][0]}?" if near else ""

    def _candidates(self, text: str) -> list[str]:
        like = _like(text)
        return self._by_like.get(like) or self._by_name.get(like.rpartition("/")[2], [])

    @cached_property
    def _by_like(self) -> dict[str, list[str]]:
        return self._grouped(lambda pair: _like(pair.id))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._grouped(lambda pair: pair.distorted.name.lower())

    def _grouped(self, key: Callable[[Pair], str]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for pair in self._pairs:
            groups.setdefault(key(pair), []).append(pair.id)
        return groups


def _like(text: str) -> str:
    """An id or path without letter case, with slashes for backslashes, and without a leading ``./``."""
    return text.replace("\\", "/").removeprefix("./").lower()


def _column(text: delimited.DelimitedText, asked: str | None, usual: tuple[str, ...], option: str) -> str:
    """Find a column by the name asked for, else by the usual names, in any letter case."""
    for name in (asked,) if asked else usual:
        if name.strip().lower() in text.keys:
            return name.strip().lower()
    expected = asked or " or ".join(usual)
    raise UserError(f"{text.path}: no column {expected}; found {first_few(text.names)}; name it with {option}")
