"""Delimited text (CSV) as people and spreadsheets write it: one reader, one set of rules, nothing half-read.

The bytes
    UTF-8, with or without a byte order mark; UTF-16 with one; else cp1252, which Excel writes in western Europe, unless
    three characters beyond ASCII stand in a row, as they do in other scripts. NUL is refused.
The lines
    Each line is one row: a quoted cell may not hold a line break, so that a stray quote cannot swallow rows. Blank lines
    are left out. On top may stand lines that begin with ``#`` (comments, with a meaning for some readers) and one
    ``sep=;`` line. The next line names the columns.
The separator
    What ``sep=`` says, else the one of ``,`` ``;`` and tab that stands in the line of names outside quotes. Of several
    the one that gives every row the length of that line; none or more than one of them is refused.
The columns
    Names are compared without letter case and without spaces around them, and each may stand once. Columns without a
    name are left out. A row of another length than the line of names is refused.
The cells
    Spaces around them do not count. A quote opens and closes a cell, and stands doubled inside; elsewhere it is refused.
The numbers
    An optional sign, ASCII digits with at most one decimal mark, and an optional exponent: ``-1.5e3``. Thousands
    separators, ``1_000``, percent signs and units are refused; ``inf`` and ``nan`` are for the reader of the column.
    Decimal commas are read where every number with a comma or point has one comma, and one of them at least cannot be
    taken for thousands (``0,512`` and ``27,4`` cannot, ``1,520`` can). The line ``# decimal: comma`` (or ``point``) on
    top of the file settles it.

What differs from plain UTF-8 with commas and points is said once, as a warning of this module's logger.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from benchmark.filenames import printable
from benchmark.pairs import first_few, shortened
from benchmark.types import UserError

MOST_COLUMNS = 16_384
"""As many as a spreadsheet has."""
LARGEST_FILE = 2**30
"""Bytes: about ten million rows, and what a usual machine can hold with what is made of them."""
LONGEST_CELL = 32_767
"""Characters of a spreadsheet's cell at most: what is longer is damage."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
ADVICE = "save it as comma-separated UTF-8 (in Excel: 'CSV UTF-8')"

