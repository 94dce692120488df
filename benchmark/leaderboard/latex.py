"""A board as LaTeX tables for a paper: booktabs and graphicx, every text escaped for pdfLaTeX. Holds no timings."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from benchmark.leaderboard import cells
from benchmark.leaderboard.board import RANK_RULE, TIE_RULE, Board, DatasetBoard, Overall, Row
from benchmark.leaderboard.cells import Footnotes
from benchmark.statistics import STATISTICS

METRICS_ACROSS = 5
"""Metrics side by side in one table per distortion."""
PROTOCOLS_DOWN = 20
"""Metrics below each other in one table of protocols, so that it fits a page."""

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
    r"""Render all tables; \input the text into a document that uses the packages booktabs and graphicx.

    Each data set has the table of the main statistics (the one that the rows are sorted by among them), one of the
    others, SRCC per distortion, and the protocols. The captions are short; what else a reader must know stands below the tables.
    """
    lines = [f"% {escape(cells.signature(board))} Needs \\usepackage{{booktabs,graphicx}}."]
    lines += [f"% {escape(' '.join(note.split()))}" for note in cells.notes(board)]
    for dataset in board.datasets:
        others = dataset.statistics(main=False)
        extra = tuple(key for key in others if key == board.sort)
        lines += ["", *_main(dataset, (*dataset.statistics(main=True), *extra))]
        if rest := tuple(key for key in others if key not in extra):
            lines += ["", *_main(dataset, rest, others=True)]
        rows = [row for row in dataset.rows if row.by_distortion]
        for start in range(0, len(rows) if dataset.distortions else 0, METRICS_ACROSS):
            lines += ["", *_distortions(dataset, rows[start : start + METRICS_ACROSS], start)]
        for start in range(0, len(dataset.rows), PROTOCOLS_DOWN):
            lines += ["", *_protocols(dataset, dataset.rows[start : start + PROTOCOLS_DOWN], start)]
    if board.overall is not None:
        lines += ["", *_overall(board, board.overall)]
    return "\n".join(lines) + "\n"


def _float(caption: str, label: str, columns: str, body: Sequence[str], below: Sequence[str] = ()) -> list[str]:
    """A table over both columns of a page, shrunk where it is wider, with its notes below."""
    return [
        r"\begin{table*}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        *([rf"\par\smallskip\parbox{{\textwidth}}{{\footnotesize\raggedright {' '.join(below)}}}"] if below else []),
        r"\end{table*}",
    ]


def _label(kind: str, board: DatasetBoard, number: int = 0) -> str:
    text = f"iqa-{kind}-{board.dataset.name}-{board.subset}" + (f"-{number}" if number else "")
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in text)


def _main(board: DatasetBoard, statistics: Sequence[str], *, others: bool = False) -> list[str]:
    footnotes = Footnotes()
    best = {key: _best(board.rows, key) for key in statistics}
    body = [
        " & ".join(["Rank", "Metric", *(escape(cells.title(key, board.dataset)) for key in statistics), "Scored"])
        + r" \\",
        r"\midrule",
    ]
    for row in board.rows:
        if row.agreement is None:
            values = [rf"\multicolumn{{{len(statistics)}}}{{l}}{{not run}}"]
        else:
            values = [_value(board, row, key, best[key], footnotes) for key in statistics]
        place = (
            "--"
            if row.rank is None
            else str(row.rank) + (rf"$^{{\mathrm{{{row.tie_group}}}}}$" if row.tie_group else "")
        )
        body.append(" & ".join([place, escape(cells.name(row)), *values, _scored(row)]) + r" \\")
    columns = "ll" + "l" * len(statistics) + "r"
    if others:
        caption = escape(f"Other statistics of agreement with people on {_data(board)}.")
        return _float(caption, _label("others", board), columns, body, [escape(line) for line in footnotes.lines()])
    return _float(_caption(board), _label("board", board), columns, body, _notes(board, footnotes))


def _scored(row: Row) -> str:
    agreement = row.agreement
    return "0" if agreement is None else str(agreement.n_scored) + ("" if row.complete else f"/{agreement.n_expected}")


def _caption(board: DatasetBoard) -> str:
    """What the table shows in short; `_notes` has the rest."""
    interval = ", ".join(board.interval.removeprefix("Intervals: ").split(", ")[:2])
    brackets = f" Brackets: intervals ({interval.rstrip('.')})." if interval else ""
    letters = " A letter shared: not told apart." if any(row.tie_group for row in board.rows) else ""
    text = f"Agreement with people on {_data(board)}. Correlations are oriented, positive is good.{brackets}"
    return escape(text) + rf" \textbf{{Bold}}: best of a column.{letters}"


def _data(board: DatasetBoard) -> str:
    subset = "" if board.subset == "all" else f", subset {board.subset}"
    return f"{board.dataset.title}{subset} ({board.n_pairs} pairs, {board.n_contents} contents)"


def _notes(board: DatasetBoard, footnotes: Footnotes) -> list[str]:
    """The sentences below the main table."""
    info = board.dataset
    lines = [
        f"Data set {info.name}, label revision {board.revision[:12]}.",
        f"{info.note.rstrip('.')}." if info.note else "",
    ]
    lines += [*board.notes, board.interval, RANK_RULE, TIE_RULE, board.tests]
    if any(row.in_sample for row in board.rows):
        lines += [cells.IN_SAMPLE_SENTENCE, "Rows in-sample are never bold."]
    partly = [
        f"Incomplete: {row.label}: {cells.counts(row)}." for row in board.rows if row.agreement and not row.complete
    ]
    return [escape(line) for line in [*lines, *footnotes.lines(), *partly, *cells.problems(board)] if line]


def _protocols(board: DatasetBoard, rows: Sequence[Row], start: int) -> list[str]:
    """What fixes each metric's values: direction, version, weights and the protocol's sentence."""
    body = [r"Metric & Better & Version & Weights & Protocol \\", r"\midrule"]
    for row in rows:
        metric = row.metric
        note = f" Note: {metric.note.rstrip('.')}." if metric.note else ""
        through = f" ({row.seen_through})" if row.seen_through else ""
        trained = f" Trained on {', '.join(metric.trained_on)}{through}." if metric.trained_on else ""
        facts = [
            row.label,
            "higher" if metric.higher_is_better else "lower",
            metric.version,
            metric.weights_sha256[:8] or "none",
            f"{metric.protocol.rstrip('.')}.{trained}{note}",
        ]
        body.append(" & ".join(map(escape, facts)) + r" \\")
    caption = escape(f"Protocols of the metrics on {board.dataset.name}; weights: the first characters of the sha256.")
    label = _label("protocols", board, start // PROTOCOLS_DOWN + 1)
    return _float(caption, label, r"llllp{0.62\textwidth}", body)


def _best(rows: Sequence[Row], statistic: str) -> float:
    """The best value among ranked rows that are not in-sample; nan without any."""
    ranked = [row.value(statistic) for row in rows if row.rank is not None and not row.in_sample]
    values = [value for value in ranked if not math.isnan(value)]
    return (max if STATISTICS[statistic].higher_is_better else min)(values, default=math.nan)


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
    caption = escape(f"SRCC per distortion on {_data(board)}, oriented, positive is good.")
    below = [escape(line) for line in [board.interval, *footnotes.lines()] if line]
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
