"""NIQE: how far an image's patch statistics lie from those of natural photographs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics import natural_scenes
from benchmark.metrics.embedded import read_arrays
from benchmark.metrics.imagewise import Function, ImagewiseMetric
from benchmark.types import MetricInfo, PairError
from benchmark.weights.catalogue import EMBEDDED

WEIGHTS = EMBEDDED / "niqe.safetensors"
WEIGHTS_SHA256 = "8306326ee36635172cf15ec30c162cda2f7e5d4cf246c221ed41d2bd819770b2"

BLOCK = 96
"""Side of a patch in pixels (Mittal et al. 2013, section II-B)."""
SHIFTS = (*natural_scenes.NEIGHBOURS, (1, -1))
"""Neighbours down and to the right, in the order of the authors' computefeature.m."""
MIN_BLOCKS = 2
"""A covariance needs two."""
STUDIO_LUMA = (65.481, 128.553, 24.966)
"""MATLAB's rgb2ycbcr, of RGB in [0, 1]; black is 16."""
BORDER = 4
"""Pixels cut from each side by the perceptual index (PIRM 2018)."""


def _block_features(block: np.ndarray) -> list[float]:
    """The 18 features of a normalised patch; nan where it is flat."""
    shape, left, right = natural_scenes.fit_asymmetric(block)
    scale, _ = natural_scenes.scales_of_shape(shape)
    features = [shape, scale * (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = natural_scenes.fit_asymmetric(block * np.roll(block, shift, (0, 1)))
        scale, magnitude = natural_scenes.scales_of_shape(shape)
        features += [shape, scale * (right - left) * magnitude, scale * left, scale * right]
    return features


def patch_features(grey: np.ndarray) -> np.ndarray:
    """Features (patches, 36) on two scales of the whole patches of an image (H, W) in [0, 255]."""
    rows, columns = (side // BLOCK for side in grey.shape)
    image, scales = grey[: rows * BLOCK, : columns * BLOCK], []
    for side in (BLOCK, BLOCK // 2):
        normal = natural_scenes.normalised(image, border="nearest")
        blocks = [
            normal[i * side : (i + 1) * side, j * side : (j + 1) * side] for j in range(columns) for i in range(rows)
        ]
        scales.append(np.array([_block_features(block) for block in blocks]))
        image = natural_scenes.halved(image)
    return np.hstack(scales)


def niqe(grey: np.ndarray, *, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Distance of an image (H, W) in [0, 255] from the natural model (Mittal et al. 2013, eq. 10).

    Raises PairError where fewer than two patches have structure.
    """
    features = patch_features(grey)
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < MIN_BLOCKS:
        raise PairError(
            f"{len(whole)} of its patches of {BLOCK} x {BLOCK} pixels have structure; NIQE needs {MIN_BLOCKS}"
        )
    difference = mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


def _make() -> Function:
    model = read_arrays("niqe", WEIGHTS, WEIGHTS_SHA256)
    return lambda rgb: niqe(natural_scenes.grey(rgb), **model)


def studio_luma(rgb: np.ndarray) -> np.ndarray:
    """Y of MATLAB's rgb2ycbcr, rounded, float64 (H, W) in [16, 235], of uint8 RGB (H, W, 3)."""
    red, green, blue = STUDIO_LUMA
    return np.floor((red * rgb[..., 0] + green * rgb[..., 1] + blue * rgb[..., 2]) / 255 + 16.5)


def _make_pirm() -> Function:
    model = read_arrays("niqe-pirm", WEIGHTS, WEIGHTS_SHA256)
    inner = slice(BORDER, -BORDER)
    return lambda rgb: niqe(studio_luma(rgb)[inner, inner], **model)


FACTS: dict[str, Any] = {
    "kind": "no-reference",
    "version": "1",
    "higher_is_better": False,
    "score_range": (0.0, float("inf")),
    "tolerance": 1e-4,
    "library": "scipy",
    "weights_sha256": WEIGHTS_SHA256,
    "licence": "UT Austin LIVE notice (parameters)",
    "citation": 'A. Mittal, R. Soundararajan, A. C. Bovik. Making a "completely blind" image quality analyzer. '
    "IEEE Signal Processing Letters, 2013",
}

METRICS = (
    ImagewiseMetric(
        MetricInfo(
            name="niqe",
            title="NIQE",
            proof="official values of 5 images (1e-9 without flat areas, 6e-3 of the value with)",
            protocol="NIQE as LIVE's release (not MATLAB's toolbox function): rounded BT.601 grey, patches of 96 x 96 on "
            "two scales, LIVE's model of pristine images, and flat areas without rounding noise.",
            min_size=2 * BLOCK,
            **FACTS,
        ),
        _make,
    ),
    ImagewiseMetric(
        MetricInfo(
            name="niqe-pirm",
            title="NIQE (as part of PI)",
            proof="pyiqa 0.1.16 on 5 images (1e-3 of the value; 6e-2 where areas are flat)",
            protocol="As niqe, on rounded studio-range Y of BT.601 with 4 pixels cut from each side, as in the perceptual "
            "index of PIRM 2018.",
            min_size=2 * BLOCK + 2 * BORDER,
            **FACTS,
        ),
        _make_pirm,
    ),
)
"""NIQE in its two protocols."""
