"""Training: a loop whose every step is a pure function of the seed, the epoch and the step, so that it resumes exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from asna.augment import Augmentation, augment
from asna.checkpoint import read_checkpoint, save_model
from asna.data import Batch, Epoch, ImageCache, plan_epoch
from asna.evaluate import agreement, predict
from asna.loss import ASNALoss, LossWeights
from asna.model import ASNA, ASNAConfig
from asna.runlog import RunLog
from asna.sorter import load_sorter
from asna.tiles import STRIDE, TILE
from asna.trainstate import TrainState, begin_from, restore, snapshot

if TYPE_CHECKING:
    from benchmark.types import Pair

StepReport = Callable[[int, int, int, float], None]
"""Called with (epoch, step, steps of the epoch, loss)."""


def report_to(progress: Callable[[int, int, str], None], name: str) -> StepReport:
    """A report of steps for a progress bar that is moved by (done, total, what)."""
    return lambda epoch, step, steps, loss: progress(step, steps, f"{name}, epoch {epoch + 1}, loss {loss:.3f}")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that fixes a training run beside its data and start. The defaults are the paper's attention setting."""

    model: ASNAConfig = field(default_factory=ASNAConfig)
    epochs: int = 20
    batch_size: int = 16
    pairs_per_reference: int = 1
    crop: int = 288
    learning_rate: float = 1e-4
    schedule: Literal["step", "cosine"] = "step"
    """"step": times 0.1 every `step_epochs`. "cosine": down to nothing at the last step."""
    step_epochs: int = 10
    warmup_steps: int = 0
    loss: LossWeights = field(default_factory=LossWeights)
    l2_convolutions: float = 1e-4
    """Penalty on the squared kernels of the encoder and the difference branch, as in the authors' code."""
    l2_dense: float = 1e-6
    augmentation: Augmentation = field(default_factory=Augmentation)
    precision: Literal["fp32", "bf16"] = "fp32"
    patience: int = 10
    """Epochs without a better validation SRCC after which training stops."""
    validation_fraction: float = 0.2
    """Share of the contents held out where the data set names no split of its own."""
    seed: int = 2105

    def __post_init__(self) -> None:
        if self.crop % STRIDE or (self.model.head == "flatten" and self.crop != TILE):
            raise ValueError(
                f"crop: expected {TILE} for a flattened head, a multiple of {STRIDE} for gap, got {self.crop}"
            )
        if self.schedule not in ("step", "cosine") or self.precision not in ("fp32", "bf16"):
            raise ValueError(f"expected step or cosine, fp32 or bf16, got {self.schedule} and {self.precision}")
        if min(self.batch_size, self.epochs + 1, self.pairs_per_reference + 1) < 2:
            raise ValueError("expected batches of at least 2 pairs, at least one epoch, and one pair per reference")


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Where the best network lies, its validation agreement, and whether training came to its end."""

    best: Path
    srcc: float
    epochs: int
    finished: bool


def learning_rate(config: TrainConfig, *, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0 over the whole run."""
    total = config.epochs * steps_per_epoch
    if config.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
    else:
        factor = 0.1 ** (step // (steps_per_epoch * config.step_epochs))
    return config.learning_rate * factor * min(1.0, (step + 1) / max(1, config.warmup_steps))


def step_seed(seed: int, epoch: int, step: int) -> int:
    """The seed of one step's augmentation."""
    import numpy as np

    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1)[0])


def l2_penalty(model: ASNA, config: TrainConfig) -> Tensor:
    """Sum of squared kernels, weighted as the config says: convolutions up to the attention block, first dense layer."""
    parts = (model.encoder, model.start, model.branch, model.reduce)
    kernels = [m.weight for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)]
    dense = next(m.weight for m in model.head if isinstance(m, nn.Linear))
    convolutions = torch.stack([kernel.square().sum() for kernel in kernels]).sum()
    return config.l2_convolutions * convolutions + config.l2_dense * dense.square().sum()


