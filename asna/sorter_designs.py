"""Other designs of the sorter, for the measurement that chose the shipped one: the authors', a masked convolution, a GRU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from asna.sorter import MAX_LENGTH, standardise

AUTHORS_LENGTH = 16
"""The only length of the authors' sorter: their batch size."""


class AuthorsSorter(nn.Module):
    """The authors' stack: seven 1-D convolutions with PReLU and batch norm, then a dense layer, for 16 numbers as they are."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for outputs, kernel, norm in (
            (8, 2, False),
            (16, 3, True),
            (32, 5, True),
            (64, 7, True),
            (96, 10, False),
            (128, 7, True),
            (256, 7, True),
        ):
            layers.append(nn.Conv1d(channels, outputs, kernel, padding="same"))
            layers += [nn.BatchNorm1d(outputs)] if norm else []
            layers.append(nn.PReLU())
            channels = outputs
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * AUTHORS_LENGTH, AUTHORS_LENGTH))

    def forward(self, values: Tensor) -> Tensor:
        """Soft ranks, in the order of the input."""
        return self.body(values[:, None, :].float())


class MaskedConvolutionSorter(nn.Module):
    """Six dilated 1-D convolutions over the standardised sequence padded to 128, masked where it has ended.

    Each layer also sees the masked mean over the sequence, since the reach of a kernel is not the length.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv1d(3 if i == 0 else 2 * channels, channels, 5, padding="same", dilation=2**i) for i in range(6)]
        )
        self.out = nn.Conv1d(2 * channels, 1, 1)

    def forward(self, values: Tensor) -> Tensor:
        """Soft ranks, in the order of the input."""
        n = values.shape[1]
        z = functional.pad(standardise(values.float()), (0, MAX_LENGTH - n))[:, None, :]
        mask = torch.zeros_like(z)
        mask[:, :, :n] = 1
        x = torch.cat([z, mask, torch.full_like(z, n / MAX_LENGTH)], dim=1)
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.1) * mask
            x = torch.cat([x, x.sum(2, keepdim=True) / n * mask], dim=1)
        return (self.out(x)[:, 0, :n] + 0.5) * n + 0.5


class RecurrentSorter(nn.Module):
    """Two bidirectional GRU layers over the standardised sequence, as in SoDeep."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.body = nn.GRU(2, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, 1)

    def forward(self, values: Tensor) -> Tensor:
        """Soft ranks, in the order of the input."""
        n = values.shape[1]
        z = standardise(values.float())
        x, _ = self.body(torch.stack([z, torch.full_like(z, n / MAX_LENGTH)], dim=2))
        return (self.out(x).squeeze(2) + 0.5) * n + 0.5
