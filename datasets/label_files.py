"""Label lists of the official layouts, as CSV, workbook or MATLAB file: read strictly, damage reported by the file's name."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.types import DatasetInfo, UserError
from iqa_datasets.layout import text_lines

Cells = dict[str, object]


def csv_rows(info: DatasetInfo, path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, stripped cells by lower-case column name) of a CSV file, "" for a cell that is not there.

    Raises UserError when the first line lacks one of `columns` (lower case).
    """
    lines = text_lines(info, path)
    reader = csv.reader(line for _, line in lines)
    header = [cell.strip().lower() for cell in next(reader, [])]
    absent = [name for name in columns if name not in header]
    if absent:
        raise UserError(f"{info.name}: {path}: no column {', '.join(absent)}; its first line is {header}")
    rows = []
    for cells in reader:
        row = dict.fromkeys(columns, "") | dict(zip(header, map(str.strip, cells), strict=False))
        rows.append((lines[reader.line_num - 1][0], row))
    return rows


def sheet_rows(info: DatasetInfo, path: Path, columns: Sequence[str], *, likely: str = "") -> list[tuple[int, Cells]]:
    """Return (row number, cells by column name) from the first sheet of a workbook with a row that has all `columns`.

    The columns are in lower case, the first of them is never empty, and the sheet `likely` is looked at first.
    Raises UserError for a workbook that cannot be read or has no such row.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = sorted(book.sheetnames, key=lambda name: name != likely)
        sheets = [list(book[name].iter_rows(values_only=True)) for name in names]
        book.close()
    except Exception as error:  # a damaged file fails in many ways inside zipfile, the XML parser and openpyxl
        raise UserError(f"{info.name}: {path} cannot be read as a sheet ({type(error).__name__}: {error})") from error
    for rows in sheets:
        for top, row in enumerate(rows):
            header = [str(cell).strip().lower() for cell in row]
            if set(columns) <= set(header):
                at = {name: header.index(name) for name in columns}
                below = enumerate(rows[top + 1 :], top + 2)
                cells = [(line, {name: row[i] for name, i in at.items()}) for line, row in below]
                return [(line, row) for line, row in cells if row[columns[0]] is not None]
    raise UserError(f"{info.name}: {path}: no sheet has a row with the columns {', '.join(columns)}")


def matlab_row(info: DatasetInfo, path: Path, variable: str, count: int) -> list[Any]:
    """Return the `count` entries of a variable in a MATLAB file; raises UserError when it is damaged or has another number."""
    from scipy.io import loadmat

    try:
        row = loadmat(path)[variable].ravel()
    except KeyError as error:
        raise UserError(f"{info.name}: {path} holds no variable {variable}") from error
    except Exception as error:  # a damaged file fails in many ways inside scipy and zlib
        raise UserError(f"{info.name}: {path} cannot be read ({type(error).__name__}: {error})") from error
    if len(row) != count:
        raise UserError(f"{info.name}: {path}: expected {count} entries in {variable}, found {len(row)}")
    return list(row)


def matlab_names(info: DatasetInfo, path: Path, variable: str, count: int) -> list[str]:
    """Return the texts of a MATLAB cell array, stripped; raises UserError as `matlab_row` does, and for an empty cell."""
    row = matlab_row(info, path, variable, count)
    try:
        return [str(getattr(name, "item", lambda name=name: name)()).strip() for name in row]
    except ValueError as error:
        raise UserError(f"{info.name}: {path}: an entry of {variable} is not one name ({error})") from error
