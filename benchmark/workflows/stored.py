"""What a results folder holds, for reading in Python: frames of scores, data sets, series and costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.frames import COSTS, STORED, frame, scores_frame
from benchmark.measured import current
from benchmark.registry import Registry
from benchmark.store import Store, store_path

if TYPE_CHECKING:
    import pandas as pd


class StoredResults:
    """The store of a results folder, opened for each question, so that it can be asked while a run is at work.

    Raises UserError when the folder holds no store.
    """

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.path = store_path(folder)
        self._registry = registry
        self._open().close()

    def __repr__(self) -> str:
        return f"<store {self.path}>"

    def _open(self) -> Store:
        return Store(self.path, readonly=True)

    def scores(
        self,
        datasets: Sequence[str] | str | None = None,
        metrics: Sequence[str] | str | None = None,
        *,
        all_versions: bool = False,
    ) -> pd.DataFrame:
        """Scores and failures, one row per pair and metric (`benchmark.frames.SCORES`).

        Of several versions of a metric or revisions of a data set those count that a board shows; with `all_versions`
        all of them.
        """
        with self._open() as store:
            return scores_frame(
                store,
                self._registry,
                datasets=_names(datasets),
                metrics=_names(metrics),
                all_versions=all_versions,
            )

    def series(self) -> pd.DataFrame:
        """What is stored: one row per data set, metric and version (`benchmark.frames.STORED`)."""
        with self._open() as store:
            rows = []
            for dataset in store.datasets():
                for one in current(store, dataset, {}, all_versions=True):
                    rows.append(
                        {
                            "dataset": dataset.info.name,
                            "revision": dataset.revision,
                            "metric": one.info.name,
                            "version": one.info.version,
                            "weights": one.info.weights_sha256,
                            "n_scored": len(one.scores),
                            "n_failed": len(one.failures),
                            "not_run": one.not_run,
                            "backends": ", ".join(one.backends),
                        }
                    )
            return frame(STORED, rows)

    def costs(self) -> pd.DataFrame:
        """Processor time per pair of every metric that was timed here (`benchmark.frames.COSTS`)."""
        with self._open() as store:
            seconds = store.seconds_by_metric()
        return frame(COSTS, ({"metric": name, "seconds_per_pair": value} for name, value in sorted(seconds.items())))


def _names(names: Sequence[str] | str | None) -> list[str] | None:
    """Names as a list; a text may hold several, separated by commas."""
    if isinstance(names, str):
        return [piece.strip() for piece in names.split(",") if piece.strip()]
    return None if names is None else list(names)
