"""Files that a metric reads while it is imported, loaded and scoring, and that nothing about it declares.

Python tells of every file that it opens (`sys.addaudithook`), not of what compiled libraries open by themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import benchmark
import iqa_datasets
from benchmark.doctor.finding import Finding, note, ok
from benchmark.metrics.sources import is_library_file
from benchmark.pairs import first_few
from benchmark.weights import cache

CHECK = "files"
SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/lib")))
CODE = {".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".egg-info", ".dist-info", ".egg-link"}
"""Endings of code, which the version follows (`benchmark.metrics.sources`), and of what finds it: files and folders."""

_heard: list[set[Path]] = []
"""Where files are noted at the moment; the hook itself can never be taken out again."""
_hooked = False


@contextmanager
def watched() -> Iterator[set[Path]]:
    """Yield a set that fills with the files that are opened for reading."""
    global _hooked  # noqa: PLW0603  a hook is for the process
    if not _hooked:
        sys.addaudithook(_hear)
        _hooked = True
    found: set[Path] = set()
    _heard.append(found)
    try:
        yield found
    finally:
        _heard.remove(found)


def _hear(event: str, arguments: tuple) -> None:
    if event != "open" or not _heard:
        return
    name, mode, flags = (*arguments, None, None, None)[:3]
    writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & os.O_ACCMODE)
    if isinstance(name, str | bytes) and not writes:
        for found in _heard:
            found.add(Path(os.fsdecode(name)).absolute())


def undeclared(opened: Iterable[Path], declared: Collection[Path] = ()) -> list[Path]:
    """Those of the opened files that scores may depend on unseen: no code, no library's, no system's, not declared."""
    known = {path.resolve() for path in declared}
    relative = [str(path) for path in declared if not path.is_absolute()]
    own = (Path(benchmark.__file__).parent, *map(Path, iqa_datasets.__path__))
    outside = {folder.resolve() for folder in (*SYSTEM, *own, cache.folder())}
    return [
        path
        for path in sorted({path.resolve() for path in opened} - known)
        if not any(Path(part).suffix in CODE for part in path.parts)
        and not outside.intersection(path.parents)
        and not any(path.match(name) for name in relative)
        and path.is_file()
        and not is_library_file(path)
    ]


def finding(opened: Iterable[Path], declared: Collection[Path] = ()) -> Finding:
    """What to say of the files that were opened."""
    if files := undeclared(opened, declared):
        return note(
            CHECK,
            f"reads {first_few(files)}, which nothing declares: other contents would give other scores under the same "
            "version; name them in @metric(weights=[...]), or in a list `weights` of the object",
        )
    return ok(CHECK, "reads no file that is not declared")
