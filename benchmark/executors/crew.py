"""How a crew of workers gets through its units, whichever of them die on the way."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from benchmark.scoring import Unit, UnitResult, WorkerSetup

UNITS_AHEAD = 2
"""Units handed out per worker: enough that none waits, few enough that a killed run loses little."""
HOPELESS = 4
"""Pairs (or units) of a metric that died alone before the metric is given up, if nothing of it was ever scored."""
DIED = "the worker process died while scoring it (out of memory, or a crash in native code)"


class Workers(Protocol):
    """An executor with workers to start: as a context manager it starts them at once and keeps them until the end."""

    setup: WorkerSetup
    """What each is started with."""
    workers: int
    """How many there are, once started."""

    def __enter__(self) -> Workers: ...

    def __exit__(self, *_: object) -> None: ...

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Do `units`, yielding each with its result as it ends, in no fixed order; closing it early ends the work."""


class Fate(Enum):
    """What became of a unit that brought no result."""

    KILLED = auto()
    """Its worker died while scoring it."""
    LOST = auto()
    """Its worker died before it was begun."""


@dataclass(frozen=True, slots=True)
class Task:
    """A unit on its way, and how often a worker died of it."""

    unit: Unit
    deaths: int = 0


class Crew(Protocol):
    """Workers that take units and bring them back in any order."""

    @property
    def room(self) -> int:
        """How many units may be handed out at once, now."""

    @property
    def patience(self) -> int:
        """How many reported deaths a unit may cause before it is taken apart."""

    def submit(self, task: Task) -> None:
        """Hand out a unit."""

    def next(self) -> tuple[Task, UnitResult | Fate]:
        """Wait until one of the units handed out has come to its end, whatever that is."""


def finish(units: Iterable[Unit], crew: Crew) -> Generator[tuple[Unit, UnitResult], None, None]:
    """Do `units`, yielding each with its result as it ends, in no fixed order.

    A unit whose worker died is done again; one that keeps killing its worker is done metric by metric, then by halves of
    its pairs, down to the pairs that do it: those come back as failed. A metric that has killed a worker with
    `HOPELESS` pairs or units of its own, and brought nothing, is not taken apart any further.
    """
    waiting = deque(Task(unit) for unit in units)
    flying = 0
    brought: set[str] = set()
    deaths: Counter[str] = Counter()
    while waiting or flying:
        while waiting and flying < crew.room:
            crew.submit(waiting.popleft())
            flying += 1
        task, outcome = crew.next()
        flying -= 1
        metric = task.unit.wanted[0].metric
        if isinstance(outcome, UnitResult):
            brought.update(wanted.metric for wanted in task.unit.wanted)
            yield task.unit, outcome
        elif outcome is Fate.LOST:
            waiting.appendleft(task)
        elif task.deaths + 1 < crew.patience:
            waiting.append(replace(task, deaths=task.deaths + 1))
        elif len(task.unit.wanted) > 1:
            waiting.extend(map(Task, task.unit.by_metric()))
        elif len(task.unit.pairs) > 1 and (metric in brought or deaths[metric] < HOPELESS):
            # known to kill: each half is taken apart at its first death, the first one soon
            waiting.extendleft(Task(half, crew.patience - 1) for half in reversed(task.unit.halves()))
        else:
            deaths[metric] += 1
            yield task.unit, task.unit.failed(DIED)
