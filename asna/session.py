"""Training and evaluation on data sets of the harness: names become pairs, and facts are put into the checkpoint."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asna.checkpoint import CheckpointError, load, read_checkpoint, shipped
from asna.data import split_contents
from asna.evaluate import SubsetAgreement, per_distortion, predict
from asna.recipe import FLATTENED, POOLED
from asna.shipping import SYNTHETIC_NOTE
from asna.synthetic import synthesize
from asna.train import StepReport, TrainConfig, TrainResult, report_to, train
from benchmark.pairs import label_revision, require_files, split_pairs
from benchmark.registry import Registry
from benchmark.types import PairError, UserError

if TYPE_CHECKING:
    from benchmark.types import DatasetInfo, Pair

PRESETS = {"paper": TrainConfig(), "gap": POOLED, "flatten": FLATTENED}


def preset_config(name: str) -> TrainConfig:
    """Return a named training config; raises UserError for an unknown name."""
    if name not in PRESETS:
        raise UserError(f"preset: expected {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what a user can mend, bad checkpoints, images and folders, into a UserError."""
    try:
        yield
    except (CheckpointError, PairError, FileNotFoundError) as error:
        raise UserError(str(error)) from error


def provenance(device: str) -> dict[str, Any]:
    """When, from which commit, on what and with which versions something was trained."""
    import torch

    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown: not a checkout"
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "device": f"{device}: {name}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def training_facts(
    info: DatasetInfo, training: Sequence[Pair], validation: Sequence[Pair], config: TrainConfig, device: str
) -> dict[str, Any]:
    """What a checkpoint says of its training: data, split by content, settings, provenance."""
    return {
        "dataset": info.name,
        "dataset_title": info.title,
        "dataset_revision": label_revision([*training, *validation]),
        "label_kind": info.label_kind,
        "label_higher_is_better": info.label_higher_is_better,
        "n_training": len(training),
        "n_validation": len(validation),
        "training_contents": sorted({pair.content for pair in training}),
        "validation_contents": sorted({pair.content for pair in validation}),
        "training": asdict(config),
        **provenance(device),
    }


def run_training(
    *,
    dataset: str,
    data_root: Path | None,
    output: Path,
    config: TrainConfig,
    device: str,
    init: str | None = None,
    resume: bool = False,
    workers: int = 0,
    cache: Path | None = None,
    minutes: float | None = None,
    report: StepReport | None = None,
    facts: dict[str, Any] | None = None,
) -> TrainResult:
    """Train on a data set by name (see `asna.train.train`); `facts` join the checkpoint's metadata.

    Raises UserError for an unknown or incomplete data set, a bad checkpoint, or a run that cannot be resumed.
    """
    found = Registry().dataset(dataset)
    pairs = found.pairs(data_root)
    require_files(found.info, pairs)
    if any(pair.reference is None for pair in pairs):
        raise UserError(f"{dataset}: has no references; ASNA learns from full-reference pairs")
    if (output / "last.safetensors").exists() and not resume:
        raise UserError(f"{output}: holds a run already; go on with --resume, or choose another folder")
    training, validation = split_contents(pairs, fraction=config.validation_fraction, seed=config.seed)
    known = training_facts(found.info, training, validation, config, device) | {"init": init} | (facts or {})
    with user_errors():
        return train(
            training=training,
            validation=validation,
            output=output,
            config=config,
            facts=known,
            device=device,
            init=Path(init) if init and init not in shipped() else init,
            resume=resume,
            workers=workers,
            cache=cache,
            minutes=minutes,
            report=report,
        )


def evaluate_checkpoint(
    *, dataset: str, checkpoint: str, data_root: Path | None, device: str, split: str | None = None
) -> list[SubsetAgreement]:
    """Agreement of a checkpoint with a data set's labels: all pairs first, then per distortion."""
    found = Registry().dataset(dataset)
    pairs = found.pairs(data_root)
    require_files(found.info, pairs)
    if split:
        pairs = split_pairs(pairs, split)
    with user_errors():
        path = shipped().get(checkpoint, Path(checkpoint))
        facts = read_checkpoint(path, kind="asna").metadata
        scores = predict(load(path, device=device), pairs, device=device)
    same = facts.get("label_higher_is_better", True) == found.info.label_higher_is_better
    return per_distortion(pairs, scores, higher_is_better=same)


def run_recipe(
    *,
    pristine: Path,
    output: Path,
    device: str,
    resume: bool = False,
    minutes: float | None = None,
    workers: int = 2,
    progress: Callable[[int, int, str], None],
) -> Iterator[str]:
    """Synthesise, train the pooled network, then the flattened one from it; yields a line when a part is done."""
    with user_errors():
        table = synthesize(
            pristine=pristine,
            output=output / "pairs",
            workers=workers,
            progress=lambda done, total: progress(done, total, "synthetic crops"),
        )
    yield f"{table}: ready"
    init = None
    for name, config in (("asna-gap", POOLED), ("asna-flatten", FLATTENED)):
        folder = output / name
        precision = "bf16" if device.startswith("cuda") else config.precision
        result = run_training(
            dataset=f"table:{table}",
            data_root=None,
            output=folder,
            config=replace(config, precision=precision),
            device=device,
            init=init,
            resume=resume and (folder / "last.safetensors").exists(),
            cache=output / "cache",
            minutes=minutes,
            report=report_to(progress, name),
            facts={"note": SYNTHETIC_NOTE},
        )
        yield f"{result.best}: validation SRCC {result.srcc:.4f} after {result.epochs} epochs"
        if not result.finished:
            yield "not finished: go on with --resume"
            return
        init = str(result.best)
