"""The images below a folder, and a word on everything else that is there."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.filenames import printable
from benchmark.images.formats import IMAGE_SUFFIXES, OTHER_IMAGE_SUFFIXES
from benchmark.pairs import first_few
from benchmark.types import UserError


@dataclass(slots=True)
class Folder:
    """What a folder and its subfolders hold. Linked files and folders count as if they were there."""

    path: Path
    images: dict[str, Path] = field(default_factory=dict)
    """By relative name, sorted: files whose ending is that of a format that is read, hidden ones aside."""
    unread: list[str] = field(default_factory=list)
    """Pictures of formats that are not read, by relative name."""
    hidden: list[str] = field(default_factory=list)
    """Files and folders whose name begins with a dot: thumbnails, caches, what other programs keep beside images."""
    others: Counter[str] = field(default_factory=Counter)
    """How many other files there are, by ending."""
    unreadable: list[str] = field(default_factory=list)
    """Links that lead nowhere or to a folder that they are in, and folders that may not be opened."""

    def skipped(self) -> list[str]:
        """A sentence for each kind of thing that is not scored."""
        where = printable(self.path)
        sentences = []
        if self.unread:
            sentences.append(
                f"{where}: {_count(self.unread, 'image')} of a format that is not read: {first_few(self.unread)}"
            )
        if self.others:
            kinds = ", ".join(f"{number} {ending}" for ending, number in sorted(self.others.items()))
            sentences.append(f"{where}: no images by their ending: {kinds}")
        if self.hidden:
            sentences.append(f"{where}: {_count(self.hidden, 'hidden name')}: {first_few(self.hidden)}")
        if self.unreadable:
            sentences.append(f"{where}: cannot be opened, or leads back: {first_few(self.unreadable)}")
        return sentences

    @property
    def lacks_images(self) -> bool:
        """Whether something was left out that is an image, or may hold some."""
        return bool(self.unread or self.unreadable)


def read_folder(path: Path) -> Folder:
    """Look through a folder and its subfolders, linked ones too. Raises UserError when there is no image in it."""
    folder = Folder(path)
    images: dict[str, Path] = {}
    _look(folder, images, path, "", (path.resolve(),))
    folder.images = {name: images[name] for name in sorted(images)}
    if not images:
        there = "; ".join(folder.skipped())
        raise UserError(
            f"{printable(path)}: no images; expected files ending in {', '.join(IMAGE_SUFFIXES)}"
            + (f"; found {there}" if there else "")
        )
    return folder


def _look(folder: Folder, images: dict[str, Path], path: Path, prefix: str, above: tuple[Path, ...]) -> None:
    """Add what is in `path`; `above` are the true paths of the folders that it is in, and its own."""
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        folder.unreadable.append(f"{printable(prefix.rstrip('/'))} ({error.strerror})")
        return
    for entry in entries:
        name, below = prefix + entry.name, path / entry.name
        if entry.name.startswith("."):
            folder.hidden.append(printable(name))
        elif entry.is_dir():
            true = below.resolve()
            if true in above or true in above[0].parents:
                folder.unreadable.append(printable(name))
            else:
                _look(folder, images, below, f"{name}/", (*above, true))
        elif not entry.is_file():
            folder.unreadable.append(printable(name))
        else:
            ending = below.suffix.lower()
            if ending in IMAGE_SUFFIXES:
                images[name] = below
            elif ending in OTHER_IMAGE_SUFFIXES:
                folder.unread.append(printable(name))
            else:
                folder.others[printable(ending) or "without an ending"] += 1


def _count(names: list[str], what: str) -> str:
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
