"""What every statistic asks of its arrays: one dimension, one length, finite numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def finite(values: npt.ArrayLike, *, name: str, length: int | None = None) -> Floats:
    """Return `values` as a float64 array of shape (N,).

    Raises ValueError for another shape or length, and for NaN or infinity, naming how many came and where the first is.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got shape {array.shape}")
    if length is not None and len(array) != length:
        raise ValueError(f"{name}: expected {length} values, one per label, got {len(array)}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name}: expected finite numbers, got {array[bad[0]]} at position {bad[0]} ({len(bad)} of {len(array)} are "
            "not finite); leave failed pairs out before asking for statistics"
        )
    return array


def finite_or_best(
    values: npt.ArrayLike, infinite_as: float, *, name: str, length: int | None = None
) -> tuple[Floats, Floats, str]:
    """Return `values` (N,) as finite numbers, as numbers in the same order, and in words what +inf counts as.

    For numbers +inf becomes `infinite_as`, or the largest finite value if that is more; in order it stands above all.
    The words are "" where nothing is infinite. Raises ValueError as `finite` does, for -inf too.
    """
    array = np.array(values, dtype=np.float64)
    best = array == np.inf
    if not best.any():
        array = finite(array, name=name, length=length)
        return array, array, ""
    array[best] = max([float(infinite_as), *array[np.isfinite(array)].tolist()])
    array = finite(array, name=name, length=length)
    order = np.unique(np.where(best, np.inf, array), return_inverse=True)[1].astype(np.float64)
    count = int(best.sum())
    words = f"{count} infinite {'score counts' if count == 1 else 'scores count'} as {array[best][0]:.6g} where numbers are needed"
    return array, order, words


def dot(x: Floats, y: Floats) -> float:
    """Sum of products, without BLAS: its order of summing, and so the last bit, depends on its number of threads."""
    return float(np.einsum("n,n->", x, y))


def is_constant(values: Floats) -> bool:
    """Whether no two values differ (also true of none and of one)."""
    return len(values) < 2 or bool(np.all(values == values[0]))


def standardised(values: Floats) -> tuple[Floats, float, float]:
    """Return (values - centre) / spread, the mean as centre, and the standard deviation as spread (1 for constants).

    The largest magnitude is divided out first, so that squares neither overflow nor vanish.
    """
    if is_constant(values):
        return np.zeros_like(values), float(values[0]) if len(values) else 0.0, 1.0
    _, exponent = np.frexp(np.max(np.abs(values)))
    scaled = np.ldexp(values, -exponent)
    centre = float(np.mean(scaled))
    spread = float(np.std(scaled))
    if spread == 0.0:  # the values differ by less than the rounding of their mean
        return np.zeros_like(values), float(values[0]), 1.0
    return (scaled - centre) / spread, float(np.ldexp(centre, exponent)), float(np.ldexp(spread, exponent))
