"""`spaq`: SPAQ, photographs of 66 smartphones with the flaws they came with.

Traps: the sheet also rates brightness, colourfulness, contrast, noisiness and sharpness; the label is the column ``MOS``.
No deviation of the ratings is published. Images are scored at the size of their files (up to many megapixels), while
published models for this set often shrink them first: their numbers are another protocol.

Verified: the names of the workbook and of the folder against the authors' repository github.com/h4nwei/SPAQ
(README_SPAQ_unzip_problem_and_solution.md), the number of images against its README, names (to ``11125.jpg``) and the
scale of the labels against excerpts of the list of github.com/icbcbicc/IQA-Dataset, the columns against several public
loaders. Not verified: the release itself was not at hand, nor its terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.label_files import Cells, sheet_rows
from iqa_datasets.layout import files_below, find, locate, number, parse_each, why_missing

LABELS = "Annotations/MOS and Image attribute scores.xlsx"
IMAGES = "TestImage"
COLUMNS = ("image name", "mos")


@dataclass(frozen=True, slots=True)
class Spaq:
    """SPAQ in its official layout."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, IMAGES))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all images, sorted by id (`00001.jpg`); with `images=False` from the sheet alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self.info, data_root, (LABELS, IMAGES) if images else (LABELS,))
        files = files_below(self.info, [find(folder, IMAGES)]) if images else {}
        path = find(folder, LABELS) or folder / LABELS

        def parse(cells: Cells) -> Pair:
            name = cells["image name"]
            if not isinstance(name, str) or not name.strip():
                raise ValueError(f"{name!r} is no image name")
            name = name.strip()
            return Pair(
                id=name,
                distorted=files.get(name.lower(), folder / IMAGES / name),
                reference=None,
                content=name,
                label=number(cells["mos"], "MOS"),
                distortion="authentic",
            )

        rows = sheet_rows(self.info, path, COLUMNS)
        pairs = parse_each(self.info, path, rows, parse, "a row per image with Image name and MOS")
        return check_pairs(self.info, pairs, images=images)


DATASET = Spaq(
    DatasetInfo(
        name="spaq",
        title="SPAQ, Smartphone Photography Attribute and Quality database",
        label_kind="MOS",
        label_higher_is_better=True,
        label_range=(0.0, 100.0),
        n_pairs=11125,
        n_contents=11125,
        licence="the authors': for research, with citation; read the database's page",
        url="https://github.com/h4nwei/SPAQ",
        citation="Y. Fang, H. Zhu, Y. Zeng, K. Ma and Z. Wang, Perceptual quality assessment of smartphone photography, "
        "CVPR 2020",
        layout="Annotations/MOS and Image attribute scores.xlsx   Image name, MOS, Brightness, ...\nTestImage/00001.jpg ...",
        note="No references: each image is its own content. MOS between 0 and 100 without deviations, at the size of the "
        "files.",
    )
)
