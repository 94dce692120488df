"""Label lists of the official layouts, as CSV, workbook or MATLAB file: read strictly, damage reported by the file's name."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmark import delimited
from benchmark.pairs import first_few, shortened
from benchmark.types import DatasetInfo, UserError

LARGEST_WORKBOOK = 64 * 2**20
"""Bytes of a workbook when unpacked; the largest of the lists here takes a few."""
MOST_ROWS = 100_000
"""Rows of a sheet that are looked at."""
MATLAB_PROCESS = Path(__file__).with_name("matlab_process.py")
MATLAB_SECONDS = 60
"""What reading a MATLAB file may take at most; a label list takes less than one."""

Cells = dict[str, object]


def csv_rows(
    info: DatasetInfo, path: Path, columns: Sequence[str], *, numbers: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, cells by lower-case column name) of a CSV file, read by the rules of `benchmark.delimited`.

    The cells of the columns `numbers` have a decimal point, however they were written.
    Raises UserError when the file lacks one of `columns` (lower case), or cannot be read.
    """
    try:
        text = delimited.read(path)
        rows = [(line, dict(zip(columns, cells, strict=True))) for line, cells in text.rows(columns)]
        mark = text.decimal_mark(numbers)
    except UserError as error:
        raise UserError(f"{info.name}: {error}") from error
    for _, row in rows if mark == "," else ():
        row.update((name, row[name].replace(",", ".")) for name in numbers)
    return rows


def sheet_rows(info: DatasetInfo, path: Path, columns: Sequence[str], *, likely: str = "") -> list[tuple[int, Cells]]:
    """Return (row number, cells by column name) from the first sheet of a workbook with a row that has all `columns`.

    The columns are in lower case, the first of them is never empty, and the sheet `likely` is looked at first.
    Raises UserError for a workbook that cannot be read, is larger than `LARGEST_WORKBOOK`, or has no such row.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_WORKBOOK:
            raise ValueError(f"{unpacked:,} bytes when unpacked, expected {LARGEST_WORKBOOK:,} at most")
        with warnings.catch_warnings(action="ignore"):  # of what it leaves out; a cell that is needed is missed below
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            names = sorted(book.sheetnames, key=lambda name: name != likely)
            sheets = [list(islice(book[name].iter_rows(values_only=True), MOST_ROWS)) for name in names]
            book.close()
    except Exception as error:  # a damaged file fails in many ways inside zipfile, the XML parser and openpyxl
        reason = shortened(f"{type(error).__name__}: {error}")
        raise UserError(f"{info.name}: {path} cannot be read as a sheet ({reason})") from error
    for rows in sheets:
        for top, row in enumerate(rows):
            header = [str(cell).strip().lower() for cell in row]
            if set(columns) <= set(header):
                if twice := [name for name in columns if header.count(name) > 1]:
                    raise UserError(f"{info.name}: {path}: the column {twice[0]} stands twice in row {top + 1}")
                at = {name: header.index(name) for name in columns}
                below = enumerate(rows[top + 1 :], top + 2)
                cells = [
                    (line, {name: row[i] if i < len(row) else None for name, i in at.items()}) for line, row in below
                ]
                return [(line, row) for line, row in cells if row[columns[0]] is not None]
    raise UserError(f"{info.name}: {path}: no sheet has a row with the columns {', '.join(columns)}")


def matlab_numbers(info: DatasetInfo, path: Path, variables: Sequence[str], count: int) -> list[list[float]]:
    """Return the `count` finite numbers of each variable in a MATLAB file.

    Raises UserError when the file is damaged, or a variable is not there, has another number of entries, or no numbers.
    """
    found = _matlab_entries(info, path, variables, count)
    for name, entries in zip(variables, found, strict=True):
        wrong = [
            f"entry {index} ({shortened(str(entry), 40)!r})"
            for index, entry in enumerate(entries, 1)
            if not isinstance(entry, float) or not math.isfinite(entry)
        ]
        if wrong:
            raise UserError(
                f"{info.name}: {path}: expected finite numbers in {name}; {len(wrong)} are none: {first_few(wrong)}"
            )
    return found


def matlab_names(info: DatasetInfo, path: Path, variable: str, count: int) -> list[str]:
    """Return the `count` texts of a MATLAB cell array, stripped; raises UserError as `matlab_numbers` does."""
    (entries,) = _matlab_entries(info, path, [variable], count)
    wrong = [
        f"entry {index}" for index, entry in enumerate(entries, 1) if not isinstance(entry, str) or not entry.strip()
    ]
    if wrong:
        raise UserError(
            f"{info.name}: {path}: expected a name in each entry of {variable}; {len(wrong)} hold none: {first_few(wrong)}"
        )
    return [entry.strip() for entry in entries]


def _matlab_entries(info: DatasetInfo, path: Path, variables: Sequence[str], count: int) -> list[list]:
    """Read variables in a process of its own: damage to the file can end the interpreter inside scipy."""
    command = [sys.executable, "-P", str(MATLAB_PROCESS), str(path), *variables]
    damaged = f"{info.name}: {path} cannot be read as a MATLAB file"
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=MATLAB_SECONDS,
            check=False,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{damaged}: no end after {MATLAB_SECONDS} s") from error
    try:
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except ValueError:
        answer = {}
    if "fault" in answer or len(answer.get("entries", ())) != len(variables):
        reason = answer.get("fault") or f"the reader ended with {done.returncode}, as damage makes it"
        raise UserError(f"{damaged} ({shortened(reason)}); download it again")
    for name, entries in zip(variables, answer["entries"], strict=True):
        if entries is None:
            raise UserError(f"{info.name}: {path} holds no variable {name}")
        if len(entries) != count:
            raise UserError(f"{info.name}: {path}: expected {count} entries in {name}, found {len(entries)}")
    return answer["entries"]
