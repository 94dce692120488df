"""A board as LaTeX tables for a paper: booktabs only, every text escaped for pdfLaTeX. Holds no timings."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import (
    HIGHER_IS_BETTER,
    MAIN_STATISTICS,
    RANK_RULE,
    TITLES,
    Board,
    DatasetBoard,
    Overall,
    Row,
)
from benchmark.leaderboard.cells import Footnotes

METRICS_ACROSS = 5
"""Metrics side by side in one table per distortion."""

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "[": "{[}",
    "]": "{]}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "†": r"$\dagger$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "σ": r"$\sigma$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "²": r"$^2$",
    "°": r"$^\circ$",
    "…": r"\ldots{}",
}


def escape(text: str) -> str:
    """Text that pdfLaTeX typesets as it is; a character it has no glyph for loses its accent or becomes "?"."""
    return "".join(_character(char) for char in " ".join(text.split()))


def _character(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    if " " <= char <= "~" or (char.isalpha() and char < "\u0180"):
        return char
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return "".join(_ESCAPED.get(part, part) for part in plain) or "?"


def latex(board: Board) -> str:
    r"""Render all tables; \input the text into a document that uses the package booktabs."""
    lines = [f"% {escape(cells.signature(board))} Needs \\usepackage{{booktabs}}."]
    for dataset in board.datasets:
        footnotes = Footnotes()
        lines += ["", *_main(dataset, footnotes)]
        rows = [row for row in dataset.rows if row.by_distortion]
        for start in range(0, len(rows) if dataset.distortions else 0, METRICS_ACROSS):
            lines += ["", *_distortions(dataset, rows[start : start + METRICS_ACROSS], start)]
    if board.overall is not None:
        lines += ["", *_overall(board, board.overall)]
    return "\n".join(lines) + "\n"


def _float(caption: str, label: str, columns: str, body: Sequence[str], below: Sequence[str] = ()) -> list[str]:
    return [
        r"\begin{table*}[t]",
        r"\centering\small",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\smallskip{{\footnotesize {line}\par}}" for line in below),
        r"\end{table*}",
    ]


def _label(kind: str, board: DatasetBoard, number: int = 0) -> str:
    text = f"iqa-{kind}-{board.dataset.name}-{board.subset}" + (f"-{number}" if number else "")
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in text)


def _main(board: DatasetBoard, footnotes: Footnotes) -> list[str]:
    best = {key: _best(board.rows, key) for key in MAIN_STATISTICS}
    unit = escape(board.dataset.label_kind)
    titles = [f"{TITLES[key]} ({unit})" if key == "rmse" else TITLES[key] for key in MAIN_STATISTICS]
    body = [" & ".join(["Rank", "Metric", *titles, "Scored"]) + r" \\", r"\midrule"]
    for row in board.rows:
        if row.agreement is None:
            values = [rf"\multicolumn{{{len(MAIN_STATISTICS)}}}{{l}}{{not run}}"]
        else:
            values = [_value(board, row, key, best[key], footnotes) for key in MAIN_STATISTICS]
        place = (
            "--"
            if row.rank is None
            else str(row.rank) + (rf"$^{{\mathrm{{{row.tie_group}}}}}$" if row.tie_group else "")
        )
        body.append(" & ".join([place, escape(cells.name(row)), *values, escape(cells.counts(row))]) + r" \\")
    return _float(
        _caption(board),
        _label("board", board),
        "ll" + "l" * len(MAIN_STATISTICS) + "r",
        body,
        [escape(line) for line in [*footnotes.lines(), *cells.problems(board)]],
    )


def _caption(board: DatasetBoard) -> str:
    subset = "" if board.subset == "all" else f", subset {board.subset}"
    marks = f" {cells.IN_SAMPLE_SENTENCE}" if any(row.in_sample for row in board.rows) else ""
    note = f" {board.dataset.note.rstrip('.')}." if board.dataset.note else ""
    sentences = (
        f"Agreement with people on {board.dataset.title}{subset} ({board.n_pairs} pairs, {board.n_contents} contents)."
        f"{note} Correlations are oriented, positive is good. {board.interval} {RANK_RULE} {board.tests}{marks}"
    )
    return escape(sentences) + r" \textbf{Bold}: best of each column, in-sample rows apart."


def _best(rows: Sequence[Row], statistic: str) -> float:
    """The best value among ranked rows that are not in-sample; nan without any."""
    ranked = [row.value(statistic) for row in rows if row.rank is not None and not row.in_sample]
    values = [value for value in ranked if not math.isnan(value)]
    return (max if HIGHER_IS_BETTER[statistic] else min)(values, default=math.nan)


def _value(board: DatasetBoard, row: Row, statistic: str, best: float, footnotes: Footnotes) -> str:
    value, interval = cells.cell(row.estimate(statistic), cells.decimals(statistic, board.dataset), footnotes)
    value = _minus(escape(value))
    if row.rank is not None and not row.in_sample and row.value(statistic) == best:
        value = rf"\textbf{{{value}}}"
    return f"{value} {{\\scriptsize {_minus(escape(interval))}}}" if interval else value


def _minus(text: str) -> str:
    return text.replace("-", "$-$")


def _distortions(board: DatasetBoard, rows: Sequence[Row], start: int) -> list[str]:
    footnotes = Footnotes()
    body = [" & ".join(["Distortion", "Pairs", *(escape(cells.name(row)) for row in rows)]) + r" \\", r"\midrule"]
    for distortion in board.distortions:
        values = []
        for row in rows:
            value, interval = (_minus(escape(text)) for text in cells.part_cell(row, distortion, footnotes))
            values.append(f"{value} {{\\scriptsize {interval}}}" if interval else value)
        body.append(" & ".join([escape(distortion), cells.part_size(rows, distortion), *values]) + r" \\")
    caption = escape(f"SRCC per distortion on {board.dataset.title}, oriented, positive is good. {board.interval}")
    below = [escape(line) for line in footnotes.lines()]
    return _float(
        caption, _label("distortions", board, start // METRICS_ACROSS + 1), "lr" + "l" * len(rows), body, below
    )


def _overall(board: Board, overall: Overall) -> list[str]:
    names = [dataset.dataset.name for dataset in board.datasets]
    body = [" & ".join(["Rank", "Metric", "Mean rank", *map(escape, names)]) + r" \\", r"\midrule"]
    for row in overall.rows:
        ranks = [f"{row.ranks[name]:.2f}" if name in row.ranks else "--" for name in names]
        body.append(" & ".join([str(row.position), escape(row.label), f"{row.mean_rank:.2f}", *ranks]) + r" \\")
    below = [escape(f"Left out: {label}: {reason}.") for label, reason in overall.left_out.items()]
    return _float(escape(overall.rule), "iqa-overall", "rl" + "r" * (1 + len(names)), body, below)
