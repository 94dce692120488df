"""Train the sorter on synthetic sequences, and measure it against the authors' design and two others.

Every design gets the same processor time, sequences drawn afresh for each step, Adam, the mean absolute error of ranks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from asna.checkpoint import write_checkpoint
from asna.sorter import MAX_LENGTH, MIN_LENGTH, SORTER_WEIGHTS, Sorter, true_ranks
from asna.sorter_designs import AUTHORS_LENGTH, AuthorsSorter, MaskedConvolutionSorter, RecurrentSorter

LENGTHS = (4, 8, 16, 32, 64)
"""Lengths that are reported."""

DESIGNS: dict[str, Callable[[], nn.Module]] = {
    "comparison": Sorter,
    "masked-convolution": MaskedConvolutionSorter,
    "recurrent": RecurrentSorter,
    "authors-16": AuthorsSorter,
}
"""The shipped design first."""

AUTHORS_BATCH = 1024
"""Sequences in one step of the authors' design."""

SOFTNESS = 0.3
"""Noise added to training inputs, in units of the mean spacing of their sequence; the ranks asked for are the clean ones.

A sorter that ranks perfectly is a staircase and has no gradient: trained without noise, the comparison design came to a
rank error of .003 at 16 and gradients of 1e-13. Noise makes a step as wide as the gaps between neighbours.
"""

MAX_BATCH = 256
PAIRS_PER_STEP = 2**18
"""One step of the others: at most 256 sequences, and no more than 2^18 pairs of elements in them."""


@dataclass(frozen=True, slots=True)
class SorterError:
    """How far a sorter is from the truth at one length, on sequences drawn as the authors drew theirs."""

    design: str
    length: int
    rank_error: float
    """Mean absolute error of a rank."""
    spearman_error: float
    """Mean absolute difference of Spearman's rho from soft ranks and from true ranks, over pairs of sequences."""


def draw_sequences(n_sequences: int, length: int, generator: torch.Generator) -> Tensor:
    """Sequences (n_sequences, length) as the authors': half normal with sigma 2, half uniform in [-10, 10]."""
    normal = 2 * torch.randn(n_sequences - n_sequences // 2, length, generator=generator)
    uniform = 20 * torch.rand(n_sequences // 2, length, generator=generator) - 10
    return torch.cat([normal, uniform])


def draw_training_sequences(n_sequences: int, length: int, generator: torch.Generator) -> Tensor:
    """The authors' sequences, a quarter of them made heavy-tailed (cubed) and a quarter coarse, with ties (rounded)."""
    values = draw_sequences(n_sequences, length, generator)
    values[0::4] = values[0::4] ** 3
    values[1::4] = values[1::4].round()
    return values[torch.randperm(n_sequences, generator=generator)]


def train_design(
    name: str, *, seconds: float, seed: int, progress: Callable[[float, float], None] | None = None
) -> tuple[nn.Module, int]:
    """Train one design for `seconds` of processor time; returns it in evaluation mode and the number of steps.

    `progress` is called with (share of the time, mean absolute error / length of the last step).
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = DESIGNS[name]().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start, steps, share = time.process_time(), 0, 0.0
    while share < 1:
        # three steps of 0.1, as the authors' schedule, over the time there is
        optimizer.param_groups[0]["lr"] = (3e-3 if name == "comparison" else 1e-3) * 0.1 ** int(share / 0.3)
        if name == "authors-16":
            values = inputs = draw_sequences(AUTHORS_BATCH, AUTHORS_LENGTH, generator)
        else:
            length = int(torch.randint(MIN_LENGTH, MAX_LENGTH + 1, (), generator=generator))
            if steps % 2:  # half of the steps at batch sizes in use
                length = int(torch.randint(MIN_LENGTH, 33, (), generator=generator))
            values = draw_training_sequences(min(MAX_BATCH, PAIRS_PER_STEP // length**2), length, generator)
            spacing = 4 * values.std(dim=1, keepdim=True) / length
            inputs = values + SOFTNESS * spacing * torch.randn(values.shape, generator=generator)
        error = (model(inputs) - true_ranks(values)).abs().mean() / values.shape[1]
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        steps += 1
        share = (time.process_time() - start) / seconds
        if progress and steps % 50 == 0:
            progress(min(share, 1.0), error.item())
    return model.eval(), steps


def spearman(x: Tensor, y: Tensor) -> Tensor:
    """Spearman's rho (B,) of ranks (B, n) without ties: 1 - 6 sum d^2 / (n (n^2 - 1))."""
    return 1 - 6 * (x - y).square().mean(dim=1) / (x.shape[1] ** 2 - 1)


def measure(model: nn.Module, design: str, length: int, *, n_sequences: int = 2000, seed: int = 99) -> SorterError:
    """Measure a trained sorter at one length on fresh sequences, in pairs of every degree of agreement."""
    generator = torch.Generator().manual_seed(seed)
    x = draw_sequences(n_sequences, length, generator)
    blend = torch.linspace(-1, 1, n_sequences)[torch.randperm(n_sequences, generator=generator)][:, None]
    y = blend * x + (1 - blend.abs()) * draw_sequences(n_sequences, length, generator)
    with torch.inference_mode():
        soft_x, soft_y = model(x), model(y)
    true_x, true_y = true_ranks(x), true_ranks(y)
    rank_error = (soft_x - true_x).abs().mean().item()
    rho_error = (spearman(soft_x, soft_y) - spearman(true_x, true_y)).abs().mean().item()
    return SorterError(design, length, rank_error, rho_error)


def train_sorter(
    *,
    output: Path = SORTER_WEIGHTS,
    results: Path,
    minutes: float = 10.0,
    seed: int = 2105,
    designs: tuple[str, ...] = tuple(DESIGNS),
    progress: Callable[[str, float, float], None] | None = None,
) -> list[SorterError]:
    """Train each design for `minutes` of processor time, write the comparison's weights to `output` and a table to `results`.

    `results` is a CSV file with a row per design and length. Returns its rows.
    """
    rows: list[SorterError] = []
    lines = ["design,parameters,steps,minutes,length,rank_error,spearman_error"]
    for name in designs:
        report = (lambda share, error, name=name: progress(name, share, error)) if progress else None
        model, steps = train_design(name, seconds=60 * minutes, seed=seed, progress=report)
        count = sum(parameter.numel() for parameter in model.parameters())
        for length in (AUTHORS_LENGTH,) if name == "authors-16" else LENGTHS:
            row = measure(model, name, length)
            rows.append(row)
            lines.append(f"{name},{count},{steps},{minutes:g},{length},{row.rank_error:.5f},{row.spearman_error:.6f}")
        if isinstance(model, Sorter):
            facts = {
                "config": {"hidden": model.compare[0].out_features},
                "lengths": [MIN_LENGTH, MAX_LENGTH],
                "seed": seed,
                "steps": steps,
                "minutes": minutes,
                "torch": torch.__version__,
            }
            write_checkpoint(output, kind="sorter", tensors=model.state_dict(), metadata=facts)
            output.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text("\n".join(lines) + "\n")
    return rows
