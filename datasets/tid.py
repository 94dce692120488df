"""TID2013 and TID2008 share their layout and their numbering of distortions.

Traps: names are written in any letter case, in files and in lists (``I25`` and ``.BMP`` above all), so they are matched
without case and ids are lower case. ``mos_std.txt`` has no names: it follows the order of ``mos_with_names.txt``.

``mos_std.txt`` holds standard errors of the MOS, not deviations of its ratings: ratings are whole numbers, so that those
behind a mean of m with the fraction f have a deviation of sqrt(f (1 - f)) at least, and 2,906 of the 3,000 values of
TID2013 are smaller. Taken as errors of a mean, with 30 to 45 ratings, they give whole sums of squares. The file of
TID2008, by the same authors in the same format, is taken to be alike; it was not at hand.

The two contain one another: TID2013 has the pictures of TID2008 at levels 2 to 5 of its types 01 to 17, rated anew (the
1,700 labels correlate by .97), so that a metric that saw the labels of one has seen those of the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress, UserError
from iqa_datasets.layout import files_below, find, locate, number, parse_each, text_lines, why_missing

LABELS = "mos_with_names.txt"
LABEL_STD = "mos_std.txt"
DISTORTED = "distorted_images"
REFERENCES = "reference_images"
NAME = re.compile(r"(i\d\d)_(\d\d)_(\d)\.bmp", re.IGNORECASE)

DISTORTIONS = (
    "additive Gaussian noise",
    "noise stronger in colour than in luminance",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non-eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of colour saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "colour quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""Types 01 to 24 as the readme of TID2013 names them; TID2008 has the first 17."""


@dataclass(frozen=True, slots=True)
class Tid:
    """A TID data set with distortion types 01 to `n_types`."""

    info: DatasetInfo
    n_types: int

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, DISTORTED, REFERENCES))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id (`i01_01_1.bmp`); with `images=False` from the label list alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        folder = locate(self.info, data_root, (LABELS, DISTORTED, REFERENCES) if images else (LABELS,))
        distorted = files_below(self.info, [find(folder, DISTORTED)]) if images else {}
        references = files_below(self.info, [find(folder, REFERENCES)]) if images else {}
        labels = self._labels(folder)
        deviations = self._deviations(folder, len(labels))
        pairs = []
        for (name, label), deviation in zip(labels, deviations, strict=True):
            content, kind, level = name.removesuffix(".bmp").split("_")
            reference = f"{content}.bmp"
            pairs.append(
                Pair(
                    id=name,
                    distorted=distorted.get(name, folder / DISTORTED / name),
                    reference=references.get(reference, folder / REFERENCES / reference),
                    content=content,
                    label=label,
                    distortion=DISTORTIONS[int(kind) - 1],
                    level=float(level),
                    label_std=deviation,
                )
            )
        return check_pairs(self.info, pairs, images=images)

    def _labels(self, folder: Path) -> list[tuple[str, float]]:
        """(lower-case name, MOS) in the order of the list."""

        def parse(line: str) -> tuple[str, float]:
            match line.split():
                case [mos, name] if (parts := NAME.fullmatch(name)) and 1 <= int(parts[2]) <= self.n_types:
                    return name.lower(), number(mos, "MOS")
            raise ValueError(repr(line))

        path = find(folder, LABELS) or folder / LABELS
        expected = f"lines 'MOS i01_01_1.bmp' with types 01 to {self.n_types:02d}"
        return parse_each(self.info, path, text_lines(self.info, path), parse, expected)

    def _deviations(self, folder: Path, count: int) -> list[float] | list[None]:
        """Standard deviations in the order of the label list; None throughout when the file is not there."""
        path = find(folder, LABEL_STD)
        if path is None:
            return [None] * count
        lines = text_lines(self.info, path)
        if len(lines) != count:
            raise UserError(
                f"{self.info.name}: {path} has {len(lines)} values, expected one for each of {count} labels"
            )
        return parse_each(self.info, path, lines, lambda line: number(line, "deviation"), "one number per line")
