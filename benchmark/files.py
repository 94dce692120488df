"""Files are written whole or not at all; JSON holds no nan and no infinity."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from benchmark.filenames import printable
from benchmark.types import UserError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path` so that no reader ever sees a part of it; parents are made.

    Raises UserError when the folder cannot be written or the disk is full; the old file, if any, is then untouched.
    """
    with whole_file(path) as file:
        file.write(printable(content).encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes `path` when the block ends, and is gone when the block raises.

    For content that comes in parts; otherwise as `write_whole`. An OSError of the block itself is taken for one of
    writing, so read elsewhere outside.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = ""
    except OSError as error:
        raise UserError(explain(error, path)) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def explain(error: OSError, path: Path) -> str:
    """One sentence on why `path` cannot be written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path}: the folder cannot be written; choose another one or change its permissions"
    return f"{path}: cannot be written ({error.strerror or error})"


def plain(value: Any) -> Any:
    """The same mappings, lists and numbers as JSON allows them: nan as None, infinities as "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def number(value: float | str | None) -> float:
    """Turn a number that `plain` made back into a float."""
    return math.nan if value is None else float(value)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
