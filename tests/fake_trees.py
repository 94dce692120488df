"""Builds data sets in their official layouts, with any labels and images of one pixel."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PIXEL = (
    b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0"
    + bytes(16)
    + b"\x40\x80\xc0\0"
)
"""A BMP file of one pixel, R G B = 192 128 64."""

Labels = Sequence[tuple[str, float]]
"""(name of the distorted image, label)."""

LIVE_PARTS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
CSIQ_FOLDERS = {
    "AWGN": "awgn",
    "BLUR": "blur",
    "contrast": "contrast",
    "fnoise": "fnoise",
    "JPEG": "jpeg",
    "jpeg2000": "jpeg2000",
}
CSIQ_SHEET = {
    "AWGN": "noise",
    "BLUR": "blur",
    "contrast": "contrast",
    "fnoise": "fnoise",
    "JPEG": "jpeg",
    "jpeg2000": "jpeg 2000",
}


_written: list[Path] = []


def touch(path: Path) -> None:
    """Make an image of one pixel unless there is one: a link to an earlier one, which is ten times faster to make."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(_written[-1], path)
    except (IndexError, OSError):  # the first one, or the earlier one was deleted or has too many links
        _write(path)
    if path.stat().st_size != len(PIXEL):  # a test painted over the earlier one
        path.unlink()
        _write(path)


def _write(path: Path) -> None:
    path.write_bytes(PIXEL)
    _written.append(path)


def tid(folder: Path, labels: Labels, *, deviations: Sequence[float] | None = None) -> Path:
    """Files lie under other letter cases than the list has: odd ones in capitals."""
    for index, (name, _) in enumerate(labels):
        touch(folder / "distorted_images" / (name.upper() if index % 2 else name.lower()))
    for index, name in enumerate(sorted({name[:3].lower() for name, _ in labels})):
        touch(folder / "reference_images" / (f"{name.upper()}.BMP" if index % 2 else f"{name}.bmp"))
    (folder / "mos_with_names.txt").write_text("".join(f"{mos!r} {name}\r\n" for name, mos in labels))
    if deviations is not None:
        (folder / "mos_std.txt").write_text("".join(f"{value!r}\n" for value in deviations))
    return folder


def kadid(folder: Path, labels: Labels, *, deviation: float = 0.5) -> Path:
    """KADID-10k: one folder of images and ``dmos.csv``."""
    lines = ["dist_img,ref_img,dmos,var"]
    for name, dmos in labels:
        touch(folder / "images" / name)
        touch(folder / "images" / f"{name[:3]}.png")
        lines.append(f"{name},{name[:3]}.png,{dmos!r},{deviation!r}")
    (folder / "dmos.csv").write_text("\n".join(lines) + "\n")
    return folder


def pipal(folder: Path, labels: Labels, *, parts: bool) -> Path:
    """PIPAL in one folder ``Train_Dist`` or, with `parts`, in the four of the download."""
    by_content: dict[str, list[tuple[str, float]]] = {}
    for name, elo in labels:
        by_content.setdefault(name[:5], []).append((name, elo))
    (folder / "Train_Label").mkdir(parents=True)
    for index, (content, rows) in enumerate(sorted(by_content.items())):
        part = f"Distortion_{1 + 4 * index // len(by_content)}" if parts else "Train_Dist"
        for name, _ in rows:
            touch(folder / part / name)
        touch(folder / "Train_Ref" / f"{content}.bmp")
        (folder / "Train_Label" / f"{content}.txt").write_text("".join(f"{name},{elo!r}\n" for name, elo in rows))
    return folder


