"""DISTS: structure and texture similarity of VGG16's features, with max pooling replaced by L2 pooling."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.backbones import VGG16
from benchmark.metrics.lpips import read_embedded
from benchmark.types import MetricInfo, UserError
from benchmark.weights.catalogue import EMBEDDED

if TYPE_CHECKING:
    import torch

    from benchmark.images import ImageBatch

WEIGHTS = EMBEDDED / "dists.safetensors"
WEIGHTS_SHA256 = "50980d68bc38b2fcc738b1a8c3ae77a87cb73883b230951c2c57190855bdb52f"

STAGES = ((0, 4), (4, 9), (9, 16), (16, 23), (23, 30))
"""Layers of torchvision's VGG16 whose last activation is compared; all but the first begin with the pooling."""
CHANNELS = (3, 64, 128, 256, 512, 512)
"""Of the image itself and of each stage."""
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's RGB in [0, 1]."""
STABILISER = 1e-6
"""c1 and c2 of Ding et al., eq. 5 and 6."""
POOL_STABILISER = 1e-12
POOL_WINDOW = 5
"""Of the Hanning window of the L2 pooling, its zero ends included."""
AUTHORS_SIZE = 256
"""Shorter side, in pixels, that the authors' `prepare_image` brings a larger image to."""


@dataclass(frozen=True, slots=True)
class Dists:
    """DISTS with the authors' parameters, embedded, and features of VGG16 from the folder of weights."""

    info: MetricInfo
    resize: bool = False

    def missing(self) -> str | None:
        """Which file of features is not here, and what to do; None when all is here."""
        return VGG16.missing()

    def load(self, device: str) -> DistsScorer:
        """Read the weights, without network access; raises UserError when a file is missing or damaged."""
        name = self.info.name
        parameters = read_embedded(name, WEIGHTS, WEIGHTS_SHA256)
        return DistsScorer(_stages(name, VGG16.features(name), device), parameters, device, self.resize)


def _stages(metric: str, features: dict[str, torch.Tensor], device: str) -> list[Any]:
    """The five stages of VGG16, each a module from the last stage's activation to its own."""
    import torch
    from torchvision.models import vgg16

    with torch.device("meta"):
        layers = vgg16(weights=None).features
    left = layers.load_state_dict(features, strict=False, assign=True)
    if left.unexpected_keys or left.missing_keys:
        raise UserError(f"{metric}: its weights do not fit torchvision's VGG16; expected the layers of `vgg16`")
    memory_format = torch.channels_last if device == "cpu" else torch.contiguous_format
    layers = layers.requires_grad_(False).eval().to(device, memory_format=memory_format)
    return [
        torch.nn.Sequential(
            *(_l2_pool(device) if i in (a for a, _ in STAGES[1:]) else layers[i] for i in range(*stage))
        )
        for stage in STAGES
    ]


