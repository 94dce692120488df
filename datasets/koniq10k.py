"""`koniq10k` and `koniq10k-512x384`: KonIQ-10k, photographs from the web with the flaws they came with, in two sizes.

Traps: the label is the column ``MOS``, the mean of the ratings from 1 to 5, whose unit is that of ``SD``. The column
``MOS_zscore``, in which many papers train, runs to 100 and has no deviation of its own; the authors' other list,
``koniq10k_distributions_sets.csv``, calls a label of that kind ``MOS`` and is refused. The same names lie in
``1024x768/`` and ``512x384/``: a metric's score depends on the size, so that each is a data set.

Verified: names, ``c_total`` and the unit of ``SD`` against ``metadata/koniq10k_distributions_sets.csv`` of the authors'
repository github.com/subpic/koniq; ``MOS`` (1 to 5, the mean of the ratings) against excerpts of the list of
github.com/icbcbicc/IQA-Dataset; names of files, folders and columns against several public loaders; the number of
images against the abstract of arXiv:1910.06180. Not verified: the release itself was not at hand, nor its terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.label_files import csv_rows
from iqa_datasets.layout import files_below, find, locate, number, parse_each, why_missing

LABELS = "koniq10k_scores_and_distributions.csv"
COLUMNS = ("image_name", "c_total", "mos", "sd", "mos_zscore")
NUMBERS = ("c_total", "mos", "sd", "mos_zscore")


@dataclass(frozen=True, slots=True)
class Koniq10k:
    """KonIQ-10k in its official layout, with the images of one size."""

    info: DatasetInfo
    images: str
    """Folder of the images, named after their size."""

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self._home, data_root, (LABELS, self.images))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all images, sorted by id (`10004473376.jpg`); with `images=False` from the label list alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self._home, data_root, (LABELS, self.images) if images else (LABELS,))
        files = files_below(self.info, [find(folder, self.images)]) if images else {}
        path = find(folder, LABELS) or folder / LABELS

        def parse(row: dict[str, str]) -> Pair:
            name, ratings, deviation = row["image_name"], number(row["c_total"], "c_total"), number(row["sd"], "SD")
            if not name:
                raise ValueError("image_name is empty")
            if not (ratings >= 1 and ratings.is_integer()):
                raise ValueError(f"c_total {ratings:g} of {name} is not a whole number of 1 or more")
            number(row["mos_zscore"], "MOS_zscore")  # the last cell: a line that was cut short has none
            if not deviation >= 0:
                raise ValueError(f"SD {deviation:g} of {name} is not 0 or more")
            return Pair(
                id=name,
                distorted=files.get(name.lower(), folder / self.images / name),
                reference=None,
                content=name,
                label=number(row["mos"], "MOS"),
                distortion="authentic",
                label_std=deviation,
                n_ratings=int(ratings),
            )

        rows = csv_rows(self.info, path, COLUMNS, numbers=NUMBERS)
        pairs = parse_each(self.info, path, rows, parse, "columns image_name, c_total, MOS, SD, MOS_zscore")
        return check_pairs(self.info, pairs, images=images)

    @property
    def _home(self) -> DatasetInfo:
        """Both sizes lie in one folder, DATA_ROOT/koniq10k."""
        return replace(self.info, name="koniq10k")


_INFO = DatasetInfo(
    name="koniq10k",
    title="KonIQ-10k, 1024 x 768",
    label_kind="MOS",
    label_higher_is_better=True,
    label_range=(1.0, 5.0),
    n_pairs=10073,
    n_contents=10073,
    licence="the authors': free download, with citation; the photographs come from YFCC100M, each with a licence of its own; "
    "read the database's page",
    url="https://database.mmsp-kn.de/koniq-10k-database.html",
    citation="V. Hosu, H. Lin, T. Sziranyi and D. Saupe, KonIQ-10k: An ecologically valid database for deep learning of "
    "blind image quality assessment, IEEE Trans. Image Process. 29, 2020",
    layout="1024x768/10004473376.jpg ...\n"
    "koniq10k_scores_and_distributions.csv   image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore",
    note="No references: each image is its own content. The label is the column MOS (1 bad, 5 excellent), not MOS_zscore; "
    "label_std is the deviation of the single ratings.",
    label_std_kind="ratings",
    contains=("koniq10k-512x384",),
)

DATASET = Koniq10k(_INFO, "1024x768")
HALF = Koniq10k(
    replace(
        _INFO,
        name="koniq10k-512x384",
        title="KonIQ-10k, 512 x 384",
        layout=_INFO.layout.replace("1024x768", "512x384"),
        note=f"{_INFO.note} The images of half the size, with the labels of the whole ones.",
        contains=("koniq10k",),
    ),
    "512x384",
)
