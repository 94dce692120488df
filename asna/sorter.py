"""The sorter: a network that maps a sequence of real numbers to their ranks, so that ranks have a gradient.

After the paper (arXiv 2105.02531) and Engilberge et al., "SoDeep: a Sorting Deep net to learn ranking loss surrogates",
CVPR 2019. Theirs is a 1-D convolution stack for one length; this one takes any length from 2 to 128 with one set of
weights: a learned comparison of every two elements, summed. It was chosen by measurement among a masked 1-D convolution
stack, a recurrent network and this (`asna.sorter_training`, figures in README.md).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

MIN_LENGTH, MAX_LENGTH = 2, 128
"""Lengths that the shipped sorter was trained for; longer sequences work, untested."""

SORTER_WEIGHTS = Path(__file__).parent / "weights" / "sorter.safetensors"


def standardise(values: Tensor) -> Tensor:
    """Sequences (B, n) moved to mean 0 and scaled to standard deviation 1; constant ones become 0.

    Ranks do not change with shift and scale, so the network need not learn that. Below a standard deviation of about
    0.001 the scale is held, or nearly equal predictions would have gradients without bound.
    """
    centred = values - values.mean(dim=1, keepdim=True)
    variance = centred.square().mean(dim=1, keepdim=True)
    return centred * torch.rsqrt(variance + 1e-6)


def true_ranks(values: Tensor) -> Tensor:
    """Ranks 1..n of sequences (B, n), ties sharing the mean of their places: what the sorter learns."""
    above = (values[:, :, None] > values[:, None, :]).sum(dim=2)
    equal = (values[:, :, None] == values[:, None, :]).sum(dim=2)
    return above + 0.5 * (equal + 1)


class Sorter(nn.Module):
    """Sequences (B, n) -> soft ranks (B, n) in [1, n]; permuting the input permutes the output.

    ``rank_i = 1/2 + sum_j sigmoid(h(z_i - z_j) - h(z_j - z_i))`` with z the standardised sequence and h a small network of
    the difference and the length beside a learned slope. Equal elements get equal ranks, and the ranks sum to n (n + 1) / 2, by construction.
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.compare = nn.Sequential(
            nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )
        self.slope = nn.Parameter(torch.tensor(2.0))

    def forward(self, values: Tensor) -> Tensor:
        """Soft ranks, in the order of the input."""
        n = values.shape[1]
        z = standardise(values.float())
        difference = z[:, :, None] - z[:, None, :]
        length = torch.full_like(difference, n).log()
        # n times the difference is about 1 between neighbours, whatever the length
        inputs = torch.stack([difference, difference * (n / 4.0), length], dim=-1)
        h = self.compare(inputs).squeeze(-1) + self.slope * inputs[..., 1]
        return 0.5 + torch.sigmoid(h - h.transpose(1, 2)).sum(dim=2)


def load_sorter(path: Path = SORTER_WEIGHTS) -> Sorter:
    """Return the trained sorter, frozen: it has no trainable parameter left, gradients pass through it.

    Raises CheckpointError for a damaged or foreign file.
    """
    from asna.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(path, kind="sorter")
    sorter = Sorter(**checkpoint.metadata["config"])
    sorter.load_state_dict(checkpoint.tensors)
    return sorter.eval().requires_grad_(False)
