"""The paper's own recipe, for those who have the data: pre-train on TID2008 and TID2013, then train on PIPAL.

What differs from the paper is listed in `DIFFERENCES` and printed beside the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asna.data import ImageCache, split_contents
from asna.evaluate import per_distortion, predict
from asna.loss import LossWeights
from asna.session import provenance, user_errors
from asna.train import TrainConfig, report_to, train
from benchmark.pairs import label_revision
from benchmark.registry import Registry
from benchmark.types import UserError

if TYPE_CHECKING:
    from benchmark.types import Pair

PRETRAINING = ("tid2008", "tid2013")
TARGET = "pipal"

PUBLISHED_PLCC = 0.831
"""PLCC on the NTIRE 2021 test set, whose labels were never released (secondary source, unverified)."""

DIFFERENCES = (
    "measured on held-out contents of PIPAL's public training part; published on the NTIRE 2021 test set, labels not public",
    "validation holds out contents; the authors split images after augmentation, so their contents are on both sides",
    "pre-trained without PieAPP's images, which this harness does not read",
    "one checkpoint, one view; the authors average several over 22 views",
    "the correlation term is 1 - r, not 1 - r^2, with a weight of its own; ranks come from a sorter for any batch size",
    "smaller or larger images are cropped at random or reflected to 288, not centre-cropped or zero-padded",
)

Progress = Callable[[int, int, str], None]


def paper_config(epochs: int | None = None) -> TrainConfig:
    """The paper's attention setting; `epochs` replaces its 20."""
    config = TrainConfig(loss=LossWeights())
    return replace(config, epochs=epochs) if epochs else config


def pretraining_pairs(registry: Registry, data_root: Path | None) -> list[Pair]:
    """All pairs of TID2008 and TID2013; a picture that both hold is one content, ids carry the data set's name."""
    pairs = []
    for name in PRETRAINING:
        found = registry.dataset(name).pairs(data_root)
        pairs += [replace(pair, id=f"{name}/{pair.id}") for pair in found]
    return pairs


def reproduce(
    *,
    data_root: Path | None,
    output: Path,
    device: str = "cpu",
    resume: bool = False,
    workers: int = 0,
    cache: Path | None = None,
    epochs: int | None = None,
    config: TrainConfig | None = None,
    registry: Registry | None = None,
    progress: Progress = lambda done, total, what: None,
) -> str:
    """Run both stages and measure on PIPAL's held-out contents; returns the report, also in `output`/report.md.

    With `resume` finished stages are kept and a begun one goes on. `config` replaces the paper's. Raises UserError when
    a data set is missing or incomplete, before anything is trained.
    """
    registry = registry or Registry()
    config = config or paper_config(epochs)
    target = registry.dataset(TARGET).pairs(data_root)
    stages = [("pretraining", pretraining_pairs(registry, data_root)), ("training", target)]
    init: Path | None = None
    for name, pairs in stages:
        folder = output / name
        begun = (folder / "last.safetensors").exists()
        if begun and not resume:
            raise UserError(f"{folder}: holds a run already; go on with --resume, or choose another folder")
        training, validation = split_contents(pairs, fraction=config.validation_fraction, seed=config.seed)
        with user_errors():
            result = train(
                training=training,
                validation=validation,
                output=folder,
                config=config,
                facts=_facts(name, pairs, training, validation, config, device),
                device=device,
                init=init,
                resume=begun,
                workers=workers,
                cache=cache,
                report=report_to(progress, name),
            )
        init = result.best
    _, held_out = split_contents(target, fraction=config.validation_fraction, seed=config.seed)
    return _report(output, held_out, best=result.best, device=device, cache=cache)


def _facts(
    stage: str,
    pairs: Sequence[Pair],
    training: Sequence[Pair],
    validation: Sequence[Pair],
    config: TrainConfig,
    device: str,
) -> dict[str, Any]:
    names = PRETRAINING if stage == "pretraining" else (*PRETRAINING, TARGET)
    return {
        "dataset": "+".join(names),
        "trained_on": list(names),
        "dataset_revision": label_revision(pairs),
        "label_higher_is_better": True,
        "training_contents": sorted({pair.content for pair in training}),
        "validation_contents": sorted({pair.content for pair in validation}),
        "training": asdict(config),
        "note": f"the paper's recipe, {stage}; trained on human labels of {', '.join(names)}",
        **provenance(device),
    }


def _report(output: Path, held_out: Sequence[Pair], *, best: Path, device: str, cache: Path | None) -> str:
    from asna.checkpoint import load

    with user_errors():
        scores = predict(load(best, device=device), held_out, device=device, cache=ImageCache(cache))
    rows = per_distortion(held_out, scores)
    overall = rows[0]
    lines = [
        "# ASNA by the paper's recipe",
        "",
        f"Held-out contents of PIPAL's public part: {len({pair.content for pair in held_out})} contents, {overall.n} pairs.",
        "",
        "| | SRCC | PLCC | SRCC + PLCC |",
        "|---|---|---|---|",
        f"| measured, held-out contents | {overall.srcc:.4f} | {overall.plcc:.4f} | {overall.srcc + overall.plcc:.4f} |",
        f"| published, NTIRE 2021 test (secondary source, unverified) | | {PUBLISHED_PLCC:.3f} | |",
        "",
        "What differs:",
        "",
        *(f"- {difference}" for difference in DIFFERENCES),
        "",
        "| distortion | pairs | SRCC | KRCC | PLCC |",
        "|---|---|---|---|---|",
        *(f"| {row.subset} | {row.n} | {row.srcc:.4f} | {row.krcc:.4f} | {row.plcc:.4f} |" for row in rows),
    ]
    report = "\n".join(lines) + "\n"
    (output / "report.md").write_text(report)
    (output / "report.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return report
