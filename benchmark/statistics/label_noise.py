"""How well each label is known, and errors judged by it: outlier ratio and RMSE*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats
from benchmark.statistics.table import WITH_LABEL_NOISE
from benchmark.types import LabelStdKind

CRITICAL_Z = 1.959963984540054
"""Two-sided 5 % of the normal distribution."""
NO_LABEL_STD = "undefined: the labels have no label_std"
NO_RATINGS = "undefined: needs the number of ratings per label"
AS_RATINGS = "label_std is not declared to be of ratings or of means: taken as of ratings"
AS_ERROR = "label_std is not declared to be of ratings or of means, and the number of ratings is unknown: taken as the label's standard error"
TWICE = "label_std is not declared to be of ratings or of means, and the number of ratings is unknown: outliers err by more than 2 label_std"
NORMAL = "label intervals of 1.96 standard errors, as the number of ratings is unknown"


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """What the spread of labels says of their errors, in label units; None where it says nothing."""

    standard_errors: Floats | None = None
    half_widths: Floats | None = None
    """(N,) half of each label's 95 % interval."""
    outlier_threshold: Floats | None = None
    """(N,) largest error that is no outlier."""
    notes: dict[str, str] = field(default_factory=dict)
    """What a reader must know, by statistic."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a statistic is undefined, by statistic."""

    def sorted(self, order: npt.NDArray[np.intp]) -> LabelNoise:
        """The same noise with its labels in another order."""
        errors, widths, threshold = (
            None if of is None else of[order] for of in (self.standard_errors, self.half_widths, self.outlier_threshold)
        )
        return LabelNoise(errors, widths, threshold, self.notes, self.reasons)


def label_noise(
    label_std: npt.ArrayLike | None, n_ratings: npt.ArrayLike | None, kind: LabelStdKind, *, length: int
) -> LabelNoise:
    """Derive the labels' errors from their standard deviations (N,) and numbers of ratings (one number, or (N,)).

    `kind` "ratings": the deviation of single ratings, std / sqrt(n) the standard error; "mean": the standard error
    itself. The 95 % interval is that error times t(0.975; n - 1) (ITU-T P.1401, 7.5), or times 1.96 where n is unknown.
    "": as "ratings" where n is known; else the deviation serves as standard error, which finds fewer pairs different
    but none that people could not tell apart, outliers are beyond two deviations, and RMSE* is undefined.
    nan stands for an unknown number. What the numbers do not allow is undefined, with the reason; nothing is guessed.
    Raises ValueError for another length.
    """
    if label_std is None:
        return _undefined(NO_LABEL_STD)
    std = _numbers(label_std, "label_std", length)
    known = np.full(length, np.nan) if n_ratings is None else _numbers(n_ratings, "n_ratings", length)
    for wrong, what in (
        (np.isnan(std), "no label_std"),
        (np.isinf(std), "an infinite label_std"),
        (std < 0, "a negative label_std"),
        (np.isinf(known), "an infinite n_ratings"),
        (known < 2, "n_ratings below 2, which have no spread"),
    ):
        if wrong.any():
            return _undefined(f"undefined: {int(wrong.sum())} of {length} labels have {what}")
    unknown = int(np.isnan(known).sum())
    if unknown and kind == "ratings":
        some = f", unknown for {unknown} of {length}" if unknown < length else ""
        return _undefined(f"{NO_RATINGS}{some}: label_std is the deviation of single ratings")
    if unknown and kind == "":
        notes = {"outlier_ratio": TWICE, "auc_different": AS_ERROR, "auc_better": AS_ERROR}
        return LabelNoise(std, None, 2.0 * std, notes, {"rmse_star": NO_RATINGS})
    error = std if kind == "mean" else std / np.sqrt(known)
    half_width = error * (CRITICAL_Z if unknown else _t_975(known - 1.0))
    notes = {}
    if unknown:
        notes = {"outlier_ratio": NORMAL, "rmse_star": NORMAL}
    elif kind == "":
        notes = dict.fromkeys(WITH_LABEL_NOISE, AS_RATINGS)
    return LabelNoise(error, half_width, half_width, notes)


def _undefined(reason: str) -> LabelNoise:
    return LabelNoise(reasons=dict.fromkeys(WITH_LABEL_NOISE, reason))


def _numbers(values: npt.ArrayLike, name: str, length: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (length,)):
        raise ValueError(f"{name}: expected {length} values, one per label, got shape {array.shape}")
    return np.broadcast_to(array, (length,))


def _t_975(degrees: Floats) -> Floats:
    """Upper 2.5 % point of Student's t; with a million degrees of freedom it is the normal one's to 2e-6."""
    from scipy.special import stdtrit

    return stdtrit(np.minimum(degrees, 1e6), 0.975)


ErrorStatistic = Callable[[Floats, Floats, int], Floats]
"""From errors (B, N) in label units, weights (B, N) and the map's number of parameters to one number per resample."""


def error_statistics(noise: LabelNoise) -> dict[str, ErrorStatistic]:
    """The statistics of the errors after the map that the noise allows, each bound to its threshold per label."""
    found: dict[str, ErrorStatistic] = {}
    threshold, half_width = noise.outlier_threshold, noise.half_widths
    if threshold is not None:
        found["outlier_ratio"] = lambda errors, weights, _: outlier_ratio(errors, weights, threshold)
    if half_width is not None:
        found["rmse_star"] = lambda errors, weights, parameters: rmse_star(errors, weights, half_width, parameters)
    return found


def outlier_ratio(errors: Floats, weights: Floats, threshold: Floats) -> Floats:
    """Share of pairs in [0, 1] whose error (B, N) is larger than `threshold` (N,), weighted (B, N): (B,).

    The threshold is the half width of the label's 95 % interval where its standard error is known (P.1401), and
    otherwise twice the label's standard deviation (VQEG, Phase I final report, 2000).
    """
    return np.einsum("rn,rn->r", weights, (np.abs(errors) > threshold).astype(np.float64)) / weights.sum(axis=1)


def rmse_star(errors: Floats, weights: Floats, half_width: Floats, parameters: int) -> Floats:
    """Epsilon-insensitive RMSE of ITU-T P.1401, in label units: (B,).

    sqrt(sum(max(0, |error| - half_width)^2) / (N - d)) with d the number of parameters of the map; nan unless N > d.
    """
    excess = np.maximum(np.abs(errors) - half_width, 0.0)
    freedom = weights.sum(axis=1) - parameters
    total = np.einsum("rn,rn->r", weights, excess * excess)
    return np.sqrt(np.divide(total, freedom, out=np.full(len(total), np.nan), where=freedom > 0))
