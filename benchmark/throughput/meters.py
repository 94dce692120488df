"""The instruments: a clock that waits for the device, and the peak of the memory that calls take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.devices import processor_time, programs_time
from benchmark.throughput.report import Timing, summarise

MIN_CALLS = 3
MAX_CALLS = 10_000
WARM_UP_CALLS = 2
WARM_UP_SHARE = 0.1
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""What Linux takes, written to `clear_refs`, as the wish to set the peak of resident memory to what it is now."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one cell may take."""

    seconds: float = 2.0
    """Timed calls end when this is over, but not before MIN_CALLS."""
    repeats: int | None = None
    """Exactly so many timed calls instead."""

    @property
    def rules(self) -> str:
        """The budget in words."""
        if self.repeats is not None:
            calls = f"{self.repeats} timed calls"
        else:
            calls = f"timed calls for {self.seconds:g} s, at least {MIN_CALLS} and at most {MAX_CALLS:,}"
        return (
            f"{calls}, after a warm-up of {WARM_UP_CALLS} or more calls and {WARM_UP_SHARE * self.seconds:g} s or more, "
            "whose timings are discarded"
        )

    def warm(self, done: list[float]) -> bool:
        """Whether the warm-up calls that are done suffice."""
        return len(done) >= WARM_UP_CALLS and sum(done) >= WARM_UP_SHARE * self.seconds

    def spent(self, done: list[float]) -> bool:
        """Whether the timed calls that are done suffice."""
        if self.repeats is not None:
            return len(done) >= self.repeats
        return len(done) >= MAX_CALLS or (len(done) >= MIN_CALLS and sum(done) >= self.seconds)


def synchroniser(device: str) -> Callable[[], Any]:
    """What waits until the device has done all it was given; nothing on the CPU."""
    if device == "cpu":
        return lambda: None
    import torch

    return lambda: torch.cuda.synchronize(device)


def time_calls(
    arrange: Callable[[int], Any], call: Callable[[Any], Any], budget: Budget, wait: Callable[[], Any]
) -> Timing:
    """Time `call(arrange(i))` for i = 0, 1, ...; only `call`, and `wait` after it, are within the time."""
    warm_up: list[float] = []
    clock: list[float] = []
    processor: list[float] = []
    while not budget.warm(warm_up):
        warm_up.append(_timed(arrange(len(warm_up)), call, wait)[0])
    while not budget.spent(clock):
        by_clock, by_processor = _timed(arrange(len(warm_up) + len(clock)), call, wait)
        clock.append(by_clock)
        processor.append(by_processor)
    return summarise(clock=clock, processor=processor, warm_up=warm_up)


def _timed(given: Any, call: Callable[[Any], Any], wait: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of one call by the clock and of the processor."""
    wait()
    start, busy = time.perf_counter(), processor_time()
    call(given)
    wait()
    by_clock, by_processor = time.perf_counter() - start, processor_time() - busy
    return by_clock, by_processor


class PeakMemory:
    """The peak of memory above what was held when this was made.

    On a CUDA device what torch allocated there. On the CPU the resident memory of this process, whose peak Linux
    keeps and can reset; elsewhere a process has one peak for its whole life, which says nothing of a part of it, and
    nowhere does it hold what programs took that a metric started: None.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._known = True
        self._children = programs_time()
        self._start = resident("VmRSS") if device == "cpu" else _allocated(device, peak=False)

    def reset(self) -> None:
        """Forget earlier peaks."""
        self._children = programs_time()
        if self._device == "cpu":
            self._known = forget_resident_peak()
        else:
            import torch

            torch.cuda.reset_peak_memory_stats(self._device)

    def bytes(self) -> int | None:
        """The peak since `reset`, above the start and not below 0; None where it is unknown."""
        peak = resident("VmHWM") if self._device == "cpu" else _allocated(self._device, peak=True)
        elsewhere = programs_time() > self._children
        if peak is None or self._start is None or not self._known or elsewhere:
            return None
        return max(0, peak - self._start)


def forget_resident_peak() -> bool:
    """Set this process's peak of resident memory to what it holds now; whether the system can."""
    try:
        CLEAR.write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def resident(key: str) -> int | None:
    """Bytes of resident memory that Linux tells of this process, now (VmRSS) or at its peak (VmHWM); else None."""
    if not STATUS.exists():
        return None
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    return None


def _allocated(device: str, *, peak: bool) -> int:
    """Bytes that torch holds on a CUDA device, now or at its peak."""
    import torch

    return int(torch.cuda.max_memory_allocated(device) if peak else torch.cuda.memory_allocated(device))
