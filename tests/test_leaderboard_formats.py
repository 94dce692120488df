"""What each format shows of one board that holds one of everything; tables are read back, not compared as bytes."""

import csv
import io
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from leaderboard_store import TOY, add, full_store, noisy, toy_pairs
from numpy.testing import assert_allclose

from benchmark.leaderboard.build import build
from benchmark.leaderboard.cells import Footnotes, cell, decimals, number
from benchmark.leaderboard.latex import escape as latex_escape
from benchmark.leaderboard.markdown import escape as markdown_escape
from benchmark.leaderboard.render import render
from benchmark.leaderboard.tidy import CSV_COLUMNS, from_json
from benchmark.store import Store
from benchmark.types import Estimate, UserError

FEW = {"replicates": 60}
NASTY = r"50 % of a_b & {c} #1 ^2 ~ $x$ \alpha <é–σ> “q” 漢 [z] | *s* `t`"


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with full_store(tmp_path_factory.mktemp("store") / "scores.sqlite") as store:
        return build(store, **FEW)


@pytest.fixture(scope="module")
def two_boards(tmp_path_factory):
    """Two data sets, names and texts full of special characters, published values."""
    pairs = [replace(pair, distortion=f"{pair.distortion}_x & [1]") for pair in toy_pairs()]
    with Store(tmp_path_factory.mktemp("two") / "scores.sqlite") as store:
        for info in (replace(TOY, name="tid2013", title=NASTY, note=NASTY), replace(TOY, name="other_one")):
            for seed, name in enumerate(("dssim", "snake_case", "c%")):
                facts = {"name": name, "protocol": NASTY, "note": NASTY}
                add(store, info, pairs, facts, noisy(pairs, noise=9, seed=seed))
            add(store, info, pairs, {"name": "absent"}, not_run=NASTY)
        return build(store, **FEW)


def printed(board, width):
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(render(board, "terminal"))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_terminal_board_fits_and_shows_every_metric(board, two_boards, width):
    for one in (board, two_boards):
        text = printed(one, width)
        assert max(len(line) for line in text.splitlines()) <= width
        for row in one.datasets[0].rows:
            assert row.label in text


def test_the_terminal_drops_columns_from_the_least_needed(board):
    wide, narrow = printed(board, 160), printed(board, 64)
    for title in ("SRCC", "KRCC", "PLCC (fit)", "RMSE", "ms/pair"):
        assert title in wide
    assert "SRCC" in narrow
    table = re.search(r"(?m)^ ?rank .*$", narrow)[0]
    assert "KRCC" not in table
    assert "ms/pair" not in table
    assert "Too narrow for ms/pair, KRCC" in " ".join(narrow.split())
    assert "Too narrow" not in wide


def test_a_narrow_terminal_keeps_the_column_that_the_rows_are_sorted_by(board):
    table = re.search(r"(?m)^ ?rank .*$", printed(replace(board, sort="krcc"), 72))[0]
    assert "KRCC" in table
    assert "RMSE" not in table


@pytest.mark.parametrize("name", ["c[/d].png", "[bold]loud", "table:label:x"])
def test_names_are_shown_as_they_are_and_not_taken_for_markup(tmp_path, name):
    from rich.console import Console

    pairs = [replace(pair, distortion=f"{name} {pair.distortion}") for pair in toy_pairs()]
    with Store(tmp_path / "s.sqlite") as store:
        for info in (replace(TOY, name=name), replace(TOY, name="other")):
            add(store, info, pairs, {"name": f"m{name}"}, noisy(pairs, noise=6))
            add(store, info, pairs, {"name": "n"}, noisy(pairs, noise=9))
        text = render(build(store, **FEW), "terminal")
    console = Console(width=200, file=io.StringIO(), color_system=None)
    console.print(text)
    shown = console.file.getvalue()
    assert f"m{name}" in shown
    assert f"{name} jpeg" in shown
    assert re.search(rf"mean rank +{re.escape(name)}", shown)


@pytest.mark.parametrize("format", ["terminal", "markdown", "latex"])
def test_a_table_says_all_that_a_reviewer_asks(board, format):
    text = printed(board, 400) if format == "terminal" else render(board, format)
    plain = re.sub(r"[\\{}]", "", text)
    for sentence in (
        "Toy set, regenerated",
        "Blur is approximate",
        "96 pairs",
        "8 contents",
        "oriented",
        "95 %",
        "bootstrap over 8 contents, 60 resamples",
        "Holm",
        "in-sample",
        "91 of 96",
        "3 failed",
        "jpeg/c0_1.png: expected 8 x 8, got 7 x 8",
        "needs weights that are not here",
        "undefined",
        "constant scores",
        "its scores run against people",
        "not run",
        "iqa-benchmark",
    ):
        assert sentence in plain, sentence


