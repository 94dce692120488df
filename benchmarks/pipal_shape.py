"""A tree of images with PIPAL's shape, made of the photographs that come with the program.

PIPAL cannot be passed on; its shape can: many contents, 116 distorted images each, 288 x 288 pixels, 24-bit BMP. Contents
are crops of the embedded photographs, distorted images a ladder of noise, blur, JPEG and mixtures. Every strength comes
from a hash, and noise and blur are the integer arithmetic of `iqa_datasets.stimuli`: the same bytes on every machine
(JPEG: with the same Pillow). The labels are synthetic (100 minus the strength): agreement with them means nothing.

    python benchmarks/pipal_shape.py                       # 20 contents of 116 BMPs, 580 MB, about a minute
    python benchmarks/pipal_shape.py --contents 2 --distorted 8 --format png --folder /tmp/small

Prints the table to give to ``python -m benchmark run --dataset table:...``. A tree that is complete is not made again.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np

from benchmark.files import write_whole
from benchmark.images import read_rgb
from iqa_datasets.live_kodak import DATA
from iqa_datasets.stimuli import add_gaussian_noise, gaussian_blur
from iqa_datasets.stimulus_cache import cache_folder

RECIPE = 1
"""Raise it when the same `Shape` gives other bytes."""
TABLE = "labels.csv"
NOTED = "shape.json"
FORMATS = {"bmp": {}, "png": {}, "jpg": {"quality": 95, "subsampling": 0}}
"""Ending -> Pillow's options. JPEG compresses the distorted image once more: for timing its decoder."""
NOTE = "# synthetic labels: mos = 100 - strength; nobody has ever rated these images"
COLUMNS = ("distorted", "reference", "mos", "content", "distortion", "level")

GOLDEN = 0.6180339887
"""Multiples of it fill the unit interval evenly."""

NOISE = (Decimal("0.01"), Decimal("0.25"))
"""Standard deviation as a share of the peak, weakest and strongest."""
BLUR = (Decimal("0.5"), Decimal("5"))
"""Sigma in pixels."""
JPEG = (Decimal(90), Decimal(5))
"""Quality."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many images of which size, and how they are stored."""

    contents: int = 20
    distorted: int = 116
    """Per content."""
    height: int = 288
    width: int = 288
    format: str = "bmp"

    @property
    def name(self) -> str:
        """Short and unique, such as 20x116-288x288-bmp."""
        return f"{self.contents}x{self.distorted}-{self.height}x{self.width}-{self.format}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    distorted: str
    reference: str
    mos: float
    content: str
    distortion: str
    level: int


def make(shape: Shape, folder: Path | None = None) -> Path:
    """See that `folder` (default: in the program's cache) holds the tree of `shape`, and return the path of its table.

    A tree that was made whole is left alone; anything else is made anew. Raises ValueError for a shape without images
    or of a format that is not in `FORMATS`.
    """
    if min(shape.contents, shape.distorted, shape.height, shape.width) < 1 or shape.format not in FORMATS:
        raise ValueError(f"expected 1 or more of each and a format among {', '.join(FORMATS)}, got {shape}")
    folder = folder or cache_folder("pipal-shape") / shape.name
    noted = json.dumps({"recipe": RECIPE, **asdict(shape)})
    marker = folder / NOTED
    if not marker.is_file() or marker.read_text() != noted:
        rows = list(_images(shape, folder))
        write_table(folder / TABLE, rows)
        write_whole(marker, noted)  # last: only a whole tree has it
    return folder / TABLE


