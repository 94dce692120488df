"""`table:FILE.csv`, `table:NAME=FILE.csv`: any CSV of distorted images and human labels, read by the rules of
`benchmark.delimited`.

Columns, in any order and letter case; others are ignored, unless their names are nearly one of these:

* ``distorted``: image file, relative to the CSV; as written it is the pair's id. Required.
* ``mos`` (higher is better), ``dmos`` (lower is better), or ``label`` with a declared direction. One of them, required.
* ``reference``: image file; without this column the set is no-reference.
* ``content`` (default: the reference, else the image itself), ``distortion``, ``level``, ``label_std``, ``n_ratings``,
  ``split``: optional, also cell by cell. One rating has no deviation: with ``n_ratings`` 1, ``label_std`` is empty.

Comment lines on top of the file, before the column names:

* ``# higher-is-better`` or ``# lower-is-better``: the direction of ``label``. It is never guessed.
* ``# label-std: ratings`` (the default): ``label_std`` is the standard deviation of the single ratings behind a label;
  ``# label-std: mean``: that of the label itself, its standard error.
* ``# contains: live, kadid10k``: data sets whose images and labels stand in this table too, so that metrics trained on
  them are marked.
* ``# allow-outside``: files may lie outside the CSV's folder; otherwise such a path is refused.
* ``# decimal: comma`` or ``# decimal: point``: how numbers are written, where that cannot be told from them.

A file is found in another letter case too, and with backslashes for slashes. Of images that are missing the pairs fail
when they are scored, and the others go on; only where all are missing the table is refused.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from benchmark import delimited
from benchmark.filenames import printable
from benchmark.pairs import SHOWN, check_pairs, first_few, label_fault, missing_files
from benchmark.table_names import TABLE
from benchmark.types import DatasetInfo, LabelStdKind, Pair, Progress, UserError
from iqa_datasets.layout import parse_each
from iqa_datasets.table_files import TableFiles
from iqa_datasets.table_head import HIGHER, LABEL_STD, LOWER, Head, parse_head

LABELS = {"mos": True, "dmos": False, "label": None}
"""Column of labels -> whether higher is better; None where a comment must say so."""

NUMBERS = ("level", "label_std", "n_ratings")
COLUMNS = (*LABELS, "distorted", "reference", "content", "distortion", "split", *NUMBERS)
LONGEST_NAME = max(map(len, COLUMNS))

Cells = dict[str, str]

_log = logging.getLogger(__name__)


class Table:
    """The data set in a CSV file. `info` reads the file, and raises UserError when it cannot be used."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = printable(name or f"{TABLE}{path.stem}")
        """`table:` and the name it was given, by default the file's stem: never a path, so that the same table is the same
        data set from any folder."""

    @cached_property
    def info(self) -> DatasetInfo:
        """Facts from the file: its name, what its head declares, and what its rows leave out."""
        column = self._label_column
        higher = self._higher_is_better(column)
        kind: LabelStdKind = (self._head.label_std_kind or "ratings") if self._counts["label_std"] else ""
        return DatasetInfo(
            name=self.name,
            title=f"the table {self.name.removeprefix(TABLE)}",
            label_kind=column.upper() if column != "label" else "label",
            label_higher_is_better=higher,
            label_range=(float("-inf"), float("inf")),
            n_pairs=None,
            n_contents=None,
            licence="yours to know",
            url="",
            citation="",
            layout=printable(self.path.name),
            note=" ".join(
                (f"Labels: column {column!r}, {'higher' if higher else 'lower'} is better.", *self._remarks())
            ),
            label_std_kind=kind,
            contains=self._head.contains,
        )

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
        info, columns = self.info, self._columns
        rows = ((line, dict(zip(columns, cells, strict=True))) for line, cells in self._read(columns))
        pairs = parse_each(info, self.path, rows, self._pair, f"columns {', '.join(columns)}")
        if not pairs:
            raise UserError(f"{self.name}: {self.path} has no rows below its column names")
        if images:
            pairs = self._with_files(pairs)
        pairs = check_pairs(info, pairs, images=False)
        if self._files.respelt:
            counts = Counter(pair.distorted for pair in pairs)
            if twice := sorted(path for path, count in counts.items() if count > 1):
                raise UserError(f"{self.name}: {len(twice)} images stand under two names: {first_few(twice)}")
        return pairs

    @cached_property
    def _text(self) -> delimited.DelimitedText:
        try:
            return delimited.read(self.path)
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error

    @cached_property
    def _head(self) -> Head:
        try:
            return parse_head(self._text.comments)
        except ValueError as error:
            raise UserError(f"{self.name}: {self.path}: {error}") from error

    def _read(self, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of some columns. The rows are read anew each time: a million of them fill the memory."""
        try:
            yield from self._text.rows(columns)
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error

    @cached_property
    def _decimal(self) -> str:
        numbers = [name for name in (self._label_column, *NUMBERS) if name in self._columns]
        try:
            return self._text.decimal_mark(numbers)
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error

    @cached_property
    def _columns(self) -> list[str]:
        return [name for name in COLUMNS if name in self._text.keys]

    @cached_property
    def _counts(self) -> Counter[str]:
        """How many rows have a cell in each of the columns that may be empty, and how many there are, under ""."""
        columns = [name for name in ("content", "label_std", "n_ratings") if name in self._columns]
        counts: Counter[str] = Counter({"": len(self._text)} if not columns else ())
        for _, cells in self._read(columns) if columns else ():
            counts[""] += 1
            for name, cell in zip(columns, cells, strict=True):
                counts[name] += bool(cell)
        return counts

    def _remarks(self) -> list[str]:
        """What a reader of a board must know of the columns and cells that are there, and of those that are not."""
        n, counts, columns = self._counts[""], self._counts, self._columns
        remarks = []
        if counts["label_std"]:
            declared = self._head.label_std_kind
            of = "the label itself, its standard error" if declared == "mean" else "the single ratings"
            default = "" if declared else f", as no line '# {LABEL_STD}: mean' says otherwise"
            remarks.append(f"label_std is the standard deviation of {of}{default}.")
            remarks += [
                f"{n - counts[name]} of {n} rows have no {name}, so that statistics that need it of every row are left out."
                for name in ("label_std", "n_ratings")
                if name in columns and counts[name] < n
            ]
        if counts["content"] < n:
            rows = (
                f"{n - counts['content']} of {n} rows name no content"
                if counts["content"]
                else "No row names a content"
            )
            own = "the reference is taken" if "reference" in columns else "each image is taken as a content of its own"
            remarks.append(f"{rows}: {own}.")
        return remarks

    def _with_files(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The pairs with paths as they lie on the disk; raises UserError when all images are missing.

        What was found in another letter case, and what is missing, is said.
        """
        faults = missing_files(pairs)
        other = {
            path: found for path in faults if (found := self._files.other_spelling(path)) and os.path.isfile(found)
        }
        if other:
            self._files.respelt = True
            _log.warning(
                "%s: %d files found in another letter case, such as %s", self.name, len(other), min(other.values())
            )
        if gone := faults.keys() - other:
            first, rest = sorted(gone)[:SHOWN], sorted(gone)[SHOWN:]
            named = [f"{path}{faults[path] or self._files.near_miss(path)}" for path in first]
            missing = f"{self.name}: {len(gone)} images are missing: {first_few([*named, *rest])}"
            if all(pair.distorted in gone or pair.reference in gone for pair in pairs):
                raise UserError(f"{missing}; no pair is left")
            _log.warning("%s; their pairs will fail", missing)
        return [
            replace(
                pair,
                distorted=other.get(pair.distorted, pair.distorted),
                reference=other.get(pair.reference, pair.reference) if pair.reference else None,
            )
            if other
            else pair
            for pair in pairs
        ]

    @cached_property
    def _label_column(self) -> str:
        columns = self._text.keys
        labels = [name for name in columns if name in LABELS]
        if "distorted" not in columns or not labels:
            raise UserError(
                f"{self.name}: {self.path} needs the columns distorted and one of mos, dmos, label; "
                f"it has {first_few(self._text.names) or 'none'}"
            )
        mistyped = [
            f"{name} (did you mean {near[0]}?)"
            for name in columns
            if name not in COLUMNS
            and len(name) < 2 * LONGEST_NAME
            and (near := difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.8))
        ]
        if mistyped:
            raise UserError(
                f"{self.name}: unknown columns {first_few(mistyped)}; rename them, so that none is left out"
            )
        if len(labels) > 1:
            raise UserError(f"{self.name}: {self.path}: expected one column of labels, got {', '.join(labels)}")
        return labels[0]

    def _higher_is_better(self, column: str) -> bool:
        by_name = LABELS[column]
        said = set(self._head.directions) | ({by_name} if by_name is not None else set())
        if len(said) != 1:
            problem = "is not declared" if not said else "is declared in both ways"
            raise UserError(
                f"{self.name}: {self.path}: the direction of the column {column!r} {problem}; name it mos (higher is "
                f"better) or dmos (lower is better), or let the first line be '# {HIGHER}' or '# {LOWER}'"
            )
        return said.pop()

    def _pair(self, cells: Cells) -> Pair:
        distorted, reference = cells["distorted"], cells.get("reference")
        ratings = self._optional(cells, "n_ratings")
        if ratings is not None and not ratings.is_integer():
            raise ValueError(f"n_ratings {ratings:g} is not a whole number")
        pair = Pair(
            id=distorted,
            distorted=self._files.path(distorted, "distorted", kept=False),
            reference=None if reference is None else self._files.path(reference, "reference"),
            content=cells.get("content") or (self._files.content(reference) if reference else distorted),
            label=delimited.number(cells[self._label_column], self._label_column, decimal=self._decimal),
            distortion=cells.get("distortion", ""),
            level=self._optional(cells, "level"),
            label_std=self._optional(cells, "label_std"),
            n_ratings=None if ratings is None else int(ratings),
            split=cells.get("split") or None,
        )
        if fault := label_fault(pair):
            raise ValueError(fault)
        return pair

    def _optional(self, cells: Cells, name: str) -> float | None:
        text = cells.get(name, "")
        return delimited.number(text, name, decimal=self._decimal) if text else None

    @cached_property
    def _files(self) -> TableFiles:
        return TableFiles(self.path.parent, outside=self._head.outside)
