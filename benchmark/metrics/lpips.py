"""LPIPS: distance between deep features, weighted by a head that was trained on human choices."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.backbones import SQUEEZENET, VGG16, Backbone
from benchmark.metrics.embedded import read_checked
from benchmark.types import MetricInfo, UserError
from benchmark.weights.catalogue import EMBEDDED

if TYPE_CHECKING:
    import torch

    from benchmark.images import ImageBatch

WEIGHTS = EMBEDDED / "lpips_alex_v0.1.safetensors"
WEIGHTS_SHA256 = "5e38b7c0c0d221003434ffc7840b155755004404161fac8ea42b7eb3192ae278"
VGG_HEAD = EMBEDDED / "lpips_vgg_v0.1_head.safetensors"
VGG_HEAD_SHA256 = "4fbb0122b8b7c419838e12f9d9414a590916757773a1dc835cef7adef85e8933"
SQUEEZE_HEAD = EMBEDDED / "lpips_squeeze_v0.1_head.safetensors"
SQUEEZE_HEAD_SHA256 = "7b35c219aaf55e4be5486ee08f40bb7b92b7bba3130e7d90425b3d5a87de2097"
EPSILON = 1e-10
"""Added to the length of a feature vector, as in `lpips.normalize_tensor`."""


@dataclass(frozen=True, slots=True)
class Lpips:
    """LPIPS with the `lpips` package's own network.

    Its parameters are embedded in this package, or the head alone is and the features come from a `backbone`.
    """

    info: MetricInfo
    net: str = "alex"
    """The `lpips` package's name of the network."""
    weights: Path = WEIGHTS
    weights_sha256: str = WEIGHTS_SHA256
    backbone: Backbone | None = None

    def missing(self) -> str | None:
        """Which file of features is not here, and what to do; None when all is here."""
        return self.backbone.missing() if self.backbone else None

    def load(self, device: str) -> LpipsScorer:
        """Read the weights, without network access; raises UserError when a file is missing or damaged."""
        name = self.info.name
        parameters = read_embedded(name, self.weights, self.weights_sha256)
        if self.backbone:
            parameters |= _in_slices(self.backbone.features(name))
        return LpipsScorer(_network(name, self.net, parameters).to(device))


def read_embedded(metric: str, path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file of this package; raises UserError when it is missing or damaged."""
    from safetensors.torch import load

    return load(read_checked(metric, path, sha256))


def _in_slices(features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename torchvision's ``N.weight``, as `lpips` does: ``net.sliceK.N.weight``."""
    return {f"net.*.{name}": tensor for name, tensor in features.items()}


def _network(metric: str, net: str, parameters: dict[str, torch.Tensor]) -> Any:
    """Return `lpips.LPIPS` in evaluation mode with these parameters; leaves the random state alone.

    The name of a feature may leave its slice open: ``net.*.N.weight``.
    """
    import lpips
    import torch

    with warnings.catch_warnings(), torch.device("meta"):
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")  # lpips passes `pretrained`
        network = lpips.LPIPS(net=net, version="0.1", pretrained=False, pnet_rand=True, verbose=False)
    slices = {f"net.*.{name.split('.', 2)[2]}": name for name in network.state_dict() if name.startswith("net.slice")}
    named = {slices.get(name, name): tensor for name, tensor in parameters.items()}
    left = network.load_state_dict(named, strict=False, assign=True)
    if left.unexpected_keys or any(parameter.is_meta for parameter in network.parameters()):
        raise UserError(
            f"{metric}: its network does not have the parameters of its weights file; expected the layers of lpips 0.1.4"
        )
    return network.requires_grad_(False).eval()


class LpipsScorer:
    """Scores with features of the reference that are computed once.

    On a CPU a position's channels lie side by side in memory ("channels last"), as oneDNN's convolutions want them.
    """

    def __init__(self, network: Any) -> None:
        import torch

        on_cpu = next(network.parameters()).device.type == "cpu"
        self.memory_format = torch.channels_last if on_cpu else torch.contiguous_format
        self.network = network.to(memory_format=self.memory_format)
        scaling = network.scaling_layer
        self.factor, self.offset = 2 / scaling.scale, -(1 + scaling.shift) / scaling.scale
        self.heads = [linear.model[-1].weight.flatten().double() for linear in network.lins]

    def prepare(self, reference: ImageBatch) -> list[torch.Tensor]:
        """Return the unit-length features of the reference, one tensor (1, C, h, w) per layer."""
        import torch

        with torch.inference_mode(), self._full_precision():
            return [layer * _inverse_length(layer) for layer in self._features(reference.tensor)]

    def score(self, distorted: ImageBatch, prepared: list[torch.Tensor]) -> np.ndarray:
        """Return one distance >= 0 per distorted image, float64.

        On a CPU images go through the network one at a time: a convolution over a batch rounds otherwise than one
        over a single image, and a score must not depend on its batch.
        """
        import torch

        with torch.inference_mode(), self._full_precision():
            images = distorted.tensor
            parts = images.split(1 if images.device.type == "cpu" else len(images))
            return torch.cat([self._distances(part, prepared) for part in parts]).cpu().numpy()

    def _full_precision(self) -> AbstractContextManager[Any]:
        """On CUDA, keep convolutions in float32: TF32, torch's default, costs three decimal places."""
        import torch

        if self.factor.device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)

    def _features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Features of images (N, 3, H, W) in [0, 1], which are brought to [-1, 1] and the network's scale in one step."""
        import torch

        scaled = torch.addcmul(self.offset, images.contiguous(memory_format=self.memory_format), self.factor)
        return tuple(self.network.net(scaled))

    def _distances(self, images: torch.Tensor, reference: list[torch.Tensor]) -> torch.Tensor:
        """Sum over layers of the mean over positions of the weighted squared difference (Zhang et al., eq. 1)."""
        import torch

        distances = torch.zeros(len(images), dtype=torch.float64, device=images.device)
        for layer, unit, head in zip(self._features(images), reference, self.heads, strict=True):
            difference = (layer * _inverse_length(layer)).sub_(unit)  # rounded as in `prepare`: 0 for equal images
            distances += difference.square_().mean(dim=(2, 3)).double() @ head
        return distances


