"""Work units done in this process, one after another: for small work, notebooks, and metrics that were made here.

Nothing is started and nothing is sent. `breakpoint()` in a plugin works. A crash in native code ends the program.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterable
from contextlib import redirect_stdout

from benchmark.executors.threads import OneThread
from benchmark.images import quiet_decoders
from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitResult, UnitScorer, WorkerSetup


class InlineExecutor:
    """Scores with the metrics of `registry` as `setup` says; metrics stay loaded from one call of `results` to the next.

    Scores have the bits that worker processes give: on a CPU the libraries of this process compute with one thread while
    a unit is scored, and get their threads back afterwards.
    """

    workers = 1

    def __init__(self, setup: WorkerSetup, registry: Registry) -> None:
        self.setup = setup
        self._score = UnitScorer(registry, setup)
        self._one_thread = OneThread()

    def __enter__(self) -> InlineExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def results(self, units: Iterable[Unit]) -> Generator[tuple[Unit, UnitResult], None, None]:
        """Do `units` in their order, yielding each with its result."""
        for unit in units:
            yield unit, self.score(unit)

    def score(self, unit: Unit) -> UnitResult:
        """Score one unit; what metrics print is talk, not results, and goes to stderr."""
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            quiet_decoders()
            self._score.load(wanted.metric for wanted in unit.wanted)
            with self._one_thread():
                result = self._score(unit)
            if self._one_thread.came():  # a library that was loaded on the way computed with several threads
                with self._one_thread():
                    result = self._score(unit)
        return result