def _l2_pool(device: str) -> Any:
    """Square root of the weighted mean square, in a 3 x 3 Hanning window with stride 2."""
    import torch
    from torch.nn import functional

    window = np.hanning(POOL_WINDOW)[1:-1]
    kernel = torch.tensor(np.outer(window, window), dtype=torch.float32, device=device)
    kernel = (kernel / kernel.sum())[None, None]

    class L2Pool(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            channels = x.shape[1]
            mean = functional.conv2d(
                x.square(), kernel.expand(channels, 1, -1, -1), stride=2, padding=1, groups=channels
            )
            return mean.add_(POOL_STABILISER).sqrt_()

    return L2Pool()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Features of one image less their means (1, C, h, w), the means and the variances over positions (1, C, 1, 1)."""

    centred: torch.Tensor
    mean: torch.Tensor
    variance: torch.Tensor


class DistsScorer:
    """Scores with features of the reference that are computed once."""

    def __init__(self, stages: list[Any], parameters: dict[str, torch.Tensor], device: str, resize: bool) -> None:
        import torch

        self.stages, self.resize = stages, resize
        self.mean, self.std = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (MEAN, STD))
        total = parameters["alpha"].sum() + parameters["beta"].sum()
        self.texture = (parameters["alpha"] / total).to(device).split(CHANNELS, dim=1)
        self.structure = (parameters["beta"] / total).to(device).split(CHANNELS, dim=1)

    def prepare(self, reference: ImageBatch) -> list[Statistics]:
        """Return the reference's features and their statistics, the image itself first."""
        import torch

        with torch.inference_mode(), self._full_precision():
            return self._statistics(reference.tensor)

    def score(self, distorted: ImageBatch, prepared: list[Statistics]) -> np.ndarray:
        """Return one distance per distorted image, float64; images go through the network one at a time."""
        import torch

        with torch.inference_mode(), self._full_precision():
            scores = [self._distance(self._statistics(image), prepared) for image in distorted.tensor.split(1)]
        return np.array(scores, dtype=np.float64)

    def _full_precision(self) -> AbstractContextManager[Any]:
        """On CUDA, keep convolutions in float32: TF32, torch's default, costs three decimal places."""
        import torch

        if self.mean.device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)

    def _statistics(self, image: torch.Tensor) -> list[Statistics]:
        image = _resized(image) if self.resize else image
        layer = (image - self.mean) / self.std
        found = [_describe(image)]
        for stage in self.stages:
            layer = stage(layer)
            found.append(_describe(layer))
        return found

    def _distance(self, distorted: list[Statistics], reference: list[Statistics]) -> float:
        """1 minus the weighted sum of texture and structure similarities (Ding et al., eq. 5 to 7)."""
        similarity = 0.0
        for x, y, alpha, beta in zip(distorted, reference, self.texture, self.structure, strict=True):
            texture = (2 * x.mean * y.mean + STABILISER) / (x.mean**2 + y.mean**2 + STABILISER)
            covariance = (x.centred * y.centred).mean([2, 3], keepdim=True)
            structure = (2 * covariance + STABILISER) / (x.variance + y.variance + STABILISER)
            similarity += float((alpha * texture + beta * structure).double().sum())
        return 1 - similarity


def _describe(features: torch.Tensor) -> Statistics:
    """The covariance of an image with itself is then its variance to the bit, however flat the features are."""
    mean = features.mean([2, 3], keepdim=True)
    centred = features - mean
    return Statistics(centred, mean, (centred * centred).mean([2, 3], keepdim=True))


def _resized(image: torch.Tensor) -> torch.Tensor:
    """An image in [0, 1], its shorter side brought to 256 pixels as the authors do: on 8 bits, with Pillow's filter."""
    import torch
    from torchvision.transforms.functional import pil_to_tensor, resize, to_pil_image

    if min(image.shape[-2:]) <= AUTHORS_SIZE:
        return image
    bytes_ = (image[0] * 255).round().to(torch.uint8).cpu()
    return pil_to_tensor(resize(to_pil_image(bytes_), AUTHORS_SIZE))[None].to(image.device, torch.float32).div(255)


FACTS: dict[str, Any] = {
    "version": "2",  # 1 took the covariance as a difference of means, whose float32 rounding counted on flat images
    "higher_is_better": False,
    "score_range": (0.0, 2.0),
    "tolerance": 1e-5,
    "library": "torchvision",
    "min_size": 16,
    "weights_sha256": VGG16.sha256,
    "trained_on": ("kadid10k",),  # the paper cited: weights fitted to KADID-10k's scores
    "licence": "MIT (parameters), BSD-3-Clause (VGG16 features)",
    "citation": "K. Ding, K. Ma, S. Wang, E. P. Simoncelli. Image quality assessment: unifying structure and texture "
    "similarity. IEEE TPAMI, 2022",
}

dists = Dists(
    MetricInfo(
        name="dists",
        title="DISTS",
        proof="official values of 5 pairs, all printed digits; the formula in numpy (2e-6)",
        protocol="DISTS on RGB in [0, 1] at full resolution, with the authors' VGG16 with L2 pooling and their parameters.",
        **FACTS,
    )
)

dists_resized = Dists(
    MetricInfo(
        name="dists-resized",
        title="DISTS (short side 256)",
        proof="dists of images that Pillow resized (1e-6)",
        protocol="As dists, after Pillow's bilinear resize of both 8-bit images to a shorter side of 256 pixels where "
        "it is longer, as the authors' `prepare_image`.",
        **FACTS,
    ),
    resize=True,
)

METRICS = (dists, dists_resized)
"""DISTS in its two protocols."""
