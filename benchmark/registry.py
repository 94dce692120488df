"""Names -> metrics and data sets, from entry points and plugin files. A broken plugin fails alone, with its reason."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from benchmark.metrics.pairwise import PairwiseMetric
from benchmark.metrics.protocol import Metric
from benchmark.metrics.sources import PLUGIN_MODULE, forget_changed, is_own, source_hash
from benchmark.metrics.versioned import declared_files, joint_sha256, with_info
from benchmark.names import unknown_name
from benchmark.table_names import is_table, table_name
from benchmark.types import Dataset, DatasetInfo, MetricInfo, UserError

METRICS_GROUP = "iqa_benchmark.metrics"
DATASETS_GROUP = "iqa_benchmark.datasets"

NAME = r"[A-Za-z0-9][\w.+-]*(:[\w.+-]+)?"
RESERVED = {"all-ready"}
"""Names that the command line reads otherwise."""

T = TypeVar("T")


class Registry:
    """Every metric and data set by name.

    `plugins` are Python files; their module-level metrics and data sets join, alone or in lists such as `METRICS`. A
    name that is taken is refused: stored scores of one protocol would pass for another's. `broken` says, by entry point or file, why something could not be taken.
    """

    def __init__(self, plugins: Sequence[Path] = ()) -> None:
        self.plugins = tuple(plugins)
        self.metrics: dict[str, Metric] = {}
        self.datasets: dict[str, Dataset] = {}
        self.broken: dict[str, str] = {}
        self.made_here: set[str] = set()
        """Metrics that only this process has: no worker process can load them."""
        self.datasets_made_here: set[str] = set()
        for group in (METRICS_GROUP, DATASETS_GROUP):
            for point in sorted(entry_points(group=group), key=lambda point: point.name):
                try:
                    found = point.load()
                    things = list(found) if isinstance(found, Iterable) else [found]
                    self._add(
                        things if is_own(point.module) else [_of_package(thing, point.module) for thing in things]
                    )
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
        """Return the data set of that name; raises UserError with the nearest names.

        `table:FILE.csv` stands for any CSV, `table:NAME=FILE.csv` for one under another name than its own.
        """
        if is_table(name):
            from iqa_datasets.table import Table

            table = table_name(name)
            return Table(table.path, table.name)
        return self._find("data set", self.datasets, name)

    def add(self, thing: Metric | Dataset) -> None:
        """Take a metric or a data set that was made in this process.

        What was added here before is replaced by what has its name and kind. Raises UserError for anything else, and for
        another name that is taken.
        """
        info = getattr(thing, "info", None)
        known: dict[str, Any] = self.datasets if isinstance(info, DatasetInfo) else self.metrics
        made = self.datasets_made_here if isinstance(info, DatasetInfo) else self.made_here
        name = getattr(info, "name", "")
        before = known.pop(name, None) if name in made else None
        try:
            self._add([thing])
        except (TypeError, ValueError) as error:
            if before is not None:
                known[name] = before
            raise UserError(str(error)) from error
        made.add(name)

    def is_own(self, name: str) -> bool:
        """Whether a metric is this program's own: of no plugin, no other package, and not made in this process."""
        return name not in self.made_here and not self.metric(name).info.source

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
            if isinstance(thing, type) or not isinstance(info, MetricInfo | DatasetInfo):
                raise TypeError(f"expected a metric or a data set (an object with an `info`), got {thing!r}")
            known: dict[str, Any] = self.metrics if isinstance(info, MetricInfo) else self.datasets
            if known.get(info.name, thing) is not thing:
                raise ValueError(f"the name {info.name!r} is taken; give it a name of its own")
            if not re.fullmatch(NAME, info.name) or info.name in RESERVED:
                raise ValueError(f"the name {info.name!r} cannot be asked for; use letters, digits and . _ + -")
            if isinstance(info, MetricInfo) and not isinstance(info.higher_is_better, bool):
                raise TypeError(f"{info.name}: higher_is_better is {info.higher_is_better!r}, expected True or False")
            known[info.name] = thing

    def _add_file(self, path: Path) -> None:
        """Take every module-level metric and data set of a plugin file; raises UserError naming the file."""
        if not path.is_file():
            raise UserError(f"plugin {path}: no such file")
        try:
            module = _execute(path)
            found = [thing for value in vars(module).values() for thing in _registrable(value)]
            found = _of_file(found, path.parent, source_hash([(path, module.__name__)]))
            if not found:
                raise TypeError(
                    "holds no metric and no data set; expected an object (not a class) with an `info`, see benchmark.plugin"
                )
            self._add(found)
        except (Exception, SystemExit) as error:
            raise UserError(f"plugin {path}: {type(error).__name__}: {error}") from error


def _registrable(value: Any) -> list[Any]:
    """The metrics and data sets that a module-level name holds: one, a list or tuple of them, or none."""
    things = value if isinstance(value, list | tuple) else [value]
    return [
        thing
        for thing in things
        if not isinstance(thing, type) and isinstance(getattr(thing, "info", None), MetricInfo | DatasetInfo)
    ]


def _of_file(things: Sequence[Any], folder: Path, source: str) -> list[Any]:
    """The things of a plugin file; a metric that is a plain object gets the file's hash behind the version it states.

    Its constructor asks for a version, so one that stands there says little: code that is being written changes. Files that
    it declares in a list `weights`, relative to the plugin, are hashed as those of `@metric(weights=[...])` are.
    """
    versioned: dict[int, Any] = {}
    for thing in things:
        info = thing.info
        if is_own(type(thing).__module__) or isinstance(thing, PairwiseMetric):
            continue  # a metric of this program that the plugin imports, or one that `metric` has given its version
        if isinstance(info, MetricInfo) and id(thing) not in versioned:
            stated = f"{info.version}+" if info.version else ""
            weights = info.weights_sha256 or joint_sha256([folder / path for path in declared_files(thing)])
            new = replace(info, version=f"{stated}source-{source}", source=source, weights_sha256=weights)
            versioned[id(thing)] = with_info(thing, new)
    return [versioned.get(id(thing), thing) for thing in things]


def _of_package(thing: Any, module: str) -> Any:
    """A metric of an installed package: its stated version, or else a hash of the module that defines it.

    Raises ValueError for one without a version whose source cannot be read.
    """
    info = getattr(thing, "info", None)
    if not isinstance(info, MetricInfo) or info.source:
        return thing
    files = [
        (Path(file), name)
        for name in dict.fromkeys((type(thing).__module__, module))
        if not is_own(name) and (file := getattr(sys.modules.get(name), "__file__", None)) and file.endswith(".py")
    ]
    if not files and not info.version:
        raise ValueError(f"{info.name}: states no version, and there is no source that it could follow; state one")
    source = source_hash(files) if files else ""
    return with_info(thing, replace(info, version=info.version or f"source-{source}", source=source))


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{PLUGIN_MODULE}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file (expected FILE.py)")
    module = importlib.util.module_from_spec(spec)
    forget_changed(path, spec.name)
    sys.modules[spec.name] = module  # dataclasses look their module up here
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # a plugin may import its neighbours, also later
    with contextlib.redirect_stdout(sys.stderr):
        spec.loader.exec_module(module)
    return module
