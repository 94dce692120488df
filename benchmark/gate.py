"""Regression gate: the scores and correlations of today against a committed baseline.

A baseline holds, for one data set, every metric's per-image scores and its correlations with their intervals. The gate
scores the same pairs afresh and fails on a score that moved beyond the metric's numeric tolerance, on a correlation
that dropped beyond the gate's tolerance, and on a pair that is missing or newly fails.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from benchmark.agreement import agree
from benchmark.files import number, plain, write_whole
from benchmark.measured import Measured, read
from benchmark.pairs import first_few
from benchmark.store import Store, StoredDataset
from benchmark.subsets import distortions, take_subset
from benchmark.types import Estimate, Pair, UserError

SCHEMA = 1
STATISTICS = ("srcc", "krcc", "plcc")
DROP = 0.005
"""Largest drop of a correlation that passes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric on one data set: what a baseline keeps of it."""

    version: str
    weights: str
    tolerance: float
    scores: dict[str, float]
    """Raw score by pair."""
    failures: dict[str, str]
    """Reason by pair."""
    agreement: dict[str, dict[str, tuple[float, float, float]]]
    """subset -> statistic -> (value, low, high); nan where undefined."""
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The readings of several metrics on one data set and label revision."""

    dataset: str
    revision: str
    metrics: dict[str, Reading]
    schema: int = SCHEMA

    def only(self, names: Iterable[str]) -> Baseline:
        """The same baseline with these metrics alone."""
        names = set(names)
        return replace(self, metrics={name: reading for name, reading in self.metrics.items() if name in names})

    def joined(self, others: Mapping[str, Reading]) -> Baseline:
        """The same baseline with the readings of `others` that it lacks."""
        return replace(self, metrics={**others, **self.metrics})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs from the baseline."""

    metric: str
    subset: str
    text: str
    fails: bool


def take_reading(store: Store, dataset: StoredDataset, *, replicates: int = 1000) -> Baseline:
    """Read every series of a freshly scored data set into a baseline, with the agreement on each distortion."""
    pairs = store.pairs(dataset)
    metrics = {
        series.info.name: _reading(dataset, pairs, read(store, series), replicates) for series in store.series(dataset)
    }
    return Baseline(dataset.info.name, dataset.revision, metrics)


def _reading(dataset: StoredDataset, pairs: list[Pair], measured: Measured, replicates: int) -> Reading:
    info = measured.info
    subsets = ["all", *(f"distortion={name}" for name in distortions(pairs))]
    agreement = {}
    for subset in subsets if measured.scores else ():
        found = agree(
            dataset.info,
            take_subset(pairs, subset),
            measured,
            subset=subset,
            statistics=STATISTICS,
            replicates=replicates,
        )
        agreement[subset] = {name: _triple(found.statistics[name]) for name in STATISTICS}
    return Reading(
        info.version,
        info.weights_sha256,
        info.tolerance,
        dict(sorted(measured.scores.items())),
        dict(sorted(measured.failures.items())),
        agreement,
        measured.not_run,
    )


def _triple(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline as JSON, whole or not at all; nan is written as null."""
    write_whole(path, json.dumps(plain(asdict(baseline)), indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_baseline(path: Path) -> Baseline:
    """Read a baseline; raises UserError when it is missing, damaged or of another schema."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: no baseline here; make one with `python -m benchmark gate --update --baseline {path}`"
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(
            f"{path}: not a baseline ({error}); restore it from version control, or make one with --update"
        ) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise UserError(f"{path}: expected baseline schema {SCHEMA}, got {schema}; make a new one with --update")
    try:
        metrics = {
            name: Reading(**{**entry, "scores": _numbers(entry["scores"]), "agreement": _triples(entry["agreement"])})
            for name, entry in content["metrics"].items()
        }
        return Baseline(**{**{f.name: content[f.name] for f in fields(Baseline)}, "metrics": metrics})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path}: not a baseline ({error!r}); restore it from version control, or make one with --update"
        ) from error


def _numbers(scores: Mapping[str, float | str | None]) -> dict[str, float]:
    return {pair: number(score) for pair, score in scores.items()}


def _triples(agreement: Mapping[str, Mapping[str, list]]) -> dict[str, dict[str, tuple[float, float, float]]]:
    return {
        subset: {name: (number(value), number(low), number(high)) for name, (value, low, high) in statistics.items()}
        for subset, statistics in agreement.items()
    }


def compare(baseline: Baseline, now: Baseline, *, drop: float = DROP) -> list[Finding]:
    """List what differs, the worst of each metric first; nothing differs where the list is empty."""
    if baseline.revision != now.revision:
        text = f"the labels of {now.dataset} changed: {baseline.revision[:12]} -> {now.revision[:12]}; check them, then --update"
        return [Finding("-", "all", text, True)]
    findings = []
    for name, before in baseline.metrics.items():
        after = now.metrics.get(name)
        if after is None or after.not_run:
            findings.append(Finding(name, "all", f"not run: {after.not_run if after else 'the metric is gone'}", True))
        else:
            findings += (
                _pairs(name, before, after) + _scores(name, before, after) + _correlations(name, before, after, drop)
            )
    new = sorted(set(now.metrics) - set(baseline.metrics))
    return findings + [Finding(name, "all", "new: not in the baseline yet", False) for name in new]


def _pairs(name: str, before: Reading, after: Reading) -> list[Finding]:
    lost = [f"{pair} ({after.failures.get(pair, 'missing')})" for pair in before.scores if pair not in after.scores]
    gained = [pair for pair in after.scores if pair not in before.scores]
    findings = []
    if lost:
        findings.append(Finding(name, "all", f"{len(lost)} pairs no longer have a score: {first_few(lost)}", True))
    if gained:
        findings.append(Finding(name, "all", f"{len(gained)} pairs have a score now: {first_few(gained)}", False))
    return findings


def _scores(name: str, before: Reading, after: Reading) -> list[Finding]:
    """Changed scores; a declared new version may change them, so that only the correlations then decide."""
    both = [pair for pair in before.scores if pair in after.scores]
    moved = {
        pair: after.scores[pair] - before.scores[pair] for pair in both if after.scores[pair] != before.scores[pair]
    }  # two infinite scores are equal, and have no difference
    moved = {pair: change for pair, change in moved.items() if not abs(change) <= before.tolerance}
    declared = (before.version, before.weights) != (after.version, after.weights)
    findings = []
    if declared:
        text = f"version {before.version} -> {after.version}" + (
            ", other weights" if before.weights != after.weights else ""
        )
        findings.append(Finding(name, "all", f"{text}: changed scores are expected", False))
    if moved:
        worst = max(moved, key=lambda pair: abs(moved[pair]))
        text = (
            f"{len(moved)} of {len(before.scores)} scores moved beyond {before.tolerance:g}; most {worst}: "
            f"{before.scores[worst]:.8g} -> {after.scores[worst]:.8g}"
        )
        findings.append(Finding(name, "all", text, not declared))
    return findings


def _correlations(name: str, before: Reading, after: Reading, drop: float) -> list[Finding]:
    findings = []
    for subset, statistics in before.agreement.items():
        for statistic, (old, low, high) in statistics.items():
            new = after.agreement.get(subset, {}).get(statistic, (math.nan,) * 3)[0]
            if math.isnan(old) and math.isnan(new):
                continue
            change = new - old
            lost = math.isnan(new) and not math.isnan(old)
            if lost or abs(change) > 0.5e-4:
                within = "~ within its interval" if low <= new <= high else "outside its interval"
                text = f"{statistic.upper()} {old:.4f} -> {new:.4f} ({change:+.4f}, {within} [{low:.4f}, {high:.4f}])"
                findings.append(Finding(name, subset, text, lost or change < -drop))
    return sorted(findings, key=lambda finding: not finding.fails)
