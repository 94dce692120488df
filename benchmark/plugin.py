"""What the author of a metric or a data set imports: one file, one object, nothing else to edit.

`metric` turns a function of one pair into a metric. A metric that has weights, runs in batches, or prepares its
reference once is any object with an `info` and a `load` (see `Metric` and `Scorer`). Run it with
``python -m benchmark run --plugin FILE.py``, or name it as an entry point ``iqa_benchmark.metrics``.

The version of a metric follows its source, with the modules of one's own that it imports (`benchmark.metrics.sources`). Files
that it reads are declared, as `@metric(weights=[...])` or as a list `weights` of the object, and are hashed too.
"""

from benchmark.images import ImageBatch
from benchmark.metrics.pairwise import PairwiseMetric, View, metric
from benchmark.metrics.protocol import Metric, Scorer
from benchmark.types import Dataset, DatasetInfo, MetricInfo, Pair, PairError, UserError

__all__ = [
    "Dataset",
    "DatasetInfo",
    "ImageBatch",
    "Metric",
    "MetricInfo",
    "Pair",
    "PairError",
    "PairwiseMetric",
    "Scorer",
    "UserError",
    "View",
    "metric",
]
