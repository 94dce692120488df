"""What is missing -> work units -> scores in the store; resumable at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from benchmark.content import UNREADABLE, FileState, hash_pairs, pair_looks
from benchmark.costs import measured
from benchmark.images import reading_rules
from benchmark.pairs import check_pairs, split_pairs
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult
from benchmark.store import Series, Store, StoredDataset
from benchmark.types import MetricInfo, Pair, Progress
from benchmark.units import cut, group

LEAST_SECONDS = 1e-4
"""What no metric is taken to be faster than, per pair: images must be decoded for it."""


class Executor(Protocol):
    """Does units somewhere and yields each with its result, in any order."""

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Yield (unit, result) for every unit; closing the generator leaves no work behind."""


@dataclass(slots=True)
class Plan:
    """What a run has to do on one data set."""

    dataset: StoredDataset
    pairs: list[Pair]
    series: dict[str, Series]
    units: list[Unit]
    n_kept: int
    """Scores that the store holds already."""
    changed: list[str]
    """Pairs whose files have another content than when they were scored: their scores are made again."""
    rules: str
    """The rules by which images are read (`benchmark.images.reading_rules`)."""
    n_other_rules: int = 0
    """Pairs that were scored by other reading rules: their scores are made again."""
    rewritten: list[str] = field(default_factory=list)
    """Metrics whose code changed since their scores were made, though the version that they state is the same."""
    stale: dict[str, int] = field(default_factory=dict)
    """By metric that this plan does not score: scores that are kept and do not count, for one of these two reasons."""

    @property
    def n_missing(self) -> int:
        """Scores still to make."""
        return sum(len(wanted.pairs) for unit in self.units for wanted in unit.wanted)


@dataclass(slots=True)
class Outcome:
    """What a run brought on one data set."""

    n_scored: int = 0
    n_kept: int = 0
    failures: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """metric -> pair -> reason."""
    not_run: dict[str, str] = field(default_factory=dict)
    """metric -> reason."""
    warnings: dict[str, str] = field(default_factory=dict)
    """Pair -> what the user should know of its images, though it was scored."""
    changed: list[str] = field(default_factory=list)
    """Pairs whose files got another content after the plan was made; scores of these are of what was read."""

    @property
    def n_failed(self) -> int:
        """Scores that could not be made, of metrics that could run."""
        return sum(map(len, self.failures.values()))

    @property
    def complete(self) -> bool:
        """Whether every metric ran and no pair failed."""
        return not self.n_failed and not self.not_run


