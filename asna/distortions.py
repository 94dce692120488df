"""What can happen to a photograph: draw a distortion type, and apply it at a continuous strength."""

from __future__ import annotations

import numpy as np

from asna.distortion_types import DISTORTIONS, WEIGHTS, to_uint8

MIXTURE_WEIGHT = 4.0
"""Weight of `mixture`: two types, one after the other."""

PRISTINE_WEIGHT = 0.4
"""Weight of `pristine`: the unchanged image, the upper end of the scale."""


def distort(image: np.ndarray, *, kind: str, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 RGB (H, W, 3) with the distortion `kind` at `strength`, from uint8 RGB.

    A mixture is named ``FIRST+SECOND``; both parts get `strength`. Raises KeyError for an unknown kind.
    """
    result = image
    for part in kind.split("+"):
        if part != "pristine":
            result = to_uint8(DISTORTIONS[part](result / 255.0, strength, rng))
    return result


def draw_kind(rng: np.random.Generator) -> str:
    """Draw a distortion type by its weight; a mixture is drawn with its two parts."""
    names = [*DISTORTIONS, "mixture", "pristine"]
    weights = np.array([*WEIGHTS.values(), MIXTURE_WEIGHT, PRISTINE_WEIGHT])
    kind = str(rng.choice(names, p=weights / weights.sum()))
    if kind == "mixture":
        kind = "+".join(rng.choice(list(DISTORTIONS), size=2, replace=False))
    return kind
