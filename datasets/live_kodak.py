"""`live-kodak`: real images with real human scores that come with the program.

LIVE release 2 (Sheikh, Sabir & Bovik 2006) rated JPEG, blur and noise versions of 29 photographs; 13 of these are
unmodified 768 x 512 Kodak pictures, free for any use, and LIVE's notice (``live_kodak/LIVE_NOTICE.txt``) allows use and
distribution for any purpose. ``live_kodak/labels.csv`` has one row per LIVE image: its name there (`id`), the file that
stands for it, the reference, the distortion with its published parameter, the realigned DMOS with its standard
deviation, and a sha256: of the file for the embedded JPEG images, of the pixels (`stimulus_cache.pixel_hash`) for blur
and noise, which are made on first use (130 BMP files, 153 MB, about 6 seconds) and kept in the cache folder. LIVE rated
some identical JPEG images more than once: 210 rows, 203 images. The deviations are standard errors of the DMOS: within
the six images that were rated more than once the DMOS varies with a standard deviation of 2.25, and their median is 2.43.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmark.images import read_rgb
from benchmark.pairs import check_pairs
from benchmark.types import DatasetInfo, Pair, Progress
from iqa_datasets.stimuli import add_gaussian_noise, gaussian_blur
from iqa_datasets.stimulus_cache import cache_folder, fill

DATA = Path(__file__).parent / "live_kodak"
EMBEDDED = "jpeg"
"""The distortion whose images come as files: encoders differ between versions."""


@dataclass(frozen=True, slots=True)
class LiveKodak:
    """The embedded data set; it needs no data folder."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Return None: nothing is ever missing."""
        return None

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Return the 210 rows; with `images`, first make the blurred and noisy images that the cache lacks.

        Raises UserError when the cache folder cannot be written.
        """
        rows = _rows()
        cache = cache_folder(f"live-kodak-{_recipe(rows)}")
        if images:
            made = {row["file"]: row for row in rows if row["distortion"] != EMBEDDED}
            hashes = {name: row["sha256"] for name, row in made.items()}
            fill(cache, hashes, lambda name: _stimulus(made[name]), progress)
        return check_pairs(self.info, [_pair(row, cache) for row in rows], images=images)


def _rows() -> list[dict[str, str]]:
    with (DATA / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _recipe(rows: list[dict[str, str]]) -> str:
    """Short name of what all stimuli must be, so that another version of the program has another folder."""
    return hashlib.sha256("".join(row["sha256"] for row in rows).encode()).hexdigest()[:8]


def _pair(row: dict[str, str], cache: Path) -> Pair:
    embedded = row["distortion"] == EMBEDDED
    return Pair(
        id=row["id"],
        distorted=(DATA if embedded else cache) / row["file"],
        reference=DATA / row["reference"],
        content=row["content"],
        label=float(row["dmos"]),
        distortion=row["distortion"],
        level=float(row["parameter"]),
        label_std=float(row["dmos_std"]),
    )


def _stimulus(row: dict[str, str]) -> np.ndarray:
    reference = read_rgb(DATA / row["reference"])
    sigma = Decimal(row["parameter"])
    if row["distortion"] == "gblur":
        return gaussian_blur(reference, sigma=sigma)
    return add_gaussian_noise(reference, sigma=sigma, key=row["file"])


DATASET = LiveKodak(
    DatasetInfo(
        name="live-kodak",
        title="LIVE release 2, its 13 Kodak photographs: JPEG, blur and noise, regenerated",
        label_kind="DMOS",
        label_higher_is_better=False,
        label_range=(-10.0, 120.0),
        n_pairs=210,
        n_contents=13,
        licence="LIVE notice: use, copying, modification and distribution for any purpose, with the notice kept; "
        "Kodak photographs: unrestricted use",
        url="https://live.ece.utexas.edu/research/quality/subjective.htm",
        citation="H. R. Sheikh, Z. Wang, L. Cormack and A. C. Bovik, LIVE Image Quality Assessment Database Release 2; "
        "H. R. Sheikh, M. F. Sabir and A. C. Bovik, A statistical evaluation of recent full reference image quality "
        "assessment algorithms, IEEE Trans. Image Process. 15(11), 2006",
        layout="nothing: it comes with the program",
        note="Labels are LIVE's own; images are regenerated from published parameters. JPEG (80 rows) equals LIVE's "
        "files but for the bottom 16 rows; blur (65) is within one level of LIVE's but near borders; noise (65) has "
        "LIVE's strength and is another realisation. 13 of LIVE's 29 references, 3 of its 5 distortions; 210 rows are "
        "203 distinct images. label_std is the standard error of the DMOS.",
        label_std_kind="mean",
        contains=("live",),
    )
)
