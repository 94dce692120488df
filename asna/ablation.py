"""What the ranking term is worth: the same training without one, with the surrogate, and with a library's soft rank.

Same data, same schedule, same seeds; only the ranking term differs. The comparison is not in the paper. The soft rank is
torchsort's (Blondel et al., "Fast Differentiable Sorting and Ranking", ICML 2020), chosen among torchsort (Apache-2.0,
released 2025), fast-soft-sort (Apache-2.0, not on the package index) and diffsort (no release since 2022).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.types import Pair, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from asna.data import Batch
    from asna.train import TrainConfig

Ranks = Callable[["Tensor"], "Tensor"]
Scores = dict[str, float]

TERMS = {
    "none": "no ranking term",
    "surrogate": "surrogate (the trained sorter)",
    "soft-rank": "soft rank (torchsort, l2, strength 0.1)",
}
SOFT_RANK_STRENGTH = 0.1
"""Regularisation of torchsort's soft rank on standardised scores; 1 would blur a batch of 16 into its mean."""

CROP = 96
MAX_VALIDATION_PAIRS = 410
"""Validation pairs that are scored after each run, evenly spread."""


def ranking_function(term: str, device: str) -> Ranks | None:
    """The differentiable ranks of a term; None for none. Raises ImportError where the library is not installed."""
    from asna.sorter import load_sorter, standardise

    if term == "none":
        return None
    if term == "surrogate":
        return load_sorter().to(device)
    import torchsort

    return lambda values: torchsort.soft_rank(standardise(values), regularization_strength=SOFT_RANK_STRENGTH)


def schedule(term: str, seed: int) -> TrainConfig:
    """The recipe of `asna-gap` on smaller crops; without a ranking term its weight is 0 and nothing else changes."""
    from asna.recipe import LOSS, POOLED

    loss = replace(LOSS, rank=0.0 if term == "none" else LOSS.rank)
    return replace(POOLED, loss=loss, seed=seed, crop=CROP, warmup_steps=30)


def run_one(
    term: str,
    *,
    seed: int,
    steps: int,
    training: Sequence[Pair],
    validation: Sequence[Pair],
    device: str,
    cache: Path,
    progress: Callable[[int, int, str], None],
) -> Scores:
    """Train `steps` steps with one ranking term; returns SRCC, KRCC and PLCC on `validation`."""
    import math

    from asna.data import ImageCache
    from asna.evaluate import agreement, predict
    from asna.train import Trainer, step_seed

    config = schedule(term, seed)
    trainer = Trainer(config, device=device, ranks=ranking_function(term, device))
    labels = np.array([pair.label for pair in training])
    trainer.model.label_mean.fill_(labels.mean())
    trainer.model.label_sd.fill_(labels.std())
    for step, batch in zip(range(steps), _endless(training, config, ImageCache(cache)), strict=False):
        rate = config.learning_rate * min(1.0, (step + 1) / config.warmup_steps)
        rate *= 0.5 * (1 + math.cos(math.pi * step / steps))
        trainer.step(batch, rate=rate, seed=step_seed(seed, 0, step))
        progress(step + 1, steps, f"{term}, seed {seed}")
    scores = predict(trainer.model, validation, cache=ImageCache(cache), device=device)
    return agreement(scores, [pair.label for pair in validation])


