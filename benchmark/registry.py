"""Names -> metrics and data sets, from entry points and plugin files. A broken plugin fails alone, with its reason."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from benchmark.metrics.protocol import Metric
from benchmark.types import Dataset, DatasetInfo, MetricInfo, UserError

METRICS_GROUP = "iqa_benchmark.metrics"
DATASETS_GROUP = "iqa_benchmark.datasets"

T = TypeVar("T")


class Registry:
    """Every metric and data set by name.

    `plugins` are Python files; their module-level metrics and data sets join, or replace one of the same name.
    `broken` says, by entry point or file, why something could not be taken.
    """

    def __init__(self, plugins: Sequence[Path] = ()) -> None:
        self.plugins = tuple(plugins)
        self.metrics: dict[str, Metric] = {}
        self.datasets: dict[str, Dataset] = {}
        self.broken: dict[str, str] = {}
        for group in (METRICS_GROUP, DATASETS_GROUP):
            for point in sorted(entry_points(group=group), key=lambda point: point.name):
                try:
                    found = point.load()
                    self._add(found if isinstance(found, Iterable) else [found])
                except Exception as error:
                    self.broken[f"{group}:{point.name}"] = f"{type(error).__name__}: {error}"
        for path in self.plugins:
            self._add_file(path)

    def metric(self, name: str) -> Metric:
        """Return the metric of that name (`pyiqa:MODEL` for any of that package); raises UserError with the nearest names."""
        kind, _, model = name.partition(":")
        if kind == "pyiqa" and model and name not in self.metrics:
            from benchmark.metrics.pyiqa_models import pyiqa_metric

            self.metrics[name] = pyiqa_metric(model)
        return self._find("metric", self.metrics, name)

    def dataset(self, name: str) -> Dataset:
        """Return the data set of that name (`table:FILE.csv` for any CSV); raises UserError with the nearest names."""
        kind, _, path = name.partition(":")
        if kind == "table" and path:
            from iqa_datasets.table import Table

            return Table(Path(path))
        return self._find("data set", self.datasets, name)

    def metric_missing(self, metric: Metric) -> str | None:
        """Say what a metric lacks to run here (weights, a library), without loading it; None when it is ready.

        A metric that can be unready has a method ``missing() -> str | None``.
        """
        missing = getattr(metric, "missing", None)
        return missing() if missing is not None else None

    def _find(self, kind: str, known: dict[str, T], name: str) -> T:
        if name in known:
            return known[name]
        reasons = "".join(f"\n  not loaded: {point}: {reason}" for point, reason in self.broken.items())
        raise UserError(f"{unknown_name(kind, name, known)}{reasons}")

    def _add(self, objects: Iterable[Any]) -> None:
        for thing in objects:
            info = getattr(thing, "info", None)
            if isinstance(info, MetricInfo):
                self.metrics[info.name] = thing
            elif isinstance(info, DatasetInfo):
                self.datasets[info.name] = thing
            else:
                raise TypeError(f"expected a metric or a data set with an `info`, got {thing!r}")

    def _add_file(self, path: Path) -> None:
        """Take every module-level metric and data set of a plugin file; raises UserError naming the file."""
        if not path.is_file():
            raise UserError(f"plugin {path}: no such file")
        try:
            module = _execute(path)
        except Exception as error:
            raise UserError(f"plugin {path}: {type(error).__name__}: {error}") from error
        found = [
            thing
            for thing in vars(module).values()
            if isinstance(getattr(thing, "info", None), MetricInfo | DatasetInfo)
        ]
        if not found:
            raise UserError(
                f"plugin {path}: holds no metric and no data set; expected an object with an `info` (see benchmark.plugin)"
            )
        self._add(found)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not among `known`: the nearest ones, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
    return UserError(f"unknown {kind} {name!r}; {hint}")


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"iqa_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file (expected FILE.py)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
