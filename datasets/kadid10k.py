"""`kadid10k`: 25 distortions at 5 levels of 81 photographs.

Traps: the column of labels is called ``dmos`` and is a mean opinion score all the same: 1 is bad, 5 is excellent. The
column ``var`` is the standard deviation of the 30 ratings behind each label, not their variance: taken as a deviation,
94.8 % of the rows give a whole sum of squares of 30 whole ratings, taken as a variance 3.3 %, and six rows exceed the
largest variance that ratings from 1 to 5 with that mean can have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.label_files import csv_rows
from iqa_datasets.layout import files_below, find, locate, number, parse_each, why_missing

LABELS = "dmos.csv"
IMAGES = "images"
COLUMNS = ("dist_img", "ref_img", "dmos", "var")
NUMBERS = ("dmos", "var")
N_RATINGS = 30
"""Ratings of each image, as the paper says."""
NAME = re.compile(r"(I\d\d)_(\d\d)_0([1-5])\.png", re.IGNORECASE)

DISTORTIONS = (
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "colour diffusion",
    "colour shift",
    "colour quantization",
    "colour saturation (HSV)",
    "colour saturation (Lab)",
    "JPEG2000 compression",
    "JPEG compression",
    "white noise",
    "white noise in colour components",
    "impulse noise",
    "multiplicative noise",
    "denoising",
    "brighten",
    "darken",
    "mean shift",
    "jitter",
    "non-eccentricity patch",
    "pixelate",
    "quantization",
    "colour block",
    "high sharpen",
    "contrast change",
)
"""Types 01 to 25 as the database's page names them."""


@dataclass(frozen=True, slots=True)
class Kadid10k:
    """KADID-10k in its official layout."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, IMAGES))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id (`I01_01_01.png`); with `images=False` from the label list alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self.info, data_root, (LABELS, IMAGES) if images else (LABELS,))
        files = files_below(self.info, [find(folder, IMAGES)]) if images else {}
        path = find(folder, LABELS) or folder / LABELS

        def parse(row: dict[str, str]) -> Pair:
            parts = NAME.fullmatch(row["dist_img"])
            if not parts or not 1 <= int(parts[2]) <= len(DISTORTIONS):
                raise ValueError(f"{row['dist_img']!r} is no name like I01_01_01.png with types 01 to 25")
            name, reference = f"I{row['dist_img'][1:].lower()}", f"{parts[1].upper()}.png"
            if row["ref_img"].lower() != reference.lower():
                raise ValueError(f"{name} cannot have the reference {row['ref_img']!r}")
            return Pair(
                id=name,
                distorted=files.get(name.lower(), folder / IMAGES / name),
                reference=files.get(reference.lower(), folder / IMAGES / reference),
                content=parts[1].lower(),
                label=number(row["dmos"], "dmos"),
                distortion=DISTORTIONS[int(parts[2]) - 1],
                level=float(parts[3]),
                label_std=number(row["var"], "var"),
                n_ratings=N_RATINGS,
            )

        pairs = parse_each(
            self.info, path, csv_rows(self.info, path, COLUMNS, numbers=NUMBERS), parse, f"columns {', '.join(COLUMNS)}"
        )
        return check_pairs(self.info, pairs, images=images)


DATASET = Kadid10k(
    DatasetInfo(
        name="kadid10k",
        title="KADID-10k, Konstanz Artificially Distorted Image Database",
        label_kind="MOS",
        label_higher_is_better=True,
        label_range=(1.0, 5.0),
        n_pairs=10125,
        n_contents=81,
        licence="the authors': free download for research, with citation; read the database's page",
        url="https://database.mmsp-kn.de/kadid-10k-database.html",
        citation="H. Lin, V. Hosu and D. Saupe, KADID-10k: A large-scale artificially distorted IQA database, QoMEX 2019",
        layout="images/I01.png ... I81.png\nimages/I01_01_01.png ... I81_25_05.png\ndmos.csv   dist_img,ref_img,dmos,var",
        note="The column `dmos` is higher-is-better (1 bad, 5 excellent) in spite of its name; label_std is the column "
        "`var`, which is the standard deviation of the 30 ratings of an image.",
        label_std_kind="ratings",
    )
)
