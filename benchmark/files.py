"""Files are written whole or not at all, and what is no plain file is written through; JSON holds no nan, no infinity."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from benchmark.filenames import printable
from benchmark.leftovers import hold, sweep
from benchmark.types import UserError

PART = ".iqa-part-"
"""How the names of files that are being written begin."""
DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|thread-self|\d+))/fd/(\d+)")
"""How Linux names what a process has open."""
STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
MOST_LINKS = 40
"""As many as Linux itself follows."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` to `path` so that no reader ever sees a part of it; parents are made.

    Text is written as UTF-8; what UTF-8 cannot hold (a byte of a file name that is no UTF-8) as an escape such as
    ``\\xff``. See `whole_file` for links, devices and errors.
    """
    with whole_file(path) as file:
        file.write(printable(content).encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes `path` when the block ends, and is gone when the block raises.

    A symbolic link is followed and stays; an existing file gives its mode, and its owner where that is allowed, to the
    one that replaces it. What is no plain file (a device, a FIFO, ``/dev/stdout``) is written through as the block
    goes. Raises UserError when `path` cannot be written or the disk is full; an old file is then untouched. An OSError
    of the block itself is taken for one of writing, so read elsewhere outside.
    """
    try:
        descriptor = _descriptor(path)
        if descriptor is not None:
            with _open_stream(descriptor) as file:
                yield file
        elif _is_special(path):
            with path.open("wb") as file:
                yield file
        else:
            with _replacing(Path(os.path.realpath(path))) as file:
                yield file
    except OSError as error:
        raise UserError(explain(error, path)) from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file beside `path` that takes its place when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    sweep(path.parent, PART)
    file, temporary = _open_part(path.parent)
    done = False
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _dress(temporary, path)
            os.replace(temporary, path)  # while the part is held: nobody may take it for a leftover
            done = True
    finally:
        if not done:
            temporary.unlink(missing_ok=True)


def _open_part(folder: Path) -> tuple[BinaryIO, Path]:
    """A new file in `folder`, held by this process as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PART)
        if hold(handle, Path(name)):
            return os.fdopen(handle, "wb"), Path(name)
        os.close(handle)  # another process took it for a leftover in the instant before it was held


def _dress(temporary: Path, path: Path) -> None:
    """Give a file the mode and owner of the one that it is to replace, or the usual mode of a new one."""
    try:
        old = path.stat()
    except FileNotFoundError:
        temporary.chmod(0o666 & ~_umask())
        return
    new = temporary.stat()
    if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with suppress(OSError):  # only root may give files away
            os.chown(temporary, old.st_uid, old.st_gid)
    temporary.chmod(stat.S_IMODE(old.st_mode))


def _is_special(path: Path) -> bool:
    """Whether `path` is there and no plain file; raises IsADirectoryError for a folder."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return not stat.S_ISREG(mode)


def _descriptor(path: Path) -> int | None:
    """The number of the open file of this process that `path` names, itself or by links; None for other paths."""
    name = os.path.abspath(path)
    for _ in range(MOST_LINKS):
        if name in STREAMS:
            return STREAMS[name]
        if match := DESCRIPTOR.fullmatch(name):
            return int(match[1])
        if not os.path.islink(name):
            return None
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(name)))
    return None


def _open_stream(descriptor: int) -> BinaryIO:
    """An open file of this process, to write on from where it is: opened anew it would be written from its beginning."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return os.fdopen(os.dup(descriptor), "wb")


def expanded(path: str | Path) -> Path:
    """`path` with a leading ``~`` or ``~user`` written out; raises UserError where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0]
        raise UserError(f"{path}: {user} stands for the home folder of a user who is not known here") from error


def explain(error: OSError, path: Path) -> str:
    """One sentence on why `path` cannot be written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path}: the file or its folder cannot be written; choose another place or change the permissions"
    if error.errno == errno.EISDIR:
        return f"{path}: a folder; expected the name of a file"
    if error.errno == errno.ENAMETOOLONG:
        return f"{path}: the name is longer than a file's may be; choose a shorter one"
    if error.errno == errno.EPIPE:
        return f"{path}: its reader is gone before all was written; run the same command again"
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
