"""A folder of images that can be made again: each is written whole or not at all, and checked.

A file is trusted when its size and time of change are those noted in ``manifest.json`` after its pixels were compared
with the expected hash. Any other file is decoded and hashed (about 3 ms), and made again when it is not right. So a
missing, cut, replaced or edited file is found at each start without reading the others; only a change that keeps both
size and time (a failing disk) is not: delete the folder then.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmark.files import expanded, write_whole
from benchmark.images import read_rgb
from benchmark.types import PairError, Progress, UserError

ENVIRONMENT = "IQA_CACHE"
MANIFEST = "manifest.json"
ACTIVITY = "making the distorted images"

Maker = Callable[[str], np.ndarray]
"""Makes the image of that file name (relative to the cache folder): uint8 (H, W, 3)."""


def cache_folder(name: str) -> Path:
    """The folder called `name` below `IQA_CACHE`, or else below the user's cache folder. It need not exist."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return expanded(chosen).absolute() / name
    from platformdirs import user_cache_path

    return user_cache_path("iqa-benchmark", appauthor=False) / name


def pixel_hash(rgb: np.ndarray) -> str:
    """sha256 (hex) of the samples of a uint8 (H, W, 3) image, row by row from the top, R G B interleaved."""
    return hashlib.sha256(np.ascontiguousarray(rgb).tobytes()).hexdigest()


def fill(folder: Path, hashes: Mapping[str, str], make: Maker, progress: Progress | None = None) -> None:
    """See that `folder` holds an image for every name in `hashes` (name -> `pixel_hash`), making those it lacks.

    Several processes may do so at once: each file is replaced whole, by the same pixels. Raises UserError when the
    folder cannot be written or when `make` gives another image than the hash expects.
    """
    noted = _read_manifest(folder)
    unsure = [name for name, digest in hashes.items() if noted.get(name) != [*_stamp(folder / name), digest]]
    if not unsure:
        return
    for done, name in enumerate(unsure):
        if progress is not None:
            progress(done, len(unsure), ACTIVITY)
        path = folder / name
        if not _holds(path, hashes[name]):
            _write(path, _bmp(_make(name, hashes[name], make)))
        noted[name] = [*_stamp(path), hashes[name]]
    if os.access(folder, os.W_OK):  # a complete folder that is read-only serves too, only slower
        _write(folder / MANIFEST, json.dumps(noted, indent=0, sort_keys=True))
    if progress is not None:
        progress(len(unsure), len(unsure), ACTIVITY)


def _make(name: str, digest: str, make: Maker) -> np.ndarray:
    rgb = make(name)
    if pixel_hash(rgb) != digest:
        raise UserError(
            f"{name}: this machine computed other pixels than expected (sha256 {pixel_hash(rgb)[:12]}, "
            f"expected {digest[:12]}); the program's data or numpy and scipy are damaged: install them again, or report it"
        )
    return rgb


def _bmp(rgb: np.ndarray) -> bytes:
    """Uncompressed, since an image is decoded at every run and made once."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="BMP")
    return buffer.getvalue()


def _write(path: Path, content: str | bytes) -> None:
    try:
        write_whole(path, content)
    except UserError as error:
        raise UserError(
            f"{error}; or name another folder for the distorted images with the environment variable {ENVIRONMENT}"
        ) from error


def _holds(path: Path, digest: str) -> bool:
    """Whether `path` decodes to the expected pixels."""
    try:
        return pixel_hash(read_rgb(path)) == digest
    except PairError:
        return False


def _stamp(path: Path) -> list[int]:
    """[size, time of change in ns] of a file; empty when there is none."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _read_manifest(folder: Path) -> dict[str, list]:
    """What was noted of each file; nothing when the manifest is missing or unreadable, so that all are checked."""
    try:
        noted = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
