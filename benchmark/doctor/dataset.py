"""Checks of a data set: labels, contents, files, sizes, duplicates, and the direction of the labels.

Each finding names the first few offenders. Nothing is written; images are decoded once each.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.doctor.finding import Finding, fail, note, ok
from benchmark.images import read_rgb
from benchmark.pairs import first_few, how_to_get, missing_files
from benchmark.statistics import spearman
from benchmark.types import Dataset, DatasetInfo, Pair, PairError, Progress, UserError

SAMPLE = 300
"""Pairs whose PSNR is compared with their labels."""
MIN_SAMPLE = 8
"""Fewer pairs say nothing about a direction."""
REVERSED = -0.3
"""A rank correlation of PSNR with the labels below this means that the direction is declared wrongly."""


@dataclass(slots=True)
class Inspection:
    """What decoding every file of a data set once has shown."""

    unreadable: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    squared_errors: dict[str, float] = field(default_factory=dict)
    """Mean squared error by pair id, of the sample: it ranks pairs as PSNR does, and is finite."""
    distorted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Pair ids by sha256 of reference and distorted pixels."""
    references: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Contents by sha256 of the reference's pixels."""
    sizes: set[tuple[int, int]] = field(default_factory=set)


def examine(dataset: Dataset, data_root: Path | None, progress: Progress | None = None) -> Iterator[Finding]:
    """Run every check on a data set, lazily.

    Raises UserError when the set is not here at all; a list of labels that cannot be used is a finding.
    """
    info = dataset.info
    try:
        pairs = dataset.pairs(data_root, images=False)
    except UserError as error:
        if str(error).partition("\n")[2] == how_to_get(info, "").partition("\n")[2]:
            raise
        yield fail("label list", f"{_one_line(error)}; nothing else can be checked before")
        return
    except Exception as error:  # a plugin's loader may raise anything
        yield fail(
            "label list", f"the loader raises {type(error).__name__}: {error}; it must raise UserError, or read it"
        )
        return
    if not pairs:
        yield fail("label list", "holds no pairs; usually a wrong folder or file name")
        return
    yield counts(info, pairs)
    yield from labels(info, pairs)
    yield contents(pairs)
    yield references(pairs)
    try:
        pairs = dataset.pairs(data_root, images=True, progress=progress)
        if faults := missing_files(pairs):
            names = first_few(f"{path}{faults[path]}" for path in sorted(faults))
            yield fail("files", f"{len(faults)} of {len(_files(pairs))} are missing, and their pairs fail: {names}")
        else:
            yield ok("files", f"all {len(_files(pairs))} are there")
    except UserError as error:
        yield fail("files", _one_line(error))
    inspection = inspect(pairs, progress)
    yield unreadable(inspection)
    yield sizes(inspection)
    yield from duplicates(inspection, {pair.id: pair.label for pair in pairs})
    yield direction(info, pairs, inspection)


def counts(info: DatasetInfo, pairs: Sequence[Pair]) -> Finding:
    """Pairs and contents are as many as declared, and every id stands once."""
    check = "counts"
    found = f"{len(pairs)} pairs of {len({pair.content for pair in pairs})} contents"
    if twice := [name for name, count in Counter(pair.id for pair in pairs).items() if count > 1]:
        return fail(check, f"{len(twice)} ids stand twice, so that their scores mix: {first_few(twice)}")
    if info.n_pairs not in (None, len(pairs)) or info.n_contents not in (None, len({pair.content for pair in pairs})):
        return fail(
            check,
            f"{found}, but {info.n_pairs} pairs of {info.n_contents} contents are declared; usually an incomplete "
            "download or another release",
        )
    declared = "as declared" if info.n_pairs is not None else "no number is declared"
    return ok(check, f"{found}, {declared}")