def csiq(folder: Path, labels: Labels, *, deviation: float = 0.05) -> Path:
    """CSIQ, with the sheet as published: other sheets first, its header in row 4 from column D on, 1600 as a number."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "README"
    sheet = book.create_sheet("all_by_image")
    for _ in range(3):
        sheet.append([])
    sheet.append([None] * 3 + ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"])
    for name, dmos in labels:
        content, kind, level, _ = name.split(".")
        touch(folder / "dst_imgs" / CSIQ_FOLDERS[kind] / name)
        touch(folder / "src_imgs" / f"{content}.png")
        image = int(content) if content.isdigit() else content
        sheet.append(
            [None] * 3 + [image, list(CSIQ_SHEET).index(kind) + 1, CSIQ_SHEET[kind], int(level), deviation, dmos]
        )
    book.save(folder / "csiq.DMOS.xlsx")
    return folder


def live(folder: Path, labels: Sequence[tuple[str, str, float]], *, deviation: float = 2.5) -> Path:
    """LIVE from (``jp2k/img2.bmp``, reference, DMOS); an entry that is not named is a reference (orgs = 1), without file."""
    from scipy.io import savemat

    known = {name: (reference, dmos) for name, reference, dmos in labels}
    entries = [f"{part}/img{index}.bmp" for part, count in LIVE_PARTS.items() for index in range(1, count + 1)]
    names = np.array([known.get(entry, ("bikes.bmp", 0.0))[0] for entry in entries], dtype=object)
    for entry, (reference, _) in known.items():
        touch(folder / entry)
        touch(folder / "refimgs" / reference)
    savemat(
        folder / "dmos_realigned.mat",
        {
            "dmos_new": np.array([[known.get(entry, ("", 0.0))[1] for entry in entries]]),
            "dmos_std": np.full((1, len(entries)), deviation),
            "orgs": np.array([[entry not in known for entry in entries]], dtype=np.uint8),
        },
    )
    savemat(folder / "refnames_all.mat", {"refnames_all": names[None]})
    return folder


def read_list(path: Path) -> list[dict[str, str]]:
    """Rows of a published label list: dis_img_path, dis_type, ref_img_path, score."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def koniq(
    folder: Path, labels: Labels, *, sizes: Sequence[str] = ("1024x768", "512x384"), deviation: float = 0.5
) -> Path:
    """KonIQ-10k: one label list of 105 ratings an image, and the images under the same names in each size."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore"]
    for name, mos in labels:
        for size in sizes:
            touch(folder / size / name)
        lines.append(f"{name},0.0,0.0,0.24,0.69,0.07,105,{mos!r},{deviation!r},{25 * (mos - 1)!r}")
    (folder / "koniq10k_scores_and_distributions.csv").write_text("\n".join(lines) + "\n")
    return folder


def spaq(folder: Path, labels: Labels) -> Path:
    """SPAQ: the workbook among the annotations, with the attributes after the MOS."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Image name", "MOS", "Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness"])
    for name, mos in labels:
        touch(folder / "TestImage" / name)
        book.active.append([name, mos, 1.0, 2.0, 3.0, 4.0, 5.0])
    (folder / "Annotations").mkdir(parents=True)
    book.save(folder / "Annotations" / "MOS and Image attribute scores.xlsx")
    return folder


LIVEC_TRAINING = [f"t{index}.bmp" for index in range(1, 8)]


def livec(folder: Path, labels: Labels, *, deviation: float = 20.0, training: Sequence[str] = LIVEC_TRAINING) -> Path:
    """LIVE In the Wild: a column of names and rows of numbers, with the `training` images first."""
    from scipy.io import savemat

    entries = [*((name, 50.0) for name in training), *labels]
    for name, _ in entries:
        touch(folder / "Images" / ("trainingImages" if name in training else "") / name)
    names = np.array([[name] for name, _ in entries], dtype=object)
    (folder / "Data").mkdir(parents=True)
    savemat(folder / "Data/AllImages_release.mat", {"AllImages_release": names})
    savemat(folder / "Data/AllMOS_release.mat", {"AllMOS_release": np.array([[mos for _, mos in entries]])})
    savemat(folder / "Data/AllStdDev_release.mat", {"AllStdDev_release": np.full((1, len(entries)), deviation)})
    return folder
