"""The facts that every room shares: pairs, data sets, metrics, estimates, and the one error a user sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what) by work that takes long enough to be watched."""

LabelStdKind = Literal["", "ratings", "mean"]
"""Of what a label's standard deviation is: "ratings", of the single ratings behind the label (divide by the square root
of their number for the error of the label); "mean", of the label itself (its standard error); "" where there is none."""


class UserError(Exception):
    """Something the user can mend: the message says what was expected, what came, and what to do."""


class PairError(Exception):
    """Why one pair cannot be scored; recorded with the pair's name while the rest of the run goes on."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A distorted image, its reference, and its human label."""

    id: str
    """Unique within the data set and the same on every machine: the key of the store."""
    distorted: Path
    reference: Path | None
    """None in a no-reference data set."""
    content: str
    """The reference and everything derived from it; splits and the bootstrap never cut through a content."""
    label: float
    """The human number, in the data set's unit and direction (`DatasetInfo.label_higher_is_better`)."""
    distortion: str = ""
    """Readable name of the distortion type, "" when unknown."""
    level: float | None = None
    """The data set's own level or parameter of the distortion."""
    label_std: float | None = None
    """Spread of the label in the label's unit, as published: of what, `DatasetInfo.label_std_kind` declares."""
    n_ratings: int | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a data set before one file of it is read."""

    name: str
    title: str
    label_kind: str
    """"MOS", "DMOS", "Elo", ..."""
    label_higher_is_better: bool
    label_range: tuple[float, float]
    """Closed interval that every label must lie in."""
    n_pairs: int | None
    """Expected number of pairs; None where any number is right."""
    n_contents: int | None
    licence: str
    url: str
    citation: str
    layout: str
    """The folder that is expected, one path per line, relative to the data set's folder."""
    note: str = ""
    """What a reader of a table must know: what is regenerated, approximate, incomplete."""
    label_std_kind: LabelStdKind = ""
    """Of what `Pair.label_std` is the standard deviation; "" where no label has one."""
    contains: tuple[str, ...] = ()
    """Other data sets whose images and labels this one holds in part: a metric that was trained on one of them has seen
    labels of this set too."""


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What is known of a metric before its weights are read. The name is the protocol: another protocol, another name."""

    name: str
    title: str
    version: str
    """Changes whenever a score may change. Of code outside this program it follows the source, unless it is stated."""
    higher_is_better: bool
    protocol: str
    """One sentence that fixes the value: colour space and range, window, resize, weights."""
    score_range: tuple[float, float] = (float("-inf"), float("inf"))
    kind: Literal["full-reference", "no-reference"] = "full-reference"
    min_size: int = 1
    """Smallest height and width, in pixels, that the metric is defined for."""
    tolerance: float = 1e-6
    """Largest absolute change of a score that another machine or library build may cause."""
    infinite_as: float | None = None
    """What an infinite score counts as where a statistic needs finite numbers (PSNR of equal images, say). Ranks take
    infinity as it is. None: the metric is never infinite by its definition, and an infinite score is a failure."""
    library: str = ""
    """Whose implementation the values are proven with; faster backends agree with it within `tolerance`."""
    proof: str = ""
    """What the values were compared with, in a few words: official values, another library, a hand-made case."""
    source: str = ""
    """A hash of the code that defines the metric, where that is outside this program."""
    weights_sha256: str = ""
    """sha256 of the weights file, "" for a metric without weights."""
    trained_on: tuple[str, ...] = ()
    """Data sets whose human labels the metric has seen: cells on these are in-sample and marked.

    That is, its weights were fitted to them, or its authors say that they chose its constants by agreement with them. A
    set counts with those that hold the same pictures under other labels (TID2008 and TID2013). Where that is stated
    stands beside it; () where nobody says so."""
    licence: str = ""
    citation: str = ""
    note: str = ""
    """What a reader of a table must know, for example "trained on synthetic labels"."""

    def why_no_score(self, value: float) -> str:
        """Say why a number is no score of this metric; "" for a finite one, and for infinity in the best direction where
        the metric declares `infinite_as`."""
        if math.isfinite(value):
            return ""
        best = math.inf if self.higher_is_better else -math.inf
        if self.infinite_as is not None:
            return "" if value == best else f"{self.name} is {value}, expected a finite number or {best}"
        declare = "; a metric that is infinite by its definition declares infinite_as" if value == best else ""
        return f"{self.name} is {value}, expected a finite number{declare}"


@runtime_checkable
class Dataset(Protocol):
    """A data set: facts, and pairs once its folder is known."""

    info: DatasetInfo

    def missing(self, data_root: Path | None) -> str | None:
        """Say why the images cannot be used from `data_root`, in one line; None when they can."""

    def pairs(self, data_root: Path | None, *, images: bool = True, progress: Progress | None = None) -> list[Pair]:
        """Read and check all pairs, sorted by id.

        `images=False` reads the label list alone: no image need exist.
        Raises UserError when the set is missing, incomplete or wrong, naming the first few offenders.
        """


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its interval. `value` is nan when undefined, and `method` then says why."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    method: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one metric agrees with the labels of one subset of one data set."""

    metric: str
    dataset: str
    subset: str
    """"all", or a named part such as "distortion=jpeg"."""
    n_expected: int
    n_scored: int
    n_failed: int
    n_contents: int
    statistics: dict[str, Estimate]
    """By name: srcc, krcc, plcc_raw, plcc, rmse, outlier_ratio, rmse_star, auc_different, auc_better."""
    warnings: tuple[str, ...] = ()
