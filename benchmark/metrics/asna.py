"""ASNA, trained here: the bridge from `asna`'s shipped networks to the harness.

Only networks whose weights are in `asna/weights` are registered; what is known of each is read from the JSON beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asna.checkpoint import BEST, WEIGHTS
from benchmark.types import MetricInfo, UserError

if TYPE_CHECKING:
    from asna.views import Ensemble
    from benchmark.images import ImageBatch

CITATION = (
    "Ayyoubzadeh and Royat, (ASNA) An Attention-based Siamese-Difference Neural Network with Surrogate Ranking Loss "
    "function for Perceptual Image Quality Assessment, CVPR Workshops 2021"
)


@dataclass(frozen=True, slots=True)
class Asna:
    """One or several shipped networks, seen plainly or in eight views, as one metric."""

    info: MetricInfo
    networks: tuple[str, ...]
    """Stems of the files in `asna/weights`."""
    symmetric: bool = False
    """True: the mean over the eight rotations and flips."""
    weights: Path = WEIGHTS

    def load(self, device: str) -> AsnaScorer:
        """Read the weights, checked against the sha256 in `info`; raises UserError when one is missing or damaged."""
        from asna.checkpoint import CheckpointError, load, sha256
        from asna.views import PLAIN, SYMMETRIES, Ensemble

        models = []
        paths = [self.weights / f"{name}.safetensors" for name in self.networks]
        try:
            found = "+".join(sha256(path) for path in paths)
            if found != self.info.weights_sha256:
                raise UserError(
                    f"{self.info.name}: damaged weights in {self.weights}: expected sha256 {self.info.weights_sha256}, "
                    f"got {found}; install the package again"
                )
            models = [load(path, device=device) for path in paths]
        except (CheckpointError, OSError) as error:
            raise UserError(
                f"{self.info.name}: cannot read its weights ({error}); install the package again"
            ) from error
        for model in models:
            model.requires_grad_(False)
        return AsnaScorer(Ensemble(models, SYMMETRIES if self.symmetric else PLAIN))


class AsnaScorer:
    """Scores with encoder features of the reference that are computed once."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble

    def prepare(self, reference: ImageBatch) -> Any:
        """Return the reference's features for every network, view and tile."""
        import torch

        with torch.inference_mode():
            return self.ensemble.prepare(reference.tensor)

    def score(self, distorted: ImageBatch, prepared: Any) -> np.ndarray:
        """Return one quality per distorted image, float64, in the unit of the training labels.

        On a CPU images go through one at a time: a convolution over a batch rounds otherwise than one over a single
        image, and a score must not depend on its batch.
        """
        import torch

        images = distorted.tensor
        parts = images.split(1) if images.device.type == "cpu" else (images,)
        with torch.inference_mode():
            return torch.cat([self.ensemble.score_views(part, prepared) for part in parts]).cpu().numpy()


SIZES = {
    "asna-gap": "any size in one pass, mean and deviation pooled over the image (reflected to a multiple of 16)",
    "asna-flatten": "288 x 288 tiles that cover the image with even overlap, averaged (reflected up to 288)",
}
"""Shipped networks, and how each takes an image."""
PROOFS = {
    "asna-tta": "the mean over eight views of asna-gap, turned by hand (1e-3)",
    "asna-ensemble": "the mean of asna-gap and asna-flatten (1e-6)",
}
OWN_NETWORK = "defined here: the shipped network itself, the same bits in any batch"


def _metrics(weights: Path = WEIGHTS) -> list[Asna]:
    """The metrics whose weights are all there."""
    facts = {
        name: json.loads((weights / f"{name}.json").read_text(encoding="utf-8"))
        for name in SIZES
        if (weights / f"{name}.safetensors").is_file() and (weights / f"{name}.json").is_file()
    }
    if BEST not in facts:
        return []
    chosen: list[tuple[str, tuple[str, ...]]] = [
        ("asna", (BEST,)),
        *((name, (name,)) for name in facts),
        ("asna-tta", (BEST,)),
    ]
    if len(facts) > 1:
        chosen.append(("asna-ensemble", tuple(facts)))
    return [
        Asna(_info(name, networks, facts), networks, symmetric=name == "asna-tta", weights=weights)
        for name, networks in chosen
    ]


def _info(name: str, networks: tuple[str, ...], facts: dict[str, Any]) -> MetricInfo:
    first = facts[networks[0]]
    how = "; ".join(f"{network}: {SIZES[network]}" for network in networks)
    views = "; mean over quarter turns and flips" if name == "asna-tta" else ""
    return MetricInfo(
        name=name,
        title={"asna-tta": "ASNA, eight views", "asna-ensemble": "ASNA, ensemble"}.get(name, name.upper()),
        version=first["version"],
        higher_is_better=first["label_higher_is_better"],
        protocol=f"RGB in [0, 1] mapped to [-1, 1]; {how}{views}.",
        tolerance=0.01,
        library="asna",
        proof=PROOFS.get(name, OWN_NETWORK),
        weights_sha256="+".join(facts[network]["sha256"] for network in networks),
        trained_on=tuple(dict.fromkeys(facts[network]["trained_on"] for network in networks)),
        licence="Apache-2.0; training photographs CC BY-SA 4.0 (CID22)",
        citation=CITATION,
        note=first["note"],
    )


METRICS = _metrics()
