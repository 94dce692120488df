"""`livec`: LIVE In the Wild Image Quality Challenge, photographs of mobile cameras with the flaws they came with.

Traps: the three label files are rows of 1,169 without keys, and their first seven entries (``t1.bmp`` ... ``t7.bmp``, in
``Images/trainingImages/``) taught the observers and are left out, which leaves 1,162; about half of the files are
``.bmp`` and half ``.JPG``. The deviations, about 20 on a scale of 100, are those of the single ratings: a mean of the
hundreds that the abstract speaks of (350,000 in all) has an error of one or two. How many each image has is not published.

Verified: names and labels of 1,161 of the images against the list of github.com/icbcbicc/IQA-Dataset (which lacks
``100.bmp``); the seven that are left out, file names, variables and their order against github.com/chaofengc/IQA-PyTorch
and other public loaders; the notice against the text of the release's readme as it is reprinted elsewhere. Not verified:
the release itself was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs, first_few
from benchmark.types import DatasetInfo, Pair, Progress, UserError
from iqa_datasets.label_files import matlab_names, matlab_numbers
from iqa_datasets.layout import files_below, find, locate, why_missing

NAMES = "Data/AllImages_release.mat"
LABELS = "Data/AllMOS_release.mat"
DEVIATIONS = "Data/AllStdDev_release.mat"
IMAGES = "Images"
N_TRAINING = 7


@dataclass(frozen=True, slots=True)
class Livec:
    """LIVE In the Wild Challenge in its official layout."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (NAMES, LABELS, DEVIATIONS, IMAGES))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all images, sorted by id (`3.bmp`); with `images=False` from the label files alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        labels = (NAMES, LABELS, DEVIATIONS)
        folder = locate(self.info, data_root, (*labels, IMAGES) if images else labels)
        files = files_below(self.info, [find(folder, IMAGES)]) if images else {}
        names = matlab_names(self.info, find(folder, NAMES) or folder / NAMES, "AllImages_release", self._n_entries)
        training = [index for index, name in enumerate(names) if name.lower().startswith("t")]
        if training != list(range(N_TRAINING)):
            raise UserError(
                f"{self.info.name}: {NAMES}: expected the training images t1.bmp ... in the first {N_TRAINING} entries "
                f"and nowhere else; it begins {first_few(names[: N_TRAINING + 1])}, with {len(training)} of them in all"
            )
        entries = zip(
            names,
            self._numbers(folder, LABELS, "AllMOS_release"),
            self._numbers(folder, DEVIATIONS, "AllStdDev_release"),
            strict=True,
        )
        pairs = [
            Pair(
                id=name,
                distorted=files.get(name.lower(), folder / IMAGES / name),
                reference=None,
                content=name,
                label=mos,
                distortion="authentic",
                label_std=deviation,
            )
            for name, mos, deviation in list(entries)[N_TRAINING:]
        ]
        return check_pairs(self.info, pairs, images=images)

    @property
    def _n_entries(self) -> int:
        return N_TRAINING + (self.info.n_pairs or 0)

    def _numbers(self, folder: Path, file: str, variable: str) -> list[float]:
        path = find(folder, file) or folder / file
        return matlab_numbers(self.info, path, [variable], self._n_entries)[0]


DATASET = Livec(
    DatasetInfo(
        name="livec",
        title="LIVE In the Wild Image Quality Challenge Database",
        label_kind="MOS",
        label_higher_is_better=True,
        label_range=(0.0, 100.0),
        n_pairs=1162,
        n_contents=1162,
        licence="LIVE notice: use, copying, modification and distribution for any purpose with the notice kept and the "
        "source acknowledged",
        url="https://live.ece.utexas.edu/research/ChallengeDB/index.html",
        citation="D. Ghadiyaram and A. C. Bovik, Massive online crowdsourced study of subjective and objective picture "
        "quality, IEEE Trans. Image Process. 25(1), 2016",
        layout="Data/AllImages_release.mat   AllImages_release\n"
        "Data/AllMOS_release.mat      AllMOS_release\n"
        "Data/AllStdDev_release.mat   AllStdDev_release\n"
        "Images/3.bmp ... Images/1164.JPG",
        note="No references: each image is its own content. MOS between 0 and 100; the seven images that trained the "
        "observers are left out.",
        label_std_kind="ratings",
    )
)
