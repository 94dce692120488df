"""What the official layouts share: finding folders and files without letter case, and reading label lists strictly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmark.pairs import dataset_folder, first_few, how_to_get, plain_name
from benchmark.types import DatasetInfo, UserError

SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".txt")
"""What is looked for in a folder; what else lies there (``Thumbs.db``, archives) does not matter."""

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
    if (folder / name).exists():
        return folder / name
    if not folder.is_dir():
        return None
    top, _, rest = name.partition("/")
    entry = next((child for child in sorted(folder.iterdir()) if plain_name(child.name) == plain_name(top)), None)
    return find(entry, rest) if entry and rest else entry


def files_below(info: DatasetInfo, folders: Iterable[Path | None]) -> dict[str, Path]:
    """Index the images and text files in and below `folders` by lower-case name (None is no folder).

    Raises UserError when two files have one name: which of them was rated cannot be known.
    """
    found: dict[str, Path] = {}
    twice: list[str] = []
    for top in folders:
        for parent, inner, names in os.walk(top) if top else ():
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

    Raises UserError naming the first few that it refuses (with ValueError), by number and reason.
    """
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
    """Convert a cell to float; raises ValueError saying `what` it should have been."""
    try:
        return float(str(text))
    except ValueError:
        raise ValueError(f"{what} {text!r} is not a number" if str(text).strip() else f"{what} is empty") from None
