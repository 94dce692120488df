"""Features of torchvision's classifiers, from the harness's folder of weights; shared by LPIPS and DISTS."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.types import UserError
from benchmark.weights import cache, catalogue

if TYPE_CHECKING:
    import torch

PREFIX = "features."


@dataclass(frozen=True, slots=True)
class Backbone:
    """The convolutions of a classifier. Its other layers are neither read nor checked."""

    file: catalogue.WeightsFile
    sha256: str
    """Of the features (`parameters_sha256`) where `of_features`, so that any file with these numbers serves; else of
    the file."""
    of_features: bool = True

    def missing(self) -> str | None:
        """Say what is not here and what to do, without reading it; None when it is here."""
        return cache.missing([self.file])

    def features(self, metric: str) -> dict[str, torch.Tensor]:
        """Return float32 tensors by torchvision's name less its prefix, for example "0.weight".

        Raises UserError, led by the metric's name, when the file is missing or not what it should be.
        """
        import torch

        cache.require(metric, [self.file])
        path = cache.path_of(self.file)
        again = f"delete it and run `python -m benchmark weights add {self.file.name}`"
        if not self.of_features and cache.sha256_of(path) != self.sha256:
            raise UserError(f"{metric}: {path} is damaged: expected sha256 {self.sha256}; {again}")
        try:
            everything = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"{metric}: {path} cannot be read ({type(error).__name__}); {again}") from error
        found = {name.removeprefix(PREFIX): each for name, each in everything.items() if name.startswith(PREFIX)}
        if self.of_features and parameters_sha256(found) != self.sha256:
            raise UserError(f"{metric}: {path} holds other features than {self.file.name} should; {again}")
        return found


def parameters_sha256(parameters: dict[str, torch.Tensor]) -> str:
    """sha256 (hex) over name, shape, type and bytes of each tensor, by name: the same for any file that holds them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(parameters.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


VGG16 = Backbone(catalogue.VGG16, "8cd1a766b6f3fdc72fea88bb3f4341fed0ae6dc2bc9f6996f85fc3d044188a34")
SQUEEZENET = Backbone(catalogue.SQUEEZENET, catalogue.SQUEEZENET.editions[0].sha256, of_features=False)
