"""Errors judged by how well the label itself is known: outlier ratio and RMSE*."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats, finite


def checked_label_noise(
    label_std: npt.ArrayLike, n_ratings: npt.ArrayLike | None, *, length: int
) -> tuple[Floats, Floats | None]:
    """Return both as float64 (N,); `n_ratings` may be one number for all.

    Raises ValueError for a negative standard deviation or fewer than 2 ratings.
    """
    std = finite(label_std, name="label_std", length=length)
    if len(std) and std.min() < 0:
        raise ValueError(f"label_std: expected no negative value, got {std.min():g}")
    if n_ratings is None:
        return std, None
    count = finite(np.broadcast_to(np.asarray(n_ratings, dtype=np.float64), (length,)), name="n_ratings")
    if len(count) and count.min() < 2:
        raise ValueError(f"n_ratings: expected at least 2 ratings per label, got {count.min():g}")
    return std, count


def label_half_width(label_std: Floats, n_ratings: Floats) -> Floats:
    """Half of the 95 % confidence interval of each label: t(0.975; n - 1) * std / sqrt(n) (ITU-T P.1401, 7.5)."""
    from scipy.special import stdtrit

    return stdtrit(n_ratings - 1.0, 0.975) * label_std / np.sqrt(n_ratings)


def outlier_ratio(errors: Floats, weights: Floats, threshold: Floats) -> Floats:
    """Share of pairs in [0, 1] whose error (B, N) is larger than `threshold` (N,), weighted (B, N): (B,).

    The threshold is the half width of the label's 95 % interval where the number of ratings is known (P.1401), and
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
