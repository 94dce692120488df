"""Scores of the user's own images, without a data set or a store: files, folders matched by name, or images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.arrays import DataRange
from benchmark.filenames import printable
from benchmark.folders import read_folder
from benchmark.output.console import progress as console_progress
from benchmark.pairs import first_few
from benchmark.registry import Registry
from benchmark.runner import Executor, seconds_per_pair
from benchmark.scoring import Unit, Wanted, reason_of
from benchmark.types import MetricInfo, Pair, Progress, UserError
from benchmark.workflows.metric_function import MetricFunction, read_images
from benchmark.workflows.run import Begin, Where

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 60
"""Rows of a table that a notebook shows."""
SHOWN_PROBLEMS = 10
UNIT_PAIRS = 16
"""Pairs per work unit, so that several workers share the images of one reference."""


@dataclass(slots=True, repr=False)
class Scores:
    """Scores by pair and metric, and every reason for a score that is not there."""

    metrics: list[str]
    pairs: list[Pair]
    infos: dict[str, MetricInfo] = field(default_factory=dict)
    """By metric: direction, version, protocol."""
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    """(pair, metric) -> raw score."""
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """(pair, metric) -> reason."""
    warnings: dict[str, str] = field(default_factory=dict)
    """Pair -> what the user should know of its images, though it was scored."""
    unmatched: list[str] = field(default_factory=list)
    """Images that have no partner of the same name."""
    skipped: list[str] = field(default_factory=list)
    """What else is in the folders: a sentence for each kind of file."""
    lacking: list[str] = field(default_factory=list)
    """Metrics that need a reference, where there is none."""

    def to_frame(self) -> pd.DataFrame:
        """Scores and failures, one row per image and metric (`benchmark.frames.OWN_SCORES`)."""
        from benchmark.frames import OWN_SCORES, frame

        rows = (
            {
                "image": pair.id,
                "metric": metric,
                "score": self.scores.get((pair.id, metric)),
                "failure": self.failures.get((pair.id, metric)),
                "higher_is_better": self.infos[metric].higher_is_better,
                "distorted": printable(pair.distorted) if pair.distorted != Path() else "",
                "reference": "" if pair.reference is None else printable(pair.reference),
                "version": self.infos[metric].version,
            }
            for pair in self.pairs
            for metric in self.metrics
        )
        return frame(OWN_SCORES, rows)

    def table(self) -> pd.DataFrame:
        """The scores alone: one row per image, one column per metric."""
        import pandas as pd

        rows = [[self.scores.get((pair.id, metric), float("nan")) for metric in self.metrics] for pair in self.pairs]
        return pd.DataFrame(rows, index=[pair.id for pair in self.pairs], columns=self.metrics)

    def __repr__(self) -> str:
        return f"<scores of {len(self.pairs)} images with {', '.join(self.metrics)}; {len(self.failures)} failed>"

    def __str__(self) -> str:
        return "\n".join([self.table().to_string(), *self.problems()])

    def _repr_html_(self) -> str:
        from html import escape

        problems = self.problems()
        shown = problems[:SHOWN_PROBLEMS] + [f"and {len(problems) - SHOWN_PROBLEMS} more"] * (
            len(problems) > SHOWN_PROBLEMS
        )
        return self.table().to_html(max_rows=SHOWN_ROWS) + "".join(f"<p>{escape(line)}</p>" for line in shown)

    def problems(self) -> list[str]:
        """What was not scored and why, one sentence each."""
        lines = [f"not run: {metric}: it needs a reference" for metric in self.lacking]
        lines += [f"not scored: {path} has no partner of the same name" for path in self.unmatched]
        lines += [f"not scored: {sentence}" for sentence in self.skipped]
        lines += [f"warning: {pair}: {warning}" for pair, warning in self.warnings.items()]
        return lines + [f"failed: {pair}, {metric}: {reason}" for (pair, metric), reason in self.failures.items()]


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
    infos = {name: registry.metric(name).info for name in names}
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.content, []).append(pair)
    units = [
        _unit(names, content, group[start : start + UNIT_PAIRS])
        for content, group in groups.items()
        for start in range(0, len(group), UNIT_PAIRS)
    ]
    result, done, total = Scores(names, pairs, infos), 0, len(pairs) * len(names)
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


def score_matched(
    registry: Registry,
    metrics: Sequence[str],
    matched: Matched,
    *,
    where: Where,
    quiet: bool = False,
) -> Scores:
    """Score pairs of files where `where` says, with the metrics that can; what they lack is in the result.

    Raises UserError when every metric needs a reference that is not there.
    """
    able, lacking = without_reference(registry, metrics, matched.pairs)
    if not able:
        raise UserError(
            f"--reference: {', '.join(lacking)} compare an image with its reference: give --reference PATH, or take "
            "metrics that need none, such as --metrics niqe,brisque"
        )
    begin = Begin(registry, where, able)
    per_pair = seconds_per_pair(None, registry, able)
    with begin, console_progress(quiet) as report:
        executor = begin.executor(len(matched.pairs) * sum(map(per_pair, able)))
        found = score(registry, able, matched.pairs, executor, progress=report)
    found.unmatched, found.skipped, found.lacking = matched.unmatched, matched.skipped, lacking
    return found


def pairs_of_files(distorted: Sequence[str | Path], references: Sequence[str | Path | None]) -> Matched:
    """Pairs of files as they are given; ids are the file names, or the whole paths where names stand twice."""
    files = [Path(path) for path in distorted]
    ids = [file.name for file in files]
    if len(set(ids)) < len(ids):
        ids = [str(file) for file in files]
    if len(set(ids)) < len(ids):
        ids = [f"{number}: {file}" for number, file in enumerate(files)]
    for path in (*files, *(Path(one) for one in references if one is not None)):
        if not path.is_file():
            raise UserError(f"{path}: no such file")
    pairs = [
        _pair(name, file, None if reference is None else Path(reference))
        for name, file, reference in zip(ids, files, references, strict=True)
    ]
    return Matched(_with_ids(pairs))


def score_images(
    registry: Registry,
    metrics: Sequence[str],
    distorted: Any,
    reference: Any,
    *,
    data_range: DataRange = None,
    background: str | None = None,
    device: str = "cpu",
    backend: str = "fastest",
) -> Scores:
    """Score images in memory, in this process; ids are their numbers. A metric that fails is named with its reason.

    Raises UserError for images that do not fit (`benchmark.arrays`).
    """
    images, _ = read_images(distorted, data_range, "distorted", background)
    references: list[Any] = []
    if reference is not None:
        references, several = read_images(reference, data_range, "reference", background)
        if several and len(references) != len(images):
            raise UserError(
                f"reference: expected one, or as many as distorted images, got {len(references)} for {len(images)}"
            )
        references = references if several else references * len(images)
    pairs = [Pair(str(number), Path(), None, str(number), label=float("nan")) for number in range(len(images))]
    infos = {name: registry.metric(name).info for name in dict.fromkeys(metrics)}
    found = Scores(list(infos), pairs, infos)
    found.lacking = [name for name, info in infos.items() if info.kind == "full-reference" and not references]
    found.metrics = [name for name in infos if name not in found.lacking]
    if not found.metrics:
        raise UserError(
            f"reference: {', '.join(found.lacking)} compare an image with its reference: give it, or take metrics that "
            "need none, such as niqe and brisque"
        )
    for name in found.metrics:
        try:
            function = MetricFunction(registry.metric(name), device=device, backend=backend)
        except UserError as error:
            found.failures |= {(pair.id, name): str(error) for pair in pairs}
            continue
        needs = () if function.info.kind == "no-reference" else (references,)
        for number, pair in enumerate(pairs):
            try:
                value = function(images[number], *(each[number] for each in needs))
                if reason := function.info.why_no_score(value):
                    found.failures[pair.id, name] = reason
                else:
                    found.scores[pair.id, name] = value
            except Exception as error:  # a metric may raise anything; the others go on
                found.failures[pair.id, name] = reason_of(error)
    return found


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
