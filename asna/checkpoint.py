"""Weights on disk: safetensors with JSON metadata in the header. Reading one never executes code.

A file holds its kind ("asna", "sorter", "training"), a format version and the metadata; tensors are read only after
those fit. Files are written beside their place and moved there, so a reader never sees half of one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from asna.model import ASNA

FORMAT = 1
"""Version of the layout; a file of another version is refused, not guessed at."""

HEADER = "asna"
"""Entry of the safetensors header that holds kind, format and metadata as JSON."""

WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the shipped checkpoints."""

BEST = "asna-gap"
"""The shipped network that goes by the name `asna`, by measurement."""


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, foreign, or of another kind; says what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file held: tensors by name, and the metadata."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def sha256(path: Path) -> str:
    """sha256 of a file, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_checkpoint(path: Path, *, kind: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata (anything JSON takes) to `path`, whole or not at all."""
    from safetensors.torch import save

    from benchmark.files import write_whole

    # one entry: safetensors writes several in no fixed order, and equal checkpoints are to be equal files
    header = {HEADER: json.dumps({"kind": kind, "format": FORMAT, "metadata": metadata}, sort_keys=True)}
    write_whole(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, header))


def read_checkpoint(path: Path, *, kind: str) -> Checkpoint:
    """Read a file written by `write_checkpoint`.

    Raises CheckpointError when it is missing, not safetensors, damaged, not from here, or of another kind or format.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint; expected a .safetensors file written by python -m asna")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            if header.get("kind") != kind:
                raise CheckpointError(
                    f"{path}: expected a checkpoint of kind {kind!r}, got {header.get('kind', 'one from another program')!r}"
                )
            if header.get("format") != FORMAT:
                raise CheckpointError(
                    f"{path}: expected format {FORMAT}, got {header.get('format')}; train again or update this program"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Checkpoint(tensors, header["metadata"])
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"{path}: damaged or not a safetensors file ({error}); fetch or train it again"
        ) from error


def save_model(path: Path, model: ASNA, metadata: Mapping[str, Any]) -> None:
    """Write a network with its config and `metadata`; the label's mean and sd are among its buffers."""
    facts = {**metadata, "config": asdict(model.config)}
    write_checkpoint(path, kind="asna", tensors=model.state_dict(), metadata=facts)


def model_from(checkpoint: Checkpoint, path: Path) -> ASNA:
    """Rebuild the network of a checkpoint, in evaluation mode, leaving the random state alone.

    Raises CheckpointError when the tensors do not fit.
    """
    import torch

    from asna.model import ASNA, ASNAConfig

    try:
        with torch.device("meta"):
            model = ASNA(ASNAConfig(**checkpoint.metadata["config"]))
        model.load_state_dict(checkpoint.tensors, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: does not fit the network it names ({error})") from error
    return model.eval()


def shipped() -> dict[str, Path]:
    """The networks in `asna/weights` by name; `asna` is the one that was measured best (README.md)."""
    found = {path.stem: path for path in sorted(WEIGHTS.glob("asna-*.safetensors"))}
    return {"asna": found[BEST], **found} if BEST in found else found


def load(name: str | Path = "asna", *, device: str = "cpu") -> ASNA:
    """Return a network in evaluation mode on `device`: a shipped one by name ("asna"), or any checkpoint file.

    The shipped weights were trained on synthetic labels. Raises CheckpointError for an unknown name or a bad file.
    """
    known = shipped()
    path = known[str(name)] if str(name) in known else Path(name)
    if str(name) not in known and path.suffix != ".safetensors":
        raise CheckpointError(f"{name}: no shipped checkpoint of that name ({', '.join(known) or 'none'}), and no file")
    return model_from(read_checkpoint(path, kind="asna"), path).to(device)