@pytest.mark.parametrize("format", ["terminal", "markdown"])
def test_protocols_are_listed_with_direction_version_weights_and_notes(board, format):
    text = printed(board, 400) if format == "terminal" else render(board, format).replace("\\", "")
    for fact in (
        "lower is better",
        "version 1 (weights abcdef01)",
        "trained on toy",
        "Distance on luma",
        "100 % & more",
    ):
        assert fact in text


def markdown_tables(text):
    """Cells of every table; an escaped pipe does not part cells."""
    tables, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif current:
            tables.append(current)
            current = []
    return tables


def test_markdown_tables_are_rectangular_whatever_the_texts_hold(board, two_boards):
    for one in (board, two_boards):
        tables = markdown_tables(render(one, "markdown"))
        assert len(tables) >= 3
        for table in tables:
            assert len({len(row) for row in table}) == 1


def test_markdown_shows_value_and_interval(board):
    main = markdown_tables(render(board, "markdown"))[0]
    row = next(row for row in board.datasets[0].rows if row.label == "good")
    shown = next(cells for cells in main if cells[1] == "good")[main[0].index("SRCC")].replace("\\", "")
    estimate = row.estimate("srcc")
    assert shown == f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def test_markdown_shows_reported_beside_measured(two_boards):
    text = render(two_boards, "markdown")
    table = next(table for table in markdown_tables(text) if "reported" in table[0])
    row = next(row for row in table if row[:2] == ["dssim", "SRCC"])
    assert row[3] == "0.8609"
    assert_allclose(float(row[4]), float(row[2]) - 0.8609, atol=1.01e-4)
    assert "VQMTCrossVal" in row[5]


def test_no_timing_stands_in_what_may_be_committed(board):
    slow = replace(board.datasets[0].rows[1], seconds_per_pair=123.456)
    rows = (board.datasets[0].rows[0], slow, *board.datasets[0].rows[2:])
    other = replace(board, datasets=(replace(board.datasets[0], rows=rows),))
    for format in ("markdown", "csv", "latex"):
        assert render(other, format) == render(board, format)
    assert render(other, "json") != render(board, "json")


def test_csv_is_tidy_and_holds_every_statistic_of_every_subset(board):
    rows = list(csv.DictReader(io.StringIO(render(board, "csv"))))
    assert list(rows[0]) == CSV_COLUMNS
    good = {row["statistic"]: row for row in rows if row["metric"] == "good" and row["subset"] == "all"}
    found = next(row for row in board.datasets[0].rows if row.label == "good")
    assert set(good) == set(found.agreement.statistics)
    for name, estimate in found.agreement.statistics.items():
        if not math.isnan(estimate.value):
            assert_allclose(float(good[name]["value"]), estimate.value, rtol=1e-9)
    assert {row["subset"] for row in rows} == {"all", "distortion=gblur", "distortion=jpeg"}
    (absent,) = (row for row in rows if row["metric"] == "absent")
    assert absent["note"] == "not run: needs weights that are not here"
    flat = next(row for row in rows if row["metric"] == "flat" and row["statistic"] == "srcc")
    assert (flat["value"], flat["rank"]) == ("", "")
    assert "constant" in flat["method"]
    assert good["srcc"]["protocol"] == "Distance on luma, full range."


def test_json_comes_back_as_the_same_board(board, two_boards):
    for one in (board, two_boards):
        text = render(one, "json")
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert json.loads(text)["schema"] == 1
        assert repr(from_json(text)) == repr(one)  # nan is not equal to itself


def test_json_of_another_schema_is_refused(board):
    with pytest.raises(UserError, match="expected schema 1, got 2"):
        from_json(render(board, "json").replace('"schema": 1', '"schema": 2'))


def tabulars(text):
    text = text.replace(r"p{0.62\textwidth}", "p")
    return re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL)


def test_latex_rows_have_as_many_cells_as_the_columns_say(board, two_boards):
    for one in (board, two_boards):
        found = tabulars(render(one, "latex"))
        assert len(found) >= 2
        for columns, body in found:
            for line in body.strip().splitlines():
                if line.endswith(r"\\"):
                    spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
                    assert len(re.findall(r"(?<!\\)&", line)) + spans == len(columns) - 1, line
            assert body.count("rule") == 3


def test_latex_bolds_the_best_ranked_value_that_is_not_in_sample(board):
    _, body = tabulars(render(board, "latex"))[0]
    bold = [line for line in body.splitlines() if r"\textbf" in line]
    assert len(bold) == 1
    assert "good" in bold[0]
    assert bold[0].count(r"\textbf") == 4


def test_latex_escapes_every_special_character():
    text = latex_escape(NASTY)
    left = re.sub(r"\\[%&#_$]|\\[{}]|\\text\w+\{\}|\$\\sigma\$|\{\[\}|\{\]\}", "", text)
    assert not re.search(r"[%&#_${}\\^~\[\]|<>]", left), left
    assert "é" in left
    assert "?" in left  # no glyph for it in pdfLaTeX


