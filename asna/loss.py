"""The training loss: squared error, correlation and surrogate ranking, three written weights.

After arXiv 2105.02531, with two changes: the correlation term is 1 - r and not 1 - r^2, which is blind to sign, and
the three weights stand for themselves instead of one being 1 minus another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

EPSILON = 1e-6
"""Added to variances, so that constant predictions have a finite gradient."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """``mse * MSE + plcc * (1 - r) + rank * surrogate``, on standardised labels.

    The defaults are the authors' attention setting: error 1, correlation off (silently there, openly here), and their
    0.01 of the plain mean square of rank differences at 16 pairs, which is 0.425 in this module's unit.
    """

    mse: float = 1.0
    plcc: float = 0.0
    rank: float = 0.425


def correlation_loss(predictions: Tensor, labels: Tensor) -> Tensor:
    """1 - r with Pearson's r of two vectors: 0 when they agree, 2 when they are opposed, 1 when either is constant."""
    x, y = predictions - predictions.mean(), labels - labels.mean()
    return 1 - (x * y).mean() * torch.rsqrt((x.square().mean() + EPSILON) * (y.square().mean() + EPSILON))


def ranking_loss(predictions: Tensor, labels: Tensor, ranks: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean squared difference of soft ranks, as a share of its value for random order: about 1 when order is random.

    `ranks` maps sequences (1, n) to ranks in 1..n. The authors' term is the plain mean square; divided by its
    expectation, (n^2 - 1) / 6, it equals 1 - rho for the ranks' own Spearman rho, so one weight fits every batch size.
    """
    n = len(labels)
    difference = ranks(predictions[None]) - ranks(labels[None])
    return difference.square().mean() * 6 / (n**2 - 1)


class ASNALoss(nn.Module):
    """The weighted sum of the three terms over one batch of at least two pairs.

    `ranks` is a frozen `Sorter`, or any function from sequences (1, n) to differentiable ranks.
    """

    def __init__(self, weights: LossWeights, ranks: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        if weights.rank and ranks is None:
            raise ValueError("a weight on the ranking term needs a sorter; expected `ranks`, got None")
        self.weights = weights
        self.ranks = ranks

    def forward(self, predictions: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of predictions (N,) and standardised labels (N,), N >= 2.

        Raises ValueError for other shapes: correlation and rank need company.
        """
        if predictions.shape != labels.shape or predictions.ndim != 1 or len(labels) < 2:
            raise ValueError(
                f"expected predictions and labels of one shape (N,), N >= 2, got {tuple(predictions.shape)} and {tuple(labels.shape)}"
            )
        predictions, labels = predictions.float(), labels.float()
        loss = self.weights.mse * (predictions - labels).square().mean()
        if self.weights.plcc:
            loss = loss + self.weights.plcc * correlation_loss(predictions, labels)
        if self.weights.rank and self.ranks is not None:
            loss = loss + self.weights.rank * ranking_loss(predictions, labels, self.ranks)
        return loss
