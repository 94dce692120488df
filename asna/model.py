"""ASNA: an attention-based Siamese-difference network for full-reference image quality.

Ayyoubzadeh and Royat, "(ASNA) An Attention-based Siamese-Difference Neural Network with Surrogate Ranking Loss function
for Perceptual Image Quality Assessment", NTIRE workshop at CVPR 2021, arXiv 2105.02531: the attention variant, with the
layer sizes of the authors' code (smehdia/NTIRE2021-IQA-MACS). Written from the description, in PyTorch.

Any image size is taken by a stated rule (`ASNA.forward`): the paper's flattened head sees 288 x 288 tiles, the pooled
head sees the whole image at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from asna.tiles import TILE, cut_tiles

ENCODER_CHANNELS = (8, 16, 32, 64)
"""Channels of the encoder's outputs y1 (full resolution) to y4 (an eighth)."""

BRANCH_CHANNELS = (64, 32, 16)
"""Channels of the difference branch after joining y4, y3, y2."""

NEGATIVE_SLOPE = 0.5
BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01
"""Keras' defaults, which the authors used; PyTorch's are 1e-5 and 0.1 (the latter lets scores swing with the last batches)."""


@dataclass(frozen=True, slots=True)
class ASNAConfig:
    """Everything that fixes the network's shape. The defaults are the paper's attention variant."""

    head: Literal["flatten", "gap"] = "flatten"
    """"flatten": the paper's, tied to 288 x 288. "gap": mean and standard deviation over the image, any size."""
    attention: bool = True
    """False: the paper's ablation without the attention block (the head then has 32 channels, not 8)."""
    batch_norm: bool = True
    """False: the paper's ablation without batch normalisation."""

    def __post_init__(self) -> None:
        if self.head not in ("flatten", "gap"):
            raise ValueError(f"head: expected 'flatten' or 'gap', got {self.head!r}")


def conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size ('same' padding), or divides it by its stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=0 if stride > kernel else kernel // 2)


def activated(inputs: int, outputs: int, kernel: int, config: ASNAConfig, *, stride: int = 1) -> nn.Sequential:
    """Convolution, LeakyReLU, batch norm: the network's brick."""
    return nn.Sequential(
        conv(inputs, outputs, kernel, stride=stride), nn.LeakyReLU(NEGATIVE_SLOPE), normalisation(outputs, config)
    )


def normalisation(channels: int, config: ASNAConfig) -> nn.Module:
    """Batch norm, or nothing where the config has none."""
    return (
        nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)
        if config.batch_norm
        else nn.Identity()
    )


