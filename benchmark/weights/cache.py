"""The harness's own folder of weights: what is here, what is taken in, and what a metric lacks.

The folder is laid out as torchvision, lpips and pyiqa expect it below `TORCH_HOME`, and is never the user's own. Files
are hashed and copied, never opened otherwise: nothing is unpickled here.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from benchmark.files import PART, expanded, whole_file
from benchmark.leftovers import sweep
from benchmark.types import Progress, UserError
from benchmark.weights.catalogue import FILES, Edition, WeightsFile

ENVIRONMENT = "IQA_WEIGHTS"
CHUNK = 1 << 20
MEGABYTE = 1_000_000


class State(Enum):
    """What is known of a file of the catalogue on this machine."""

    HERE = "here"
    EMBEDDED = "embedded"
    ABSENT = "absent"
    DAMAGED = "damaged"
    UNVERIFIED = "here, its sha256 is not known"


@dataclass(frozen=True, slots=True)
class Taken:
    """What `add` made of a path. `file` is None for what the catalogue does not know."""

    path: Path
    file: WeightsFile | None
    outcome: str
    """"taken", "already here", "unknown", "damaged"."""
    reason: str = ""


def folder() -> Path:
    """The folder named by `IQA_WEIGHTS`, or else ``weights`` below the user's cache folder. It need not exist."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return expanded(chosen).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("iqa-benchmark", appauthor=False) / "weights"


def path_of(file: WeightsFile) -> Path:
    """Where a file of the catalogue lies, or would lie."""
    return file.home / file.name if file.embedded else folder() / file.folder / file.name


def missing(files: Iterable[WeightsFile]) -> str | None:
    """Say in one line which of `files` are not here and what to do; None when all are. Looks at names and sizes only."""
    absent = [file for file in files if not _plausible(file)]
    if not absent:
        return None
    sizes = [size_text(file.editions[0].size) if file.editions[0].size else "" for file in absent]
    names = ", ".join(f"{file.name} ({size})" if size else file.name for file, size in zip(absent, sizes, strict=True))
    add = f"`python -m benchmark weights add {absent[0].name}`"
    metric = absent[0].metrics[0]
    if any(not file.url for file in absent):
        return f"{names}: {add}"
    return f"{names}: `python -m benchmark weights fetch {metric}`, or {add}"


def require(metric: str, files: Iterable[WeightsFile]) -> None:
    """Raise UserError with the text of `missing`, led by the metric's name, unless all files are here."""
    lacking = missing(files)
    if lacking:
        raise UserError(f"{metric}: needs {lacking}")


def state(file: WeightsFile) -> State:
    """Hash the file and compare; "absent" where there is none. Raises UserError when it cannot be read."""
    path = path_of(file)
    if not path.is_file():
        return State.ABSENT
    right = file.accepts(sha256_of(path))
    if right is None:
        return State.UNVERIFIED
    if not right:
        return State.DAMAGED
    return State.EMBEDDED if file.embedded else State.HERE


def check(path: Path) -> None:
    """Raise UserError when a file that a library is about to read is known, by name, to be another than it should.

    For files below `folder` that are read by others than this program. Each is hashed once per process and change of
    the file: half a second for the largest of the catalogue (553 MB).
    """
    if not path.is_file():
        return
    named = WeightsFile(path.name, (), (Edition("", 0),), "")
    file = next((file for file in FILES if not file.embedded and path_of(file) == path.absolute()), named)
    found = path.stat()
    digest = _sha256_once(path, (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino))
    if file.accepts(digest) is False:
        raise UserError(
            f"{path} does not hold what its name says: expected sha256 {file.expected}, got {digest}; delete it, then "
            f"{_again(file)}"
        )


def _again(file: WeightsFile) -> str:
    if file.name not in {known.name for known in FILES}:
        return "run the same command again, which fetches it, or put the right file there"
    fetch = f" or `python -m benchmark weights fetch {file.metrics[0]}`" if file.url else ""
    return f"`python -m benchmark weights add {file.name}`{fetch}"


