"""Make lpips_alex_v0.1.safetensors from the published parameters; see README.md beside this file."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

SLICES = {"0": "slice1", "3": "slice2", "6": "slice3", "8": "slice4", "10": "slice5"}
"""Where the `lpips` package puts torchvision's `features.N` of AlexNet."""


def convert(*, backbone: Path, head: Path, output: Path) -> str:
    """Write convolution features and linear head under the `lpips` package's own names; return the file's sha256.

    `backbone` is a state dict of torchvision's AlexNet, of which only `features.*` is taken; `head` is
    `lpips/weights/v0.1/alex.pth`. All tensors are float32, unchanged.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for name, tensor in torch.load(backbone, map_location="cpu", weights_only=True).items():
        part, index, kind = name.split(".")
        if part == "features":
            tensors[f"net.{SLICES[index]}.{index}.{kind}"] = tensor.contiguous()
    tensors |= torch.load(head, map_location="cpu", weights_only=True)
    save_file(tensors, output)
    return hashlib.sha256(output.read_bytes()).hexdigest()


if __name__ == "__main__":
    backbone, head, output = map(Path, sys.argv[1:])
    sys.stdout.write(f"{convert(backbone=backbone, head=head, output=output)}\n")
