"""Measure what the metrics of this project give where others' values are known, and write results/calibration.md.

    python tests/calibration/table.py > results/calibration.md

Values are data beside this file: `official.csv` (the authors' own, on images in ../shared/calibration, which are not
part of this project), `independent.csv` and `codecs.csv` (other libraries' on embedded images), and `comparisons.csv`,
which says how far a metric may be from a source and why. Rows that cannot be measured on this machine say what is missing.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.backends import REFERENCE, load_with
from benchmark.registry import Registry
from benchmark.types import UserError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIVE_KODAK = ROOT / "datasets" / "live_kodak"
SHARED = ROOT.parent / "shared" / "calibration"
INDEPENDENT = ("independent.csv", "codecs.csv")
NO_IMAGES = "not measured: the images, in ../shared/calibration, are not here"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one metric is compared with one source."""

    metric: str
    source: str
    """As in `official.csv`, or the name of a library."""
    grey: bool
    """Both images are first turned into MATLAB's rounded grey, as the authors' scripts do."""
    tolerance: float
    """Largest absolute difference that is accepted."""
    why: str
    """Why no less is asked for, in one clause."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a source says of one pair."""

    metric: str
    source: str
    pair: str
    distorted: Path
    reference: Path
    value: str
    """With the digits that the source gives."""
    version: str = ""
    """Of the library; "" for the authors' own values."""


def comparisons() -> dict[tuple[str, str], Comparison]:
    """By metric and source, in the order of the file."""
    rows = _rows("comparisons.csv")
    found = [Comparison(r["metric"], r["source"], r["grey"] == "yes", float(r["tolerance"]), r["why"]) for r in rows]
    return {(each.metric, each.source): each for each in found}


def known() -> list[Known]:
    """Every value of every source, the authors' first."""
    official = [(SHARED, row["source"], row) for row in _rows("official.csv")]
    independent = [(LIVE_KODAK, row["library"], row) for name in INDEPENDENT for row in _rows(name)]
    return [
        Known(
            row["metric"],
            source,
            Path(row["distorted"]).stem,
            folder / row["distorted"],
            folder / row["reference"],
            row["value"],
            row.get("version", ""),
        )
        for folder, source, row in [*official, *independent]
    ]


def measure(each: Known, comparison: Comparison) -> float:
    """The score of the pair here, on the CPU; raises UserError when the metric or the images are not here."""
    scorer = _scorer(each.metric)
    pair = [_image(path, comparison.grey) for path in (each.distorted, each.reference)]
    distorted, reference = (ImageBatch(rgb[None]) for rgb in pair)
    return float(scorer.score(distorted, scorer.prepare(reference))[0])


def document(*, rows: Sequence[tuple[Known, Comparison, float | str]]) -> str:
    """The whole page, of (value, comparison, score or why there is none)."""
    parts = [(HERE / "calibration.md").read_text(encoding="utf-8")]
    official = [row for row in rows if not row[0].version]
    others = [row for row in rows if row[0].version]
    parts += ["## Summary\n", _summary(rows), "\n## The authors' values, pair by pair\n", _pairs(official)]
    parts += ["\n## Other libraries' values, pair by pair\n", _pairs(others)]
    return "\n".join(parts)


def measured_rows(metrics: Iterable[str] = ()) -> list[tuple[Known, Comparison, float | str]]:
    """Measure every value, or those of some metrics."""
    wanted, by_source = set(metrics), comparisons()
    rows: list[tuple[Known, Comparison, float | str]] = []
    for each in known():
        if wanted and each.metric not in wanted:
            continue
        comparison = by_source[each.metric, each.source]
        try:
            rows.append((each, comparison, measure(each, comparison)))
        except UserError as error:
            rows.append((each, comparison, str(error)))
    return rows


def digits(value: str) -> int:
    """Decimals to print a score with: two more than the source has, up to ten."""
    return min(10, len(value.partition(".")[2]) + 2)


def _summary(rows: Sequence[tuple[Known, Comparison, float | str]]) -> str:
    grouped: dict[tuple[str, str], list[tuple[Known, Comparison, float | str]]] = {}
    for row in rows:
        grouped.setdefault((row[0].metric, _source(row[0])), []).append(row)
    lines = []
    for (metric, source), group in grouped.items():
        comparison = group[0][1]
        scores = [(float(each.value), score) for each, _, score in group if not isinstance(score, str)]
        largest = f"{max(abs(score - value) for value, score in scores):.2g}" if scores else str(group[0][2])
        images = "rounded grey" if comparison.grey else "as they are"
        lines.append(
            (f"`{metric}`", source, str(len(group)), images, largest, f"{comparison.tolerance:g}", comparison.why)
        )
    return _table(
        ("metric", "source", "pairs", "images", "largest difference", "tolerance", "why no less"),
        lines,
        right={2, 4, 5},
    )


def _pairs(rows: Sequence[tuple[Known, Comparison, float | str]]) -> str:
    lines = []
    for each, _, score in rows:
        found = ("", score) if isinstance(score, str) else _numbers(each.value, score)
        lines.append((f"`{each.metric}`", _source(each), each.pair, each.value, *found))
    return _table(("metric", "source", "pair", "value", "measured", "difference"), lines, right={3, 4, 5})


def _numbers(value: str, score: float) -> tuple[str, str]:
    return f"{score:.{digits(value)}f}", f"{score - float(value):+.1e}"


def _source(each: Known) -> str:
    return f"{each.source} {each.version}".strip()


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]], *, right: set[int]) -> str:
    rule = ["--:" if number in right else ":--" for number in range(len(titles))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rule, *lines))


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def _scorer(metric: str) -> Any:
    found = Registry().metric(metric)
    if missing := Registry().metric_missing(found):
        raise UserError(f"not measured: needs {missing.partition(': `')[0]}")
    return load_with(found, "cpu", REFERENCE)[0]


@cache
def _image(path: Path, grey: bool) -> np.ndarray:
    """uint8 RGB, or three times MATLAB's rgb2gray, whose BT.601 luma is that grey again."""
    if not path.exists():
        raise UserError(NO_IMAGES)
    rgb = read_rgb(path)
    if not grey:
        return rgb
    rounded = np.floor(rgb @ [0.298936021293775, 0.587043074451121, 0.114020904255103] + 0.5).astype(np.uint8)
    return np.repeat(rounded[..., None], 3, axis=2)


if __name__ == "__main__":
    sys.stdout.write(document(rows=measured_rows()))
