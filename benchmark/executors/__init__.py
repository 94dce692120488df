"""Where work units are done: worker processes of this machine, a Dask cluster, or this process. The same results.

Every worker computes with one thread, so that scores do not depend on the number of workers and cores are not fought
over. A worker that dies (out of memory, a crash in native code) costs nothing but its unit's second try.
"""

from benchmark.executors.cluster import DaskExecutor
from benchmark.executors.crew import DIED, Workers
from benchmark.executors.inline import InlineExecutor
from benchmark.executors.local import LocalExecutor
from benchmark.executors.resources import cores, default_memory, default_workers, device_names, resolve_device

__all__ = [
    "DIED",
    "DaskExecutor",
    "InlineExecutor",
    "LocalExecutor",
    "Workers",
    "cores",
    "default_memory",
    "default_workers",
    "device_names",
    "resolve_device",
]
