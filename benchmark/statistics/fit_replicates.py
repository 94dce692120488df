"""The logistic map refitted in every resample, by one Gauss-Newton step from the full sample's optimum.

Midpoint and scale take the step; amplitude, slope and offset are then exact weighted least squares, and the old
midpoint and scale are kept where the step is no better. Correlation and error are stationary at the optimum, so what
the step leaves undone enters them squared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmark.statistics.inputs import Floats, standardised
from benchmark.statistics.interpolation import moved_sums
from benchmark.statistics.label_noise import ErrorStatistic
from benchmark.statistics.logistic import LogisticFit, sigmoid
from benchmark.statistics.replicates import VANISHING, pearson_replicates, ratio, weigh
from benchmark.statistics.resampling import Clusters, chunks

MAX_STEP = np.array([2.0, 0.7])
"""Largest step of the midpoint, in scales, and of the logarithm of the scale."""


@dataclass(frozen=True, slots=True)
class _Projection:
    """Least squares of the labels on sigmoid and line in each resample, neither falling. All arrays (B,)."""

    amplitude: Floats
    slope: Floats
    correlation: Floats
    """Signed: negative where the resample's labels fall along the sigmoid, which the map itself may not."""
    unexplained: Floats
    """Sum of squared errors of the map."""

    def where(self, mine: npt.NDArray[np.bool_], other: _Projection) -> _Projection:
        """Take the rows `mine` from here and the rest from `other`."""
        return _Projection(
            np.where(mine, self.amplitude, other.amplitude),
            np.where(mine, self.slope, other.slope),
            np.where(mine, self.correlation, other.correlation),
            np.where(mine, self.unexplained, other.unexplained),
        )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Weighted sums of sigmoid z, line t and labels v, and of their products, in each resample. All arrays (B,)."""

    n: Floats
    z: Floats
    zz: Floats
    zt: Floats
    zv: Floats
    t: Floats
    tt: Floats
    tv: Floats
    v: Floats
    vv: Floats

    def project(self, *, linear_term: bool) -> _Projection:
        """Solve for the amplitude and, with a linear term, the slope."""
        n = self.n
        zz = np.maximum(self.zz - self.z * self.z / n, 0.0)
        zz = np.where(zz > VANISHING * np.maximum(self.zz, 1e-300), zz, 0.0)
        zv = self.zv - self.z * self.v / n
        vv = self.vv - self.v * self.v / n
        vv = np.where(vv > VANISHING * n, vv, 0.0)
        free = np.nan_to_num(ratio(zv, zz))
        amplitude, slope = np.maximum(free, 0.0), np.zeros_like(n)
        explained = amplitude * zv
        correlation = np.sign(zv) * np.sqrt(ratio(np.abs(free * zv), vv))
        if linear_term:
            tt, tv = self.tt - self.t * self.t / n, self.tv - self.t * self.v / n
            zt = self.zt - self.z * self.t / n
            line = np.maximum(np.nan_to_num(ratio(tv, tt)), 0.0)
            determinant = zz * tt - zt * zt
            determinant = np.where(determinant > 1e-10 * zz * tt, determinant, 0.0)
            both = (
                np.nan_to_num(ratio(zv * tt - tv * zt, determinant)),
                np.nan_to_num(ratio(tv * zz - zv * zt, determinant)),
            )
            both_explain = np.where(np.minimum(*both) > 0, both[0] * zv + both[1] * tv, -1.0)
            for a, b, gain in ((np.zeros_like(n), line, line * tv), (*both, both_explain)):
                better = gain > explained
                amplitude, slope = np.where(better, a, amplitude), np.where(better, b, slope)
                explained = np.where(better, gain, explained)
                correlation = np.where(better, np.sqrt(ratio(np.maximum(gain, 0.0), vv)), correlation)
        return _Projection(amplitude, slope, np.clip(correlation, -1.0, 1.0), np.maximum(vv - explained, 0.0))


class FitReplicates:
    """Agreement after the map in each resample of one metric; arrays sorted by cluster.

    `plcc` (R,) and `rmse` (R,) in label units; `errors[name]` (R,) for each statistic of the errors asked for.
    Rows are filled by `compute`, which may run on separate blocks at once.
    """

    def __init__(
        self,
        fit: LogisticFit,
        scores: Floats,
        labels: Floats,
        clusters: Clusters,
        weights: Floats,
        error_statistics: Mapping[str, ErrorStatistic] | None = None,
    ) -> None:
        self.fit, self.clusters, self.weights = fit, clusters, weights
        self.error_statistics = dict(error_statistics or {})
        replicates = len(weights)
        self.plcc, self.rmse = np.empty(replicates), np.empty(replicates)
        self.errors = {name: np.empty(replicates) for name in self.error_statistics}
        self.linear_term = fit.parameters in (2, 5)
        self.v, _, self.label_spread = standardised(labels)
        if fit.amplitude:
            with np.errstate(over="ignore"):
                self.t = (scores - fit.midpoint) / fit.scale
            self.z = sigmoid(self.t)
        else:
            self.t, self.z = standardised(scores)[0], np.zeros_like(scores)
        if fit.is_constant:
            self.t = np.zeros_like(scores)
            self.raw = pearson_replicates(scores, labels, clusters, weights)
        self.centre = float(self.z.mean())
        """Taken off the sigmoid in every sum: where it is nearly flat, its variance would drown in rounding."""
        self.steps = self._gauss_newton()
        self.sums = self._sums_at_optimum()
        self.moved = moved_sums(self.t, self.v, self.centre, self.steps, clusters, weights) if fit.amplitude else None

    def _sums_at_optimum(self) -> Floats:
        z, t, v = self.z - self.centre, self.t, self.v
        columns = np.stack([np.ones_like(v), z, z * z, z * t, z * v, t, t * t, t * v, v, v * v], axis=1)
        return weigh(self.weights, self.clusters.sums(columns))

    def _gauss_newton(self) -> Floats:
        """One step of (midpoint in scales, log scale) in each resample: (R, 2)."""
        if not self.fit.amplitude:
            return np.zeros((len(self.weights), 2))
        amplitude = self.fit.amplitude / self.label_spread
        slope = self.fit.slope * self.fit.scale / self.label_spread
        residual = self.v - amplitude * self.z - slope * self.t
        residual -= residual.mean()
        bend = amplitude * self.z * (1.0 - self.z)
        columns = [np.ones_like(self.v), self.z, -bend, -bend * self.t] + ([self.t] if slope else [])
        jacobian = np.stack(columns, axis=1)
        jacobian /= np.sqrt(np.mean(jacobian**2, axis=0)).clip(1e-300)
        size = jacobian.shape[1]
        products = np.einsum("ni,nj->nij", jacobian, jacobian).reshape(len(self.v), -1)
        normal = weigh(self.weights, self.clusters.sums(products)).reshape(-1, size, size)
        normal += 1e-9 * normal[:, :1, :1] * np.eye(size)  # the count of pairs: columns have unit mean square
        gradient = weigh(self.weights, self.clusters.sums(jacobian * residual[:, None]))
        unit = np.linalg.solve(normal, gradient[:, :, None])[:, 2:4, 0]
        scale = np.sqrt(np.mean(np.stack(columns[2:4], axis=1) ** 2, axis=0)).clip(1e-300)
        return np.clip(unit / scale, -MAX_STEP, MAX_STEP)

    def compute(self, block: slice) -> None:
        """Fill the rows of one block of replicates."""
        self._compute(block)

    def _compute(self, rows: slice) -> None:
        old = _Sums(*self.sums[rows].T)
        chosen, z_sum = old.project(linear_term=self.linear_term), old.z
        better = np.zeros(len(old.n), dtype=np.bool_)
        if self.moved is not None:
            z, zz, zt, zv = self.moved[rows].T
            moved = replace(old, z=z, zz=zz, zt=zt, zv=zv)
            new = moved.project(linear_term=self.linear_term)
            better = np.nan_to_num(new.correlation, nan=-2.0) > np.nan_to_num(chosen.correlation, nan=-2.0)
            chosen, z_sum = new.where(better, chosen), np.where(better, z, z_sum)
        self.plcc[rows] = self.raw[rows] if self.fit.is_constant else chosen.correlation
        self.rmse[rows] = self.label_spread * np.sqrt(chosen.unexplained / old.n)
        if self.error_statistics:
            offset = (old.v - chosen.amplitude * z_sum - chosen.slope * old.t) / old.n
            for part in chunks(slice(0, len(better)), len(self.v)):
                self._errors(slice(rows.start + part.start, rows.start + part.stop), chosen, offset, better, part)

    def _errors(
        self, rows: slice, chosen: _Projection, offset: Floats, better: npt.NDArray[np.bool_], part: slice
    ) -> None:
        """Fill the statistics of the errors of `rows`, which are `part` of what was chosen."""
        step = np.where(better[part, None], self.steps[rows], 0.0)
        error = (
            sigmoid((self.t - step[:, :1]) * np.exp(-step[:, 1:]))
            if self.fit.amplitude
            else np.zeros((len(step), len(self.v)))
        )
        error -= self.centre
        error *= -chosen.amplitude[part, None]
        error += self.v
        error -= offset[part, None]
        if np.any(chosen.slope[part]):
            error -= chosen.slope[part, None] * self.t
        error *= self.label_spread
        w = np.take(self.weights[rows], self.clusters.codes, axis=1)
        for name, statistic in self.error_statistics.items():
            self.errors[name][rows] = statistic(error, w, self.fit.parameters)
