"""Parameters that travel with this package, as arrays; checked whenever they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from benchmark.types import UserError


def read_checked(metric: str, path: Path, sha256: str) -> bytes:
    """Return the bytes of a file of this package; raises UserError when it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{metric}: cannot read its weights ({error}); install the package again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(
            f"{metric}: {path} is damaged: expected sha256 {sha256}, got {found}; install the package again"
        )
    return content


def read_arrays(metric: str, path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file of this package; raises UserError when it is missing or damaged."""
    from safetensors.numpy import load

    return load(read_checked(metric, path, sha256))
