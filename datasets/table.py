"""`table:FILE.csv`: any CSV of distorted images and human labels.

Columns, in any order and letter case; others are ignored, unless their names are nearly one of these:

* ``distorted``: image file, relative to the CSV; as written it is the pair's id. Required.
* ``mos`` (higher is better), ``dmos`` (lower is better), or ``label`` with a declared direction. One of them, required.
* ``reference``: image file; without this column the set is no-reference.
* ``content`` (default: the reference), ``distortion``, ``level``, ``label_std``, ``n_ratings``, ``split``: optional, also
  cell by cell.

Comment lines on top of the file, before the column names:

* ``# higher-is-better`` or ``# lower-is-better``: the direction of ``label``. It is never guessed.
* ``# allow-outside``: files may lie outside the CSV's folder; otherwise such a path is refused.
"""

from __future__ import annotations

import csv
import difflib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmark.filenames import printable
from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress, UserError
from iqa_datasets.layout import number, parse_each

HIGHER = "higher-is-better"
LOWER = "lower-is-better"
OUTSIDE = "allow-outside"
LABELS = {"mos": True, "dmos": False, "label": None}
"""Column of labels -> whether higher is better; None where a comment must say so."""

COLUMNS = (*LABELS, "distorted", "reference", "content", "distortion", "level", "label_std", "n_ratings", "split")

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Content:
    """What a CSV file holds, before its rows are understood."""

    declared: frozenset[str]
    columns: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    """Line number and cells."""


class Table:
    """The data set in a CSV file. `info` reads the file, and raises UserError when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def info(self) -> DatasetInfo:
        """Facts from the file's head: its name and the declared direction."""
        column = self._label_column
        higher = self._higher_is_better(column)
        return DatasetInfo(
            name=self.name,
            title=f"the table {printable(self.path.name)}",
            label_kind=column.upper() if column != "label" else "label",
            label_higher_is_better=higher,
            label_range=(float("-inf"), float("inf")),
            n_pairs=None,
            n_contents=None,
            licence="yours to know",
            url=printable(self.path),
            citation="",
            layout=printable(self.path.name),
            note=f"Labels: column {column!r}, {'higher' if higher else 'lower'} is better.",
        )

    @property
    def name(self) -> str:
        """`table:` and the path as it was given, so that the same name finds the file and its scores again."""
        return printable(f"table:{self.path.as_posix()}")

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the table or one of its images cannot be used; None when all can."""
        try:
            self.pairs(data_root)
        except UserError as error:
            return str(error).splitlines()[0]
        return None

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all rows, sorted by id; `data_root` is not used: paths are relative to the CSV.

        Raises UserError naming the first few lines that are wrong.
        """
        info, content = self.info, self._content
        if not content.rows:
            raise UserError(f"{self.name}: {self.path} has no rows below its column names")
        pairs = parse_each(info, self.path, content.rows, self._pair, f"columns {', '.join(content.columns)}")
        return check_pairs(info, pairs, images=images)

    @cached_property
    def _content(self) -> Content:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                lines = file.readlines()
        except FileNotFoundError as error:
            raise UserError(f"{self.name}: no such file: {self.path}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{self.name}: {self.path} cannot be read as UTF-8 text ({error})") from error
        top = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
        declared = frozenset(line.lstrip("#").strip().lower() for line in lines[:top])
        reader = csv.reader(lines[top:], strict=True)
        try:
            columns = tuple(cell.strip().lower() for cell in next(reader, []))
            rows = [(top + reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise UserError(f"{self.name}: {self.path}, line {top + reader.line_num}: {error}") from error
        return Content(declared, columns, tuple((line, row) for line, row in rows if any(map(str.strip, row))))

    @cached_property
    def _label_column(self) -> str:
        columns = self._content.columns
        labels = [name for name in columns if name in LABELS]
        if "distorted" not in columns or not labels:
            raise UserError(
                f"{self.name}: {self.path} needs the columns distorted and one of mos, dmos, label; "
                f"it has {', '.join(columns) or 'none'}"
            )
        mistyped = [
            f"{name} (did you mean {near[0]}?)"
            for name in columns
            if name not in COLUMNS and (near := difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.8))
        ]
        if mistyped:
            raise UserError(
                f"{self.name}: unknown columns {', '.join(mistyped)}; rename them, so that none is left out"
            )
        doubled = {name for name in columns if name and columns.count(name) > 1}
        if len(labels) > 1 or doubled:
            raise UserError(
                f"{self.name}: {self.path}: expected one column of labels and each name once, got {', '.join(columns)}"
            )
        return labels[0]

    def _higher_is_better(self, column: str) -> bool:
        declared = {HIGHER: True, LOWER: False}
        said = {declared[comment] for comment in self._content.declared & declared.keys()}
        by_name = LABELS[column]
        said |= {by_name} if by_name is not None else set()
        if len(said) != 1:
            problem = "is not declared" if not said else "is declared in both ways"
            raise UserError(
                f"{self.name}: {self.path}: the direction of the column {column!r} {problem}; name it mos (higher is "
                f"better) or dmos (lower is better), or let the first line be '# {HIGHER}' or '# {LOWER}'"
            )
        return said.pop()

    def _pair(self, row: list[str]) -> Pair:
        columns = self._content.columns
        if len(row) != len(columns):
            raise ValueError(f"{len(row)} cells, expected {len(columns)}")
        cells = dict(zip(columns, map(str.strip, row), strict=True))
        distorted = cells["distorted"]
        reference = self._file(cells["reference"], "reference") if "reference" in cells else None
        deviation = _optional(cells, "label_std")
        ratings = _optional(cells, "n_ratings")
        if deviation is not None and not deviation >= 0:
            raise ValueError(f"label_std {deviation:g} is not 0 or more")
        if ratings is not None and not (ratings >= 1 and ratings.is_integer()):
            raise ValueError(f"n_ratings {ratings:g} is not a whole number of 1 or more")
        return Pair(
            id=distorted,
            distorted=self._file(distorted, "distorted"),
            reference=reference,
            content=cells.get("content") or cells.get("reference") or distorted,
            label=number(cells[self._label_column], self._label_column),
            distortion=cells.get("distortion", ""),
            level=_optional(cells, "level"),
            label_std=deviation,
            n_ratings=None if ratings is None else int(ratings),
            split=cells.get("split") or None,
        )

    def _file(self, text: str, what: str) -> Path:
        if not text:
            raise ValueError(f"{what} is empty")
        if text not in self._files:
            path = os.path.normpath(os.path.join(self._folder, text))
            inside = path.startswith(os.path.join(self._folder, ""))
            if not inside and OUTSIDE not in self._content.declared:
                raise ValueError(
                    f"{what} {text!r} lies outside {self._folder}; allow it with a first line '# {OUTSIDE}'"
                )
            self._files[text] = Path(path)
        return self._files[text]

    @cached_property
    def _folder(self) -> str:
        return os.path.abspath(self.path.parent)

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Paths by the text of their cell: many rows name the same reference."""
        return {}


def _optional(cells: Cells, name: str) -> float | None:
    text = cells.get(name, "")
    return number(text, name) if text else None
