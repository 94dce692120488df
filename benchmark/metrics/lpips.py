"""LPIPS: distance between deep features, weighted by a head that was trained on human choices."""

from __future__ import annotations

import hashlib
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.types import MetricInfo, UserError

if TYPE_CHECKING:
    import torch

    from benchmark.images import ImageBatch

WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "lpips_alex_v0.1.safetensors"
WEIGHTS_SHA256 = "5e38b7c0c0d221003434ffc7840b155755004404161fac8ea42b7eb3192ae278"


@dataclass(frozen=True, slots=True)
class Lpips:
    """LPIPS with the `lpips` package's own network and the parameters embedded in this package."""

    info: MetricInfo
    weights: Path = WEIGHTS

    def load(self, device: str) -> LpipsScorer:
        """Read the weights, without network access; raises UserError when the file is missing or damaged."""
        return LpipsScorer(_network(self.weights, self.info.weights_sha256).to(device))


def _network(weights: Path, sha256: str) -> Any:
    """Return `lpips.LPIPS` in evaluation mode with the parameters of a checked file; leaves the random state alone."""
    import lpips
    import torch
    from safetensors.torch import load

    try:
        content = weights.read_bytes()
    except OSError as error:
        raise UserError(f"lpips: cannot read its weights ({error}); install the package again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(
            f"lpips: {weights} is damaged: expected sha256 {sha256}, got {found}; install the package again"
        )
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")  # lpips passes `pretrained`
        network = lpips.LPIPS(net="alex", version="0.1", pretrained=False, pnet_rand=True, verbose=False)
    left = network.load_state_dict(load(content), strict=False, assign=True)
    if left.unexpected_keys or any(parameter.is_meta for parameter in network.parameters()):
        raise UserError(
            f"lpips: its network does not have the parameters of {weights.name}; expected the layers of lpips 0.1.4"
        )
    return network.requires_grad_(False).eval()


class LpipsScorer:
    """Scores with features of the reference that are computed once."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def prepare(self, reference: ImageBatch) -> list[torch.Tensor]:
        """Return the unit-length features of the reference, one tensor (1, C, h, w) per layer."""
        import torch

        with torch.inference_mode(), self._full_precision():
            return self._features(reference.tensor)

    def score(self, distorted: ImageBatch, prepared: list[torch.Tensor]) -> np.ndarray:
        """Return one distance >= 0 per distorted image, float64.

        On a CPU images go through the network one at a time: a convolution over a batch rounds otherwise than one
        over a single image, and a score must not depend on its batch.
        """
        import torch

        with torch.inference_mode(), self._full_precision():
            images = distorted.tensor
            parts = images.split(1 if images.device.type == "cpu" else len(images))
            return torch.cat([self._distances(part, prepared) for part in parts]).cpu().double().numpy()

    def _full_precision(self) -> AbstractContextManager[Any]:
        """On CUDA, keep convolutions in float32: TF32, torch's default, costs three decimal places."""
        import torch

        if next(self.network.parameters()).device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)

    def _features(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Features of images (N, 3, H, W) in [0, 1], each position's vector scaled to unit length."""
        import lpips

        layers = self.network.net(self.network.scaling_layer(2 * images - 1))
        return [lpips.normalize_tensor(layer) for layer in layers]

    def _distances(self, images: torch.Tensor, reference: list[torch.Tensor]) -> torch.Tensor:
        """Sum over layers of the mean over positions of the weighted squared difference (Zhang et al., eq. 1)."""
        layers = zip(self._features(images), reference, self.network.lins, strict=True)
        return sum(linear((x - y) ** 2).mean(dim=(1, 2, 3)) for x, y, linear in layers)


lpips_alex = Lpips(
    MetricInfo(
        name="lpips",
        title="LPIPS (AlexNet)",
        version="1",
        higher_is_better=False,
        protocol="LPIPS v0.1 with AlexNet features and the linear head, on RGB in [-1, 1] at full resolution, "
        "averaged over positions and summed over five layers.",
        score_range=(0.0, float("inf")),
        min_size=31,
        tolerance=1e-5,
        library="lpips",
        weights_sha256=WEIGHTS_SHA256,
        trained_on=("bapps",),
        licence="BSD-2-Clause (head), BSD-3-Clause (AlexNet features)",
        citation="R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang. The unreasonable effectiveness of deep "
        "features as a perceptual metric. CVPR, 2018",
    )
)

METRICS = (lpips_alex,)
