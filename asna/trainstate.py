"""All that a training run needs to go on: weights, optimizer and counters, as tensors and JSON, never as code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from asna.checkpoint import Checkpoint, CheckpointError, load, write_checkpoint
from asna.model import ASNA, ASNAConfig
from asna.tiles import TILE

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True)
class TrainState:
    """Counters of a run. Random numbers need no state: each is drawn from the seed, the epoch and the step."""

    epoch: int = 0
    """Epochs done."""
    best_epoch: int = 0
    best_srcc: float = float("-inf")


def snapshot(
    path: Path, model: ASNA, optimizer: torch.optim.Optimizer, state: TrainState, config: dict[str, Any]
) -> None:
    """Write the run's state to `path`, whole or not at all."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    write_checkpoint(path, kind="training", tensors=tensors, metadata={"config": config, "state": asdict(state)})


def restore(
    checkpoint: Checkpoint, model: ASNA, optimizer: torch.optim.Optimizer, config: dict[str, Any]
) -> TrainState:
    """Put a snapshot back into `model` and `optimizer`; returns the counters.

    Raises CheckpointError when the run was begun with another config: a mix of two recipes is neither.
    """
    begun = checkpoint.metadata["config"]
    wanted = json.loads(json.dumps(config))
    if begun != wanted:
        changed = sorted(key for key in begun.keys() | wanted.keys() if begun.get(key) != wanted.get(key))
        raise CheckpointError(
            f"cannot resume: the run was begun with other settings of {', '.join(changed)}; repeat those, or start anew"
        )
    model.load_state_dict(_part(checkpoint, "model."))
    saved: dict[int, dict[str, Any]] = {}
    for name, tensor in _part(checkpoint, "optimizer.").items():
        index, key = name.split(".", 1)
        saved.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": saved, "param_groups": optimizer.state_dict()["param_groups"]})
    return TrainState(**checkpoint.metadata["state"])


def _part(checkpoint: Checkpoint, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): t for name, t in checkpoint.tensors.items() if name.startswith(prefix)}


def begin_from(init: Path | str | None, config: ASNAConfig, *, seed: int) -> ASNA | None:
    """The network to begin training with: `init` itself, or its trunk under a head of another kind; None for none.

    A flattened head takes over a pooled one's: every place of the image gets an equal share of the pooled mean's
    weight, so that training starts from the pooled judgement (without its deviations) and learns what differs by place.
    Raises CheckpointError when `init` cannot be read or differs in attention or batch norm.
    """
    if init is None:
        return None
    source = load(init)
    if source.config == config:
        return source
    if (source.config.attention, source.config.batch_norm) != (config.attention, config.batch_norm):
        raise CheckpointError(f"{init}: its network is {source.config}, expected one that differs in its head alone")
    torch.manual_seed(seed)
    model = ASNA(config)
    state = source.state_dict()
    if config.head == "flatten":
        state["head.1.weight"] = spread(state["head.1.weight"])
    else:
        state = {name: tensor for name, tensor in state.items() if not name.startswith("head.")}
    model.load_state_dict(state, strict=False)
    return model


def spread(pooled: Tensor) -> Tensor:
    """Weights (32, C h w) over all places whose sum with a map equals weights (32, 2 C) with its mean, deviations left out."""
    places = (TILE // 8) ** 2
    mean = pooled[:, : pooled.shape[1] // 2]
    return (mean / places).repeat_interleave(places, dim=1)
