"""A benchmark harness that compares image quality metrics with human opinion.

On the command line: ``python -m benchmark --help``. In Python::

    import benchmark as iqa

    iqa.score("out/", "originals/", metrics=["ssim", "lpips"])       # your own images
    iqa.run("live-kodak", metrics=["asna", "lpips", "ssim"])         # a data set, into the store
    iqa.leaderboard("live-kodak")                                    # how well each metric agrees with people
    iqa.metric("ssim")(distorted, reference)                         # one number

The functions are those of `benchmark.api`. Importing this package imports neither torch nor numpy, and its names only
when they are asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmark import api, plugin
    from benchmark.api import (
        agreement,
        compare,
        datasets,
        leaderboard,
        metric,
        metrics,
        open_store,
        register,
        run,
        score,
    )
    from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo, Pair, PairError, UserError

__all__ = [
    "Agreement",
    "DatasetInfo",
    "Estimate",
    "MetricInfo",
    "Pair",
    "PairError",
    "UserError",
    "agreement",
    "api",
    "compare",
    "datasets",
    "leaderboard",
    "metric",
    "metrics",
    "open_store",
    "plugin",
    "register",
    "run",
    "score",
]
__version__ = "0.1.0"

_TYPES = {"Agreement", "DatasetInfo", "Estimate", "MetricInfo", "Pair", "PairError", "UserError"}
_MODULES = {"agreement", "api", "leaderboard", "metrics", "plugin"}
"""Submodules that are names of the Python layer; all but `api` and `plugin` can be called (`benchmark.callable_module`)."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"benchmark.{name}")
    return getattr(import_module("benchmark.types" if name in _TYPES else "benchmark.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