_SEP_LINE = re.compile(r'"?sep=(.*?)"?', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_CELLS = {
    mark: re.compile(rf'[^\S{mark}]*"([^"]*(?:""[^"]*)*)"[^\S{mark}]*(?={mark}|$)|([^"{mark}]*)(?={mark}|$)')
    for mark in SEPARATORS
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name as written, and a stripped cell per row."""

    name: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class DelimitedText:
    """A file of delimited text whose bytes and line of names are understood, and whose rows are not read yet."""

    path: Path
    comments: tuple[str, ...]
    """The lines on top that begin with ``#``, without it."""
    names: tuple[str, ...]
    """Names of the columns as written, stripped; "" where there is none."""
    lines: list[tuple[int, str]]
    """(line number, text) of the rows."""
    separator: str
    encoding: str
    """"utf-8", "utf-16" or "cp1252"."""

    def __len__(self) -> int:
        """How many rows there are, those whose cells are all blank among them."""
        return len(self.lines)

    @property
    def keys(self) -> list[str]:
        """Names of the columns in lower case, in their order; without those that have none."""
        return [name.lower() for name in self.names if name]

    def rows(self, wanted: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, stripped cells of the columns `wanted`, by lower-case name).

        Raises UserError for a column that is not there, and naming the first few rows of another length than the line
        of names or with bad quotes.
        """
        keys = [name.lower() for name in self.names]
        if absent := [name for name in wanted if name not in keys]:
            raise UserError(f"{self.path}: no column {', '.join(absent)}; it has {first_few(self.names)}")
        at = [keys.index(name) for name in wanted]
        refused: list[str] = []
        for line, text in self.lines:
            try:
                cells = _cells(text, self.separator)
                if len(cells) != len(keys):
                    raise ValueError(_other_length(cells, len(keys), self.separator))
                if len(text) > LONGEST_CELL and (longest := max(map(len, cells))) > LONGEST_CELL:
                    raise ValueError(f"a cell of {longest} characters, expected {LONGEST_CELL} at most")
            except ValueError as error:
                refused.append(f"line {line}: {error}")
                continue
            chosen = [cells[i].strip() for i in at]
            if not refused and (any(chosen) or any(map(str.strip, cells))):
                yield line, chosen
        if refused:
            raise UserError(
                f"{self.path}: expected rows of {len(keys)} cells; {len(refused)} cannot be read: {first_few(refused)}"
            )

    def decimal_mark(self, wanted: Sequence[str]) -> str:
        """Return "," or ".", whichever the numbers in the columns `wanted` (lower-case names) are written with.

        Raises UserError where both occur or the comma may stand for thousands, and says what was taken otherwise.
        """
        cells: Iterable[str] = (cell for _, row in self.rows(wanted) for cell in row)
        if self.separator == "," and not any('"' in text for _, text in self.lines):
            cells = ()  # no cell holds a comma
        declared = self._declared_mark
        comma = point = ""
        certain = declared == ","
        for cell in cells if declared != "." else ():
            if "," in cell and _COMMA.fullmatch(cell):
                comma = comma or cell
                certain = certain or not _THOUSANDS.fullmatch(cell)
            elif not point and "." in cell and _NUMBER.fullmatch(cell):
                point = cell
        if comma and point and not declared:
            raise UserError(
                f"{self.path}: numbers with commas ({comma}) and with points ({point}): write all of them with points"
            )
        if comma and not certain:
            raise UserError(
                f"{self.path}: {comma} may be {comma.replace(',', '.')} or {comma.replace(',', '')}: write points, or put "
                "the line '# decimal: comma' on top"
            )
        self._say(decimal_commas=bool(comma))
        return "," if comma else "."

    @property
    def _declared_mark(self) -> str:
        marks = {"decimal: comma": ",", "decimal: point": "."}
        texts = (": ".join(part.strip() for part in comment.lower().split(":")) for comment in self.comments)
        said = {marks[text] for text in texts if text in marks}
        return said.pop() if len(said) == 1 else ""

    def _say(self, *, decimal_commas: bool) -> None:
        taken = [f"{SEPARATORS[self.separator]}-separated"] if self.separator != "," else []
        taken += [self.encoding] if self.encoding != "utf-8" else []
        taken += ["text"] if taken == [f"{SEPARATORS[self.separator]}-separated"] else []
        if decimal_commas:
            taken = [*(taken or ["text"]), "with decimal commas"]
        if taken:
            _say_once(f"{shortened(printable(self.path.name))}: read as {' '.join(taken)}")


@cache
def _say_once(message: str) -> None:
    """Say each sentence once per process, however often the file is read."""
    _log.warning("%s", message)


def read(path: Path) -> DelimitedText:
    """Read the bytes and the top of a file of delimited text.

    Raises UserError when it is missing, is no text in an encoding that is known for certain, has no names, a name
    twice, more than `MOST_COLUMNS` columns, or no certain separator.
    """
    encoding, text = _decode(path)
    lines = [(number, line) for number, line in enumerate(_lines(text), 1) if line.strip()]
    comments, separator, top = [], "", 0
    for _, line in lines:
        if line.lstrip(' "').startswith("#"):
            comments.append(line.strip(' ",;\t').lstrip("#").strip())
        elif said := _SEP_LINE.fullmatch(line.strip(" ")):
            separator = said[1].strip(" ") or "\t"
            if separator not in SEPARATORS:
                raise UserError(f"{path}: '{shortened(line)}': expected sep=, or sep=; or a tab")
        else:
            break
        top += 1
    if top == len(lines):
        raise UserError(f"{path}: no line of column names, expected one and rows below it")
    head, rows = lines[top][1], lines[top + 1 :]
    separator = separator or _separator(path, head, [text for _, text in rows])
    if head.count(separator) >= MOST_COLUMNS:
        raise UserError(f"{path}: {head.count(separator) + 1} columns, expected at most {MOST_COLUMNS}")
    try:
        names = tuple(cell.strip() for cell in _cells(head, separator))
    except ValueError as error:
        raise UserError(f"{path}, line {lines[top][0]}: {error}") from error
    counts = Counter(name.lower() for name in names if name)
    if doubled := [name for name, count in counts.items() if count > 1]:
        raise UserError(f"{path}: {len(doubled)} columns have the name of another: {first_few(doubled)}; rename them")
    return DelimitedText(path, tuple(comments), names, rows, separator, encoding)


def number(text: str, what: str, *, decimal: str = ".", infinite: bool = False) -> float:
    """Convert a stripped cell to a float by the rules above; nan and, with `infinite`, infinities are taken too.

    Raises ValueError saying `what` it should have been.
    """
    plain = text.replace(",", ".") if decimal == "," and text.count(",") == 1 and "." not in text else text
    if _NUMBER.fullmatch(plain):
        value = float(plain)
        if math.isfinite(value):
            return value
        raise ValueError(f"{what} {shortened(text)} is too large")
    if infinite and (_INFINITE.fullmatch(text) or text.lower() == "nan"):
        return float(text)
    raise ValueError(f"{what} {shortened(text)!r} is not a number{_hint(text)}" if text else f"{what} is empty")


def _hint(text: str) -> str:
    """What the writer of a cell that is no number probably meant; "" where that cannot be told."""
    if _INFINITE.fullmatch(text) or text.lower().lstrip("+-") == "nan":
        return " that can be used here"
    if text.endswith("%"):
        return ": write it without the percent sign"
    if re.fullmatch(r"[+-]?\d[\d.,_' \u00a0\u202f]*", text):
        return ": write it without separators of thousands and with one point"
    return ""


def _decode(path: Path) -> tuple[str, str]:
    """Return the encoding and the text of a file, by the rules on top of this module."""
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: {'a folder' if path.is_dir() else 'no plain file'}, expected a CSV")
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise UserError(f"{path}: {size:,} bytes, expected at most {LARGEST_FILE:,}")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{shortened(str(path))}: cannot be read ({reason})") from error
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "cp1252" and (foreign := re.search(r"[^\0-\x7f]{3,}", text)):
            raise UserError(
                f"{path}: neither UTF-8 nor plainly cp1252 ({foreign[0][:20]!r} looks like another script): {ADVICE}"
            )
        return encoding.removesuffix("-sig"), text
    raise UserError(f"{path}: no text in UTF-8, UTF-16 or cp1252: {ADVICE}")


def _lines(text: str) -> list[str]:
    """Cut at line feeds, carriage returns and both together, and nowhere else."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _separator(path: Path, head: str, rows: Sequence[str]) -> str:
    """The separator of a file without a ``sep=`` line."""
    bare = re.sub(r'"[^"]*"', "", head)
    found = [mark for mark in SEPARATORS if mark in bare]
    even = [mark for mark in found if _is_even(head, rows, mark)] if len(found) > 1 else found
    if len(found) > 1 and len(even) != 1:
        raise UserError(
            f"{path}: {' and '.join(SEPARATORS[mark] for mark in found)} stand in the line of column names, and "
            f"{'both' if even else 'neither'} may separate: let the first line be 'sep=,' or 'sep=;'"
        )
    return even[0] if even else ","


def _is_even(head: str, rows: Sequence[str], mark: str) -> bool:
    """Whether a separator gives every row the length of the head."""
    try:
        length = len(_cells(head, mark))
        return all(len(_cells(row, mark)) == length for row in rows)
    except ValueError:
        return False


def _cells(line: str, mark: str) -> list[str]:
    """The cells of a line, spaces around them included; raises ValueError for a quote that is not by the rules."""
    if '"' not in line:
        return line.split(mark)
    cells, at = [], 0
    while at <= len(line):
        match = _CELLS[mark].match(line, at)
        if match is None:
            raise ValueError(
                f"a quote in {shortened(line[at:], 60)!r} that does not open and close a cell; inside a cell it stands "
                "doubled, and a cell holds no line break"
            )
        quoted, plain = match.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end() + 1
    return cells


def _other_length(cells: Sequence[str], expected: int, separator: str) -> str:
    reason = f"{len(cells)} cells, expected {expected}"
    if len(cells) > expected and not any(map(str.strip, islice(cells, expected, None))):
        return f"{reason}; those beyond are empty, delete their separators"
    if separator == "," and len(cells) > expected and all(cell.strip().isdecimal() for cell in cells[-2:]):
        return f"{reason}; if {','.join(map(str.strip, cells[-2:]))} is one number, write it with a point"
    return reason
