"""Delimited text is read by one set of rules: what is certain is read, and said; the rest is refused."""

import contextlib
import csv
import io
import logging
import math

import numpy as np
import pytest

from benchmark import delimited
from benchmark.types import UserError


class NotANumber(Exception):
    """A cell of the column of numbers holds none."""


@pytest.fixture
def read(tmp_path, caplog):
    """Reads bytes or text as a file: the columns asked for, numbers in the last of them, and what was said."""
    delimited._say_once.cache_clear()

    def run(data, *columns):
        path = tmp_path / "f.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        caplog.clear()
        text = delimited.read(path)
        rows = [cells for _, cells in text.rows(columns)]
        mark = text.decimal_mark(columns[-1:])
        try:
            values = [[*cells[:-1], delimited.number(cells[-1], columns[-1], decimal=mark)] for cells in rows]
        except ValueError as error:
            raise NotANumber from error
        return values, [record.getMessage() for record in caplog.records]

    return run


ROWS = [["é.png", 27.4], ["b.png", 0.5]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("name,x\né.png,27.4\nb.png,0.5\n".encode(), []),
        ("\ufeffname,x\r\né.png,27.4\r\nb.png,.5\r\n".encode(), []),
        ("name,x\ré.png,27.4\rb.png,+5e-1".encode(), []),
        (' Name , X ,\n\n " é.png" ,"27.4",\n,,\nb.png,0.5, \n'.encode(), []),
        ('name,x\né.png,"27,4"\nb.png,"0,5"\n'.encode(), ["f.csv: read as text with decimal commas"]),
        ("name;x\né.png;27.4\nb.png;0.5\n".encode(), ["f.csv: read as semicolon-separated text"]),
        ("name\tx\né.png\t27.4\nb.png\t0.5\n".encode("utf-16"), ["f.csv: read as tab-separated utf-16"]),
        ("name,x\né.png,27.4\nb.png,0.5\n".encode("cp1252"), ["f.csv: read as cp1252"]),
        (
            "name;x\r\né.png;27,4\r\nb.png;0,5\r\n".encode("cp1252"),
            ["f.csv: read as semicolon-separated cp1252 with decimal commas"],
        ),
        (
            "sep=;\r\n# a remark;\r\nname;x;free, text\r\né.png;27,4;\r\nb.png;0,5;\r\n".encode(),
            ["f.csv: read as semicolon-separated text with decimal commas"],
        ),
        ("# decimal: comma\nname;x\né.png;27,400\nb.png;0,5\n".encode(), None),
        ("name,x,a;b\né.png,27.4,\nb.png,0.5,\n".encode(), []),
        ('name,x,"a;b"\né.png,27.4,\nb.png,0.5,\n'.encode(), []),
    ],
)
def test_what_is_certain_is_read_and_said(read, data, said):
    values, messages = read(data, "name", "x")
    assert values == ROWS
    assert said is None or messages == said


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("name,x\na,27,4\n", r"line 2: 3 cells, expected 2; if 27,4 is one number, write it with a point"),
        ("name,x\na\n", r"line 2: 1 cells, expected 2"),
        ("name,x\na,1,\n", r"line 2: 3 cells, expected 2; those beyond are empty"),
        ("name,x,X\na,1,2\n", r"1 columns have the name of another: x"),
        ('name,x\n"a,1\nb,2\n', r"1 cannot be read: line 2: a quote in '\"a,1'"),
        ('name,x\n"a\nb",2\n', r"2 cannot be read: line 2: a quote in"),
        ('name,x\na"b,1\n', r"line 2: a quote in"),
        ('name,x\n"a"b,1\n', r"line 2: a quote in"),
        ('name,"x\na,1\n', r"line 1: a quote in"),
        ("name,x\n" + "a" * 40_000 + ",1\n", r"line 2: a cell of 40000 characters, expected 32767 at most"),
        (",".join(map(str, range(20_000))) + "\n", r"20000 columns, expected at most 16384"),
        ("name;x,y\na,1;2;3,4\n", r"comma and semicolon stand in the line of column names, and neither may separate"),
        ("name;x,y\n", r"both may separate: let the first line be 'sep=,' or 'sep=;'"),
        ("sep=|\nname|x\n", r"expected sep=, or sep=; or a tab"),
        ("", r"no line of column names"),
        ("# name,x\n", r"no line of column names"),
        ("name;x\na;1,5\nb;1.5\n", r"numbers with commas \(1,5\) and with points \(1.5\)"),
        ("name;x\na;1,520\nb;1,034\n", r"1,520 may be 1.520 or 1520: write points, or put the line '# decimal: comma'"),
        ("name,x\na,1\n".encode("utf-16-le"), r"no text in UTF-8, UTF-16 or cp1252: save it as"),
        ("name,x\n\u0440\u0430\u0437\u043c\u044b\u0442\u0438\u0435,1\n".encode("cp1251"), r"neither UTF-8 nor plainly cp1252"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"no text"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_with_the_line_and_what_to_do(read, data, reason):
    with pytest.raises(UserError, match=reason):
        read(data, "name", "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1_000", "write it without separators of thousands"),
        ("1,234.5", "write it without separators of thousands"),
        ("1.234,5", "write it without separators of thousands"),
        ("1 234", "write it without separators of thousands"),
        ("27,4", "with one point"),
        ("50%", "write it without the percent sign"),
        ("inf", "not a number that can be used here"),
        ("-Infinity", "not a number that can be used here"),
        ("NaN", "not a number that can be used here"),
        ("1e400", "is too large"),
        ("\u0663", "is not a number"),
        ("0x10", "is not a number"),
        ("3 dB", "is not a number"),
        ("#DIV/0!", "is not a number"),
        (".", "is not a number"),
        ("", "score is empty"),
    ],
)
def test_a_cell_that_is_not_wholly_a_number_is_none(text, reason):
    with pytest.raises(ValueError, match=reason):
        delimited.number(text, "score")


