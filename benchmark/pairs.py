"""What holds for the pairs of any data set: checks, the revision of the labels, splits by content."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.filenames import printable
from benchmark.types import DatasetInfo, Pair, UserError

SHOWN = 5
"""How many offenders an error names."""


LARGEST_LABEL = 1e12
"""Size of a label or its deviation at most. No scale of human labels is as wide, and sums of fourth powers of what is
smaller stay far from the largest float64, 1.8e308."""
MOST_RATINGS = 10**9
"""Ratings behind one label at most; no study has as many."""


def shortened(text: str, length: int = 400) -> str:
    """Cut the middle out of a text that is too long for a message."""
    if len(text) <= length:
        return text
    return f"{text[: length // 2]} ... {text[-length // 2 :]} ({len(text)} characters)"


def first_few(names: Iterable[object]) -> str:
    """Join the first offenders, each shortened where it is very long, and say how many more there are."""
    texts = list(names)
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(shortened(str(text)) for text in texts[:SHOWN]) + more


def check_pairs(info: DatasetInfo, pairs: Sequence[Pair], *, images: bool = True) -> list[Pair]:
    """Return `pairs` sorted by id once counts, labels, references and (if `images`) files are as `info` says.

    Of a data set with a declared number of pairs every file must be there. Elsewhere some may be missing, which fails
    their pairs when they are scored, as long as one pair has its files.
    Raises UserError with what was expected, what came, and the first few offenders.
    """
    names = {name for pair in pairs for name in (pair.id, pair.content, pair.distortion)}
    no_text = sorted(printable(name) for name in names if name != printable(name))
    _refuse(info, "names are no valid text (use benchmark.filenames.printable for names of files)", no_text)
    _refuse(info, "pairs stand twice in the label list", _duplicates(pair.id for pair in pairs))
    if info.n_pairs is not None and len(pairs) != info.n_pairs:
        raise UserError(
            f"{info.name}: expected {info.n_pairs} pairs, found {len(pairs)}; the label list or a folder is incomplete"
        )
    contents = {pair.content for pair in pairs}
    if info.n_contents is not None and len(contents) != info.n_contents:
        raise UserError(
            f"{info.name}: expected {info.n_contents} contents, found {len(contents)}: {first_few(sorted(contents))}"
        )
    owners: dict[Path, str] = {}
    shared: dict[Path, set[str]] = {}
    for pair in pairs:
        if pair.reference is not None and owners.setdefault(pair.reference, pair.content) != pair.content:
            shared.setdefault(pair.reference, {owners[pair.reference]}).add(pair.content)
    _refuse(
        info,
        "references belong to more than one content, which a split would cut apart",
        [f"{path} ({first_few(sorted(names))})" for path, names in shared.items()],
    )
    _refuse(info, "pairs have labels that cannot be used", [fault for pair in pairs if (fault := label_fault(pair))])
    low, high = info.label_range
    outside = [f"{pair.id} = {pair.label:g}" for pair in pairs if not low <= pair.label <= high]
    _refuse(info, f"labels lie outside {low:g}..{high:g}", outside)
    if images:
        _check_files(info, pairs)
    return sorted(pairs, key=lambda pair: pair.id)


def label_fault(pair: Pair) -> str:
    """Say why the label of a pair, its deviation or its number of ratings cannot be used; "" when they can."""
    label, deviation, ratings = pair.label, pair.label_std, pair.n_ratings
    if not _is_number(label) or not math.isfinite(label):
        return f"{pair.id} = {label!r}, which is not a finite number"
    if abs(label) > LARGEST_LABEL:
        return f"{pair.id} = {label:g}, expected {LARGEST_LABEL:g} at most in size"
    if deviation is not None and (not _is_number(deviation) or not 0 <= deviation <= LARGEST_LABEL):
        return f"{pair.id}: label_std {deviation!r}, expected a finite number from 0 to {LARGEST_LABEL:g}"
    if ratings is None:
        return ""
    if not isinstance(ratings, int) or isinstance(ratings, bool) or not 1 <= ratings <= MOST_RATINGS:
        return f"{pair.id}: n_ratings {ratings!r}, expected a whole number from 1 to {MOST_RATINGS:g}"
    if ratings == 1 and deviation is not None:
        return f"{pair.id}: label_std {deviation:g} with n_ratings 1, and one rating has no deviation; leave its label_std out"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def require_files(info: DatasetInfo, pairs: Sequence[Pair]) -> None:
    """Raise UserError unless every file of `pairs` is there, naming the first few that are not."""
    _refuse_missing(info, missing_files(pairs))


def _check_files(info: DatasetInfo, pairs: Sequence[Pair]) -> None:
    """Raise UserError for missing files: for any where the number of pairs is declared, else where no pair is left."""
    faults = missing_files(pairs)
    if info.n_pairs is not None or all(pair.distorted in faults or pair.reference in faults for pair in pairs):
        _refuse_missing(info, faults)


def _refuse_missing(info: DatasetInfo, faults: Mapping[Path, str]) -> None:
    _refuse(info, "images are missing", [f"{path}{faults[path]}" for path in sorted(faults)])


def missing_files(pairs: Iterable[Pair]) -> dict[Path, str]:
    """The files of `pairs` that are not there, each with the system's reason in brackets where it has another one."""
    files = {path for pair in pairs for path in (pair.distorted, pair.reference) if path is not None}
    faults = {}
    for path in files:
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                faults[path] = " (no plain file)"
        except (FileNotFoundError, NotADirectoryError):
            faults[path] = ""
        except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be entered
            faults[path] = f" ({getattr(error, 'strerror', None) or error})"
    return faults


