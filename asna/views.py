"""Test-time views and ensembles: one score from several networks and several views of the pair, averaged.

The authors average checkpoints over rotations, flips and lightness scalings of both images. Rotations and flips leave
quality alone; a lightness scaling changes what is visible, so it is off unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asna.augment import scale_lightness, turn
from asna.model import ASNA

Prepared = list[list[tuple[Tensor, ...]]]
"""Encoder features of a reference: by network and view, then by tile, then by scale."""


@dataclass(frozen=True, slots=True)
class View:
    """A change applied to both images."""

    turn: int = 0
    """One of the eight symmetries of the rectangle and its transpose (`asna.augment.turn`)."""
    lightness: float = 1.0
    """Factor on L of CIE Lab."""

    def __call__(self, image: Tensor) -> Tensor:
        """Return the view of images (N, 3, H, W) in [0, 1]; height and width change places at odd quarter turns."""
        if self.lightness != 1.0:
            image = scale_lightness(image, torch.full((len(image),), self.lightness).to(image))
        return turn(image, self.turn).contiguous(memory_format=torch.channels_last)


PLAIN = (View(),)
SYMMETRIES = tuple(View(turn=i) for i in range(8))
"""All quarter turns and flips."""


class Ensemble:
    """Several networks and views as one: the interface of `ASNA` (`prepare`, `score_views`), scores averaged.

    The networks must have been trained on labels of one unit and direction.
    """

    def __init__(self, models: Sequence[ASNA], views: Sequence[View] = PLAIN) -> None:
        if not models or not views:
            raise ValueError("expected at least one network and one view")
        self.models, self.views = tuple(models), tuple(views)

    def prepare(self, reference: Tensor) -> Prepared:
        """Encoder features of a reference (1, 3, H, W) in [0, 1] for every network and view."""
        return [model.prepare(view(reference)) for model in self.models for view in self.views]

    def score_views(self, distorted: Tensor, prepared: Prepared) -> Tensor:
        """Quality (N,), float64, label unit, of distorted images (N, 3, H, W) against a prepared reference."""
        jobs = [(model, view) for model in self.models for view in self.views]
        scores = [
            model.score_views(view(distorted), features) for (model, view), features in zip(jobs, prepared, strict=True)
        ]
        return torch.stack(scores).mean(0)

    def __call__(self, *, reference: Tensor, distorted: Tensor) -> Tensor:
        """Quality (N,), float64, label unit; `reference` may hold one image for all."""
        return self.score_views(distorted, self.prepare(reference))
