"""PIQE: the share of block artefacts and noise among the blocks that catch the eye; nothing is learned."""

from __future__ import annotations

import numpy as np

from benchmark.metrics import natural_scenes
from benchmark.metrics.imagewise import Function, ImagewiseMetric
from benchmark.types import MetricInfo

BLOCK = 16
ACTIVE = 0.1
"""A block whose variance is above this catches the eye."""
SEGMENT = 6
"""Neighbouring pixels of a block's edge that are looked at together."""
IMPAIRED = 0.1
"""A segment whose deviation is below this belongs to a visible block edge."""
CENTRE = (7, 8)
"""The columns that count as the centre of a block in the noise criterion."""
SURROUND = [*range(7), 8, *range(10, BLOCK)]
"""And the others, as MATLAB's piqe has them: the second removal counts columns after the first."""


def piqe(grey: np.ndarray) -> float:
    """Score of an image (H, W) in [0, 255], 0 good to 100 bad (Venkatanath et al. 2015, as MATLAB's piqe).

    An image without active blocks gets 100.
    """
    blocks = _blocks(grey)
    variance = blocks.var(axis=(1, 2), ddof=1)
    active = variance > ACTIVE
    blocks, variance = blocks[active], variance[active]
    noisy, impaired = _noisy(blocks, np.sqrt(variance)), _impaired(blocks)
    damage = (impaired * (1 - variance) + noisy * variance).sum()
    return float(100 * (damage + 1) / (active.sum() + 1))


def _blocks(grey: np.ndarray) -> np.ndarray:
    """Normalised blocks (n, 16, 16) of an image, extended by reflection and stretched so that its peak is 255."""
    padded = np.pad(grey, [(0, -side % BLOCK) for side in grey.shape], mode="symmetric")
    peak = padded.max()
    stretched = np.floor(255 * (padded / peak) + 0.5) if peak else padded
    normal = natural_scenes.normalised(stretched, border="nearest")
    rows, columns = (side // BLOCK for side in normal.shape)
    return normal.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def _noisy(blocks: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Whether a block's centre deviates from its surround as noise does."""
    centre = blocks[:, :, CENTRE].std(axis=(1, 2), ddof=1)
    surround = blocks[:, :, SURROUND].std(axis=(1, 2), ddof=1)
    ratio = np.divide(centre, surround, out=np.zeros_like(centre), where=surround > 0)
    return deviation > 2 * np.abs(deviation - ratio) / np.maximum(deviation, ratio)


def _impaired(blocks: np.ndarray) -> np.ndarray:
    """Whether any segment of a block's four edges is flat."""
    edges = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], axis=1)
    segments = np.lib.stride_tricks.sliding_window_view(edges, SEGMENT, axis=2)
    return (segments.std(axis=3, ddof=1) < IMPAIRED).any(axis=(1, 2))


def _make() -> Function:
    return lambda rgb: piqe(natural_scenes.grey(rgb))


METRICS = (
    ImagewiseMetric(
        MetricInfo(
            name="piqe",
            title="PIQE",
            proof="official values of 5 images, all printed digits",
            kind="no-reference",
            version="1",
            higher_is_better=False,
            protocol="PIQE as MATLAB's toolbox function, on rounded BT.601 grey in blocks of 16 x 16, with flat areas "
            "without rounding noise.",
            score_range=(0.0, 100.0),
            min_size=16,
            tolerance=1e-4,
            library="scipy",
            licence="Apache-2.0",
            citation="N. Venkatanath, D. Praneeth, Bh. M. Chandrasekhar, S. S. Channappayya, S. S. Medasani. Blind image "
            "quality evaluation using perception based features. NCC, 2015",
        ),
        _make,
    ),
)
"""PIQE."""
