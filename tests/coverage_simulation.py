"""How often intervals cover the truth and paired tests cry wolf, on simulated contents.

`python tests/coverage_simulation.py [--sets 1000]` prints the tables from which the interval was chosen.

A content shifts and stretches what a metric sees, so that pairs of one content err together: the metric reads
gain * quality + offset + noise, with one gain and one offset per content. The truth is the statistic of 4,000 contents.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.stats

from benchmark.statistics.comparison import paired_test
from benchmark.statistics.fit_replicates import FitReplicates
from benchmark.statistics.intervals import bootstrap_interval
from benchmark.statistics.logistic import fit_logistic
from benchmark.statistics.rank_replicates import spearman_replicates
from benchmark.statistics.replicates import kendall_replicates, pearson_replicates
from benchmark.statistics.resampling import Clusters, clusters_of, draw, resamples
from benchmark.statistics.table import STATISTICS

PER_CONTENT = 16
"""Pairs of one content, where nothing else is asked for."""


@dataclass(frozen=True)
class World:
    """How a metric errs."""

    name: str
    offset: float
    """Standard deviation of a content's offset, in standard deviations of quality."""
    gain: float
    """Standard deviation of the logarithm of a content's gain."""
    noise: float
    heavy: bool = False
    """Offsets of Student's t with 4 degrees of freedom instead of the normal distribution."""

    def metric(self, rng: np.random.Generator, quality: np.ndarray) -> np.ndarray:
        """Scores (contents, pairs) of one metric."""
        k = len(quality)
        offset = rng.standard_t(4, size=(k, 1)) / np.sqrt(2) if self.heavy else rng.normal(size=(k, 1))
        gain = np.exp(self.gain * rng.normal(size=(k, 1)))
        return gain * quality + self.offset * offset + self.noise * rng.normal(size=quality.shape)


WORLDS = (
    World("good metric", 0.25, 0.15, 0.2),
    World("middling metric", 0.6, 0.3, 0.5),
    World("poor metric", 1.2, 0.5, 1.5),
    World("heavy tails", 0.5, 0.4, 0.2, heavy=True),
)


