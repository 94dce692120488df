"""`csiq`: six distortions at four or five levels of 30 photographs.

Trap: a type is spelled in three ways, in the folder (``awgn``), in the file (``AWGN``) and in the sheet (``noise``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress, UserError
from iqa_datasets.layout import files_below, find, locate, number, parse_each, why_missing

LABELS = "csiq.DMOS.xlsx"
DISTORTED = "dst_imgs"
REFERENCES = "src_imgs"
COLUMNS = ("image", "dst_type", "dst_lev", "dmos_std", "dmos")

TYPES = {
    "noise": ("AWGN", "additive Gaussian noise"),
    "awgn": ("AWGN", "additive Gaussian noise"),
    "blur": ("BLUR", "Gaussian blur"),
    "contrast": ("contrast", "contrast change"),
    "fnoise": ("fnoise", "pink noise"),
    "jpeg": ("JPEG", "JPEG compression"),
    "jpeg2000": ("jpeg2000", "JPEG2000 compression"),
}
"""Spelling in the sheet (lower case, without spaces) -> (spelling in the file's name, readable name)."""

Cells = dict[str, object]


@dataclass(frozen=True, slots=True)
class Csiq:
    """CSIQ in its official layout."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, DISTORTED, REFERENCES))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id (`1600.AWGN.1.png`); with `images=False` from the sheet alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self.info, data_root, (LABELS, DISTORTED, REFERENCES) if images else (LABELS,))
        distorted = files_below(self.info, [find(folder, DISTORTED)]) if images else {}
        references = files_below(self.info, [find(folder, REFERENCES)]) if images else {}
        path = find(folder, LABELS) or folder / LABELS

        def parse(cells: Cells) -> Pair:
            kind = str(cells["dst_type"]).lower().replace(" ", "")
            if kind not in TYPES:
                raise ValueError(f"unknown dst_type {cells['dst_type']!r}")
            spelling, readable = TYPES[kind]
            content, level = str(cells["image"]).strip().lower(), number(cells["dst_lev"], "dst_lev")
            name, reference = f"{content}.{spelling}.{level:g}.png", f"{content}.png"
            return Pair(
                id=name,
                distorted=distorted.get(name.lower(), folder / DISTORTED / spelling / name),
                reference=references.get(reference, folder / REFERENCES / reference),
                content=content,
                label=number(cells["dmos"], "dmos"),
                distortion=readable,
                level=level,
                label_std=number(cells["dmos_std"], "dmos_std"),
            )

        rows = _sheet_rows(self.info, path)
        return check_pairs(
            self.info, parse_each(self.info, path, rows, parse, "a row per image, see layout"), images=images
        )


def _sheet_rows(info: DatasetInfo, path: Path) -> list[tuple[int, Cells]]:
    """Row number and cells by column name, from the first sheet that has a row with all `COLUMNS`; raises UserError."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {name: list(book[name].iter_rows(values_only=True)) for name in _likely_first(book.sheetnames)}
        book.close()
    except Exception as error:  # a damaged file fails in many ways inside zipfile, the XML parser and openpyxl
        raise UserError(f"{info.name}: {path} cannot be read as a sheet ({type(error).__name__}: {error})") from error
    for rows in sheets.values():
        for top, row in enumerate(rows):
            header = [str(cell).strip().lower() for cell in row]
            if set(COLUMNS) <= set(header):
                at = {name: header.index(name) for name in COLUMNS}
                below = enumerate(rows[top + 1 :], top + 2)
                cells = [(line, {name: row[i] for name, i in at.items()}) for line, row in below]
                return [(line, row) for line, row in cells if row["image"] is not None]
    raise UserError(f"{info.name}: {path}: no sheet has a row with the columns {', '.join(COLUMNS)}")


def _likely_first(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: name != "all_by_image")


DATASET = Csiq(
    DatasetInfo(
        name="csiq",
        title="CSIQ, Categorical Subjective Image Quality database",
        label_kind="DMOS",
        label_higher_is_better=False,
        label_range=(0.0, 1.0),
        n_pairs=866,
        n_contents=30,
        licence="the authors': free download for research, with citation; read the database's page",
        url="https://s2.smu.edu/~eclarson/csiq.html",
        citation="E. C. Larson and D. M. Chandler, Most apparent distortion: full-reference image quality assessment and "
        "the role of strategy, Journal of Electronic Imaging 19(1), 2010",
        layout="src_imgs/1600.png ...\n"
        "dst_imgs/awgn/1600.AWGN.1.png ...   (folders awgn blur contrast fnoise jpeg jpeg2000)\n"
        "csiq.DMOS.xlsx   sheet all_by_image with image, dst_type, dst_lev, dmos_std, dmos",
        note="DMOS between 0 and 1, lower is better.",
    )
)
