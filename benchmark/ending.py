"""How a program of this package begins and ends: streams that fail plainly, signals, and exit codes.

Nothing heavy is imported here: Ctrl-C must be answered from the first moment on.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

MENDABLE = 2
"""The request cannot be done; the message says what to do."""
BUG = 70
"""An error that nobody foresaw, as EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""By Ctrl-C or SIGTERM, as a shell reports SIGINT."""
READER_GONE = 141
"""The reader of the output ended first (``| head``), as a shell reports SIGPIPE."""
MOST_CHARACTERS = 300
"""Of a path that is shown: one that is too long for the disk can be of any length."""
REPORT = "this is a bug of the program: please report it to its maintainers, with the lines above and the command"
REMEDIES = {
    errno.ENOSPC: "the disk (or /dev/shm) is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EMFILE: "too many open files; allow more with `ulimit -n 1024`, or take fewer --workers",
    errno.ENFILE: "too many open files on this machine; close other programs, or take fewer --workers",
    errno.ENOMEM: "out of memory; take fewer --workers or a smaller --memory",
    errno.EAGAIN: "no more processes or threads are allowed; take fewer --workers",
    errno.EACCES: "no permission; change the permissions, or name another file or folder",
    errno.EPERM: "no permission; change the permissions, or name another file or folder",
    errno.EROFS: "it lies on a read-only disk; name another file or folder",
    errno.ENAMETOOLONG: "the name is longer than one may be here; check the path",
    errno.ELOOP: "the symbolic links lead in a circle; mend them, or name another file or folder",
    errno.EIO: "the disk cannot be read or written; check it",
    errno.ESTALE: "the network folder is gone; mount it again",
}
"""What the machine may refuse at any place, and what the user can do: no bug of this program."""


class OutputLostError(Exception):
    """Standard output cannot be written. No OSError: libraries would take that for theirs and end with a code of their own."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


class EscapedError(Exception):
    """Carries an error (its cause) past the library of the command line, which would end the program for it."""


class _Results(io.FileIO):
    """Standard output, whose errors are `OutputLostError`."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputLostError(error) from error


class _Talk(io.FileIO):
    """Standard error: what cannot be written is lost, for there is nowhere to say it."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def run(load: Callable[[], Callable[[], Any]]) -> NoReturn:
    """Call what `load` returns, and exit with the code that its end has.

    `load` imports what the command needs: Ctrl-C during that ends the program at once, with a word.
    """
    _end_at_once_on_ctrl_c()
    _open_streams()
    code = _code(load)
    _end_at_once_on_ctrl_c()  # while the interpreter takes itself apart
    sys.exit(code)


def _code(load: Callable[[], Callable[[], Any]]) -> int:
    """The exit code of the command; what it printed is out, and what went wrong is said."""
    try:
        try:
            command = load()
            _raise_on_signals()
            command()
        except SystemExit as end:
            return _flushed(end)
        return _flushed(SystemExit(0))
    except EscapedError as escaped:
        return failed(escaped.__cause__ or escaped)
    except BaseException as error:
        return failed(error)


def _flushed(end: SystemExit) -> int:
    """The code that a library or the command chose, once what was printed is out; raises OutputLostError."""
    sys.stdout.flush()
    if isinstance(end.code, str):
        _say(end.code)
        return MENDABLE
    return end.code or 0


def failed(error: BaseException) -> int:
    """Say what went wrong, and return its exit code."""
    from benchmark.types import UserError

    if isinstance(error, KeyboardInterrupt):
        _say(str(error) or "interrupted")
        return INTERRUPTED
    if isinstance(error, OutputLostError):
        _forget_output()
        if error.cause.errno == errno.EPIPE:
            return READER_GONE
        number = error.cause.errno or 0
        reason = "it is closed" if number == errno.EBADF else REMEDIES.get(number, error.cause.strerror)
        _say(f"error: standard output cannot be written: {reason}")
        return MENDABLE
    if isinstance(error, UserError):
        _say(f"error: {error}")
        return MENDABLE
    if isinstance(error, OSError) and error.errno in REMEDIES:
        name = f"{os.fsdecode(error.filename)[:MOST_CHARACTERS]}: " if isinstance(error.filename, str | bytes) else ""
        _say(f"error: {name}{REMEDIES[error.errno]}")
        return MENDABLE
    if isinstance(error, MemoryError):
        _say(f"error: {REMEDIES[errno.ENOMEM]}")
        return MENDABLE
    import traceback

    _say("".join(traceback.format_exception(error)) + REPORT)
    return BUG


def _say(text: str) -> None:
    """Write lines to standard error, whatever they hold."""
    from benchmark.text import visible

    sys.stderr.write(f"{visible(text)}\n")
    sys.stderr.flush()


def _open_streams() -> None:
    """Make the standard streams fail as this program wants, and keep their numbers from going to other files.

    A stream that was closed (``>&-``) would else give its number to the next file that is opened, which then gets
    what libraries print.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free; standard output goes on to fail
    if os.name == "posix":
        sys.stdout = _text(_Results(1, "w", closefd=False), sys.stdout)
        sys.stderr = _text(_Talk(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: Any) -> io.TextIOWrapper:
    """A text stream as the interpreter makes it, but for characters that cannot be encoded: they become escapes."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=raw.isatty() or raw.fileno() == 2,
        write_through=getattr(before, "write_through", False),
    )


def _forget_output() -> None:
    """Let what could not be written go nowhere, so that the interpreter does not try again when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _end_at_once_on_ctrl_c() -> None:
    """Outside the command nothing is worth keeping. A process that was told to ignore a signal goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.default_int_handler):
        signal.signal(signal.SIGTERM, _end_at_once)


def _raise_on_signals() -> None:
    """From here on Ctrl-C and SIGTERM are KeyboardInterrupt, which commands answer."""
    if signal.getsignal(signal.SIGINT) is _end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _end_at_once(*_: object) -> None:
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(INTERRUPTED)
