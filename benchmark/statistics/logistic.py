"""A monotone logistic map from scores to labels: VQEG's 4-parameter logistic, or 5 parameters with a linear term.

    predict(x) = offset + amplitude / (1 + exp(-(x - midpoint) / scale)) + slope * (x - midpoint)

with amplitude >= 0, scale > 0 and slope >= 0 (0 with 4 parameters), so it never falls. Sources: VQEG, Final report from
the Video Quality Experts Group on the validation of objective models (Phase I, 2000), and H. R. Sheikh, M. F. Sabir
and A. C. Bovik, A statistical evaluation of recent full reference image quality assessment algorithms, 2006, eq. 13.
There both slopes are free in sign, which gives a perfectly reversed metric a correlation of +1; here they are not.

Given midpoint and scale, the rest is linear least squares in closed form, so the search has two dimensions
(variable projection; Golub and Pereyra 1973). It starts from a grid laid over the scores themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmark.statistics.correlation import MIN_PAIRS, spearman
from benchmark.statistics.inputs import Floats, dot, finite, is_constant, standardised

GRID_POINTS = 2000
"""Starts are chosen on at most this many scores, evenly spaced in rank."""
STARTS = 3
"""How many of the best points of the grid are refined."""
REACH = 8.0
"""How far outside the scores the midpoint may lie, in scales: there the map is an exponential to exp(-8)."""


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """A non-decreasing map from scores to labels, in their own units."""

    offset: float
    amplitude: float
    midpoint: float
    scale: float
    slope: float
    parameters: int
    """How many numbers were fitted: 4 or 5, 2 for the linear fallback, 1 for a constant."""
    fallback: str = ""
    """Why another map than the one asked for was taken, "" when it was not."""

    @property
    def is_constant(self) -> bool:
        """Whether the map says nothing of the scores."""
        return self.amplitude == 0.0 and self.slope == 0.0

    def predict(self, scores: npt.ArrayLike) -> Floats:
        """Map scores (N,) to labels (N,), float64; non-decreasing in the scores."""
        x = np.asarray(scores, dtype=np.float64)
        result = np.full(x.shape, self.offset)
        with np.errstate(over="ignore"):
            if self.amplitude:
                result += self.amplitude * sigmoid((x - self.midpoint) / self.scale)
            if self.slope:
                result += self.slope * (x - self.midpoint)
        return result


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), elementwise; 0 and 1 far out, without a warning."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


def fit_logistic(scores: npt.ArrayLike, labels: npt.ArrayLike, *, parameters: Literal[4, 5] = 4) -> LogisticFit:
    """Fit the map by least squares to scores (N,) and labels (N,), higher better in both.

    It answers for any finite input, and `fallback` says why when the answer is not the logistic:
    a straight line where there are no more distinct scores than parameters, and the mean label where scores or labels
    are constant or the rank correlation is not positive (the best increasing map is then no better than a constant).
    Raises ValueError for NaN, infinity, two lengths, or another number of parameters.
    """
    if parameters not in (4, 5):
        raise ValueError(f"parameters: expected 4 or 5, got {parameters!r}")
    labels = finite(labels, name="labels")
    scores = finite(scores, name="scores", length=len(labels))
    if len(scores) < MIN_PAIRS:
        return _constant(labels, f"constant map: {len(scores)} pairs")
    if is_constant(scores) or is_constant(labels):
        return _constant(labels, f"constant map: constant {'scores' if is_constant(scores) else 'labels'}")
    if not spearman(scores, labels) > 0:
        return _constant(labels, "constant map: the scores do not rise with the labels")
    u, centre, spread = standardised(scores)
    v, label_centre, label_spread = standardised(labels)
    distinct = len(np.unique(u))
    if distinct <= parameters:
        fit = _line(u, v, f"linear map: {distinct} distinct scores for {parameters} parameters")
    else:
        fit = _search(u, v, linear_term=parameters == 5)
    if fit.is_constant:
        return _constant(labels, fit.fallback or "constant map: no increasing map is better")
    return replace(
        fit,
        offset=label_centre + label_spread * fit.offset,
        amplitude=label_spread * fit.amplitude,
        midpoint=centre + spread * fit.midpoint,
        scale=spread * fit.scale,
        slope=fit.slope * label_spread / spread,
    )


def _constant(labels: Floats, reason: str) -> LogisticFit:
    mean = float(np.mean(labels)) if len(labels) else float("nan")
    return LogisticFit(mean, 0.0, 0.0, 1.0, 0.0, 1, reason)


def _line(u: Floats, v: Floats, reason: str) -> LogisticFit:
    square = dot(u, u)
    slope = dot(u, v) / square if square > 0 else 0.0
    if not slope > 0:
        return LogisticFit(0.0, 0.0, 0.0, 1.0, 0.0, 1, f"constant map: falling line ({reason})")
    return LogisticFit(0.0, 0.0, 0.0, 1.0, slope, 2, reason)


def _linear_part(z: Floats, u: Floats, v: Floats, linear_term: bool) -> tuple[float, float, Floats]:
    """Best amplitude and slope, neither negative, for the sigmoid `z`; and the residuals (N,)."""
    zc, uc, vc = z - z.mean(), u - u.mean(), v - v.mean()
    zz, zv = dot(zc, zc), dot(zc, vc)
    candidates = [(max(0.0, zv / zz) if zz > 1e-12 else 0.0, 0.0)]
    if linear_term:
        uu, uv, zu = dot(uc, uc), dot(uc, vc), dot(zc, uc)
        candidates.append((0.0, max(0.0, uv / uu)))
        determinant = zz * uu - zu * zu
        if determinant > 1e-10 * zz * uu:
            both = ((zv * uu - uv * zu) / determinant, (uv * zz - zv * zu) / determinant)
            if min(both) >= 0:
                candidates.append(both)
    residuals = [(a, b, vc - a * zc - b * uc) for a, b in candidates]
    return min(residuals, key=lambda candidate: dot(candidate[2], candidate[2]))


def _search(u: Floats, v: Floats, *, linear_term: bool) -> LogisticFit:
    """The least-squares map of standardised scores and labels."""
    from scipy.optimize import least_squares

    width = float(np.ptp(u))
    centre = float(u.min()) + width / 2
    quartiles = np.quantile(u, [0.25, 0.75])
    typical = min(1.0, float(quartiles[1] - quartiles[0])) or min(1.0, width)
    low, high = np.array([-1.0, np.log(1e-2 * typical)]), np.array([1.0, np.log(10 * width)])

    def midpoint_and_scale(point: Floats) -> tuple[float, float]:
        scale = float(np.exp(point[1]))
        return centre + float(point[0]) * (width / 2 + REACH * scale), scale

    def residuals(point: Floats, x: Floats, y: Floats) -> Floats:
        midpoint, scale = midpoint_and_scale(point)
        return _linear_part(sigmoid((x - midpoint) / scale), x, y, linear_term)[2]

    def cost(point: Floats) -> float:
        rest = residuals(point, u_few, v_few)
        return dot(rest, rest)

    ranked = np.argsort(u, kind="stable")
    few = ranked[np.linspace(0, len(u) - 1, min(len(u), GRID_POINTS)).astype(int)]
    u_few, v_few = u[few], v[few]
    middles = np.quantile(u, [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    scales = np.concatenate([typical * np.array([0.1, 0.3, 1.0, 3.0]), [0.3 * width]])
    grid = [np.array([(m - centre) / (width / 2 + REACH * s), np.log(s)]) for m in middles for s in scales]
    grid += [np.array([side, np.log(s)]) for side in (-0.9, 0.9) for s in scales]
    grid = [np.clip(start, low + 1e-6, high - 1e-6) for start in grid]
    starts = sorted(grid, key=cost)[:STARTS]
    refined = [least_squares(residuals, start, bounds=(low, high), args=(u_few, v_few)).x for start in starts]
    best = least_squares(
        residuals, min(refined, key=cost), bounds=(low, high), args=(u, v), xtol=1e-10, ftol=1e-12, gtol=1e-10
    ).x
    midpoint, scale = midpoint_and_scale(best)
    z = sigmoid((u - midpoint) / scale)
    amplitude, slope, _ = _linear_part(z, u, v, linear_term)
    offset = float(v.mean() - amplitude * z.mean() - slope * (u.mean() - midpoint))
    return LogisticFit(offset, amplitude, midpoint, scale, slope, 5 if linear_term else 4)