def autocast(device: str, precision: str) -> AbstractContextManager:
    """Mixed precision in bfloat16 where asked for: no gradient scaling is needed."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


def predict_batch(model: ASNA, *, reference: Tensor, distorted: Tensor, owner: Tensor) -> Tensor:
    """Standardised predictions (N,): each reference (R, 3, S, S) is encoded once for all its distorted images."""
    features = model.encode(reference)
    if len(reference) != len(distorted):
        features = tuple(feature[owner] for feature in features)
    return model.forward_features(reference=features, distorted=model.encode(distorted))


class Trainer:
    """One training run: model, optimizer, loss; a step at a time."""

    def __init__(self, config: TrainConfig, *, device: str, init: ASNA | None = None, ranks: Any = None) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        model = ASNA(config.model) if init is None else init
        self.model = model.to(device).to(memory_format=torch.channels_last).train().requires_grad_(True)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        if ranks is None and config.loss.rank:
            ranks = load_sorter().to(device)
        self.loss = ASNALoss(config.loss, ranks)

    def step(self, batch: Batch, *, rate: float, seed: int) -> float:
        """One optimizer step at learning rate `rate`; `seed` fixes the augmentation. Returns the loss without penalties."""
        generator = torch.Generator().manual_seed(seed)
        owner = batch.owner.to(self.device)
        reference, distorted = (
            images.to(self.device, non_blocking=True).to(torch.float32).div(255.0)
            for images in (batch.reference, batch.distorted)
        )
        reference, distorted = (
            images.contiguous(memory_format=torch.channels_last)
            for images in augment(
                reference=reference,
                distorted=distorted,
                owner=owner,
                augmentation=self.config.augmentation,
                generator=generator,
            )
        )
        label = ((batch.label.to(self.device) - self.model.label_mean) / self.model.label_sd).float()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(self.device, self.config.precision):
            predictions = predict_batch(self.model, reference=reference, distorted=distorted, owner=owner)
        loss = self.loss(predictions, label)
        self.optimizer.zero_grad(set_to_none=True)
        (loss + l2_penalty(self.model, self.config)).backward()
        self.optimizer.step()
        return float(loss.detach())


def batches(
    pairs: Sequence[Pair], config: TrainConfig, *, epoch: int, cache: ImageCache, workers: int
) -> Iterator[Batch]:
    """Read the planned batches of an epoch, in `workers` processes where there are any."""
    from torch.utils.data import DataLoader

    plan = plan_epoch(
        pairs,
        batch_size=config.batch_size,
        pairs_per_reference=config.pairs_per_reference,
        seed=config.seed,
        epoch=epoch,
    )
    data = Epoch(pairs, plan, crop_size=config.crop, cache=cache)
    return iter(DataLoader(data, batch_size=None, shuffle=False, num_workers=workers))


def train(
    *,
    training: Sequence[Pair],
    validation: Sequence[Pair],
    output: Path,
    config: TrainConfig,
    facts: dict[str, Any],
    device: str = "cpu",
    init: Path | str | None = None,
    resume: bool = False,
    workers: int = 0,
    cache: Path | None = None,
    minutes: float | None = None,
    report: StepReport | None = None,
) -> TrainResult:
    """Train on `training`, choose by SRCC on `validation`, write everything under `output`.

    `best.safetensors` holds the network of the best epoch with `facts` in its metadata, `last.safetensors` all that
    resuming needs, `log.csv` and `curves.png` the course. `init` starts from another network's weights (its label
    scale is replaced; see `begin_from` for another head). `minutes` ends the sitting after the epoch
    that exceeds it. Resumed on the same machine, the result equals that of an uninterrupted run, bit for bit.
    """
    trainer = Trainer(config, device=device, init=begin_from(init, config.model, seed=config.seed))
    labels = torch.tensor([pair.label for pair in training], dtype=torch.float64)
    trainer.model.label_mean.copy_(labels.mean())
    trainer.model.label_sd.copy_(labels.std(correction=0).clamp_min(1e-12))
    state, last = TrainState(), output / "last.safetensors"
    log = RunLog(output, fresh=not resume)
    if resume:
        state = restore(read_checkpoint(last, kind="training"), trainer.model, trainer.optimizer, asdict(config))
        log.cut(state.epoch)
    images, begin = ImageCache(cache), time.monotonic()
    while state.epoch < config.epochs and state.epoch - state.best_epoch < config.patience:
        row = run_epoch(trainer, training, epoch=state.epoch, cache=images, workers=workers, report=report)
        scores = predict(trainer.model, validation, cache=images, device=device)
        row |= agreement(scores, [pair.label for pair in validation])
        state.epoch += 1
        srcc = row["srcc"] if math.isfinite(row["srcc"]) else -1.0  # undefined when all scores are equal
        if srcc > state.best_srcc:
            state.best_srcc, state.best_epoch = srcc, state.epoch
            course = {key: row[key] for key in ("srcc", "krcc", "plcc")} | {"epoch": state.epoch}
            save_model(output / "best.safetensors", trainer.model, facts | {"validation": course})
        log.add(row)  # before the snapshot: what is killed in between is cut from the log and done again
        snapshot(last, trainer.model, trainer.optimizer, state, asdict(config))
        if minutes is not None and time.monotonic() - begin > 60 * minutes:
            break
    finished = state.epoch >= config.epochs or state.epoch - state.best_epoch >= config.patience
    return TrainResult(output / "best.safetensors", state.best_srcc, state.epoch, finished)


def run_epoch(
    trainer: Trainer,
    training: Sequence[Pair],
    *,
    epoch: int,
    cache: ImageCache,
    workers: int,
    report: StepReport | None = None,
) -> dict[str, float]:
    """Train one epoch; returns its row of the log."""
    config, begin, total, count, pairs = trainer.config, time.monotonic(), 0.0, 0, 0
    trainer.model.train()
    plan = plan_epoch(
        training,
        batch_size=config.batch_size,
        pairs_per_reference=config.pairs_per_reference,
        seed=config.seed,
        epoch=epoch,
    )
    rate = 0.0
    for step, batch in enumerate(batches(training, config, epoch=epoch, cache=cache, workers=workers)):
        rate = learning_rate(config, step=epoch * len(plan) + step, steps_per_epoch=len(plan))
        loss = trainer.step(batch, rate=rate, seed=step_seed(config.seed, epoch, step))
        total, count, pairs = total + loss, count + 1, pairs + len(batch.label)
        if report:
            report(epoch, step + 1, len(plan), loss)
    seconds = time.monotonic() - begin
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "loss": total / max(1, count),
        "seconds": seconds,
        "pairs_per_second": pairs / seconds,
    }
