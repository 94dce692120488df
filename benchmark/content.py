"""What a pair's files hold: a look that is cheap and changes with them, and a hash of their bytes, which decides.

Scores belong to content, not to a time of writing. A file whose look is the same as when it was hashed is taken to be the
same file: name, size, time of writing, time of the last change of its entry (which nobody can set back), and inode. A
copy, a second checkout or a restored backup looks different and hashes the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import stat_result
from pathlib import Path

from benchmark.filenames import printable
from benchmark.types import Pair, Progress

HASH_THREADS = 8
"""Files hashed at once where a run is planned: hashing releases Python's lock, and network storage answers late."""
CONTENT_DIGITS = 32
"""Hexadecimal digits kept of the sha256 of a pair's content: 128 bits."""


UNREADABLE = "unreadable"
"""What stands for the content of files that cannot be read: other than any that was."""


@dataclass(frozen=True, slots=True)
class FileState:
    """One file, or the files of one pair, at one time."""

    look: str
    """Changes with the files; may change without them."""
    content: str
    """A hash of their bytes, "" where none was made."""


def look_of(name: str, facts: stat_result) -> str:
    """A file's look: name, size, time of writing, time of change of its entry, inode."""
    return f"{former_look_of(name, facts)}:{facts.st_ctime_ns}:{facts.st_ino}"


def former_look_of(name: str, facts: stat_result) -> str:
    """A file's look as stores of the formats 1 and 2 have it: name, size and time of writing."""
    return f"{printable(name)}:{facts.st_size}:{facts.st_mtime_ns}"


def look(path: Path) -> str | None:
    """A file's look now; None when it cannot be looked at."""
    try:
        return look_of(path.name, path.stat())
    except (OSError, ValueError):
        return None


def written_since(path: Path, seen: str) -> bool:
    """Whether a file was written, swapped or removed since it looked like that; a backup's links and chmod are no writing."""
    now = look(path)
    return now is None or _written(now) != _written(seen)


def _written(seen: str) -> tuple[str, str]:
    head, _, inode = seen.rsplit(":", 2)
    return head, inode


def read_state(path: Path) -> FileState | None:
    """Read a file and hash it; None when it cannot be read. The look is that from before the reading."""
    seen = look(path)
    if seen is None:
        return None
    try:
        with path.open("rb") as file:
            return FileState(seen, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def files_of(pair: Pair) -> list[Path]:
    """The files of a pair: its reference, where there is one, and the distorted image."""
    return [path for path in (pair.reference, pair.distorted) if path is not None]


def pair_state(pair: Pair, states: Mapping[Path, FileState]) -> FileState | None:
    """The state of a pair from those of its files; None unless all are known."""
    found = [states.get(path) for path in files_of(pair)]
    known = [state for state in found if state is not None]
    if len(known) < len(found):
        return None
    joined = hashlib.sha256("|".join(state.content for state in known).encode()).hexdigest()
    return FileState("|".join(state.look for state in known), joined[:CONTENT_DIGITS])


@dataclass(frozen=True, slots=True)
class Looks:
    """How the files of some pairs look now, by pair."""

    now: dict[str, str]
    former: dict[str, str]
    """As stores of the formats 1 and 2 have it."""


def pair_looks(pairs: Iterable[Pair]) -> Looks:
    """Look at each file once, however many pairs share it: on network storage a look takes a round trip.

    A pair whose files cannot be looked at is left out; scoring it gives the reason.
    """
    seen: dict[Path, tuple[str, str] | None] = {}

    def looks(path: Path) -> tuple[str, str] | None:
        if path not in seen:
            try:
                facts = path.stat()
            except OSError:
                seen[path] = None
            else:
                seen[path] = look_of(path.name, facts), former_look_of(path.name, facts)
        return seen[path]

    result = Looks({}, {})
    for pair in pairs:
        found = [looks(path) for path in files_of(pair)]
        if None not in found:
            result.now[pair.id] = "|".join(one[0] for one in found if one)
            result.former[pair.id] = "|".join(one[1] for one in found if one)
    return result


def hash_pairs(pairs: Sequence[Pair], *, progress: Progress | None = None, what: str = "files") -> dict[str, FileState]:
    """The states of pairs by id, each file read once, by several threads; a pair that cannot be read is left out."""
    paths = list(dict.fromkeys(path for pair in pairs for path in files_of(pair)))
    states: dict[Path, FileState] = {}
    if not paths:
        return {}
    pool = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="hash")
    try:
        for done, (path, state) in enumerate(zip(paths, pool.map(read_state, paths), strict=True), 1):
            if state is not None:
                states[path] = state
            if progress is not None:
                progress(done, len(paths), what)
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt waits for the files at hand, not for all
    found = {pair.id: pair_state(pair, states) for pair in pairs}
    return {pair: state for pair, state in found.items() if state is not None}
