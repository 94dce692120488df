"""A plugin file for tests: a small data set in a folder, and metrics that are slow, crash, or return what they must not."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.plugin import DatasetInfo, ImageBatch, MetricInfo, Pair, metric


@dataclass(frozen=True)
class Toy:
    """`DATA_ROOT/<content>/ref.png` and `DATA_ROOT/<content>/<level>.png`; the label is minus the level."""

    info: DatasetInfo

    def missing(self, data_root):
        return None if data_root else "no folder"

    def pairs(self, data_root, *, images=True, progress=None):
        files = sorted(path for path in Path(data_root).glob("*/*.png") if path.stem != "ref")
        return [
            Pair(f"{p.parent.name}/{p.name}", p, p.with_name("ref.png"), p.parent.name, -float(p.stem), "noise")
            for p in files
        ]


toy = Toy(DatasetInfo("toy", "Toy", "MOS", True, (-100, 0), None, None, "CC0", "", "", ""))


@metric(name="difference", higher_is_better=False, protocol="Mean absolute difference.")
def difference(*, distorted, reference):
    return np.abs(distorted.astype(float) - reference).mean()


@metric(name="swapped", higher_is_better=False, protocol="Not symmetric.", view="luma")
def asymmetric(*, distorted, reference):
    return (distorted / (reference + 1)).mean()


@metric(name="slow", higher_is_better=False, protocol="Takes 20 ms a pair.")
def slow(*, distorted, reference):
    time.sleep(0.02)
    return distorted.mean() - reference.mean()


@metric(name="slower", higher_is_better=False, protocol="Takes 300 ms a pair.")
def slower(*, distorted, reference):
    time.sleep(0.3)
    return 1.0


@metric(name="crash", higher_is_better=False, protocol="Ends its process on black images.")
def crash(*, distorted, reference):
    if not distorted.any():
        os._exit(9)
    return 1.0


@metric(name="nan", higher_is_better=False, protocol="Not a number on black images, an error on white ones.")
def nan(*, distorted, reference):
    if distorted.min() == 255:
        raise ValueError("too bright")
    return 1.0 if distorted.any() else float("nan")


@metric(name="large", higher_is_better=False, protocol="Needs 100 pixels.", min_size=100)
def large(*, distorted, reference):
    return 1.0


class Counting:
    """Counts how often `prepare` is called and how large its batches are: the score of a pair is that count."""

    info = MetricInfo("counting", "Counting", "1", True, "Calls of prepare so far in this process, per content.")

    def load(self, device):
        self.prepared = 0
        return self

    def prepare(self, reference: ImageBatch):
        self.prepared += 1
        return self.prepared

    def score(self, distorted: ImageBatch, prepared):
        return np.full(len(distorted), prepared, dtype=float)


counting = Counting()


class Unloadable:
    """A metric whose weights are not here."""

    info = MetricInfo("unloadable", "Unloadable", "1", True, "Cannot be loaded.")

    def load(self, device):
        raise OSError("no weights here")


unloadable = Unloadable()


@metric(name="writes-array", higher_is_better=False, protocol="Blackens its input.")
def writes_array(*, distorted, reference):
    distorted[:] = 0
    return 1.0


@metric(name="writes-tensor", higher_is_better=False, protocol="Blackens its input.", view="tensor")
def writes_tensor(*, distorted, reference):
    distorted.mul_(0)
    return 1.0


@metric(name="exits", higher_is_better=False, protocol="Ends the program.")
def exits(*, distorted, reference):
    raise SystemExit(7)


@metric(name="pair-of-numbers", higher_is_better=False, protocol="Returns two numbers.")
def pair_of_numbers(*, distorted, reference):
    return 1.0, 2.0