def _duplicates(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _refuse(info: DatasetInfo, what: str, offenders: Sequence[object]) -> None:
    if offenders:
        raise UserError(f"{info.name}: {len(offenders)} {what}: {first_few(offenders)}")


def label_revision(pairs: Iterable[Pair]) -> str:
    """sha256 (hex) of ids and labels, independent of their order: the identity of a label table."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: pair.id):
        digest.update(f"{pair.id}\t{pair.label!r}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def split_pairs(pairs: Sequence[Pair], split: str) -> list[Pair]:
    """Return the part of `pairs` that `split` names, with `Pair.split` set; never through a content.

    `split` is ``NAME`` (rows whose own split column says NAME) or ``PART:FRACTION:SEED`` with PART ``test`` or
    ``train``: ``test:0.2:7`` draws 20 % of the contents with seed 7 (default 0), at least one and never all, and
    ``train:0.2:7`` is the rest. The draw is the same on every machine and in every version of Python, and a larger
    fraction contains a smaller one. Raises UserError for anything else, and when the part is empty.
    """
    part, *arguments = split.split(":")
    if not arguments:
        chosen = [pair for pair in pairs if pair.split == part]
        torn = {pair.content for pair in chosen} & {pair.content for pair in pairs if pair.split != part}
        if torn:
            raise UserError(
                f"split {part}: cuts through the contents {first_few(sorted(torn))}; a content belongs to one split"
            )
    else:
        try:
            fraction, seed = float(arguments[0]), int(arguments[1]) if len(arguments) == 2 else 0
        except ValueError:
            fraction, seed = -1.0, 0
        if part not in {"test", "train"} or not 0 < fraction < 1 or len(arguments) > 2:
            raise UserError(
                f"split: expected a name or test:FRACTION:SEED with 0 < FRACTION < 1, got {split!r}; for example test:0.2:7"
            )
        drawn = _draw({pair.content for pair in pairs}, fraction, seed)
        chosen = [replace(pair, split=part) for pair in pairs if (pair.content in drawn) == (part == "test")]
    if not chosen:
        names = sorted({pair.split for pair in pairs if pair.split})
        raise UserError(
            f"split {split}: no pair belongs to it; the splits here are {', '.join(names) or 'none'}, or test:0.2:7"
        )
    return chosen


def _draw(contents: set[str], fraction: float, seed: int) -> set[str]:
    """Draw contents in the order of a hash: `random.sample` is not promised to stay the same between versions."""
    if len(contents) < 2:
        raise UserError(f"split: needs two contents or more, found {len(contents)}")
    order = sorted(contents, key=lambda content: hashlib.sha256(f"{seed}:{content}".encode()).digest())
    return set(order[: min(max(1, round(fraction * len(order))), len(order) - 1)])


def dataset_folder(info: DatasetInfo, data_root: Path | None) -> Path:
    """Return the folder of a data set: DATA_ROOT/NAME in any letter case (`-` and `_` ignored), else DATA_ROOT itself.

    Raises UserError without a data root.
    """
    if data_root is None:
        raise UserError(how_to_get(info, "no data folder given (--data-root DIR or the environment variable IQA_DATA)"))
    if not os.path.isdir(data_root):
        raise UserError(how_to_get(info, f"{data_root} is not a folder"))
    try:
        children = sorted(data_root.iterdir())
    except OSError as error:
        raise UserError(f"{info.name}: {data_root} cannot be read ({error.strerror})") from error
    for child in children:
        if os.path.isdir(child) and plain_name(child.name) == plain_name(info.name):
            return child
    return data_root


def plain_name(name: str) -> str:
    """A folder's name without what people change in it: letter case, `-` and `_`."""
    return name.lower().replace("-", "").replace("_", "")


def how_to_get(info: DatasetInfo, problem: str) -> str:
    """The message for a data set that is not here: what it is, where to ask, its licence, the folder it expects."""
    layout = "\n".join(f"    {line}" for line in info.layout.splitlines())
    return (
        f"{info.name}: {problem}\n"
        f"  what:    {info.title}\n"
        f"  where:   {info.url}\n"
        f"  licence: {info.licence}\n"
        f"  expected under DIR/{info.name}/ (or DIR itself):\n{layout}"
    )
