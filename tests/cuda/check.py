"""What needs a CUDA machine, in one run of a few minutes: numbers to a JSON file, a short table last.

    python tests/cuda/check.py --output cuda.json [--device cuda:0] [--quick] [--train MINUTES --dataset NAME]

Every part runs whatever becomes of the others; what cannot be done here is named with its reason. `--device cpu --quick`
tries the script itself, without a device. Exit code 0: every check passed; 1: one failed; 2: there is no such device.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import contract
import memory
import network
import speed


@dataclass
class Check:
    """One part of the list, what it found, and its numbers."""

    part: str
    passed: bool | None = None
    """None: measured, with nothing to pass; or not done."""
    finding: str = ""
    seconds: float = 0.0
    numbers: dict[str, Any] = field(default_factory=dict)


def perform(part: str, work: Callable[[], tuple[bool | None, str, dict[str, Any]]]) -> Check:
    """Do one part; what it raises is its finding."""
    start = time.perf_counter()
    try:
        passed, finding, numbers = work()
    except Exception as error:
        traceback.print_exc()
        passed, finding, numbers = False, f"{type(error).__name__}: {error}".splitlines()[0], {}
    print(f"{part}: {finding}", flush=True)
    return Check(part, passed, finding, time.perf_counter() - start, numbers)


def machine(device: str) -> dict[str, str]:
    """What was measured on."""
    import torch

    name = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    return {
        "device": name,
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "python": sys.version.split()[0],
    }


def table(checks: list[Check]) -> str:
    """One line per part."""
    words = {True: "passed", False: "FAILED", None: "-"}
    width = max(len(check.part) for check in checks)
    return "\n".join(f"{c.part:<{width}}  {words[c.passed]:<6}  {c.seconds:6.1f} s  {c.finding}" for c in checks)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try the script")
    parser.add_argument("--output", type=Path, default=Path("cuda-check.json"))
    parser.add_argument("--quick", action="store_true", help="few metrics, small images, one repeat")
    parser.add_argument("--train", type=float, metavar="MINUTES", help="also train ASNA for so long on --dataset")
    parser.add_argument("--dataset", help="data set to train on, as `python -m asna train` takes it")
    return parser.parse_args()


def main() -> int:
    """Do the list; returns the exit code."""
    import torch

    options = arguments()
    device, quick = options.device, options.quick
    if device != "cpu" and not torch.cuda.is_available():
        print(f"no CUDA device: torch {torch.__version__} sees none; try the script itself with --device cpu --quick")
        return 2
    checks = [
        perform("scores equal the CPU's", lambda: contract.metrics_agree(device, quick)),
        perform("a training step equals the CPU's", lambda: network.step_agrees(device)),
        perform("training speed", lambda: network.training_speed(device, quick)),
        perform("training", lambda: network.training(device, options.train, options.dataset)),
        *(
            perform(
                f"throughput at {width} x {height}", lambda size=(height, width): speed.throughput(device, size, quick)
            )
            for height, width in ([(64, 96)] if quick else [(288, 288), (384, 512)])
        ),
        perform("memory of a large content", lambda: memory.large_content(device, quick)),
    ]
    options.output.write_text(json.dumps({"machine": machine(device), "checks": [asdict(c) for c in checks]}, indent=1))
    print(f"\n{table(checks)}\nnumbers: {options.output}")
    return int(any(check.passed is False for check in checks))


if __name__ == "__main__":
    sys.exit(main())