def _endless(pairs: Sequence[Pair], config: TrainConfig, cache: object) -> Iterator[Batch]:
    from asna.data import ImageCache
    from asna.train import batches

    if not isinstance(cache, ImageCache):
        raise TypeError(f"expected an ImageCache, got {cache!r}")
    epoch = 0
    while True:
        yield from batches(pairs, config, epoch=epoch, cache=cache, workers=0)
        epoch += 1


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % t-interval over seeds."""
    from scipy.stats import t

    sample = np.asarray(values, dtype=np.float64)
    half = t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample))
    return float(sample.mean()), float(sample.mean() - half), float(sample.mean() + half)


def run_ablation(
    *,
    table: Path,
    output: Path,
    work: Path,
    steps: int = 300,
    seeds: int = 3,
    device: str = "cpu",
    cache: Path | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Path:
    """Run every term with seeds 1 to `seeds` on the synthetic set `table`, write `ablation.md`, `.csv` and `.png`.

    Finished runs are kept in `work` and not repeated. A term whose library is missing gets a row that says so.
    """
    from asna.data import split_contents
    from benchmark.registry import Registry

    if seeds < 2:
        raise UserError(f"seeds: expected at least 2, got {seeds}; an interval over seeds needs them")
    pairs = Registry().dataset(f"table:{table}").pairs(None)
    training, validation = split_contents(pairs, fraction=0.2, seed=1)
    validation = validation[:: max(1, round(len(validation) / MAX_VALIDATION_PAIRS))]
    work.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[Scores] | str] = {}
    for term in TERMS:
        try:
            ranking_function(term, device)
        except ImportError as error:
            results[term] = f"not run: {error}; pip install iqa-benchmark[ablation]"
            continue
        runs = results[term] = []
        for seed in range(1, seeds + 1):
            file = work / f"{term}_{seed}_{steps}.json"
            if not file.exists():
                scores = run_one(
                    term,
                    seed=seed,
                    steps=steps,
                    training=training,
                    validation=validation,
                    device=device,
                    cache=cache or work / "cache",
                    progress=progress,
                )
                file.write_text(json.dumps(scores))
            runs.append(json.loads(file.read_text()))
    return write_report(results, output, steps=steps, n_training=len(training), n_validation=len(validation))


def write_report(
    results: dict[str, list[Scores] | str], output: Path, *, steps: int, n_training: int, n_validation: int
) -> Path:
    """Write the table, the runs and the figure; returns the path of the table."""
    output.mkdir(parents=True, exist_ok=True)
    done = {term: runs for term, runs in results.items() if not isinstance(runs, str)}
    seeds = max(len(runs) for runs in done.values())
    lines = [
        "# The ranking term: none, surrogate, soft rank",
        "",
        f"Made by `python -m asna ablation`. A **small** schedule, for want of a GPU: {steps} steps of 16 crops of {CROP} x "
        f"{CROP} per run, from {n_training} synthetic training pairs; {seeds} seeds each. Agreement with the synthetic labels "
        f"of {n_validation} pairs on held-out contents; mean and 95 % t-interval over seeds. The last column is the SRCC's "
        "difference to no ranking term, seed by seed. Longer training may change the order.",
        "",
        "| ranking term | SRCC | KRCC | PLCC | SRCC - none |",
        "|---|---|---|---|---|",
    ]
    for term, runs in results.items():
        if isinstance(runs, str):
            lines.append(f"| {TERMS[term]} | {runs} | | | |")
            continue
        cells = [_cell([run[name] for run in runs]) for name in ("srcc", "krcc", "plcc")]
        gain = "" if term == "none" else _cell([a["srcc"] - b["srcc"] for a, b in zip(runs, done["none"], strict=True)])
        lines.append(f"| {TERMS[term]} | {' | '.join(cells)} | {gain} |")
    report = output / "ablation.md"
    report.write_text("\n".join([*lines, "", "![SRCC by seed](ablation.png)", ""]))
    rows = [
        f"{term},{i + 1},{r['srcc']:.6f},{r['krcc']:.6f},{r['plcc']:.6f}"
        for term in done
        for i, r in enumerate(done[term])
    ]
    (output / "ablation.csv").write_text("\n".join(["term,seed,srcc,krcc,plcc", *rows, ""]))
    draw(done, output / "ablation.png")
    return report


def _cell(values: Sequence[float]) -> str:
    mean, low, high = interval(values)
    return f"{mean:.4f} [{low:.4f}, {high:.4f}]"


def draw(done: dict[str, list[Scores]], path: Path) -> None:
    """Draw the SRCC of every run, its mean and interval, one row per term."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.4), layout="constrained")
    axes = figure.subplots()
    for row, runs in enumerate(done.values()):
        values = [run["srcc"] for run in runs]
        mean, low, high = interval(values)
        axes.errorbar(mean, row, xerr=[[mean - low], [high - mean]], fmt="o", capsize=4, color="black")
        axes.plot(values, [row] * len(values), "x", color="tab:blue")
    axes.set_yticks(range(len(done)), [TERMS[term] for term in done])
    axes.invert_yaxis()
    axes.set_xlabel("SRCC on held-out contents\ncrosses: seeds; circle: mean with 95 % t-interval")
    figure.savefig(path, dpi=120)
