"""`live`: LIVE release 2, five distortions of 29 photographs.

Traps: the labels are one row of 982 without names, in the order of `PARTS`, each part in the order img1, img2, ...; the
references stand among them (``orgs`` = 1) and are left out, which leaves 779; a DMOS is lower for the better image.
``dmos_std`` is the standard error of the DMOS, not the deviation of its ratings: the DMOS of the six images of
`live-kodak` that LIVE rated more than once (13 rows) vary within an image with a standard deviation of 2.25, and the
median of ``dmos_std`` there is 2.43. Single ratings of one image on this scale vary several times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs import check_pairs, first_few
from benchmark.types import DatasetInfo, Pair, Progress, UserError
from iqa_datasets.label_files import matlab_names, matlab_numbers
from iqa_datasets.layout import files_below, find, locate, why_missing

LABELS = "dmos_realigned.mat"
REFERENCE_NAMES = "refnames_all.mat"
REFERENCES = "refimgs"
PARTS = {
    "jp2k": ("JPEG2000 compression", 227),
    "jpeg": ("JPEG compression", 233),
    "wn": ("white noise", 174),
    "gblur": ("Gaussian blur", 174),
    "fastfading": ("fast fading", 174),
}
"""Folder -> (readable name, number of images with the references among them), in the order of the labels."""
N_ENTRIES = 982


@dataclass(frozen=True, slots=True)
class Live:
    """LIVE release 2 in its official layout, with the realigned DMOS."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`; None when they can."""
        return why_missing(self.info, data_root, (LABELS, REFERENCE_NAMES, REFERENCES, *PARTS))

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id (`jp2k/img2.bmp`); with `images=False` from the labels alone.

        Raises UserError when something is missing, doubled, unreadable or out of range.
        """
        labels = (LABELS, REFERENCE_NAMES)
        folder = locate(self.info, data_root, (*labels, REFERENCES, *PARTS) if images else labels)
        path = find(folder, LABELS) or folder / LABELS
        variables = ("dmos_new", "dmos_std", "orgs")
        dmos, deviations, is_reference = matlab_numbers(self.info, path, variables, N_ENTRIES)
        path = find(folder, REFERENCE_NAMES) or folder / REFERENCE_NAMES
        names = matlab_names(self.info, path, "refnames_all", N_ENTRIES)
        if not set(is_reference) <= {0.0, 1.0}:
            raise UserError(f"{self.info.name}: orgs in {LABELS} must be 0 or 1, found {first_few(set(is_reference))}")
        references = files_below(self.info, [find(folder, REFERENCES)]) if images else {}
        pairs = []
        entry = 0
        for part, (readable, count) in PARTS.items():
            files = files_below(self.info, [find(folder, part)]) if images else {}
            for index in range(1, count + 1):
                name, reference = f"img{index}.bmp", names[entry].lower()
                if not is_reference[entry]:
                    pairs.append(
                        Pair(
                            id=f"{part}/{name}",
                            distorted=files.get(name, folder / part / name),
                            reference=references.get(reference, folder / REFERENCES / reference),
                            content=reference.removesuffix(".bmp"),
                            label=dmos[entry],
                            distortion=readable,
                            label_std=deviations[entry],
                        )
                    )
                entry += 1
        return check_pairs(self.info, pairs, images=images)


DATASET = Live(
    DatasetInfo(
        name="live",
        title="LIVE Image Quality Assessment Database, release 2",
        label_kind="DMOS",
        label_higher_is_better=False,
        label_range=(-10.0, 120.0),
        n_pairs=779,
        n_contents=29,
        licence="LIVE notice: use, copying, modification and distribution for any purpose with the notice kept, but the "
        "nine pictures of Visual Delights Inc. not outside the scope of the database",
        url="https://live.ece.utexas.edu/research/quality/subjective.htm",
        citation="H. R. Sheikh, M. F. Sabir and A. C. Bovik, A statistical evaluation of recent full reference image "
        "quality assessment algorithms, IEEE Trans. Image Process. 15(11), 2006",
        layout="refimgs/bikes.bmp ...\n"
        "jp2k/img1.bmp ... jpeg/ wn/ gblur/ fastfading/\n"
        "dmos_realigned.mat   dmos_new, dmos_std, orgs\n"
        "refnames_all.mat     refnames_all",
        note="Realigned DMOS, lower is better. The 203 entries that are the references themselves are left out. "
        "label_std is the standard error of the DMOS.",
        label_std_kind="mean",
        contains=("live-kodak",),
    )
)
