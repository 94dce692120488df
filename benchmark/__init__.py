"""A benchmark harness that compares image quality metrics with human opinion.

Start with ``python -m benchmark --help``. Importing this package imports neither torch nor numpy.
"""

from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo, Pair, PairError, UserError

__all__ = ["Agreement", "DatasetInfo", "Estimate", "MetricInfo", "Pair", "PairError", "UserError"]
__version__ = "0.1.0"
