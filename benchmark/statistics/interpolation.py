"""Sums over a sigmoid that moves a little, in each resample, without computing it anew for each.

The sums within a cluster are analytic functions of the step (midpoint in scales, log scale) with no singularity nearer
to the real axis than `DISTANCE`: where the sigmoid's argument is an odd multiple of i pi. Interpolated on a Chebyshev
grid over the steps they are exact to about `TOLERANCE` (Trefethen, Approximation Theory and Approximation Practice,
2013, theorem 8.2). A grid of 100 nodes then stands for 1,000 resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from benchmark.statistics.inputs import Floats
from benchmark.statistics.logistic import sigmoid
from benchmark.statistics.replicates import weigh
from benchmark.statistics.resampling import Clusters, chunks

REACH = np.array([0.5, 0.35])
"""Longer steps of midpoint and log scale are computed directly."""
DISTANCE = np.array([np.pi * np.exp(-0.35), np.pi / 2])
"""From the real axis to the nearest singularity in midpoint and in log scale, anywhere within `REACH`."""
TOLERANCE = 1e-12
"""Of the spread of a sum's terms about their centre."""
OVERHEAD = 5000
"""What a node of the grid costs beside its pairs, in pairs: small samples are computed directly."""


def moved_sums(t: Floats, v: Floats, centre: float, steps: Floats, clusters: Clusters, weights: Floats) -> Floats:
    """Weighted sums of z, z^2, z t and z v in each resample, z being its sigmoid less `centre`: (R, 4).

    t and v (N,) are sorted by cluster; `steps` (R, 2): z = sigmoid((t - midpoint) * exp(-log scale)) - centre.
    """
    near = np.all(np.abs(steps) <= REACH, axis=1)
    grids, shares = _grids(steps[near]) if near.any() else ([np.empty(0)] * 2, [])
    nodes = len(grids[0]) * len(grids[1])
    if nodes * (len(t) + OVERHEAD) >= near.sum() * len(t):
        near[:] = False
    result = np.empty((len(steps), 4))
    if near.any():
        tables = [clusters.sums(_terms(t, v, centre, m, s)) for m in grids[0] for s in grids[1]]
        sums = weigh(weights[near], np.stack(tables, axis=1))
        share = (shares[0][:, :, None] * shares[1][:, None, :]).reshape(len(sums), -1)
        result[near] = np.einsum("rg,rgc->rc", share, sums)
    far = np.flatnonzero(~near)
    for part in chunks(slice(0, len(far)), len(t)):
        result[far[part]] = _direct_sums(t, v, centre, steps[far[part]], clusters, weights[far[part]])
    return result


def _terms(t: Floats, v: Floats, centre: float, midpoint: float, log_scale: float) -> Floats:
    z = sigmoid((t - midpoint) * np.exp(-log_scale)) - centre
    return np.stack([z, z * z, z * t, z * v], axis=1)


def _direct_sums(t: Floats, v: Floats, centre: float, steps: Floats, clusters: Clusters, weights: Floats) -> Floats:
    z = sigmoid((t - steps[:, :1]) * np.exp(-steps[:, 1:])) - centre
    wz = np.take(weights, clusters.codes, axis=1) * z
    sums = wz.sum(axis=1), np.einsum("rn,rn->r", wz, z), np.einsum("rn,n->r", wz, t), np.einsum("rn,n->r", wz, v)
    return np.stack(sums, axis=1)


def _grids(steps: Floats) -> tuple[list[Floats], list[Floats]]:
    """Nodes over each of the two steps, and the weights (R, nodes) by which values there give the value at a step."""
    grids, matrices = [], []
    for values, distance in zip(steps.T, DISTANCE, strict=True):
        centre = (values.min() + values.max()) / 2
        half = max(float(np.ptp(values)) / 2, 1e-9)
        ratio = distance / half
        size = 2 + int(np.ceil(-np.log(TOLERANCE) / np.log(0.9 * (ratio + np.hypot(1.0, ratio)))))
        unit = np.cos(np.pi * (np.arange(size) + 0.5) / size)
        at_nodes, at_values = chebvander(unit, size - 1), chebvander((values - centre) / half, size - 1)
        at_nodes[:, 1:] *= 2.0
        grids.append(centre + half * unit)
        matrices.append(np.einsum("rk,nk->rn", at_values, at_nodes) / size)
    return grids, matrices
