"""ASNA: an attention-based Siamese-difference network for perceptual image quality, with a surrogate ranking loss.

>>> from asna import ASNA, load
>>> model = load("asna").eval()                                  # the shipped weights, trained on synthetic labels
>>> score = model(reference=images, distorted=others)            # float (N, 3, H, W) in [0, 1] -> (N,)

Importing the package is light: PyTorch is imported when a name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asna.checkpoint import load
    from asna.loss import ASNALoss
    from asna.model import ASNA, ASNAConfig
    from asna.sorter import Sorter, load_sorter

_HOMES = {
    "ASNA": "asna.model",
    "ASNAConfig": "asna.model",
    "ASNALoss": "asna.loss",
    "Sorter": "asna.sorter",
    "load": "asna.checkpoint",
    "load_sorter": "asna.sorter",
}

__all__ = ["ASNA", "ASNAConfig", "ASNALoss", "Sorter", "load", "load_sorter"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first used."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'asna' has no attribute {name!r}")