def labels(info: DatasetInfo, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Labels are finite, in the declared range, and not all alike."""
    check = "labels"
    low, high = info.label_range
    odd = [f"{pair.id} = {pair.label!r}" for pair in pairs if not math.isfinite(pair.label)]
    outside = [f"{p.id} = {p.label:g}" for p in pairs if math.isfinite(p.label) and not low <= p.label <= high]
    distinct = len({pair.label for pair in pairs})
    if odd:
        yield fail(check, f"{len(odd)} are not finite: {first_few(odd)}; usually an empty cell or a failed division")
    if outside:
        yield fail(
            check,
            f"{len(outside)} lie outside {low:g}..{high:g}: {first_few(outside)}; usually another unit or a wrong column",
        )
    if distinct == 1:
        yield fail(check, f"all are {pairs[0].label:g}: nothing can agree with a constant; usually a wrong column")
    if odd or outside or distinct == 1:
        return
    values = [pair.label for pair in pairs]
    spread = f"{len(values)} labels from {min(values):g} to {max(values):g}"
    if distinct < len(values) / 2:
        yield note(check, f"{spread}, only {distinct} of them distinct: ties lower every rank correlation")
    else:
        yield ok(check, f"{spread}, {distinct} distinct")


def contents(pairs: Sequence[Pair]) -> Finding:
    """Every content has several pairs: with a single one each there is nothing to compare within."""
    check = "contents"
    sizes = Counter(pair.content for pair in pairs)
    if single := sorted(name for name, count in sizes.items() if count == 1):
        return note(
            check,
            f"{len(single)} of {len(sizes)} have a single pair: {first_few(single)}; right for photographs without "
            "references, else usually a mistyped content or reference",
        )
    if len(sizes) == 1:
        return note(check, "there is only one: no interval over contents and no split can be made")
    return ok(check, f"{len(sizes)}, with {min(sizes.values())} to {max(sizes.values())} pairs each")


def references(pairs: Sequence[Pair]) -> Finding:
    """All pairs have a reference, or none has; a reference belongs to one content and is not rated as a distorted image."""
    check = "references"
    without = sorted(pair.id for pair in pairs if pair.reference is None)
    if len(without) == len(pairs):
        return note(check, "none: no-reference metrics alone can be scored here")
    if without:
        return fail(
            check,
            f"{len(without)} of {len(pairs)} pairs have none, and full-reference metrics fail there: {first_few(without)}; "
            "usually an empty cell",
        )
    owners: dict[Path, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.reference is not None:
            owners[pair.reference].add(pair.content)
    shared = [f"{path.name} ({first_few(sorted(names))})" for path, names in owners.items() if len(names) > 1]
    if shared:
        return fail(
            check, f"{len(shared)} belong to several contents, which a split would cut apart: {first_few(shared)}"
        )
    itself = sorted(pair.id for pair in pairs if pair.distorted == pair.reference)
    if len(itself) == len(pairs):
        return fail(check, "every distorted image is its own reference; usually a wrong column or folder")
    if itself:
        return note(check, f"{len(itself)} pairs rate the reference itself: {first_few(itself)}")
    return ok(check, f"{len(owners)}, each of one content")


def inspect(pairs: Sequence[Pair], progress: Progress | None = None) -> Inspection:
    """Decode every file once; a reference is kept for its pairs only."""
    result = Inspection()
    sampled = _sample(pairs)
    groups: dict[Path | None, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.reference].append(pair)
    done = 0
    for path, group in groups.items():
        reference = _read(path, result) if path is not None else None
        identity = _hash(reference) if reference is not None else ""
        if identity:
            result.references[identity].update(pair.content for pair in group)
        for pair in group:
            image = _read(pair.distorted, result)
            if image is not None:
                result.sizes.add(image.shape[:2])
                result.distorted[identity + _hash(image)].append(pair.id)
            if image is not None and reference is not None:
                _compare(pair, image, reference, result, measure=pair.id in sampled)
            done += 1
            if progress is not None:
                progress(done, len(pairs), "decoding images")
    result.unreadable = sorted(set(result.unreadable))
    return result


def _compare(pair: Pair, image: np.ndarray, reference: np.ndarray, result: Inspection, *, measure: bool) -> None:
    if image.shape != reference.shape:
        result.mismatched.append(f"{pair.id} ({_size(image)}, reference {_size(reference)})")
    elif measure:
        result.squared_errors[pair.id] = float(np.mean((image.astype(np.float64) - reference) ** 2))


def unreadable(inspection: Inspection) -> Finding:
    """Every file can be decoded."""
    check, broken = "decoding", inspection.unreadable
    if broken:
        return fail(
            check, f"{len(broken)} files cannot be used: {first_few(broken)}; usually an interrupted download or copy"
        )
    return ok(check, "every image can be decoded")


def sizes(inspection: Inspection) -> Finding:
    """A distorted image has the size of its reference."""
    check, wrong = "sizes", inspection.mismatched
    if wrong:
        return fail(
            check,
            f"{len(wrong)} differ from their reference: {first_few(wrong)}; usually a rotated or cropped export, or the "
            "wrong reference",
        )
    if not inspection.sizes:
        return note(check, "no image could be read")
    (low_h, low_w), (high_h, high_w) = min(inspection.sizes), max(inspection.sizes)
    return ok(check, f"{len(inspection.sizes)} different, {low_w} x {low_h} to {high_w} x {high_h}")


def duplicates(inspection: Inspection, labels: dict[str, float]) -> Iterator[Finding]:
    """The same pixels under two ids or, which splits would cut apart, under two contents."""
    check = "duplicates"
    torn = [first_few(sorted(names)) for names in inspection.references.values() if len(names) > 1]
    if torn:
        yield fail(
            check,
            f"{len(torn)} reference images have the same pixels under several contents, so that training and test share "
            f"them: {'; '.join(torn[:3])}; give them one content",
        )
    same = [sorted(ids) for ids in inspection.distorted.values() if len(ids) > 1]
    if same:
        shown = [f"{ids[0]} = {ids[1]} (labels {labels[ids[0]]:g}, {labels[ids[1]]:g})" for ids in sorted(same)]
        yield note(
            check, f"{len(same)} images stand under several ids: {first_few(shown)}; right where one was rated twice"
        )
    if not torn and not same:
        yield ok(check, "no image stands under two ids")


def direction(info: DatasetInfo, pairs: Sequence[Pair], inspection: Inspection) -> Finding:
    """Labels and PSNR do not run strongly against each other, on a sample of pairs."""
    check, errors = "direction", inspection.squared_errors
    declared = f"label_higher_is_better={info.label_higher_is_better} ({info.label_kind})"
    chosen = [pair for pair in pairs if pair.id in errors and math.isfinite(pair.label)]
    if len(chosen) < MIN_SAMPLE:
        return note(check, f"{declared} is not checked: {len(chosen)} pairs have a PSNR, needs {MIN_SAMPLE}")
    better = 1 if info.label_higher_is_better else -1
    rank = spearman([-errors[pair.id] for pair in chosen], [pair.label * better for pair in chosen])
    found = f"Spearman of PSNR with the labels is {rank:.2f} on {len(chosen)} pairs"
    if math.isnan(rank):
        return note(check, f"{declared} is not checked: labels or PSNR are constant")
    if rank < REVERSED:
        return fail(
            check,
            f"the labels run against PSNR: {found}, where {declared} is declared; check that declaration (MOS: higher is "
            "better, DMOS: lower), and that labels and images are joined by the right names",
        )
    if rank < -REVERSED:
        return note(check, f"{found}: too weak to tell whether {declared} is right; look at a few images")
    return ok(check, f"{found}, as {declared} says")


def _sample(pairs: Sequence[Pair]) -> set[str]:
    """Ids of SAMPLE pairs, evenly spread."""
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(SAMPLE, len(pairs))).round().astype(int))
    return {pairs[i].id for i in chosen}


def _read(path: Path, result: Inspection) -> np.ndarray | None:
    try:
        return read_rgb(path)
    except PairError as error:
        result.unreadable.append(str(error))
        return None


def _hash(image: np.ndarray) -> str:
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _files(pairs: Sequence[Pair]) -> set[Path]:
    return {path for pair in pairs for path in (pair.distorted, pair.reference) if path is not None}


def _one_line(error: UserError) -> str:
    return " ".join(line.strip() for line in str(error).splitlines())
