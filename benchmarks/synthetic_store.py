"""A full store without an image: as many pairs, contents and distortions as the real data sets have, invented numbers.

    python benchmarks/synthetic_store.py FOLDER --metrics 40

writes FOLDER/scores.sqlite for ``python -m benchmark leaderboard --results FOLDER``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.store import SeriesResult, Store
from benchmark.types import DatasetInfo, MetricInfo, Pair


@dataclass(frozen=True, slots=True)
class Size:
    """How large a data set is, and its label's direction and scale."""

    title: str
    pairs: int
    contents: int
    distortions: int
    higher_is_better: bool
    mean: float
    deviation: float
    label_std: bool = False


REAL = {
    "pipal": Size("PIPAL, its size", 23200, 200, 7, True, 1449.0, 121.0),
    "kadid10k": Size("KADID-10k, its size", 10125, 81, 25, False, 3.0, 1.0, label_std=True),
    "tid2013": Size("TID2013, its size", 3000, 25, 24, True, 4.5, 1.2, label_std=True),
    "csiq": Size("CSIQ, its size", 866, 30, 6, False, 0.4, 0.25, label_std=True),
    "live": Size("LIVE, its size", 779, 29, 5, False, 45.0, 20.0, label_std=True),
}


def pairs_of(name: str, size: Size, seed: int = 0) -> list[Pair]:
    """Invent pairs: contents and distortions in turn, labels normal."""
    random = np.random.default_rng([seed, size.pairs])
    labels = size.mean + size.deviation * random.standard_normal(size.pairs)
    return [
        Pair(
            id=f"{name}_{i:05d}.bmp",
            distorted=Path(f"{name}_{i:05d}.bmp"),
            reference=Path(f"{i % size.contents}.bmp"),
            content=f"content {i % size.contents:03d}",
            label=float(labels[i]),
            distortion=f"distortion {i // size.contents % size.distortions:02d}",
            level=float(i % 5 + 1),
            label_std=size.deviation / 8 if size.label_std else None,
        )
        for i in range(size.pairs)
    ]


def write(path: Path, *, metrics: int = 40, sizes: dict[str, Size] = REAL, seed: int = 0) -> int:
    """Fill a new store at `path` with `metrics` metrics of different quality on every data set; return the scores made."""
    written = 0
    with Store(path) as store:
        for number, (name, size) in enumerate(sizes.items()):
            pairs = pairs_of(name, size, seed)
            stored = store.add_dataset(info_of(name, size), pairs)
            labels = np.array([pair.label for pair in pairs])
            standard = (labels - size.mean) / size.deviation
            for i in range(metrics):
                random = np.random.default_rng([seed, number, i])
                noise = random.standard_normal(len(pairs))
                scores = standard + (0.3 + 0.05 * i) * noise
                up = size.higher_is_better == (i % 2 == 0)
                info = MetricInfo(f"invented-{i:02d}", f"Invented {i}", "1", i % 2 == 0, "Label and noise.")
                series = store.add_series(stored, info)
                named = dict(zip([pair.id for pair in pairs], (scores if up else -scores).tolist(), strict=True))
                store.commit_unit([SeriesResult(series.id, "all", named, seconds=len(pairs) * 1e-3 * (i + 1))])
                written += len(named)
    return written


def info_of(name: str, size: Size) -> DatasetInfo:
    """What a data set of that size says of itself."""
    return DatasetInfo(
        name=name,
        title=f"{size.title}, invented labels",
        label_kind="MOS" if size.higher_is_better else "DMOS",
        label_higher_is_better=size.higher_is_better,
        label_range=(-1e6, 1e6),
        n_pairs=size.pairs,
        n_contents=size.contents,
        licence="none needed",
        url="none",
        citation="none",
        layout="none",
    )


def main() -> None:
    """Write a store where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--metrics", type=int, default=40)
    given = parser.parse_args()
    print(f"{write(given.folder / 'scores.sqlite', metrics=given.metrics)} scores in {given.folder / 'scores.sqlite'}")


if __name__ == "__main__":
    main()
