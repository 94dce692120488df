"""Put the result of a training run into `asna/weights`, with what a reader must know of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from asna.checkpoint import WEIGHTS, model_from, read_checkpoint, save_model, sha256

SYNTHETIC_NAME = "synthetic-cid22"
"""The synthetic set's name in `trained_on`."""

SYNTHETIC_NOTE = (
    "trained on synthetic labels: a consensus of six full-reference metrics on generated distortions of CID22 "
    "photographs; no person rated a training pair"
)
"""Stands wherever a shipped network is shown."""


def ship(run: Path, *, name: str, version: str, weights: Path = WEIGHTS, history: str = "") -> Path:
    """Copy the best network of the run in `run` to `weights`/NAME.safetensors; returns that path.

    `history` says what the network was begun from, in words: paths of other machines tell a reader nothing.
    Beside it go NAME.json (the metadata and the file's sha256), NAME.csv (the log) and NAME.png (its curves). Raises
    CheckpointError when the run holds no network.
    """
    best = run / "best.safetensors"
    checkpoint = read_checkpoint(best, kind="asna")
    facts = checkpoint.metadata | {
        "name": name,
        "version": version,
        "dataset": SYNTHETIC_NAME,
        "label_kind": "synthetic: 0..100, no person rated",
        "dataset_title": "synthetic pairs from CID22 photographs (python -m asna synthesize)",
        "trained_on": SYNTHETIC_NAME,
        "note": SYNTHETIC_NOTE,
    }
    facts["begun_from"] = history or "nothing: random weights"
    facts.pop("init", None)
    target = weights / f"{name}.safetensors"
    save_model(target, model_from(checkpoint, best), facts)
    described = {"sha256": sha256(target), **facts}
    target.with_suffix(".json").write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for source, suffix in (("log.csv", ".csv"), ("curves.png", ".png")):
        shutil.copyfile(run / source, target.with_suffix(suffix))
    return target