def plan(
    store: Store,
    registry: Registry,
    dataset: str,
    metrics: Sequence[str],
    data_root: Path | None,
    *,
    split: str | None = None,
    workers: int = 1,
    rules: str | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Check the data set, record its labels, find out which scores are missing, and cut the work for so many workers.

    Pairs that failed before are scored again, and pairs whose files have another content now than when they were scored,
    or that were read by other `rules` (those of `benchmark.images.reading_rules` by default). Nothing is deleted: what a
    new score replaces goes with it. Raises UserError for unknown names and for a data set that is missing or wrong.
    """
    rules = reading_rules() if rules is None else rules
    loaded = registry.dataset(dataset)
    infos = {name: registry.metric(name).info for name in dict.fromkeys(metrics)}
    every = check_pairs(loaded.info, loaded.pairs(data_root, progress=progress))
    pairs = split_pairs(every, split) if split else every
    stored = store.add_dataset(loaded.info, every)
    changed, n_other_rules = _note_files(store, stored, pairs, rules, progress)
    has_references = any(pair.reference is not None for pair in pairs)
    ids = frozenset(pair.id for pair in pairs)
    series, missing, n_kept = {}, {}, 0
    rewritten = _rewritten(store, stored, infos)
    for name, info in infos.items():
        needs = "" if has_references or info.kind == "no-reference" else "needs a reference, and the data set has none"
        series[name] = store.add_series(stored, rewritten.get(name, info), not_run=needs)
        if not needs:
            done = store.scores(series[name])
            missing[name] = ids.difference(done) if done else ids
            n_kept += len(ids) - len(missing[name])
    known = {
        pair: FileState(record.look, record.content)
        for pair, record in store.files(stored).items()
        if record.rules == rules and record.content not in ("", UNREADABLE)
    }
    units = group(pairs, {name: one.id for name, one in series.items()}, missing)
    stale = store.stale_by_metric(stored) if changed or n_other_rules else {}
    return Plan(
        stored,
        pairs,
        series,
        [
            replace(unit, files={pair.id: known[pair.id] for pair in unit.pairs if pair.id in known})
            for unit in cut(units, workers, seconds_per_pair(store, registry, list(missing)))
        ],
        n_kept,
        changed,
        rules,
        n_other_rules,
        list(rewritten),
        {metric: count for metric, count in stale.items() if metric not in infos},
    )


def _rewritten(store: Store, dataset: StoredDataset, infos: Mapping[str, MetricInfo]) -> dict[str, MetricInfo]:
    """The metrics that have scores of other code under the version that they state, with the facts that stay on record."""
    known = {(one.info.name, one.info.version, one.info.weights_sha256): one for one in store.series(dataset)}
    found = {}
    for name, info in infos.items():
        before = known.get((info.name, info.version, info.weights_sha256))
        if before is not None and before.info.source not in ("", info.source) and store.scores(before):
            found[name] = replace(info, source=before.info.source)
    return found


def _note_files(
    store: Store, dataset: StoredDataset, pairs: Sequence[Pair], rules: str, progress: Progress | None
) -> tuple[list[str], int]:
    """Bring the store's record of the pairs' files up to date: return whose content changed, and how many had other rules.

    Only files whose look differs from the record, or that were never hashed, are read. Pairs that were never scored have
    no record: scoring makes it, from the bytes that it reads.
    """
    known = store.files(dataset)
    looks = pair_looks(pair for pair in pairs if pair.id in known)
    unsure = [
        pair
        for pair in pairs
        if (record := known.get(pair.id)) is not None and (not record.content or record.look != looks.now.get(pair.id))
    ]
    states = hash_pairs(unsure, progress=progress, what=f"{dataset.info.name}: files that look changed")
    unhashed = [key for key in states if not known[key].content and known[key].look == looks.former.get(key)]
    others = {pair.id for pair in pairs if pair.id in known and known[pair.id].rules != rules}
    for key in others - states.keys():
        states[key] = FileState(known[key].look, known[key].content)
    for pair in unsure:
        states.setdefault(pair.id, FileState(looks.now.get(pair.id, ""), UNREADABLE))
    if not states:
        return [], 0
    return store.note_files(dataset, states, rules, unhashed=unhashed), len(others)


def seconds_per_pair(store: Store | None, registry: Registry, metrics: Sequence[str]) -> Callable[[str], float]:
    """What a metric takes for a pair, roughly: as this store measured it, else the packaged table, else as the others do."""
    known = store.seconds_by_metric() if store is not None else {}
    for name in metrics:
        if name not in known and (costs := measured(name, registry.metric(name).info.version)):
            known[name] = min(cost.seconds for cost in costs)
    wanted = [known[name] for name in metrics if name in known]
    usual = sum(wanted) / len(wanted) if wanted else 1.0
    return lambda name: max(known.get(name, usual), LEAST_SECONDS)


def execute(store: Store, todo: Plan, executor: Executor, *, on_unit: Callable[[Unit], None] | None = None) -> Outcome:
    """Do the units of a plan, committing each as it ends; `on_unit` is called after each commit.

    Whatever ends it early (a signal, a full disk) loses the units in flight only.
    """
    outcome = Outcome(n_kept=todo.n_kept)
    outcome.not_run = {name: series.not_run for name, series in todo.series.items() if series.not_run}
    names = {series.id: name for name, series in todo.series.items()}
    with closing(executor.results(todo.units)) as results:
        for unit, result in results:
            outcome.warnings.update(result.warnings)
            outcome.changed += store.commit_unit(result.results, files=result.files, rules=todo.rules)
            for part in result.results:
                outcome.n_scored += len(part.scores)
                if part.failures:
                    outcome.failures[names[part.series]].update(part.failures)
            for name, reason in result.not_run.items():
                if name not in outcome.not_run:
                    outcome.not_run[name] = reason
                    store.add_series(todo.dataset, todo.series[name].info, not_run=reason)
            if on_unit is not None:
                on_unit(unit)
    return outcome
