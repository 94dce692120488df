"""The Python layer: what ``import benchmark`` gives. Each function does what the command of its name does.

Nothing here prints results. Progress and messages go to stderr; `quiet=True` leaves failures and warnings alone. Every function raises
`UserError` for what the caller can mend: it says what was expected, what came, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.types import Dataset, LabelStdKind, UserError

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.arrays import DataRange
    from benchmark.leaderboard.board import Board
    from benchmark.metrics.protocol import Metric
    from benchmark.registry import Registry
    from benchmark.workflows.metric_function import MetricFunction
    from benchmark.workflows.run import RunResult
    from benchmark.workflows.score import Scores
    from benchmark.workflows.stored import StoredResults

Names = str | Sequence[str]
"""One name, several, or several in one text separated by commas."""
Paths = str | Path | Sequence[str | Path]
DEFAULT_METRICS = ("asna", "lpips", "ssim", "psnr")
DEFAULT_DATASET = "live-kodak"
DEFAULT_RESULTS = Path("results")


@cache
def _shared_registry() -> Registry:
    """The registry of this process: built-in and installed metrics, and what was registered here."""
    from benchmark.registry import Registry

    return Registry()


def _registry(plugins: Paths = ()) -> Registry:
    """The shared registry, or one that also has the metrics and data sets of plugin files."""
    files = [plugins] if isinstance(plugins, str | Path) else list(plugins)
    if not files:
        return _shared_registry()
    from benchmark.registry import Registry

    registry = Registry(tuple(Path(file).expanduser() for file in files))
    shared = _shared_registry()
    for thing in (*map(shared.metrics.get, shared.made_here), *map(shared.datasets.get, shared.datasets_made_here)):
        if thing is not None:
            registry.add(thing)
    return registry


def register(thing: Metric | Dataset) -> None:
    """Make a metric or a data set known by its name in this process, for every function of this module.

    A metric that is registered here is scored in this process; a plugin file (`plugins=`) is also for worker processes.

    >>> import benchmark as iqa
    >>> @iqa.plugin.metric(name="mean-difference", higher_is_better=False, protocol="Mean absolute difference of RGB.")
    ... def mean_difference(*, distorted, reference):
    ...     return abs(distorted - reference).mean()
    >>> iqa.register(mean_difference)
    >>> iqa.metrics().query("metric == 'mean-difference'")["higher_is_better"].tolist()
    [False]
    """
    _shared_registry().add(thing)


def metrics(*, plugins: Paths = ()) -> pd.DataFrame:
    """Every metric: name, kind, direction, range, what it lacks to run here, protocol (`benchmark.frames.METRICS`)."""
    from benchmark.frames import metrics_frame

    return metrics_frame(_registry(plugins))


def datasets(data_root: str | Path | None = None, *, plugins: Paths = ()) -> pd.DataFrame:
    """Every data set: name, counts, label and its direction, what it lacks in `data_root` (`benchmark.frames.DATASETS`)."""
    from benchmark.frames import datasets_frame

    root = _data_root(data_root)
    return datasets_frame(_registry(plugins), lambda dataset: dataset.missing(root))


def metric(name: str, *, device: str = "cpu", backend: str = "fastest", plugins: Paths = ()) -> MetricFunction:
    """Return one metric as a function of images.

    `metric("ssim")(distorted, reference)` gives a float, batches and lists give a float64 array; images are paths, PIL
    images, NumPy arrays or torch tensors (`benchmark.arrays`). The scores are those of the store to the last bit.

    >>> import benchmark as iqa, numpy as np
    >>> black = np.zeros((64, 64, 3), np.uint8)
    >>> psnr = iqa.metric("psnr")
    >>> round(psnr(black + 16, black), 2)
    24.05
    >>> psnr(np.stack([black + 16, black + 1]), black).round(2)
    array([24.05, 48.13])
    """
    from benchmark.executors import resolve_device
    from benchmark.workflows.metric_function import MetricFunction

    return MetricFunction(_registry(plugins).metric(name), device=resolve_device(device), backend=backend)


def score(
    distorted: Any,
    reference: Any = None,
    metrics: Names = DEFAULT_METRICS,
    *,
    data_range: DataRange = None,
    executor: str = "auto",
    workers: int | None = None,
    device: str = "auto",
    backend: str = "fastest",
    background: str | None = None,
    plugins: Paths = (),
    quiet: bool = False,
) -> Scores:
    """Score your own images with several metrics; nothing is stored.

    `distorted` and `reference` may be

    * two folders, matched by relative name, or a folder and one reference;
    * paths or lists of paths, pair by pair, or one reference for all; or a list of pairs `(distorted, reference)`;
    * images in memory, or lists or batches of them: PIL images, NumPy arrays, torch tensors. `data_range` declares the
      range of floats (`benchmark.arrays`). They are scored in this process.

    The result has `.to_frame()`, one row per image and metric, and `.table()`, one column per metric; failures and files
    without a partner are named in it.

    >>> import benchmark as iqa, numpy as np
    >>> image = np.full((64, 64, 3), 100, np.uint8)
    >>> iqa.score([image, image + 10], image, metrics="psnr,ssim").table().round(3)
         psnr   ssim
    0     inf  1.000
    1  28.131  0.995
    """
    from benchmark.executors import resolve_device
    from benchmark.workflows.run import Where
    from benchmark.workflows.score import match, pairs_of_files, score_images, score_matched

    registry, wanted = _registry(plugins), _metric_names(metrics)
    where = Where(executor, workers, None, device, backend, background)
    distorted, reference = _listed(distorted), _listed(reference)
    if reference is None and _is_list(distorted) and all(_is_list(one) and len(one) == 2 for one in distorted):
        distorted, reference = [one[0] for one in distorted], [one[1] for one in distorted]
    files = _files(distorted)
    if files is None:
        if executor not in ("auto", "inline") or workers is not None:
            raise UserError("executor: images in memory are scored in this process; leave executor and workers out")
        return score_images(
            registry,
            wanted,
            distorted,
            reference,
            data_range=data_range,
            background=background,
            device=resolve_device(device),
            backend=backend,
        )
    references = None if reference is None else _files(reference)
    if reference is not None and references is None:
        raise UserError("reference: expected paths, as the distorted images are paths; got images in memory")
    if isinstance(distorted, str | Path) and (reference is None or isinstance(reference, str | Path)):
        matched = match(files[0], None if references is None else references[0])
    else:
        several: list[Path | None] = [None] if references is None else [*references]
        if len(several) not in (1, len(files)):
            raise UserError(
                f"reference: expected one, or as many as distorted images, got {len(several)} for {len(files)}"
            )
        matched = pairs_of_files(files, several if len(several) == len(files) else several * len(files))
    return score_matched(registry, wanted, matched, where=where, quiet=quiet)


def run(
    dataset: Names = DEFAULT_DATASET,
    metrics: Names = DEFAULT_METRICS,
    *,
    data_root: str | Path | None = None,
    results: str | Path = DEFAULT_RESULTS,
    split: str | None = None,
    executor: str = "auto",
    workers: int | None = None,
    memory: int | None = None,
    device: str = "auto",
    backend: str = "fastest",
    background: str | None = None,
    fetch: bool = True,
    plugins: Paths = (),
    quiet: bool = False,
) -> RunResult:
    """Score data sets with metrics into the store of a results folder; what it holds already is not made again.

    `dataset` is one name, several, or "table:FILE.csv" for your own; `data_root` is where data sets lie (default: the
    environment variable IQA_DATA). `executor` is "auto" (this process for small work, else worker processes), "inline",
    "local", "dask" or "dask://HOST:PORT". Worker processes are started afresh, so a script that asks for them needs
    `if __name__ == "__main__":`; "inline" does not. `memory` is in bytes.

    Interrupt it at any time, and call it again to do the rest.
    """
    from benchmark.workflows.run import Where
    from benchmark.workflows.run import run as run_workflow

    return run_workflow(
        _registry(plugins),
        _names(dataset, "dataset"),
        _metric_names(metrics),
        Path(results).expanduser(),
        where=Where(executor, workers, memory, device, backend, background),
        data_root=_data_root(data_root),
        split=split,
        fetch=fetch,
        quiet=quiet,
    )


def leaderboard(
    dataset: Names | None = None,
    metrics: Names | None = None,
    *,
    results: str | Path = DEFAULT_RESULTS,
    subset: str = "all",
    split: str | None = None,
    sort: str = "srcc",
    statistics: Names | None = None,
    all_versions: bool = False,
    replicates: int = 1000,
    plugins: Paths = (),
    quiet: bool = False,
) -> Board:
    """Return the board of what a results folder holds; no image is touched.

    The board shows itself in a notebook; `.to_frame()` is a tidy frame, `.render("markdown")` text in any format of the
    command line. `subset` is for example "distortion=jpeg,gblur", `statistics` leaves all others out.
    """
    from benchmark.workflows.board import stored_board

    return stored_board(
        Path(results).expanduser(),
        _registry(plugins),
        quiet=quiet,
        datasets=None if dataset is None else _names(dataset, "dataset"),
        metrics=None if metrics is None else _names(metrics, "metrics"),
        subset=subset,
        split=split,
        sort=sort,
        statistics=None if statistics is None else _names(statistics, "statistics"),
        all_versions=all_versions,
        replicates=replicates,
    )


def compare(
    metrics: Names | None = None,
    dataset: str = DEFAULT_DATASET,
    *,
    results: str | Path = DEFAULT_RESULTS,
    subset: str = "all",
    replicates: int = 1000,
    plugins: Paths = (),
) -> pd.DataFrame:
    """Test every two metrics of a stored data set against each other: difference of SRCC, interval, p, Holm's p.

    Columns: `benchmark.frames.TESTS`. Without `metrics` all that have a score of every pair are compared.
    """
    from benchmark.workflows.board import paired_tests

    wanted = None if metrics is None else _names(metrics, "metrics")
    if not isinstance(dataset, str):
        raise UserError(f"dataset: expected the name of one data set, got {dataset!r}")
    return paired_tests(
        Path(results).expanduser(), _registry(plugins), dataset, wanted, subset=subset, replicates=replicates
    )


def agreement(
    scores: pd.DataFrame | Mapping[str, Sequence[Any]],
    labels: str,
    metrics: Names,
    *,
    contents: str | None = None,
    distortions: str | None = None,
    labels_higher_is_better: bool | None = None,
    higher_is_better: bool | Mapping[str, bool] | None = None,
    infinite_as: Mapping[str, float] | None = None,
    label_std: str | None = None,
    n_ratings: str | None = None,
    label_std_kind: LabelStdKind = "",
    subset: str = "all",
    sort: str = "srcc",
    statistics: Names | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    name: str = "table",
) -> Board:
    """Measure how well columns of scores agree with a column of human labels: a table in, a board out.

    `scores` is a frame (or a mapping of columns) with one row per image; `labels`, `metrics`, `contents`, `distortions`,
    `label_std` and `n_ratings` name its columns. Directions are declared, never guessed: columns called mos and dmos
    declare themselves, other labels need `labels_higher_is_better`; a metric's direction is known where its name is one
    of this program's metrics or of a published table (`benchmark/published.csv`), else `higher_is_better` says it, for
    all or by name. `infinite_as` says by name what infinite scores count as where numbers are needed (known for the
    program's own names; otherwise infinite scores are failures). Without `contents` each row counts as a content of its own, and the board says so.

    >>> import benchmark as iqa
    >>> table = {"mos": [1, 2, 3, 4, 5, 6], "ssim": [0.2, 0.3, 0.5, 0.4, 0.8, 0.9], "ref": list("aabbcc")}
    >>> board = iqa.agreement(table, labels="mos", metrics=["ssim"], contents="ref")
    >>> board.to_frame().query("statistic == 'srcc'")[["metric", "value"]].round(3)
      metric  value
    0   ssim  0.943
    """
    from benchmark.workflows.table_agreement import table_agreement

    return table_agreement(
        scores,
        labels,
        _names(metrics, "metrics") if isinstance(metrics, str) else list(metrics),
        registry=_shared_registry(),
        contents=contents,
        distortions=distortions,
        labels_higher_is_better=labels_higher_is_better,
        higher_is_better=higher_is_better,
        infinite_as=infinite_as,
        label_std=label_std,
        n_ratings=n_ratings,
        label_std_kind=label_std_kind,
        name=name,
        subset=subset,
        sort=sort,
        statistics=None if statistics is None else _names(statistics, "statistics"),
        replicates=replicates,
        confidence=confidence,
        seed=seed,
    )


def open_store(results: str | Path = DEFAULT_RESULTS, *, plugins: Paths = ()) -> StoredResults:
    """Open the scores of a results folder for reading: `.scores()`, `.series()` and `.costs()` are frames."""
    from benchmark.workflows.stored import StoredResults

    return StoredResults(Path(results).expanduser(), _registry(plugins))


def _names(names: Names, what: str) -> list[str]:
    """One name, several, or a text with commas, without repeats. A table's path may hold a comma: give it in a list."""
    pieces = names.split(",") if isinstance(names, str) else [str(name) for name in names]
    found = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if not found:
        raise UserError(f"{what}: expected one or more names, got {names!r}")
    return found


def _metric_names(metrics: Names) -> list[str]:
    return _names(metrics, "metrics")


def _data_root(path: str | Path | None) -> Path | None:
    """Where data sets lie: as given, else the environment variable IQA_DATA."""
    import os

    given = path or os.environ.get("IQA_DATA")
    return Path(given).expanduser() if given else None


def _listed(value: Any) -> Any:
    """What comes one by one (a generator, `zip`, `Path.glob`) as a list; anything else as it is."""
    return list(value) if isinstance(value, Iterator) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _files(value: Any) -> list[Path] | None:
    """The paths that were given, one or several; None for images in memory."""
    if isinstance(value, str | Path):
        return [Path(value).expanduser()]
    if _is_list(value) and value and all(isinstance(one, str | Path) for one in value):
        return [Path(one).expanduser() for one in value]
    return None
