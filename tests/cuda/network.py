"""ASNA trains on the device as on the CPU, and how fast."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from asna.augment import Augmentation
from asna.data import Batch
from asna.loss import LossWeights
from asna.model import ASNAConfig
from asna.train import TrainConfig, Trainer

CONFIG = TrainConfig(
    model=ASNAConfig(head="gap"), loss=LossWeights(1.0, 0.5, 0.5), augmentation=Augmentation(), learning_rate=1e-3
)
LOSS_TOLERANCE = {"fp32": 2e-3, "bf16": 0.05}
WEIGHT_TOLERANCE = 2.5e-3
"""Adam moves each weight by about the learning rate, in the direction of a gradient that may be near zero."""


def batch(references: int, each: int, side: int) -> Batch:
    """Random images with as many noisy versions each."""
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(0, 256, (references, 3, side, side), generator=generator, dtype=torch.uint8)
    owner = torch.arange(references).repeat_interleave(each)
    count = references * each
    noise = torch.randint(-20, 21, (count, 3, side, side), generator=generator)
    distorted = (reference[owner].int() + noise * (owner[:, None, None, None] + 1)).clamp(0, 255).to(torch.uint8)
    return Batch(reference, distorted, owner, torch.linspace(0, 1, count, dtype=torch.float64))


def step_agrees(device: str) -> tuple[bool, str, dict[str, Any]]:
    """Loss and weights after one step, in float32 and in mixed precision, channels last."""
    data, losses, weights = batch(4, 4, 64), {}, {}
    for name, where, precision in (("cpu", "cpu", "fp32"), ("fp32", device, "fp32"), ("bf16", device, "bf16")):
        trainer = Trainer(replace(CONFIG, precision=precision), device=where)
        losses[name] = trainer.step(data, rate=1e-3, seed=5)
        weights[name] = trainer.model.encoder.colour.weight.detach().cpu()
    numbers = {f"loss {name}": loss for name, loss in losses.items()}
    numbers["weights fp32"] = moved = float((weights["fp32"] - weights["cpu"]).abs().max())
    apart = {name: abs(losses[name] - losses["cpu"]) for name in LOSS_TOLERANCE}
    passed = moved <= WEIGHT_TOLERANCE and all(apart[name] <= most for name, most in LOSS_TOLERANCE.items())
    return (
        passed,
        f"loss differs by {apart['fp32']:.2g} (fp32), {apart['bf16']:.2g} (bf16), weights by {moved:.2g}",
        numbers,
    )


def training_speed(device: str, quick: bool) -> tuple[None, str, dict[str, Any]]:
    """Time of a step, and the share of the device's measured peak that its arithmetic reaches."""
    from torch.utils.flop_counter import FlopCounterMode

    data, repeats = (batch(2, 2, 64), 2) if quick else (batch(16, 4, 288), 20)
    numbers, words = {}, []
    precisions = {"fp32": torch.float32} if quick else {"fp32": torch.float32, "bf16": torch.bfloat16}
    for precision, dtype in precisions.items():
        trainer = Trainer(replace(CONFIG, precision=precision), device=device)
        with FlopCounterMode(display=False) as counter:
            trainer.step(data, rate=1e-4, seed=0)
        seconds = _seconds(lambda trainer=trainer: trainer.step(data, rate=1e-4, seed=1), repeats, device)
        peak = matrix_peak(device, dtype, 256 if quick else 8192)
        share = counter.get_total_flops() / peak / seconds
        numbers[precision] = {
            "step_seconds": seconds,
            "images_per_second": len(data.distorted) / seconds,
            "flops_of_a_step": counter.get_total_flops(),
            "peak_flops_per_second": peak,
            "share_of_peak": share,
        }
        words.append(
            f"{precision} {1000 * seconds:.1f} ms a step, {len(data.distorted) / seconds:.0f} images/s, {share:.1%}"
        )
    return None, "; ".join(words) + " of peak", numbers


def matrix_peak(device: str, dtype: torch.dtype, side: int) -> float:
    """Floating-point operations per second of a large matrix product, as torch computes it by default."""
    a = torch.rand(side, side, device=device, dtype=dtype)
    return 2 * side**3 / _seconds(lambda: a @ a, 5, device)


def _seconds(work: Any, repeats: int, device: str) -> float:
    """Mean wall time, after two calls to warm up; the device is done before the clock is read."""
    for _ in range(2):
        work()
    _done(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    _done(device)
    return (time.perf_counter() - start) / repeats


def _done(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def training(device: str, minutes: float | None, dataset: str | None) -> tuple[bool | None, str, dict[str, Any]]:
    """Train as `python -m asna train` does, where it was asked for."""
    command = ["-m", "asna", "train", "--preset", "gap", "--device", device]
    if minutes is None or dataset is None:
        return None, "not run: give --train MINUTES --dataset NAME (and IQA_DATA)", {}
    with tempfile.TemporaryDirectory() as folder:
        options = ["--dataset", dataset, "--minutes", str(minutes), "--output", folder, "--workers", "4"]
        done = subprocess.run([sys.executable, *command, *options], capture_output=True, text=True, check=False)
        log = Path(folder) / "log.csv"
        rows = log.read_text().splitlines() if log.exists() else []
    if done.returncode:
        return False, (done.stderr.strip().splitlines() or ["no message"])[-1], {}
    return None, f"last of {len(rows) - 1} epochs: {rows[-1]}", {"log": rows}
