"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from benchmark.types import UserError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path` so that no reader ever sees a part of it; parents are made.

    Raises UserError when the folder cannot be written or the disk is full; the old file, if any, is then untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(explain(error, path)) from error


def explain(error: OSError, path: Path) -> str:
    """One sentence on why `path` cannot be written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path}: the folder cannot be written; choose another one or change its permissions"
    return f"{path}: cannot be written ({error.strerror or error})"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
