"""Scores of the user's own images, without a data set or a store: one pair, or two folders matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.filenames import printable
from benchmark.folders import read_folder
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Executor
from benchmark.scoring import Unit, Wanted
from benchmark.types import Pair, Progress, UserError

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
    warnings: dict[str, str] = field(default_factory=dict)
    """Pair -> what the user should know of its images, though it was scored."""


@dataclass(slots=True)
class Matched:
    """The pairs of two folders, and what of them is no part of a pair."""

    pairs: list[Pair]
    unmatched: list[str] = field(default_factory=list)
    """Images that have no partner of the same name."""
    skipped: list[str] = field(default_factory=list)
    """What else is in the folders: a sentence for each kind of file."""
    incomplete: bool = False
    """Whether images among that are left out: of a format that is not read, or in a folder that cannot be opened."""


def match(distorted: Path, reference: Path | None) -> Matched:
    """Pair up images: file with file, folder with one reference file, or folder with folder by relative name.

    Names match without their suffix (`a.jpg` with `a.png`) when that is unambiguous. Raises UserError when a path is
    missing or nothing matches.
    """
    for path in (distorted, reference):
        if path is not None and not path.exists():
            raise UserError(f"{path}: no such file or folder")
    if distorted.is_file():
        if reference is not None and reference.is_dir():
            raise UserError(f"{reference}: a folder, but {distorted} is one file; give a reference file")
        return Matched([_pair(distorted.name, distorted, reference)])
    folder = read_folder(distorted)
    if reference is None or reference.is_file():
        pairs = [_pair(name, path, reference) for name, path in folder.images.items()]
        return Matched(_with_ids(pairs), [], folder.skipped(), folder.lacks_images)
    references = read_folder(reference)
    by_stem: dict[str, list[str]] = {}
    for name in references.images:
        by_stem.setdefault(_stem(name), []).append(name)
    pairs, unmatched, used = [], [], set()
    for name, path in folder.images.items():
        same = [name] if name in references.images else by_stem.get(_stem(name), [])
        if len(same) == 1:
            pairs.append(_pair(name, path, references.images[same[0]]))
            used.add(same[0])
        else:
            unmatched.append(printable(path))
    unmatched += [printable(path) for name, path in references.images.items() if name not in used]
    if not pairs:
        raise UserError(
            f"no image of {distorted} has one of the same name in {reference}; found {first_few(unmatched)}"
        )
    skipped = folder.skipped() + (references.skipped() if reference.resolve() != distorted.resolve() else [])
    return Matched(_with_ids(pairs), unmatched, skipped, folder.lacks_images or references.lacks_images)


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
            result.warnings.update(outcome.warnings)
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
    return Pair(printable(name), distorted, reference, printable(reference or name), label=float("nan"))


def _with_ids(pairs: list[Pair]) -> list[Pair]:
    """The pairs. Raises UserError when two names are the same once they are written as text."""
    if len({pair.id for pair in pairs}) < len(pairs):
        twice = [pair.id for pair in pairs if r"\x" in pair.id]
        raise UserError(f"names that are not UTF-8 look like others when written: {first_few(twice)}; rename them")
    return pairs


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix().lower()
