"""Make the small embedded files from the published parameters; see README.md beside this file."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path


def convert(source: Path, output: Path) -> str:
    """Write the tensors of a torch file (`lpips/weights/v0.1/*.pth`, DISTS's weights.pt) unchanged as safetensors.

    Returns the sha256 of what is written.
    """
    import torch
    from safetensors.torch import save_file

    tensors = torch.load(source, map_location="cpu", weights_only=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, output)
    return hashlib.sha256(output.read_bytes()).hexdigest()


if __name__ == "__main__":
    source, output = map(Path, sys.argv[1:])
    sys.stdout.write(f"{convert(source, output)}\n")