def test_latex_compiles(two_boards, board, tmp_path):
    if not all(shutil.which(name) for name in ("pdflatex", "kpsewhich")):
        pytest.skip("needs pdflatex; the structure is checked without it")
    if subprocess.run(["kpsewhich", "booktabs.sty"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the LaTeX package booktabs; the structure is checked without it")
    body = render(two_boards, "latex") + render(replace(board, sort="outlier_ratio"), "latex")
    source = (
        "\\documentclass[twocolumn]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs,graphicx}\n"
        "\\begin{document}\n"
    )
    (tmp_path / "t.tex").write_text(f"{source}{body}\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_latex_captions_are_short_and_protocols_have_a_table(board):
    text = render(board, "latex")
    captions = re.findall(r"\\caption\{(.*)\}\n", text)
    assert max(map(len, captions)) < 300
    for part in ("Toy set, regenerated", "96 pairs, 8 contents", "95 ", "positive is good", "Bold", "letter"):
        assert part in captions[0]
    protocols = next(body for _, body in tabulars(text) if "Protocol " in body)
    assert re.search(r"seen & lower & 1 & abcdef01 & Distance on luma, full range", protocols)


def test_latex_prints_the_column_that_the_rows_are_sorted_by(board):
    assert "Outlier ratio" not in tabulars(render(board, "latex"))[0][1]
    assert "Outlier ratio" in tabulars(render(replace(board, sort="outlier_ratio"), "latex"))[0][1]


def test_markdown_escapes_what_would_be_markup():
    assert markdown_escape("a_b *c*\n| [d](e) <f>") == r"a\_b \*c\* \| \[d\](e) \<f\>"


@pytest.mark.parametrize(
    ("label_range", "places"),
    [((0, 1), 4), ((0, 9), 3), ((0, 100), 2), ((-5, 105), 2), ((0, 2000), 1), ((float("-inf"), float("inf")), 3)],
)
def test_rmse_has_decimals_by_the_labels_range(label_range, places):
    assert decimals("rmse", replace(TOY, label_range=label_range)) == places
    assert decimals("srcc", replace(TOY, label_range=label_range)) == 3


def test_numbers_have_no_negative_zero_and_undefined_is_said():
    assert number(-0.0001, 3) == "0.000"
    assert number(-0.5, 3) == "-0.500"
    assert number(math.nan, 3) == "undefined"


def test_a_missing_interval_and_a_fallback_are_explained_by_footnotes():
    notes = Footnotes()
    assert cell(Estimate(0.5, method="no interval: 2 contents, needs 3"), 3, notes) == ("0.500 [1]", "")
    fallen = Estimate(0.5, 0.4, 0.6, "bootstrap over 9 contents; linear map: 3 distinct scores for 4 parameters")
    assert cell(fallen, 3, notes) == ("0.500 [2]", "[0.400, 0.600]")
    assert cell(Estimate(math.nan, method="undefined: constant scores"), 3, notes) == ("undefined [3]", "")
    assert cell(Estimate(0.1, method="no interval: 2 contents, needs 3"), 3, notes)[0] == "0.100 [1]"
    assert notes.lines()[1] == "[2] linear map: 3 distinct scores for 4 parameters"


@pytest.mark.parametrize("width", [60, 100, 400])
@pytest.mark.parametrize("format", ["terminal", "markdown", "csv", "json", "latex"])
def test_every_format_shows_every_statistic_that_is_computed(board, format, width):
    """KRCC and RMSE give way on a terminal of 60 columns, by name; nothing else may."""
    from benchmark.statistics import STATISTICS

    text = printed(board, width) if format == "terminal" else re.sub(r"[\\{}]", "", render(board, format))
    computed = {name for row in board.datasets[0].rows if row.agreement for name in row.agreement.statistics}
    assert computed == set(STATISTICS)
    for name in computed:
        title = name if format in ("csv", "json") else STATISTICS[name].title
        assert title in " ".join(text.split()), title
        estimate = next(row for row in board.datasets[0].rows if row.label == "good").estimate(name)
        if width > 60 and not math.isnan(estimate.value):
            places = decimals(name, board.datasets[0].dataset)
            shown = f"{estimate.value:.10g}"[:8] if format in ("csv", "json") else number(estimate.value, places)
            assert shown in text, (name, shown)


@pytest.mark.parametrize("name", ["table:my_own_set.csv", "a*b*", "[x](y)"])
def test_names_of_data_sets_are_escaped_in_markdown_headings(tmp_path, name):
    with Store(tmp_path / "s.sqlite") as store:
        add(store, replace(TOY, name=name), toy_pairs(), {}, noisy(toy_pairs(), noise=6))
        text = render(build(store, **FEW), "markdown")
    assert f"## {markdown_escape(name)}: Toy set, regenerated" in text