def test_numbers_are_those_that_python_reads():
    for text in ("1", "-1.5", "+.5", "5.", "1e3", "1E-3", "0012"):
        assert delimited.number(text, "x") == float(text)
    assert delimited.number("-inf", "x", infinite=True) == -math.inf
    assert math.isnan(delimited.number("nan", "x", infinite=True))
    assert delimited.number("1,5e1", "x", decimal=",") == 15.0


def test_what_the_csv_module_writes_is_read_back(read):
    """An independent writer: random cells with quotes, separators and spaces inside, in each separator."""
    random = np.random.default_rng(0)
    letters = list('ab",;\t é.')
    for separator in ",;\t":
        rows = [["".join(random.choice(letters, random.integers(0, 8))), str(i)] for i in range(200)]
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator)
        writer.writerows([["name", "x"], *rows])
        values, _ = read(out.getvalue(), "name", "x")
        assert values == [[name.strip(), float(x)] for name, x in rows]


def test_no_bytes_at_all_end_in_anything_but_an_answer_or_a_user_error(read):
    random = np.random.default_rng(0)
    start = b'# decimal: comma\nname;x\n"a";1,5\nb;2\n'
    for _ in range(2000):
        data = bytearray(start)
        for at in random.integers(0, len(data), random.integers(1, 5)):
            data[at] = random.integers(0, 256)
        with contextlib.suppress(UserError, NotANumber):
            read(bytes(data), "name", "x")


def test_files_that_cannot_be_read_are_named_with_the_reason(tmp_path):
    for path, reason in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "a folder, expected a CSV"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(UserError, match=reason):
            delimited.read(path)


def test_each_sentence_is_said_once(tmp_path, caplog):
    delimited._say_once.cache_clear()
    path = tmp_path / "twice.csv"
    path.write_text("name;x\na;1\n")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            delimited.read(path).decimal_mark(["x"])
    assert [record.getMessage() for record in caplog.records] == ["twice.csv: read as semicolon-separated text"]
