"""A benchmark harness that compares image quality metrics with human opinion.

Start with ``python -m benchmark --help``. Importing this package imports neither torch nor numpy, and its names only
when they are asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo, Pair, PairError, UserError

__all__ = ["Agreement", "DatasetInfo", "Estimate", "MetricInfo", "Pair", "PairError", "UserError"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from benchmark import types

    return getattr(types, name)
