"""Adapters over good libraries, one module per family; each names its metrics in `METRICS`.

`benchmark.metrics()` lists every metric as a frame (`benchmark.api.metrics`).
"""

from benchmark.callable_module import make_callable

make_callable(__name__)