class Encoder(nn.Module):
    """The Siamese half: image (N, 3, H, W) -> (y1, y2, y3, y4), each half the size of the one before."""

    def __init__(self, config: ASNAConfig) -> None:
        super().__init__()
        c1, c2, c3, c4 = ENCODER_CHANNELS
        self.colour = conv(3, 3, 5)
        self.stages = nn.ModuleList(
            [
                activated(3, c1, 5, config),
                activated(c1, c2, 5, config),
                activated(c2, c3, 3, config),
                activated(c3, c4, 3, config),
            ]
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Features of images already mapped to [-1, 1], finest first."""
        features = [self.stages[0](self.colour(image))]
        for stage in self.stages[1:]:
            features.append(stage(functional.max_pool2d(features[-1], 2)))
        return tuple(features)


class Attention(nn.Module):
    """Channel and spatial attention over (N, inputs, h, w), joined with the input to (N, channels, h, w)."""

    def __init__(self, inputs: int, channels: int, config: ASNAConfig) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(inputs, channels, 3), nn.ReLU(), normalisation(channels, config), conv(channels, channels, 3)
        )
        self.channel = self._gate(channels)
        self.spatial = self._gate(channels)
        self.join = conv(inputs + 2 * channels, channels, 1)

    @staticmethod
    def _gate(channels: int) -> nn.Sequential:
        return nn.Sequential(conv(channels, channels, 1), nn.ReLU(), conv(channels, channels, 1), nn.Sigmoid())

    def forward(self, inputs: Tensor) -> Tensor:
        """Attend, and join with the input."""
        x = self.body(inputs)
        by_channel = self.channel(x.mean(dim=(2, 3), keepdim=True)) * x
        by_place = self.spatial(x) * x
        return self.join(torch.cat([inputs, by_channel, by_place], dim=1))


class Residual(nn.Module):
    """Two 3 x 3 convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels, 3), nn.ReLU(), conv(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Add the block to its input."""
        return x + self.body(x)


class MeanAndDeviation(nn.Module):
    """(N, C, h, w) -> (N, 2 C): mean and standard deviation over the image."""

    def forward(self, x: Tensor) -> Tensor:
        """Means first, then deviations."""
        variance, mean = torch.var_mean(x, dim=(2, 3), correction=0)
        return torch.cat([mean, torch.sqrt(variance + 1e-6)], dim=1)


class ASNA(nn.Module):
    """Two images in, one quality out: uncalibrated (standardised) unless `label_mean` and `label_sd` are set.

    >>> model = ASNA().eval()
    >>> images = torch.rand(2, 3, 288, 288)
    >>> model(reference=images, distorted=images).shape
    torch.Size([2])

    The paper's 529,103 parameters are counted as Keras counts them: 528,367 trained ones and the 736 running means and
    variances of the batch norms (see `count_parameters`).
    """

    label_mean: Tensor
    """Mean of the training labels; outputs are in their unit."""
    label_sd: Tensor
    """Standard deviation of the training labels."""

    def __init__(self, config: ASNAConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ASNAConfig()
        c1, c2, c3, c4 = ENCODER_CHANNELS
        b4, b3, b2 = BRANCH_CHANNELS
        self.encoder = Encoder(config)
        self.start = activated(c4, c4, 3, config)
        self.branch = nn.ModuleList(
            [activated(c4 + c4, b4, 3, config), activated(b4 + c3, b3, 3, config), activated(b3 + c2, b2, 3, config)]
        )
        self.reduce = nn.Sequential(activated(b2 + c1, 32, 3, config, stride=4), activated(32, 32, 3, config, stride=2))
        channels = 8 if config.attention else 32
        self.attention = Attention(32, channels, config) if config.attention else nn.Identity()
        self.residuals = nn.Sequential(*(Residual(channels) for _ in range(3)))
        side = TILE // 8
        pool, inputs = (
            (nn.Flatten(), channels * side * side) if config.head == "flatten" else (MeanAndDeviation(), 2 * channels)
        )
        self.head = nn.Sequential(pool, nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, 1), nn.Tanh(), nn.Linear(1, 1))
        for module in self.modules():  # Keras' default, which the authors used
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.constant_(module.get_parameter("bias"), 0.0)
        self.register_buffer("label_mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("label_sd", torch.ones((), dtype=torch.float64))

    def encode(self, image: Tensor) -> tuple[Tensor, ...]:
        """Encoder features of images (N, 3, H, W) in [0, 1], H and W multiples of 16: y1 to y4, finest first.

        They depend on one image alone: compute a reference's once and use them for all its distorted images.
        """
        return self.encoder((image * 255.0 - 127.5) / 127.5)

    def forward_features(self, *, reference: tuple[Tensor, ...], distorted: tuple[Tensor, ...]) -> Tensor:
        """Standardised quality (N,) from the encoder features of both images (`encode`).

        A reference of one image serves any number of distorted ones. Raises ValueError when a flattened head gets
        features of anything but 288 x 288.
        """
        size = tuple(distorted[0].shape[2:])
        if self.config.head == "flatten" and size != (TILE, TILE):
            raise ValueError(
                f"the flattened head takes {TILE} x {TILE} pixels, got {size[0]} x {size[1]}; use forward()"
            )
        return self.head(self.difference(reference=reference, distorted=distorted)).squeeze(1)

    def difference(self, *, reference: tuple[Tensor, ...], distorted: tuple[Tensor, ...]) -> Tensor:
        """The difference branch, attention and residual blocks: (N, 8, H / 8, W / 8), 32 channels without attention."""
        branch = self.start(functional.max_pool2d(distorted[3], 2))
        for scale, block in zip((3, 2, 1), self.branch, strict=True):
            branch = block(self._join(branch, reference[scale], distorted[scale]))
        branch = self._join(branch, reference[0], distorted[0])
        return self.residuals(self.attention(self.reduce(branch)))

    @staticmethod
    def _join(branch: Tensor, reference: Tensor, distorted: Tensor) -> Tensor:
        branch = functional.interpolate(branch, scale_factor=2, mode="nearest")
        return torch.cat([branch, torch.abs(reference - distorted)], dim=1)

    def forward(self, *, reference: Tensor, distorted: Tensor) -> Tensor:
        """Quality (N,), float64, in the unit and direction of the labels, of float images (N, 3, H, W) in [0, 1].

        `reference` may hold one image for all. Rule for sizes: the pooled head sees the whole image, reflected at the
        right and lower border up to a multiple of 16; the flattened head sees the tiles of `asna.tiles.cut_tiles`
        and the mean is taken. Raises ValueError when the two sizes differ.
        """
        return self.score_views(distorted, self.prepare(reference))

    def prepare(self, reference: Tensor) -> list[tuple[Tensor, ...]]:
        """Encoder features of every tile of a reference (1 or N, 3, H, W) in [0, 1], for `score_views`."""
        return [self.encode(tile) for tile in cut_tiles(reference, self.config.head)]

    def score_views(self, distorted: Tensor, prepared: list[tuple[Tensor, ...]]) -> Tensor:
        """Quality (N,), float64, label unit, of distorted images (N, 3, H, W) against a prepared reference."""
        tiles = cut_tiles(distorted, self.config.head)
        fit = len(tiles) == len(prepared) and tiles[0].shape[2:] == prepared[0][0].shape[2:]
        if not fit:
            raise ValueError("reference and distorted images differ in size; expected the same height and width")
        scores = [
            self.forward_features(reference=features, distorted=self.encode(tile))
            for tile, features in zip(tiles, prepared, strict=True)
        ]
        return torch.stack(scores).double().mean(0) * self.label_sd + self.label_mean


def count_parameters(model: nn.Module) -> int:
    """Trained parameters and the running statistics of batch norms: what Keras calls "total params"."""
    statistics = sum(
        module.running_mean.numel() + module.running_var.numel()
        for module in model.modules()
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None
    )
    return statistics + sum(parameter.numel() for parameter in model.parameters())
