"""One protocol, several implementations that give the same numbers: the fastest that is installed is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmark.metrics.described import Package
from benchmark.metrics.protocol import Metric, Scorer
from benchmark.types import MetricInfo, UserError

FASTEST = "fastest"
REFERENCE = "reference"
"""The implementation that a protocol was proven with; every other is tested against it."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One implementation of a protocol, by the name of the library that computes it."""

    name: str
    load: Callable[[str], Scorer]
    """Given a device, returns the scorer; raises UserError when it cannot."""
    package: Package | None = None
    """None where the library is a dependency of this project."""
    devices: tuple[str, ...] = ("cpu", "cuda")
    """Kinds of device that it serves."""

    def serves(self, device: str) -> bool:
        """Whether it is installed and made for this kind of device."""
        return device.partition(":")[0] in self.devices and not (self.package and self.package.missing())


@dataclass(frozen=True, slots=True)
class BackedMetric:
    """A metric with several backends, which agree within `info.tolerance`."""

    info: MetricInfo
    backends: tuple[Backend, ...]
    """Fastest first; the last is the reference, which is always installed."""

    def choose(self, wanted: str, device: str) -> Backend:
        """Return the backend that `wanted` stands for: FASTEST, REFERENCE, or the name of one.

        A name that another metric's backend has, and this one's not, gives the fastest. Raises UserError when the
        backend of that name cannot run here.
        """
        if wanted == REFERENCE:
            return self.backends[-1]
        for backend in self.backends:
            if backend.name == wanted:
                if not backend.serves(device):
                    missing = backend.package.missing() if backend.package else None
                    raise UserError(f"{self.info.name}: backend {wanted} " + (missing or f"does not run on {device}"))
                return backend
        return next((backend for backend in self.backends if backend.serves(device)), self.backends[-1])

    def load(self, device: str, backend: str = FASTEST) -> Scorer:
        """Return the scorer of the chosen backend."""
        return self.choose(backend, device).load(device)


def with_backends(reference: Metric, *faster: Backend, library: str) -> BackedMetric:
    """Put faster backends, fastest first, before a metric's own implementation, whose library is `library`."""
    info = replace(reference.info, library=library)
    return BackedMetric(info, (*faster, Backend(library, reference.load)))


def load_with(metric: Metric, device: str, backend: str) -> tuple[Scorer, str]:
    """Load a metric with the backend that is wanted, and name the backend: the library of a metric with only one."""
    if isinstance(metric, BackedMetric):
        chosen = metric.choose(backend, device)
        return chosen.load(device), chosen.name
    return metric.load(device), metric.info.library
