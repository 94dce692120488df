"""Scores of the user's own images, without a data set or a store: one pair, or two folders matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Executor
from benchmark.scoring import Unit, Wanted
from benchmark.types import Pair, Progress, UserError

IMAGE_SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm")
"""Endings of the formats that `benchmark.images` reads."""
UNIT_PAIRS = 16
"""Pairs per work unit, so that several workers share the images of one reference."""


@dataclass(slots=True)
class Scores:
    """Scores by pair and metric, and every reason for a score that is not there."""

    metrics: list[str]
    pairs: list[Pair]
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    """(pair, metric) -> raw score."""
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """(pair, metric) -> reason."""
    unmatched: list[str] = field(default_factory=list)
    """Files that have no partner of the same name."""


def match(distorted: Path, reference: Path | None) -> tuple[list[Pair], list[str]]:
    """Pair up images: file with file, folder with one reference file, or folder with folder by relative name.

    Names match without their suffix (`a.jpg` with `a.png`) when that is unambiguous. Returns the pairs and the files
    without a partner. Raises UserError when a path is missing or nothing matches.
    """
    for path in (distorted, reference):
        if path is not None and not path.exists():
            raise UserError(f"{path}: no such file or folder")
    if distorted.is_file():
        if reference is not None and reference.is_dir():
            raise UserError(f"{reference}: a folder, but {distorted} is one file; give a reference file")
        return [_pair(distorted.name, distorted, reference)], []
    images = _images(distorted)
    if reference is None or reference.is_file():
        return [_pair(name, path, reference) for name, path in images.items()], []
    references = _images(reference)
    by_stem: dict[str, list[str]] = {}
    for name in references:
        by_stem.setdefault(_stem(name), []).append(name)
    pairs, unmatched, used = [], [], set()
    for name, path in images.items():
        same = [name] if name in references else by_stem.get(_stem(name), [])
        if len(same) == 1:
            pairs.append(_pair(name, path, references[same[0]]))
            used.add(same[0])
        else:
            unmatched.append(str(path))
    unmatched += [str(path) for name, path in references.items() if name not in used]
    if not pairs:
        raise UserError(
            f"no image of {distorted} has one of the same name in {reference}; found {first_few(unmatched)}"
        )
    return pairs, unmatched


def without_reference(registry: Registry, metrics: Sequence[str], pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Part `metrics` into those that can score `pairs` and those that need a reference, which the pairs do not have."""
    lacking = [
        name
        for name in metrics
        if registry.metric(name).info.kind == "full-reference" and all(pair.reference is None for pair in pairs)
    ]
    return [name for name in metrics if name not in lacking], lacking


def score(
    registry: Registry,
    metrics: Sequence[str],
    pairs: list[Pair],
    executor: Executor,
    *,
    progress: Progress | None = None,
) -> Scores:
    """Score every pair with every metric; failures come back by name and reason."""
    names = list(dict.fromkeys(metrics))
    for name in names:
        registry.metric(name)
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.content, []).append(pair)
    units = [
        _unit(names, content, group[start : start + UNIT_PAIRS])
        for content, group in groups.items()
        for start in range(0, len(group), UNIT_PAIRS)
    ]
    result, done, total = Scores(names, pairs), 0, len(pairs) * len(names)
    if progress is not None:
        progress(0, total, "scores")
    with closing(executor.results(units)) as outcomes:
        for unit, outcome in outcomes:
            for part in outcome.results:
                metric = names[part.series]
                result.scores.update({(pair, metric): value for pair, value in part.scores.items()})
                result.failures.update({(pair, metric): reason for pair, reason in part.failures.items()})
            for metric, reason in outcome.not_run.items():
                result.failures.update({(pair.id, metric): reason for pair in unit.pairs})
            done += sum(len(part.pairs) for part in unit.wanted)
            if progress is not None:
                progress(done, total, "scores")
    return result


def _unit(metrics: Sequence[str], content: str, pairs: Sequence[Pair]) -> Unit:
    ids = frozenset(pair.id for pair in pairs)
    return Unit(content, tuple(pairs), tuple(Wanted(i, name, ids) for i, name in enumerate(metrics)))


def _pair(name: str, distorted: Path, reference: Path | None) -> Pair:
    return Pair(name, distorted, reference, str(reference or name), label=float("nan"))


def _images(folder: Path) -> dict[str, Path]:
    """Image files below a folder by relative name, sorted."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    }
    if not found:
        raise UserError(f"{folder}: no images; expected files ending in {', '.join(IMAGE_SUFFIXES)}")
    return found


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix().lower()
