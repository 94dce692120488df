"""`pipal`: the public training part of PIPAL, results of image restoration rated by Elo.

The second field of a name is the class of distortion (``Aaaaa_bb_cc``: image, class, type within the class; said by the
authors in issue 13 of github.com/HaomingCai/PIPAL-dataset). The release does not name the classes. Table 10 of
arXiv:2011.15002 lists seven with different numbers of types, and these numbers (12, 16, 10, 24, 13, 14, 27) are those
of the classes 00 to 06, which fixes the names below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs, plain_name
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.layout import files_below, find, locate, number, parse_each, text_lines, why_missing

LABELS = "Train_Label"
REFERENCES = "Train_Ref"
DISTORTED = "Train_Dist|Distortion_1"
IMAGE_FOLDERS = ("traindist", "trainref", "distortion")
NAME = re.compile(r"(A\d{4})_(\d\d)_(\d\d)\.bmp", re.IGNORECASE)

DISTORTIONS = (
    "traditional super-resolution",
    "PSNR-oriented super-resolution",
    "super-resolution with kernel mismatch",
    "GAN-based super-resolution",
    "denoising",
    "super-resolution and denoising",
    "traditional distortion",
)
"""Classes 00 to 06."""


@dataclass(frozen=True, slots=True)
class Pipal:
    """PIPAL's training part, in one folder or in the four of the download."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, REFERENCES, DISTORTED))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id (`A0001_00_00.bmp`); with `images=False` from the labels alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self.info, data_root, (LABELS, REFERENCES, DISTORTED) if images else (LABELS,))
        files = {}
        if images:
            tops = [top for top in sorted(folder.iterdir()) if plain_name(top.name).startswith(IMAGE_FOLDERS)]
            files = files_below(self.info, tops)

        def parse(line: str) -> Pair:
            name, _, elo = line.partition(",")
            parts = NAME.fullmatch(name.strip())
            if not parts or int(parts[2]) >= len(DISTORTIONS):
                raise ValueError(repr(line))
            content = parts[1].lower()
            return Pair(
                id=f"A{name.strip()[1:].lower()}",
                distorted=files.get(name.strip().lower(), folder / "Train_Dist" / name.strip()),
                reference=files.get(f"{content}.bmp", folder / REFERENCES / f"{content.upper()}.bmp"),
                content=content,
                label=number(elo, "Elo score"),
                distortion=DISTORTIONS[int(parts[2])],
            )

        pairs: list[Pair] = []
        for path in self._label_files(folder):
            pairs += parse_each(
                self.info, path, text_lines(self.info, path), parse, "lines 'A0001_00_00.bmp,1520.0648'"
            )
        return check_pairs(self.info, pairs, images=images)

    def _label_files(self, folder: Path) -> list[Path]:
        labels = files_below(self.info, [find(folder, LABELS)])
        return [labels[name] for name in sorted(labels) if re.fullmatch(r"a\d{4}\.txt", name)]


DATASET = Pipal(
    DatasetInfo(
        name="pipal",
        title="PIPAL, Perceptual Image Processing Algorithms (public training part)",
        label_kind="Elo",
        label_higher_is_better=True,
        label_range=(0.0, 3000.0),
        n_pairs=23200,
        n_contents=200,
        licence="the authors': for research, on request; read the project's page",
        url="https://github.com/HaomingCai/PIPAL-dataset",
        citation="J. Gu et al., PIPAL: A large-scale image quality assessment dataset for perceptual image restoration, "
        "ECCV 2020",
        layout="Train_Ref/A0001.bmp ...\n"
        "Train_Dist/A0001_00_00.bmp ...   (or Distortion_1/ ... Distortion_4/)\n"
        "Train_Label/A0001.txt ...        lines 'A0001_00_00.bmp,1520.0648'",
        note="Training part only: labels of the validation and test parts were never released. Elo scores were gathered by "
        "comparisons within one reference.",
    )
)
