"""Embedded photographs, their JPEG pairs, and one call that scores a pair."""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from benchmark.images import ImageBatch, read_rgb
from benchmark.registry import Registry

LIVE_KODAK = Path(__file__).resolve().parents[1] / "datasets" / "live_kodak"
INDEPENDENT = Path(__file__).resolve().parent / "calibration" / "independent.csv"
PAIRS = [("jpeg/bikes_q012.jpg", "ref/bikes.png"), ("jpeg/house_q001.jpg", "ref/house.png")]

METRICS = Registry().metrics


@cache
def photograph(name: str) -> np.ndarray:
    """uint8 RGB (512, 768, 3) of a file of the embedded data set, for example "ref/bikes.png"."""
    return read_rgb(LIVE_KODAK / name)


@cache
def scorer(metric: str):
    return METRICS[metric].load("cpu")


def score(metric: str, *, distorted: np.ndarray, reference: np.ndarray) -> float:
    """Score one pair of uint8 RGB (H, W, 3) on the CPU."""
    prepared = scorer(metric).prepare(ImageBatch(reference[None]))
    return float(scorer(metric).score(ImageBatch(distorted[None]), prepared)[0])


def luma(rgb: np.ndarray) -> np.ndarray:
    """BT.601 luma, written once more and otherwise than in the product."""
    return np.einsum("hwc,c->hw", rgb.astype(np.float64), [0.299, 0.587, 0.114])


def recorded(metric: str, library: str) -> list[tuple[str, str, float]]:
    """(distorted, reference, value) that `library` gave, from tests/calibration/independent.csv."""
    with INDEPENDENT.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["metric"], row["library"]) == (metric, library)]
    if len(rows) != 5:
        raise ValueError(f"expected 5 values of {library} for {metric}, found {len(rows)}")
    return [(row["distorted"], row["reference"], float(row["value"])) for row in rows]


def assert_equals_recorded(metric: str, library: str, atol: float) -> None:
    """`atol` is how far the library's own definition or precision is off; what another machine may do comes on top."""
    atol += METRICS[metric].info.tolerance
    for distorted, reference, value in recorded(metric, library):
        ours = score(metric, distorted=photograph(distorted), reference=photograph(reference))
        np.testing.assert_allclose(ours, value, rtol=0, atol=atol, err_msg=f"{metric} of {distorted}, {library}")


def official(shared: Path, metric: str) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """(distorted, reference, value) of the five calibration pairs that come with the authors' values."""
    folder = shared / "calibration"
    with (folder / "results_official.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["Method"] == metric)
    names = ["I03.bmp", "I04.bmp", "I06.bmp", "I08.bmp", "I19.bmp"]
    return [
        (read_rgb(folder / "dist_dir" / name), read_rgb(folder / "ref_dir" / name), float(row[name])) for name in names
    ]


def rgb2gray(rgb: np.ndarray) -> np.ndarray:
    """What MATLAB's rgb2gray makes of uint8 RGB: its own six-digit BT.601 weights, rounded to integers."""
    return np.floor(rgb @ [0.298936021293775, 0.587043074451121, 0.114020904255103] + 0.5)
