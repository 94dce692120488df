"""What the official layouts share: finding folders and files without letter case, and reading label lists strictly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmark import delimited
from benchmark.pairs import dataset_folder, first_few, how_to_get, plain_name
from benchmark.types import DatasetInfo, UserError

SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".txt")
"""What is looked for in a folder; what else lies there (``Thumbs.db``, archives) does not matter."""

SPARE_ROWS = 100
"""Rows that a list of a few pairs may hold beyond twice their number, so that each is looked at and named."""

T = TypeVar("T")
R = TypeVar("R")


def locate(info: DatasetInfo, data_root: Path | None, required: Sequence[str]) -> Path:
    """Return the data set's folder once it holds every entry of `required` (``a|b``: one of them is enough).

    An entry is a name or a path (``a/b``); letter case, ``-`` and ``_`` of names do not matter. Raises UserError telling
    how to get the data set.
    """
    folder = dataset_folder(info, data_root)
    absent = [names.replace("|", " or ") for names in required if not any(find(folder, n) for n in names.split("|"))]
    if absent:
        raise UserError(how_to_get(info, f"{folder} holds no {first_few(absent)}"))
    return folder


def why_missing(info: DatasetInfo, data_root: Path | None, required: Sequence[str]) -> str | None:
    """Say in one line what `locate` objects to; None when it does not."""
    try:
        locate(info, data_root, required)
    except UserError as error:
        return str(error).splitlines()[0]
    return None


def find(folder: Path, name: str) -> Path | None:
    """Return the entry of `folder` with that name or path (``a/b``), letter case, ``-`` and ``_`` ignored; None without it."""
    if os.path.exists(folder / name):
        return folder / name
    if not os.path.isdir(folder):
        return None
    top, _, rest = name.partition("/")
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror})") from error
    entry = next((child for child in children if plain_name(child.name) == plain_name(top)), None)
    return find(entry, rest) if entry and rest else entry


def files_below(info: DatasetInfo, folders: Iterable[Path | None]) -> dict[str, Path]:
    """Index the images and text files in and below `folders` by lower-case name (None is no folder).

    Raises UserError when two files have one name: which of them was rated cannot be known.
    """
    found: dict[str, Path] = {}
    twice: list[str] = []

    def _refuse(error: OSError) -> None:
        raise UserError(f"{info.name}: {error.filename} cannot be read ({error.strerror})") from error

    for top in folders:
        for parent, inner, names in os.walk(top, onerror=_refuse) if top else ():
            inner[:] = sorted(name for name in inner if not name.startswith((".", "__MACOSX")))
            for name in sorted(names):
                if name.startswith(".") or not name.lower().endswith(SUFFIXES):
                    continue
                path = Path(parent, name)
                if found.setdefault(name.lower(), path) != path:
                    twice.append(f"{path} beside {found[name.lower()]}")
    if twice:
        raise UserError(f"{info.name}: {len(twice)} files have the name of another (keep one): {first_few(twice)}")
    return found


def text_lines(info: DatasetInfo, path: Path) -> list[tuple[int, str]]:
    """Return (line number, text) of the lines that are not blank; raises UserError for a file without text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{info.name}: {path} cannot be read as text ({error})") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise UserError(f"{info.name}: {path} is empty")
    return lines


def parse_each(
    info: DatasetInfo, path: Path, numbered: Iterable[tuple[int, R]], parse: Callable[[R], T], expected: str
) -> list[T]:
    """Apply `parse` to every numbered line or row of `path`.

    Raises UserError naming the first few that it refuses (with ValueError), by number and reason, and for more than
    twice the number of pairs that the data set has: hours of work would end in the same error.
    """
    if info.n_pairs is not None:
        numbered = list(numbered)
        if len(numbered) > 2 * info.n_pairs + SPARE_ROWS:
            raise UserError(f"{info.name}: {path}: expected {info.n_pairs} rows, found {len(numbered)}")
    parsed, refused = [], []
    for number, row in numbered:
        try:
            parsed.append(parse(row))
        except ValueError as error:
            refused.append(f"line {number}: {error}")
    if refused:
        raise UserError(
            f"{info.name}: {path}: expected {expected}; {len(refused)} cannot be read: {first_few(refused)}"
        )
    return parsed


def number(text: object, what: str) -> float:
    """Convert a cell of a label list to float by the rules of `benchmark.delimited`.

    Raises ValueError saying `what` it should have been.
    """
    return delimited.number("" if text is None else str(text).strip(), what)
