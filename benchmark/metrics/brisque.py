"""BRISQUE: a support vector regression from natural scene statistics to human opinion."""

from __future__ import annotations

import numpy as np

from benchmark.metrics import natural_scenes
from benchmark.metrics.embedded import read_arrays
from benchmark.metrics.imagewise import Function, ImagewiseMetric
from benchmark.metrics.seen import LIVE
from benchmark.types import MetricInfo, PairError
from benchmark.weights.catalogue import EMBEDDED

WEIGHTS = EMBEDDED / "brisque.safetensors"
WEIGHTS_SHA256 = "10d919468bb9132fe1a50b21100fabd5182c6a4a21e6cef8bbe195d45428dc54"

GAMMA = 0.05
RHO = -153.591
"""Of the kernel and of the decision function, from LIVE's `allmodel`."""
SHIFTS = (*natural_scenes.NEIGHBOURS, (-1, 1))
"""In the order of the authors' brisque_feature.m."""
SCALES = 2


def features(grey: np.ndarray) -> np.ndarray:
    """The 36 features of an image (H, W) in [0, 255], 18 on each of two scales; nan where it has no structure."""
    found: list[float] = []
    image = grey
    for _ in range(SCALES):
        normal = natural_scenes.normalised(image, border="constant")
        found += natural_scenes.fit_symmetric(normal)
        for shift in SHIFTS:
            shape, left, right = natural_scenes.fit_asymmetric(normal * np.roll(normal, shift, (0, 1)))
            scale, magnitude = natural_scenes.scales_of_shape(shape)
            found += [shape, (right - left) * scale * magnitude, left**2, right**2]
        image = natural_scenes.halved(image)
    return np.array(found)


def brisque(
    grey: np.ndarray, *, vectors: np.ndarray, coefficients: np.ndarray, low: np.ndarray, high: np.ndarray
) -> float:
    """Predicted DMOS of an image (H, W) in [0, 255]: about 0 pristine, 100 bad. Raises PairError for a flat image."""
    found = features(grey)
    if np.isnan(found).any():
        raise PairError("has too little structure for BRISQUE: the products of neighbours have one sign only")
    scaled = 2 * (found - low) / (high - low) - 1
    kernel = np.exp(-GAMMA * ((vectors - scaled) ** 2).sum(axis=1))
    return float((kernel * coefficients).sum() - RHO)


def _make() -> Function:
    model = read_arrays("brisque", WEIGHTS, WEIGHTS_SHA256)
    return lambda rgb: brisque(natural_scenes.grey(rgb), **model)


METRICS = (
    ImagewiseMetric(
        MetricInfo(
            name="brisque",
            title="BRISQUE",
            proof="official values of 5 images (2e-3; 2.5 where areas are flat)",
            kind="no-reference",
            version="1",
            higher_is_better=False,
            protocol="BRISQUE as LIVE's release (not MATLAB's toolbox function): rounded BT.601 grey, two scales, zero "
            "borders, LIVE's support vector regression, and flat areas without rounding noise.",
            min_size=16,
            tolerance=1e-4,
            library="scipy",
            weights_sha256=WEIGHTS_SHA256,
            trained_on=LIVE,  # the paper cited: regression trained on LIVE
            licence="UT Austin LIVE notice (parameters)",
            citation="A. Mittal, A. K. Moorthy, A. C. Bovik. No-reference image quality assessment in the spatial "
            "domain. IEEE TIP, 2012",
        ),
        _make,
    ),
)
"""BRISQUE."""