def simulate(
    world: World, rng: np.random.Generator, contents: int, metrics: int = 1, *, pairs: int = PER_CONTENT
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (contents * pairs,) and scores (metrics, contents * pairs), sorted by content."""
    quality = rng.uniform(-1.7, 1.7, size=(contents, pairs))
    labels = 60 / (1 + np.exp(-1.2 * quality)) + 2 * rng.normal(size=(contents, 1)) + 3 * rng.normal(size=quality.shape)
    scores = np.stack([world.metric(rng, quality).ravel() for _ in range(metrics)])
    return labels.ravel(), scores


def clusters(contents: int, pairs: int = PER_CONTENT) -> Clusters:
    """The clusters of a simulated set."""
    return clusters_of(np.repeat(np.arange(contents), pairs), length=contents * pairs)


def replicates_of(
    statistic: str, scores: np.ndarray, labels: np.ndarray, k: Clusters, weights: np.ndarray
) -> np.ndarray:
    """The statistic in each resample, by the product's own code."""
    if statistic == "srcc":
        return spearman_replicates([scores], labels, k, weights, threads=1)[0]
    if statistic == "krcc":
        return kendall_replicates([scores], labels, k, weights, threads=1)[0]
    if statistic == "plcc_raw":
        return pearson_replicates(scores, labels, k, weights)
    refits = FitReplicates(fit_logistic(scores, labels), scores, labels, k, weights)
    refits.compute(slice(0, len(weights)))
    return refits.plcc if statistic == "plcc" else refits.rmse


def value_of(statistic: str, scores: np.ndarray, labels: np.ndarray) -> float:
    """The statistic, by independent code where there is some."""
    if statistic == "srcc":
        return float(scipy.stats.spearmanr(scores, labels).statistic)
    if statistic == "krcc":
        return float(scipy.stats.kendalltau(scores, labels).statistic)
    if statistic == "plcc_raw":
        return float(scipy.stats.pearsonr(scores, labels).statistic)
    mapped = fit_logistic(scores, labels).predict(scores)
    if statistic == "plcc":
        return float(scipy.stats.pearsonr(mapped, labels).statistic)
    return float(np.sqrt(np.mean((mapped - labels) ** 2)))


@lru_cache
def truth(world: World, statistic: str) -> float:
    """The statistic of 4,000 contents."""
    labels, scores = simulate(world, np.random.default_rng(10**6), 4000)
    return value_of(statistic, scores[0], labels)


def intervals(
    statistic: str, scores: np.ndarray, labels: np.ndarray, contents: int, seed: int, replicates: int
) -> Iterator[tuple[str, float, float]]:
    """Yield (name, low, high) of each candidate; the first is the product's."""
    k = clusters(contents, len(labels) // contents)
    weights = resamples(k, replicates=replicates, seed=seed)
    value = value_of(statistic, scores, labels)
    rows = replicates_of(statistic, scores, labels, k, weights)
    drawn, jackknife = rows[:replicates], rows[replicates:]
    scale = STATISTICS[statistic].scale
    chosen = bootstrap_interval(value, rows, k, scale=scale, confidence=0.95)
    yield "product", chosen.low, chosen.high
    with np.errstate(invalid="ignore"):  # resamples at the end of the scale: nan, and no interval
        at, error = scale.forward(np.array([value])), np.std(scale.forward(drawn), ddof=1)
    for name, quantile in (("transform, normal", 1.96), ("transform, t", scipy.stats.t.ppf(0.975, contents - 1))):
        low, high = scale.back(at - quantile * error)[0], scale.back(at + quantile * error)[0]
        yield name, low, high
    width = scipy.stats.t.ppf(0.975, contents - 1) * np.std(drawn, ddof=1) * np.sqrt(contents / (contents - 1))
    yield "plain scale, t", value - width, value + width
    yield "percentile", *np.quantile(drawn, [0.025, 0.975])
    bias = scipy.stats.norm.ppf(np.clip(np.mean(drawn < value), 1e-3, 1 - 1e-3))
    influence = jackknife.mean() - jackknife
    acceleration = np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)
    z = bias + scipy.stats.norm.ppf([0.025, 0.975])
    yield "BCa", *np.quantile(drawn, scipy.stats.norm.cdf(bias + z / (1 - acceleration * z)))
    yield "pairs-level percentile", *naive_interval(statistic, scores, labels, seed, replicates)


def naive_interval(
    statistic: str, scores: np.ndarray, labels: np.ndarray, seed: int, replicates: int
) -> tuple[float, float]:
    """The percentile interval of a bootstrap that takes pairs for independent."""
    alone = clusters_of(np.arange(len(labels)), length=len(labels))
    drawn = replicates_of(statistic, scores, labels, alone, draw(len(alone), replicates=replicates, seed=seed))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def coverage(
    world: World, statistic: str, contents: int, sets: int, replicates: int = 500, *, pairs: int = PER_CONTENT
) -> dict[str, float]:
    """Share of simulated sets whose interval covers the truth, by candidate."""
    hits: dict[str, int] = {}
    for seed in range(sets):
        labels, scores = simulate(world, np.random.default_rng(seed), contents, pairs=pairs)
        for name, low, high in intervals(statistic, scores[0], labels, contents, seed, replicates):
            hits[name] = hits.get(name, 0) + bool(low <= truth(world, statistic) <= high)
    return {name: count / sets for name, count in hits.items()}


def false_positives(world: World, statistic: str, contents: int, sets: int, replicates: int = 500) -> dict[str, float]:
    """Share of sets in which two equally good metrics differ at 5 %: by the product, by percentile, and over pairs."""
    found = {"product": 0, "percentile": 0, "pairs-level percentile": 0}
    k = clusters(contents)
    alone = clusters_of(np.arange(contents * PER_CONTENT), length=contents * PER_CONTENT)
    for seed in range(sets):
        labels, scores = simulate(world, np.random.default_rng(seed), contents, metrics=2)
        weights = resamples(k, replicates=replicates, seed=seed)
        first, second = (replicates_of(statistic, each, labels, k, weights) for each in scores)
        a, b = (value_of(statistic, each, labels) for each in scores)
        found["product"] += paired_test("a", "b", (a, b), (first, second), k, confidence=0.95).p < 0.05
        low, high = np.quantile((first - second)[:replicates], [0.025, 0.975])
        found["percentile"] += not low <= 0 <= high
        weights = draw(len(alone), replicates=replicates, seed=seed)
        first, second = (replicates_of(statistic, each, labels, alone, weights) for each in scores)
        low, high = np.quantile(first - second, [0.025, 0.975])
        found["pairs-level percentile"] += not low <= 0 <= high
    return {name: count / sets for name, count in found.items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--statistics", default="srcc,krcc,plcc_raw,plcc,rmse")
    parser.add_argument("--contents", default="5,6,8,10,13,30")
    parser.add_argument("--pairs", type=int, default=PER_CONTENT, help="of each content")
    parser.add_argument("--replicates", type=int, default=500)
    arguments = parser.parse_args()
    for statistic in arguments.statistics.split(","):
        for contents in map(int, arguments.contents.split(",")):
            for world in WORLDS:
                cells = coverage(
                    world, statistic, contents, arguments.sets, arguments.replicates, pairs=arguments.pairs
                )
                row = "  ".join(f"{name} {100 * share:.1f}" for name, share in cells.items())
                print(
                    f"coverage  {statistic:8} K={contents}  {world.name:15} true {truth(world, statistic):7.3f}  {row}",
                    flush=True,
                )
                cells = false_positives(world, statistic, contents, arguments.sets, arguments.replicates)
                row = "  ".join(f"{name} {100 * share:.1f}" for name, share in cells.items())
                print(f"null test {statistic:8} K={contents}  {world.name:15}  {row}", flush=True)


if __name__ == "__main__":
    main()
