"""What a machine offers: cores, memory, devices; and one thread per worker process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.devices import cores
from benchmark.environment import environment
from benchmark.types import UserError

THREAD_VARIABLES = (
    "OPENCV_FOR_THREADS_NUM",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
SAFE_PATH = "PYTHONSAFEPATH"
"""Tells a new interpreter not to look for modules in the current folder."""
MEMORY_SHARE = 0.5
"""Share of the machine's memory that the workers together may plan with when `--memory` is not given."""
UNKNOWN_MEMORY = 8 << 30
"""Bytes that a machine is taken to have when it does not tell."""


def machine_memory() -> int:
    """Bytes of memory of this machine."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return UNKNOWN_MEMORY


def default_workers(device: str) -> int:
    """One worker per core that this process may use; one per CUDA device."""
    return cores() if device == "cpu" else len(device_names(device))


def default_memory() -> int:
    """Bytes that all workers together may plan with: half of the machine's memory."""
    return int(MEMORY_SHARE * machine_memory())


def resolve_device(device: str) -> str:
    """Turn "auto" into "cuda" where a CUDA device answers, else "cpu"; check "cpu", "cuda" and "cuda:N".

    Raises UserError for another name, and for a CUDA device that is not there. Torch is imported only when a driver is.
    """
    if device == "cpu" or (device == "auto" and not any(Path("/dev").glob("nvidia[0-9]*"))):
        return "cpu"
    if not re.fullmatch(r"auto|cuda(:\d+)?", device):
        raise UserError(f"device: expected auto, cpu, cuda or cuda:N, got {device!r}")
    import torch

    if torch.cuda.is_available():
        index = int(device.partition(":")[2] or 0)
        if index < torch.cuda.device_count():
            return device if device != "auto" else "cuda"
    if device == "auto":
        return "cpu"
    raise UserError(f"device {device}: torch sees {torch.cuda.device_count()} CUDA devices here; use --device cpu")


def device_names(device: str) -> tuple[str, ...]:
    """The devices that the workers of this machine share, in turn: every CUDA device for "cuda", else `device` alone."""
    if device != "cuda":
        return (device,)
    import torch

    return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count())) or (device,)


@contextmanager
def one_thread_each(temporary: str | None = None) -> Iterator[None]:
    """Let the processes that are started meanwhile compute with one thread: the libraries read it when they load.

    They look for no modules in the current folder, where a user's ``random.py`` would be taken for Python's. With
    `temporary` they put their temporary files there.
    """
    asked = dict.fromkeys(THREAD_VARIABLES, "1") | {SAFE_PATH: "1"} | ({"TMPDIR": temporary} if temporary else {})
    with environment(asked):
        yield