@functools.cache
def _sha256_once(path: Path, state: tuple[int, ...]) -> str:
    """sha256 of a file in that state of size, times and place on the disk."""
    return sha256_of(path)


def clear_leftovers() -> None:
    """Remove what killed processes left of files that they were bringing here."""
    for name in {file.folder for file in FILES if not file.embedded}:
        sweep(folder() / name, PART)


def add(
    paths: Sequence[Path], *, files: Sequence[WeightsFile] = FILES, progress: Progress | None = None
) -> Iterator[Taken]:
    """Take weights from files and folders (recursively) into the cache, and say what became of each.

    A file is known by its sha256, whatever its name; one whose sha256 nobody here knows goes by its name. Each is
    copied whole or not at all, and what was copied is what was hashed. In a folder, files that are not weights are
    passed over as "unknown". Raises UserError for a path that does not exist, and when the cache cannot be written.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        found += sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    for done, path in enumerate(found):
        if progress is not None:
            progress(done, len(found), "weights")
        yield _take(path, files)
    if progress is not None:
        progress(len(found), len(found), "weights")


def write_verified(file: WeightsFile, chunks: Iterable[bytes], editions: Sequence[Edition]) -> None:
    """Write a file of the cache from its parts, unless their sha256 is none of `editions`: then nothing is left.

    Raises UserError naming what was expected and found, or when the cache cannot be written.
    """
    path, digest = path_of(file), hashlib.sha256()
    wanted = replace(file, editions=tuple(editions))
    try:
        with whole_file(path) as target:
            for chunk in chunks:
                digest.update(chunk)
                target.write(chunk)
            if wanted.accepts(digest.hexdigest()) is False:
                raise _WrongContent(f"expected sha256 {wanted.expected}, got {digest.hexdigest()}")
    except _WrongContent as error:
        raise UserError(f"{file.name}: {error}") from error
    except UserError as error:
        raise UserError(
            f"{error}; or name another folder for weights with the environment variable {ENVIRONMENT}"
        ) from error


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file's bytes; raises UserError when it cannot be read."""
    digest = hashlib.sha256()
    for chunk in read_chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in parts; raises UserError when it cannot be read."""
    try:
        with path.open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def size_text(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE / 10 else f"{size / 1000:.0f} kB"


class _WrongContent(Exception):
    """What was read is not what was expected."""


def _plausible(file: WeightsFile) -> bool:
    """Whether a file of a right size is at its place: enough for a list, `load` checks the content."""
    try:
        size = path_of(file).stat().st_size
    except OSError:
        return False
    return size > 0 and size in {edition.size or size for edition in file.editions}


def _take(path: Path, files: Sequence[WeightsFile]) -> Taken:
    """Copy one file into the cache if the catalogue knows it."""
    try:
        size = path.stat().st_size
        named = next((file for file in files if file.name == path.name), None)
        edition_sizes = {edition.size for file in files for edition in file.editions}
        if named is None and size not in edition_sizes:
            return Taken(path, None, "unknown")
        digest = sha256_of(path)
    except (OSError, UserError) as error:
        return Taken(path, None, "damaged", f"cannot be read ({error})")
    for file in files:
        for edition in file.editions:
            if edition.sha256 == digest:
                return _copy(path, file, edition)
    if named is None:
        return Taken(path, None, "unknown")
    if named.accepts(digest) is False:
        return Taken(
            path,
            named,
            "damaged",
            f"or another version: expected sha256 {named.expected}, got {digest} ({size:,} bytes)",
        )
    return _copy(path, named, Edition(digest, size))


def _copy(path: Path, file: WeightsFile, edition: Edition) -> Taken:
    target = path_of(file)
    if file.embedded or (target.is_file() and sha256_of(target) == edition.sha256):
        return Taken(path, file, "already here")
    write_verified(file, read_chunks(path), [edition])
    known = file.accepts(edition.sha256) is not None
    return Taken(path, file, "taken", "" if known else f"by its name: nobody here knows its sha256 ({edition.sha256})")
