"""Boards and paired tests from the store of a results folder; nothing is scored here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.agreement import evaluate
from benchmark.frames import TESTS, frame
from benchmark.kept import FILE, KeptAgreements
from benchmark.leaderboard.board import Board
from benchmark.leaderboard.build import build
from benchmark.measured import current
from benchmark.names import unknown_name
from benchmark.output.console import progress, say
from benchmark.registry import Registry
from benchmark.store import Store, store_path
from benchmark.subsets import take_subset
from benchmark.types import Progress, UserError

if TYPE_CHECKING:
    import pandas as pd

PATIENCE_SECONDS = 1.0
"""Work that takes less shows no progress."""


def stored_board(results: Path, registry: Registry, *, quiet: bool = False, **options: Any) -> Board:
    """The board of what a results folder holds; `options` are those of `benchmark.leaderboard.build.build`.

    Statistics that were computed before are taken from the folder. Raises UserError as `build` does.
    """
    with (
        Store(store_path(results), readonly=True) as store,
        _kept(results, quiet) as (kept, report),
    ):
        return build(store, registry, kept=kept, progress=report, **options)


@contextmanager
def _kept(results: Path, quiet: bool) -> Iterator[tuple[KeptAgreements, Progress]]:
    """Yield the statistics kept in a results folder, and a report that draws once they take longer than a moment."""
    start = time.monotonic()
    with KeptAgreements(results / FILE) as kept, progress(quiet) as report:
        yield kept, lambda *of: report(*of) if time.monotonic() - start > PATIENCE_SECONDS else None
    if kept.problem and time.monotonic() - start > PATIENCE_SECONDS:
        say(kept.problem, quiet=quiet)


def paired_tests(
    results: Path,
    registry: Registry,
    dataset: str,
    metrics: Sequence[str] | None = None,
    *,
    subset: str = "all",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Test every two metrics of a stored data set on the same resamples of contents: `benchmark.frames.TESTS`.

    The statistic is SRCC. Raises UserError for names that are not stored, for fewer than two metrics, and for metrics
    that lack scores of some pairs: two metrics are compared on the same pairs only.
    """
    with Store(store_path(results), readonly=True) as store:
        found = store.find(dataset)
        if not found:
            stored = {one.info.name for one in store.datasets()}
            raise UserError(
                f"{unknown_name('stored data set', dataset, stored)}; only what was run or imported is here"
            )
        data = found[-1]
        pairs = take_subset(store.pairs(data), subset)
        known = {name: metric.info for name, metric in registry.metrics.items()}
        measured = {one.info.name: one for one in current(store, data, known) if one.scores or not one.not_run}
    wanted = list(dict.fromkeys(metrics)) if metrics is not None else list(measured)
    for name in wanted:
        if name not in measured:
            raise UserError(f"{unknown_name('stored metric', name, measured)}; run it on {dataset} first")
    incomplete = [name for name in wanted if len(measured[name].scored(pairs)) < len(pairs)]
    if incomplete and metrics is not None:
        raise UserError(
            f"metrics: {', '.join(incomplete)} lack scores of some of the {len(pairs)} pairs, and metrics are compared on the "
            "same pairs only; leave them out, or run them again"
        )
    compared = {name: measured[name] for name in wanted if name not in incomplete}
    if len(compared) < 2:
        raise UserError(
            f"metrics: expected two or more with a score of every pair, got {', '.join(compared) or 'none'}"
        )
    evaluation = evaluate(
        data.info,
        pairs,
        compared,
        subset=subset,
        statistics=("srcc",),
        replicates=replicates,
        confidence=confidence,
        seed=seed,
    )
    tests = evaluation.comparison.tests if evaluation.comparison is not None else ()
    return frame(
        TESTS,
        (
            {
                "dataset": data.info.name,
                "first": test.first,
                "second": test.second,
                "statistic": "srcc",
                "difference": test.difference.value,
                "low": test.difference.low,
                "high": test.difference.high,
                "p": test.p,
                "p_holm": test.p_holm,
                "method": test.difference.method,
            }
            for test in tests
        ),
    )
