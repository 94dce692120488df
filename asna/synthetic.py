"""Synthetic pairs: crops of pristine photographs, distorted by a seeded generator, labelled by a consensus of metrics.

One photograph's crop and everything made from it is one *unit*: a folder of lossless PNG files and a part of the
table. A unit is written whole or not at all, so that a killed run goes on where it stopped and gives the same bytes.
The table `pairs.csv` is one the harness reads as `table:DIR/pairs.csv`; its column `mos` is synthetic: no person rated it.
"""

from __future__ import annotations

import csv
import json
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from asna.consensus import METRICS, consensus_labels, load_metrics
from asna.distortion_types import DISTORTIONS
from asna.distortions import distort, draw_kind

COLUMNS = ("distorted", "reference", "mos", "content", "distortion", "level", "split")
"""Columns of `pairs.csv`, before the raw scores of the consensus."""

SPLITS = {"training": "train", "validation": "val"}
"""Folder of the photographs -> name of the split."""


@dataclass(frozen=True, slots=True)
class SyntheticConfig:
    """What fixes a synthetic set, beside the photographs."""

    seed: int = 2105
    size: int = 288
    """Side of a crop in pixels."""
    margin: int = 16
    """Pixels around the crop that are distorted with it, so that its border is not the border of a filter or codec."""
    training_crops: int = 2
    validation_crops: int = 1
    pairs_per_crop: int = 14
    """Distorted images of every training crop."""
    validation_pairs_per_crop: int = 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One crop of one photograph and the pairs to be made from it."""

    photograph: Path
    split: str
    number: int
    n_pairs: int

    @property
    def name(self) -> str:
        """Folder of the unit."""
        return f"{self.photograph.stem}_{self.number}"


def list_units(pristine: Path, config: SyntheticConfig) -> list[Unit]:
    """Return the units of `pristine`/training and `pristine`/validation, sorted by photograph.

    Raises FileNotFoundError when a folder is missing or holds no PNG file, ValueError when a photograph is in both.
    """
    units: list[Unit] = []
    seen: dict[str, str] = {}
    for folder, split in SPLITS.items():
        photographs = sorted((pristine / folder).glob("*.png"))
        if not photographs:
            raise FileNotFoundError(f"{pristine / folder}: expected pristine photographs as PNG files, found none")
        crops = config.training_crops if split == "train" else config.validation_crops
        pairs = config.pairs_per_crop if split == "train" else config.validation_pairs_per_crop
        for photograph in photographs:
            if seen.setdefault(photograph.stem, split) != split:
                raise ValueError(f"{photograph.stem}: stands in training and in validation; a content has one split")
            units += [Unit(photograph, split, number, pairs) for number in range(crops)]
    return units


def make_unit(unit: Unit, output: Path, config: SyntheticConfig, scorers: dict[str, Callable]) -> None:
    """Write one unit: `images/UNIT/` with the reference and the distorted crops, then `parts/UNIT.json` last."""
    from PIL import Image

    rng = np.random.default_rng([config.seed, unit.number, zlib.crc32(unit.photograph.stem.encode())])
    photograph = np.asarray(Image.open(unit.photograph).convert("RGB"))
    side = config.size + 2 * config.margin
    if min(photograph.shape[:2]) < side:
        raise ValueError(f"{unit.photograph}: expected at least {side} pixels a side, got {photograph.shape[:2]}")
    top, left = (int(rng.integers(0, length - side + 1)) for length in photograph.shape[:2])
    window = photograph[top : top + side, left : left + side]
    inner = slice(config.margin, config.margin + config.size)
    reference = np.ascontiguousarray(window[inner, inner])
    folder = output / "images" / unit.name
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(reference).save(folder / "reference.png", compress_level=1)
    rows = []
    for number in range(unit.n_pairs):
        kind, strength = draw_kind(rng), (number + rng.random()) / unit.n_pairs
        distorted = np.ascontiguousarray(distort(window, kind=kind, strength=strength, rng=rng)[inner, inner])
        file = folder / f"{number:02d}.png"
        Image.fromarray(distorted).save(file, compress_level=1)
        scores = {name: score(distorted, reference) for name, score in scorers.items()}
        row = {
            "distorted": file.relative_to(output).as_posix(),
            "reference": (folder / "reference.png").relative_to(output).as_posix(),
            "content": unit.photograph.stem,
            "distortion": "mixture" if "+" in kind else kind,
            "level": round(strength, 6),
            "split": unit.split,
            "recipe": kind,
        }
        rows.append(row | scores)
    part = output / "parts" / f"{unit.name}.json"
    temporary = part.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows))
    os.replace(temporary, part)


_scorers: dict[str, Callable] = {}
"""The metrics of this worker process, loaded once by `_start_worker`."""


def _start_worker() -> None:
    import torch

    torch.set_num_threads(1)
    _scorers.update(load_metrics())


def _work(unit: Unit, output: Path, config: SyntheticConfig) -> None:
    make_unit(unit, output, config, _scorers)


def write_table(units: Sequence[Unit], output: Path, config: SyntheticConfig) -> Path:
    """Join the parts, label them by consensus, and write `pairs.csv` and `synthetic.json`; returns the table's path."""
    rows = [row for unit in units for row in json.loads((output / "parts" / f"{unit.name}.json").read_text())]
    training = np.array([row["split"] == "train" for row in rows])
    labels = consensus_labels({name: [row[name] for row in rows] for name in METRICS}, training=training)
    table = output / "pairs.csv"
    temporary = table.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *METRICS])
        for row, label in zip(rows, labels, strict=True):
            row["mos"] = f"{label:.4f}"
            writer.writerow([*(row[column] for column in COLUMNS), *(f"{row[name]:.6g}" for name in METRICS)])
    os.replace(temporary, table)
    about = {
        "label": "synthetic: consensus of full-reference metrics, 0..100, higher is better; no person rated these pairs",
        "consensus": list(METRICS),
        "distortions": sorted(DISTORTIONS),
        "config": asdict(config),
        "n_pairs": len(rows),
        "n_training_photographs": len({row["content"] for row in rows if row["split"] == "train"}),
        "n_validation_photographs": len({row["content"] for row in rows if row["split"] == "val"}),
    }
    (output / "synthetic.json").write_text(json.dumps(about, indent=2) + "\n")
    return table


def synthesize(
    *,
    pristine: Path,
    output: Path,
    config: SyntheticConfig | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make the synthetic set of the photographs in `pristine` under `output`; returns the path of its table.

    Units that are already there are kept, after a check that they were made with the same settings. `progress` is
    called with (units done, units in all). Raises ValueError when `output` was made with other settings.
    """
    config = config or SyntheticConfig()
    (output / "parts").mkdir(parents=True, exist_ok=True)
    settings = output / "parts" / "settings"
    wanted = json.dumps(asdict(config), sort_keys=True)
    if settings.exists() and settings.read_text() != wanted:
        raise ValueError(f"{output}: was begun with other settings ({settings.read_text()}); choose another folder")
    settings.write_text(wanted)
    units = list_units(pristine, config)
    missing = [unit for unit in units if not (output / "parts" / f"{unit.name}.json").exists()]
    done = len(units) - len(missing)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
        for future in as_completed([pool.submit(_work, unit, output, config) for unit in missing]):
            future.result()
            done += 1
            if progress:
                progress(done, len(units))
    return write_table(units, output, config)
