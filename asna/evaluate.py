"""Scores of a network for the pairs of a data set, and their agreement with the labels, in all and per distortion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from asna.data import ImageCache
from asna.model import ASNA

if TYPE_CHECKING:
    from benchmark.types import Pair


@dataclass(frozen=True, slots=True)
class SubsetAgreement:
    """Agreement over one distortion type ("all": every pair)."""

    subset: str
    n: int
    srcc: float
    krcc: float
    plcc: float


def agreement(scores: Sequence[float] | np.ndarray, labels: Sequence[float] | np.ndarray) -> dict[str, float]:
    """SRCC, KRCC (tau-b) and raw PLCC of scores and labels of one direction; nan where undefined."""
    from benchmark.statistics import kendall, pearson, spearman

    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    return {"srcc": float(spearman(x, y)), "krcc": float(kendall(x, y)), "plcc": float(pearson(x, y))}


def predict(
    model: ASNA, pairs: Sequence[Pair], *, cache: ImageCache | None = None, device: str = "cpu", batch_size: int = 8
) -> np.ndarray:
    """Score every pair with a network on `device`, in label units; each reference is decoded and encoded once.

    Leaves the network in evaluation mode. Raises PairError when an image cannot be decoded, ValueError when sizes differ.
    """
    cache = cache or ImageCache(None)
    by_reference: dict[Path | None, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        by_reference[pair.reference].append(index)
    scores = np.empty(len(pairs))
    model.eval()
    with torch.inference_mode():
        for reference, members in by_reference.items():
            if reference is None:
                raise ValueError(f"{pairs[members[0]].id}: has no reference; ASNA is a full-reference metric")
            prepared = model.prepare(_tensor([cache.read(reference)], device))
            for start in range(0, len(members), batch_size):
                part = members[start : start + batch_size]
                images = _tensor([cache.read(pairs[index].distorted) for index in part], device)
                scores[part] = model.score_views(images, prepared).cpu().numpy()
    return scores


def _tensor(images: list[np.ndarray], device: str) -> torch.Tensor:
    stacked = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    return stacked.to(torch.float32, memory_format=torch.channels_last).div(255.0)


def per_distortion(
    pairs: Sequence[Pair], scores: np.ndarray, *, higher_is_better: bool = True
) -> list[SubsetAgreement]:
    """Agreement over all pairs first, then per distortion type by name.

    `higher_is_better` is whether labels and scores have one direction; if not, scores are negated, once.
    """
    oriented = scores if higher_is_better else -scores
    labels = np.array([pair.label for pair in pairs])
    names = np.array([pair.distortion for pair in pairs])
    rows = [SubsetAgreement("all", len(pairs), **agreement(oriented, labels))]
    for name in sorted(set(names.tolist())):
        chosen = names == name
        rows.append(
            SubsetAgreement(name or "unnamed", int(chosen.sum()), **agreement(oriented[chosen], labels[chosen]))
        )
    return rows
