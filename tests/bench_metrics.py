"""Processor time of every metric and backend: ``pytest tests/bench_metrics.py -n 0 --benchmark-only``.

One thread, 288 x 288 (the size of PIPAL), reference prepared once; run it on an idle machine. ``python -m benchmark throughput`` measures
more of each: sizes, batches, memory, the reference prepared anew.
"""

import time

import pytest
from photographs import METRICS, photograph

from benchmark.images import ImageBatch
from benchmark.metrics.backends import BackedMetric, load_with
from benchmark.types import UserError

SIZE = (slice(0, 288), slice(0, 288))
SLOW = 1.0
"""Seconds of a pair above which one round must do."""
IMPLEMENTATIONS = [
    (name, backend)
    for name, metric in METRICS.items()
    for backend in ([each.name for each in metric.backends] if isinstance(metric, BackedMetric) else ["only"])
]

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False, min_rounds=3, max_time=0.3)


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(name):
    """A new batch each time, so that the views of the distorted image are timed with the metric."""
    return ImageBatch(photograph(name)[SIZE][None])


@pytest.mark.parametrize(("name", "backend"), IMPLEMENTATIONS)
def test_score_with_the_reference_reused(benchmark, name, backend):
    missing = getattr(METRICS[name], "missing", None)
    if missing is not None and (reason := missing()):
        pytest.skip(reason)
    try:
        scorer, _ = load_with(METRICS[name], "cpu", backend)
        prepared = scorer.prepare(batch("ref/bikes.png"))
        start = time.process_time()
        scorer.score(batch("jpeg/bikes_q012.jpg"), prepared)
        first = time.process_time() - start
    except UserError as error:
        pytest.skip(str(error))

    def score():
        scorer.score(batch("jpeg/bikes_q012.jpg"), prepared)

    if first > SLOW:
        benchmark.pedantic(score, rounds=1)
    else:
        benchmark(score)
