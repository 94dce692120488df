"""The image files that the cells of a table name, as they lie on the disk."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from pathlib import Path

from benchmark.pairs import shortened

_PLAIN = re.compile(r"[^./\\][^/\\]*(?:/[^./\\][^/\\]*)*")
"""A relative path that is spelt in the one way that its folders and name allow."""


class TableFiles:
    """Finds files below the folder of a table: by the name as written, else in another letter case."""

    def __init__(self, folder: Path, *, outside: bool) -> None:
        self.folder = os.path.abspath(folder)
        self.outside = outside
        self.respelt = False
        """Whether a cell was not written as its path is, so that two cells may name one file."""
        self._inside = os.path.join(self.folder, "")
        self._contents: dict[str, str] = {}
        """Names of contents by cell, and by key of their path."""
        self._paths: dict[str, Path] = {}
        self._entries: dict[str, dict[str, list[str]]] = {}

    def path(self, text: str, what: str, *, kept: bool = True) -> Path:
        """Where the cell `text` of the column `what` points to; backslashes separate folders where no file has them.

        No file need be there. With `kept` the answer is kept, as many rows name the same reference. Raises ValueError for an empty cell, and for a path outside the folder unless that is
        allowed.
        """
        if not text:
            raise ValueError(f"{what} is empty")
        if text in self._paths:
            return self._paths[text]
        whole = os.path.join(self.folder, text)
        path = whole if _PLAIN.fullmatch(text) else os.path.normpath(os.path.join(self.folder, self.spelling(text)))
        self.respelt = self.respelt or path != whole
        if not (self.outside or path.startswith(self._inside)):
            raise ValueError(
                f"{what} {shortened(text)!r} lies outside {self.folder}; allow it with a first line '# allow-outside'"
            )
        if not kept:
            return Path(path)
        return self._paths.setdefault(text, Path(path))

    def content(self, reference: str) -> str:
        """The name of the content whose reference is in that cell: its path, as the first row spells it.

        Paths that differ in letter case alone are one content, whether or not the files can be looked at.
        """
        if reference not in self._contents:
            path = os.path.normpath(self.spelling(reference))
            self._contents[reference] = self._contents.setdefault(_key(path), path)
        return self._contents[reference]

    def spelling(self, text: str) -> str:
        """The cell with slashes for backslashes, unless a file has them in its name."""
        return text if "\\" not in text or os.path.exists(os.path.join(self.folder, text)) else text.replace("\\", "/")

    def other_spelling(self, path: Path) -> Path | None:
        """The one file or folder whose name differs from `path` in letter case or Unicode composition alone."""
        found = Path(path.anchor)
        for part in path.parts[1:]:
            if not (inside := self._list(found)):
                return None
            names = inside.get(_key(part), [])
            exact = [name for name in names if name == part]
            if len(exact or names) != 1:
                return None
            found /= (exact or names)[0]
        return found

    def near_miss(self, path: Path) -> str:
        """Say what is there instead of a missing `path`, in brackets; "" where nothing is like it."""
        inside = self._list(path.parent)
        if not inside:
            return "" if os.path.isdir(path.parent) else f" (no folder {shortened(str(path.parent))})"
        key = _key(path.name)
        same = inside.get(key, [])
        near = same or [inside[name][0] for name in difflib.get_close_matches(key[:255], inside, n=1, cutoff=0.8)]
        return f" (there is {' and '.join(near)})" if near else ""

    def _list(self, folder: Path) -> dict[str, list[str]]:
        """Names in a folder by their key; none where it cannot be listed."""
        if str(folder) not in self._entries:
            entries: dict[str, list[str]] = {}
            try:
                for name in sorted(os.listdir(folder)):
                    entries.setdefault(_key(name), []).append(name)
            except (OSError, ValueError):
                pass
            self._entries[str(folder)] = entries
        return self._entries[str(folder)]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