def _inverse_length(layer: torch.Tensor) -> torch.Tensor:
    """One over the length of each position's vector, as `lpips` bounds it: (N, C, h, w) -> (N, 1, h, w)."""
    import torch

    return torch.linalg.vector_norm(layer, dim=1, keepdim=True).add_(EPSILON).reciprocal_()


FACTS: dict[str, Any] = {
    "version": "1",
    "higher_is_better": False,
    "score_range": (0.0, float("inf")),
    "tolerance": 1e-5,
    "library": "lpips",
    "trained_on": ("bapps",),  # the paper cited: heads fitted to BAPPS's judgements
    "citation": "R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang. The unreasonable effectiveness of deep "
    "features as a perceptual metric. CVPR, 2018",
}
PROTOCOL = (
    "LPIPS v0.1 with {} features and the linear head, on RGB in [-1, 1] at full resolution, averaged over positions "
    "and summed over {} layers."
)

lpips_alex = Lpips(
    MetricInfo(
        name="lpips",
        title="LPIPS (AlexNet)",
        proof="official values of 5 pairs, all printed digits; frame-analytics 0.7.0 (1e-6)",
        protocol=PROTOCOL.format("AlexNet", "five"),
        min_size=31,
        weights_sha256=WEIGHTS_SHA256,
        licence="BSD-2-Clause (head), BSD-3-Clause (AlexNet features)",
        **FACTS,
    )
)

lpips_vgg = Lpips(
    MetricInfo(
        name="lpips-vgg",
        title="LPIPS (VGG16)",
        proof="lpips 0.1.4 with the same features (1e-5)",
        protocol=PROTOCOL.format("VGG16", "five"),
        min_size=16,
        weights_sha256=VGG16.sha256,
        licence="BSD-2-Clause (head), BSD-3-Clause (VGG16 features)",
        **FACTS,
    ),
    net="vgg",
    weights=VGG_HEAD,
    weights_sha256=VGG_HEAD_SHA256,
    backbone=VGG16,
)

lpips_squeeze = Lpips(
    MetricInfo(
        name="lpips-squeeze",
        title="LPIPS (SqueezeNet)",
        proof="lpips 0.1.4 with random features (1e-5): the real ones were not at hand",
        protocol=PROTOCOL.format("SqueezeNet 1.1", "seven"),
        min_size=17,
        weights_sha256=SQUEEZENET.sha256,
        licence="BSD-2-Clause (head), BSD-3-Clause (SqueezeNet features)",
        **FACTS,
    ),
    net="squeeze",
    weights=SQUEEZE_HEAD,
    weights_sha256=SQUEEZE_HEAD_SHA256,
    backbone=SQUEEZENET,
)

METRICS = (lpips_alex, lpips_vgg, lpips_squeeze)
