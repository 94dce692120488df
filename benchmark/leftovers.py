"""Temporary files of processes that were killed: known by a lock that no living process holds, and removed.

A process holds a lock on each of its temporary files and folders; the system takes it back when the process ends,
however it ends. Where locks are not to be had (Windows, some network file systems) nothing is removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

OWNER = ".owner"
"""The file of a temporary folder whose lock its process holds."""


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a new folder below the system's one for temporary files, gone when the block ends.

    Folders of that prefix whose processes were killed are removed first.
    """
    sweep(Path(tempfile.gettempdir()), prefix)
    folder, owner = _open_folder(prefix)
    try:
        yield folder
    finally:
        os.close(owner)
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder(prefix: str) -> tuple[Path, int]:
    """A new folder, and the descriptor by which this process holds it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        owner = os.open(folder / OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        if hold(owner, folder / OWNER):
            return folder, owner
        os.close(owner)  # another process took it for a leftover in the instant before it was held


def hold(descriptor: int, path: Path) -> bool:
    """Lock an open file for as long as it stays open; False when another process removed it before that."""
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def sweep(folder: Path, prefix: str) -> None:
    """Remove this user's files and folders in `folder` whose names begin so and whose processes are dead."""
    if fcntl is None or not folder.is_dir():
        return
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return  # whoever writes there will say why it cannot be read
    for path in found:
        with suppress(OSError):
            _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    """Remove a file or folder unless its lock is held; raises OSError where that cannot be told, and leaves it."""
    folder = path.is_dir() and not path.is_symlink()
    descriptor = os.open(path / OWNER if folder else path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
