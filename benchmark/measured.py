"""Which stored scores count now, and what they hold: raw scores, failures and timings of one series."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.store import Series, Store, StoredDataset
from benchmark.types import MetricInfo, Pair


@dataclass(frozen=True, slots=True)
class Measured:
    """What the store holds of one series: raw scores and reasons by pair id."""

    info: MetricInfo
    scores: Mapping[str, float]
    failures: Mapping[str, str]
    seconds_per_pair: float | None = None
    not_run: str = ""
    backends: tuple[str, ...] = ()
    """Which implementations of the protocol made the scores, where that is on record."""
    stale: frozenset[str] = frozenset()
    """Pairs whose score in the store is of other files, or other reading rules, than the pair has now: it is not in `scores`."""

    def scored(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The pairs that have a score."""
        return [pair for pair in pairs if not self.info.why_no_score(self.scores.get(pair.id, math.nan))]

    def failed(self, pairs: Sequence[Pair]) -> dict[str, str]:
        """Reasons by pair id, of the pairs without a score that were tried."""
        reasons = {}
        for pair in pairs:
            score = self.scores.get(pair.id)
            if score is not None and (reason := self.info.why_no_score(score)):
                reasons[pair.id] = reason
            elif score is None and pair.id in self.failures:
                reasons[pair.id] = self.failures[pair.id]
        return reasons


def read(store: Store, series: Series) -> Measured:
    """Read one series from the store."""
    return Measured(
        series.info,
        store.scores(series),
        store.failures(series),
        store.seconds_per_pair(series) or None,  # imported scores took no time that is known
        series.not_run,
        tuple(store.backends(series)),
        frozenset(store.stale(series)),
    )


def current(
    store: Store, dataset: StoredDataset, known: Mapping[str, MetricInfo], *, all_versions: bool = False
) -> list[Measured]:
    """The series of a data set that count now, one per metric, in the order they were last used.

    A metric in `known` (the registry's) counts with that version and those weights; where only others are stored, it is
    "not run", and says which; its facts are the registry's. A metric that is not known (imported scores, an absent
    plugin) counts with the series used last. With `all_versions` every stored series counts.
    """
    stored: dict[str, list[Series]] = {}
    for series in store.series(dataset):
        stored.setdefault(series.info.name, []).append(series)
    if all_versions:
        return [read(store, series) for versions in stored.values() for series in versions]
    result = []
    for name, versions in stored.items():
        info = known.get(name)
        if info is None:
            result.append(read(store, versions[-1]))
            continue
        wanted = (info.version, info.weights_sha256)
        matching = [series for series in versions if (series.info.version, series.info.weights_sha256) == wanted]
        if matching:
            result.append(replace(read(store, matching[0]), info=info))
        else:
            result.append(Measured(info, {}, {}, not_run=_stale(info, versions)))
    return result


def _stale(info: MetricInfo, versions: Sequence[Series]) -> str:
    others = ", ".join(version_name(series.info) for series in versions)
    return (
        f"the stored scores are of version {others}, this program has {version_name(info)}; "
        "run it again, or show every version with --all-versions"
    )


def version_name(info: MetricInfo) -> str:
    """Version, and the first characters of the weights' hash where there are weights."""
    return f"{info.version} (weights {info.weights_sha256[:8]})" if info.weights_sha256 else info.version
