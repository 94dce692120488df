"""Pairs of any data set of the harness -> batches of tensors, bigger than memory.

An epoch is planned first, as a pure function of the seed and the epoch's number: which pairs form a batch, which crop
each reference gets. Workers then only decode, so their number changes nothing, and a resumed run sees the same batches.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from benchmark.images import read_rgb, reading_rules

if TYPE_CHECKING:
    from benchmark.types import Pair


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs of one reference that share a crop. `row` and `column`, in [0, 1], place it between the borders."""

    pairs: tuple[int, ...]
    row: float
    column: float


@dataclass(slots=True)
class Batch:
    """References uint8 (R, 3, S, S), distorted images uint8 (N, 3, S, S), whose reference each has (N,), labels (N,)."""

    reference: Tensor
    distorted: Tensor
    owner: Tensor
    label: Tensor


def plan_epoch(
    pairs: Sequence[Pair], *, batch_size: int, pairs_per_reference: int, seed: int, epoch: int
) -> list[list[Group]]:
    """Draw the batches of one epoch: every pair once, no batch of one pair; to avoid that, one may be larger.

    `pairs_per_reference` > 1 puts up to that many distorted images of a reference in one batch, whose features are
    then computed once; 1 shuffles pairs freely, as the paper does.
    """
    rng = np.random.default_rng([seed, epoch])
    by_reference: dict[Path | None, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        by_reference[pair.reference].append(index)
    groups: list[tuple[int, ...]] = []
    for members in by_reference.values():
        shuffled = rng.permutation(members).tolist()
        groups += [tuple(shuffled[i : i + pairs_per_reference]) for i in range(0, len(shuffled), pairs_per_reference)]
    batches: list[list[Group]] = [[]]
    for index in rng.permutation(len(groups)):
        if _size(batches[-1]) + len(groups[index]) > batch_size:
            batches.append([])
        row, column = rng.random(2)
        batches[-1].append(Group(groups[index], row, column))
    merged = batches[:1]
    for batch in batches[1:]:
        if min(_size(batch), _size(merged[-1])) < 2:  # correlation and rank need company
            merged[-1] = merged[-1] + batch
        else:
            merged.append(batch)
    return merged


def _size(batch: Sequence[Group]) -> int:
    return sum(len(group.pairs) for group in batch)


class ImageCache:
    """Decoded images as memory-mapped arrays in a folder: a crop then reads only its own rows.

    The key is the file's path, size and time of change, and the rules of reading. Without a folder every image is decoded anew.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def read(self, path: Path) -> np.ndarray:
        """Return uint8 RGB (H, W, 3); raises PairError when the file cannot be decoded."""
        if self.folder is None:
            return read_rgb(path)
        facts = path.stat()
        state = f"\t{facts.st_size}\t{facts.st_mtime_ns}\t{reading_rules()}"
        key = hashlib.sha256(os.fsencode(path.resolve()) + state.encode()).hexdigest()[:32]
        file = self.folder / f"{key}.npy"
        if not file.exists():
            temporary = file.with_name(f".{key}.{os.getpid()}.npy")
            np.save(temporary, read_rgb(path))
            os.replace(temporary, file)
        return np.load(file, mmap_mode="r")


def crop(image: np.ndarray, *, size: int, row: float, column: float) -> np.ndarray:
    """Cut `size` x `size` pixels; a shorter side is first extended by reflection at its lower or right end."""
    height, width = image.shape[:2]
    if min(height, width) < size:
        padding = ((0, max(0, size - height)), (0, max(0, size - width)), (0, 0))
        image = np.pad(image, padding, mode="reflect" if min(height, width) > 1 else "edge")
        height, width = image.shape[:2]
    top, left = round(row * (height - size)), round(column * (width - size))
    return image[top : top + size, left : left + size]


class Epoch(Dataset):
    """The batches of a planned epoch, read when asked for."""

    def __init__(
        self, pairs: Sequence[Pair], plan: Sequence[Sequence[Group]], *, crop_size: int, cache: ImageCache
    ) -> None:
        self.pairs, self.plan, self.crop_size, self.cache = pairs, plan, crop_size, cache

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> Batch:
        references, distorted, owner, labels = [], [], [], []
        for number, group in enumerate(self.plan[index]):
            first = self.pairs[group.pairs[0]]
            if first.reference is None:
                raise ValueError(f"{first.id}: has no reference; ASNA learns from full-reference pairs")
            references.append(self._crop(first.reference, group))
            for member in group.pairs:
                distorted.append(self._crop(self.pairs[member].distorted, group))
                owner.append(number)
                labels.append(self.pairs[member].label)
        return Batch(
            reference=torch.from_numpy(np.stack(references)).permute(0, 3, 1, 2),
            distorted=torch.from_numpy(np.stack(distorted)).permute(0, 3, 1, 2),
            owner=torch.tensor(owner),
            label=torch.tensor(labels, dtype=torch.float64),
        )

    def _crop(self, path: Path, group: Group) -> np.ndarray:
        return crop(self.cache.read(path), size=self.crop_size, row=group.row, column=group.column)


def split_contents(pairs: Sequence[Pair], *, fraction: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return (training, validation) pairs that share no content.

    A data set whose own splits are named "train" and "val" keeps them; else `fraction` of the contents are drawn with
    `seed` for validation. Raises UserError when a part is empty or a split cuts through a content.
    """
    from benchmark.pairs import split_pairs

    if {pair.split for pair in pairs} >= {"train", "val"}:
        return split_pairs(pairs, "train"), split_pairs(pairs, "val")
    return split_pairs(pairs, f"train:{fraction}:{seed}"), split_pairs(pairs, f"test:{fraction}:{seed}")
