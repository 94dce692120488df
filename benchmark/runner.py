"""What is missing -> work units -> scores in the store; resumable at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmark.pairs import check_pairs, file_state, split_pairs
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, Wanted
from benchmark.store import Series, Store, StoredDataset
from benchmark.types import Pair, Progress

NO_REFERENCE_UNIT = 64
"""Pairs per unit where there is no reference to share."""


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
    """Pairs whose files changed since they were scored: their scores were dropped and are made again."""

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
    progress: Progress | None = None,
) -> Plan:
    """Check the data set, record its labels, and find out which scores are missing.

    Pairs that failed before, and pairs whose files have changed since (by name, size or time of writing), are scored
    again. Raises UserError for unknown names and for a data set that is missing or
    wrong.
    """
    loaded = registry.dataset(dataset)
    infos = {name: registry.metric(name).info for name in dict.fromkeys(metrics)}
    every = check_pairs(loaded.info, loaded.pairs(data_root, progress=progress))
    pairs = split_pairs(every, split) if split else every
    stored = store.add_dataset(loaded.info, every)
    changed = store.note_files(stored, {pair.id: file_state(pair) for pair in pairs})
    has_references = any(pair.reference is not None for pair in pairs)
    series, missing, n_kept = {}, {}, 0
    for name, info in infos.items():
        needs = "" if has_references or info.kind == "no-reference" else "needs a reference, and the data set has none"
        series[name] = store.add_series(stored, info, not_run=needs)
        if not needs:
            done = store.scores(series[name])
            missing[name] = {pair.id for pair in pairs if pair.id not in done}
            n_kept += len(pairs) - len(missing[name])
    return Plan(stored, pairs, series, _units(pairs, series, missing), n_kept, changed)


def _units(pairs: Sequence[Pair], series: dict[str, Series], missing: dict[str, set[str]]) -> list[Unit]:
    """One unit per content, the largest first so that no worker is left with a long one at the end."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        groups[pair.content if pair.reference is not None else f"no reference {i // NO_REFERENCE_UNIT}"].append(pair)
    units = []
    for content, group in groups.items():
        ids = frozenset(pair.id for pair in group)
        wanted = tuple(Wanted(series[name].id, name, ids & absent) for name, absent in missing.items() if ids & absent)
        if wanted:
            needed = frozenset().union(*(w.pairs for w in wanted))
            units.append(Unit(content, tuple(pair for pair in group if pair.id in needed), wanted))
    return sorted(units, key=lambda unit: (-sum(len(w.pairs) for w in unit.wanted), unit.content))


def execute(store: Store, todo: Plan, executor: Executor, *, on_unit: Callable[[Unit], None] | None = None) -> Outcome:
    """Do the units of a plan, committing each as it ends; `on_unit` is called after each commit.

    Whatever ends it early (a signal, a full disk) loses the units in flight only.
    """
    outcome = Outcome(n_kept=todo.n_kept)
    outcome.not_run = {name: series.not_run for name, series in todo.series.items() if series.not_run}
    names = {series.id: name for name, series in todo.series.items()}
    with closing(executor.results(todo.units)) as results:
        for unit, result in results:
            store.commit_unit(result.results)
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
