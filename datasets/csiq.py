"""`csiq`: six distortions at four or five levels of 30 photographs.

Trap: a type is spelled in three ways, in the folder (``awgn``), in the file (``AWGN``) and in the sheet (``noise``).

``dmos_std`` is taken as the deviation of the single observers' ratings: the authors' working sheets, hidden in an early
copy of the workbook (github.com/zwx8981/UNIQUE), compute their columns ``stdev`` by STDEV over the observers. How many
rated each image is not published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.label_files import Cells, sheet_rows
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

        rows = sheet_rows(self.info, path, COLUMNS, likely="all_by_image")
        return check_pairs(
            self.info, parse_each(self.info, path, rows, parse, "a row per image, see layout"), images=images
        )


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
        note="DMOS between 0 and 1, lower is better. label_std is the deviation of the single observers' ratings.",
        label_std_kind="ratings",
    )
)