def write_table(path: Path, rows: list[Row]) -> Path:
    """Write rows as a table for ``table:``, and return its path; its images are relative to its folder."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)
    write_whole(path, f"{NOTE}\n{out.getvalue()}")
    return path


def read_table(path: Path) -> list[Row]:
    """Read what `write_table` wrote."""
    with path.open(newline="") as file:
        next(file)
        return [
            Row(**{**row, "mos": float(row["mos"]), "level": int(row["level"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


def part(table: Path, *, contents: int, distorted: int) -> Path:
    """Write a table beside `table` with `distorted` pairs of each of its first `contents`, and return its path.

    They stand at equal steps, from another place on the ladder for each content, so that all kinds and levels take part.
    """
    rows: dict[str, list[Row]] = {}
    for row in read_table(table):
        rows.setdefault(row.content, []).append(row)
    chosen = []
    for number, name in enumerate(list(rows)[:contents]):
        every = rows[name]
        count = min(distorted, len(every))
        phase = number * GOLDEN % 1
        chosen += [every[int((i + phase) / count * len(every))] for i in range(count)]
    return write_table(table.with_name(f"labels-{contents}x{distorted}.csv"), chosen)


def repeated(table: Path, times: int) -> Path:
    """Write a table beside `table` that names every image `times` times, each time as other contents; no image is copied.

    Links to the folder itself stand for the copies.
    """
    if times == 1:
        return table
    rows = []
    for i in range(times):
        link = table.parent / f"again{i}"
        if not link.is_symlink():
            link.symlink_to(".", target_is_directory=True)
        for row in read_table(table):
            files = {"distorted": f"{link.name}/{row.distorted}", "reference": f"{link.name}/{row.reference}"}
            rows.append(replace(row, content=f"{row.content}-{i}", **files))
    return write_table(table.with_name(f"{table.stem}-x{times}.csv"), rows)


def _images(shape: Shape, folder: Path) -> Iterator[Row]:
    """Write all images, and yield the rows that name them."""
    for i in range(shape.contents):
        content = f"A{i:04d}"
        reference = crop(i, height=shape.height, width=shape.width)
        original = f"reference/{content}.{shape.format}"
        _write(folder / original, reference, shape.format)
        for j in range(shape.distorted):
            kind, level, strength = rung(i, j, shape.distorted)
            name = f"distorted/{content}_{j:03d}.{shape.format}"
            _write(folder / name, DISTORTIONS[kind](reference, strength, name), shape.format)
            yield Row(name, original, float(100 - 100 * strength), content, kind, level)


def rung(content: int, number: int, distorted: int) -> tuple[str, int, Decimal]:
    """Distortion, level and strength in [0, 1] of a content's image: kinds in turn, each stronger at every turn."""
    kind = list(DISTORTIONS)[number % len(DISTORTIONS)]
    level, levels = number // len(DISTORTIONS), -(-distorted // len(DISTORTIONS))
    digest = hashlib.sha256(f"{RECIPE}:{content}:{number}".encode()).digest()
    within = Decimal(int.from_bytes(digest[:2])) / 2**16
    return kind, level + 1, ((level + within) / levels).quantize(Decimal("0.0001"))


@cache
def _photographs() -> list[np.ndarray]:
    return [read_rgb(path) for path in sorted((DATA / "ref").glob("*.png"))]


def crop(number: int, *, height: int, width: int) -> np.ndarray:
    """uint8 RGB (height, width, 3) of a place, fixed by `number`, in a photograph; mirrored where it is too small."""
    photographs = _photographs()
    turn, which = divmod(number, len(photographs))
    image = photographs[which]
    short = [max(0, wanted - have) for wanted, have in zip((height, width), image.shape[:2], strict=True)]
    image = np.pad(image, [(0, short[0]), (0, short[1]), (0, 0)], mode="symmetric")
    digest = hashlib.sha256(f"{RECIPE}:crop:{which}:{turn}".encode()).digest()
    top = int.from_bytes(digest[:4]) % (image.shape[0] - height + 1)
    left = int.from_bytes(digest[4:8]) % (image.shape[1] - width + 1)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _between(ends: tuple[Decimal, Decimal], strength: Decimal) -> Decimal:
    return (ends[0] + (ends[1] - ends[0]) * strength).quantize(Decimal("0.0001"))


def _noise(image: np.ndarray, strength: Decimal, key: str) -> np.ndarray:
    return add_gaussian_noise(image, sigma=_between(NOISE, strength), key=key)


def _blur(image: np.ndarray, strength: Decimal, key: str) -> np.ndarray:
    return gaussian_blur(image, sigma=_between(BLUR, strength))


def _jpeg(image: np.ndarray, strength: Decimal, key: str) -> np.ndarray:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=int(_between(JPEG, strength)))
    return np.asarray(Image.open(buffer).convert("RGB"))


def _blur_and_noise(image: np.ndarray, strength: Decimal, key: str) -> np.ndarray:
    return _noise(_blur(image, strength, key), strength / 2, key)


def _noise_and_jpeg(image: np.ndarray, strength: Decimal, key: str) -> np.ndarray:
    return _jpeg(_noise(image, strength / 2, key), strength, key)


DISTORTIONS: dict[str, Callable[[np.ndarray, Decimal, str], np.ndarray]] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "blur and noise": _blur_and_noise,
    "noise and jpeg": _noise_and_jpeg,
}


def _write(path: Path, image: np.ndarray, ending: str) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **FORMATS[ending])


def main() -> None:
    """Make a tree as the command line says, and print the path of its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contents", type=int, default=20)
    parser.add_argument("--distorted", type=int, default=116, help="per content")
    parser.add_argument("--size", default="288x288", help="height x width in pixels")
    parser.add_argument("--format", default="bmp", choices=FORMATS)
    parser.add_argument("--folder", type=Path, help="where; default in the program's cache (IQA_CACHE)")
    given = parser.parse_args()
    height, width = map(int, given.size.split("x"))
    print(make(Shape(given.contents, given.distorted, height, width, given.format), given.folder))


if __name__ == "__main__":
    main()
