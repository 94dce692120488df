"""The code behind a metric that does not belong to this program, as files: its version follows them.

What is followed is read, not run: every import statement in a file, wherever it stands, and `importlib.import_module` with
a fixed name. A module is the metric's own where it is not part of an installed library: beside the plugin, below its
package, in another checkout. What is imported under a computed name, and code that is not Python, is not seen: state a
`version`, or declare such files as `weights`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PLUGIN_MODULE = "iqa_plugin_"
"""How the names of modules made of plugin files begin."""
OWN = {"benchmark", "asna", "iqa_datasets"}
"""Top-level names of this program: its metrics are guarded by the gate, and raise their versions themselves."""
VERSION_DIGITS = 12
"""Hexadecimal digits of the hash in a version."""
LIBRARY_FOLDERS = {"site-packages", "dist-packages"}


def is_own(module: str) -> bool:
    """Whether a module belongs to this program."""
    return module.partition(".")[0] in OWN


def is_library_file(file: Path) -> bool:
    """Whether a file belongs to an installed library, or to Python."""
    return any(_is_library(folder) for folder in file.resolve().parents)


def source_version(files: Iterable[tuple[Path, str]]) -> str:
    """Return `source-HASH` of the files that define a metric, each with its module's name, and of what they import."""
    return f"source-{source_hash(files)}"


def source_hash(files: Iterable[tuple[Path, str]]) -> str:
    """The hash in `source_version`: contents and names of the files count, their folders do not."""
    paths = dict.fromkeys(path for file, module in files for path in local_sources(file, module))
    contents = sorted((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths)
    alone = len(contents) == 1  # as it was before imports were followed, so that its scores stay its own
    whole = contents[0][1] if alone else hashlib.sha256(repr(contents).encode()).hexdigest()
    return whole[:VERSION_DIGITS]


def local_sources(file: Path, module: str = "") -> list[Path]:
    """The file and every local Python file that it imports, directly or through others: itself first.

    `module` is the name it is imported by: of a module in a package, the package is local too.
    """
    file = file.resolve()
    root = _root(file, module)
    found, waiting = {file: None}, [file]
    while waiting:
        for imported in _imported(waiting.pop(0), root):
            if imported not in found:
                found[imported] = None
                waiting.append(imported)
    return list(found)


_loaded: dict[Path, bytes] = {}
"""Local modules as they were when a plugin that imports them was loaded in this process."""


def forget_changed(file: Path, module: str) -> None:
    """Let a plugin that is loaded again import its neighbours anew where they changed since.

    Python keeps what it has imported, so code of before would else be run under the version of what the files hold now.
    """
    now = {path: path.read_bytes() for path in local_sources(file, module) if path.is_file()}
    changed = {path for path, content in now.items() if _loaded.get(path, content) != content}
    if changed:
        for name, loaded in list(sys.modules.items()):
            where = getattr(loaded, "__file__", None)
            if where and Path(where).resolve() in now:  # with those that hold the changed ones' names
                del sys.modules[name]
        importlib.invalidate_caches()
    _loaded.update(now)


def _root(file: Path, module: str) -> Path:
    """The folder that a plugin file, or the top-level package of a module, lies in."""
    folder = file.parent
    if not module.startswith(PLUGIN_MODULE):
        for _ in range(module.count(".") + (file.name == "__init__.py")):
            folder = folder.parent
    return folder


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """The local files that one file imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for name, level in _names(tree):
        parts = name.split(".") if name else []
        if level:
            yield from _files(file.parents[min(level, len(file.parents)) - 1], parts)
        elif parts and parts[0] not in OWN:
            for folder in filter(None, dict.fromkeys((root, _place(parts[0])))):
                if not _is_library(folder) or (folder / parts[0]).resolve() in file.parents:
                    yield from _files(folder, parts)


def _names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is imported, as (dotted name, dots before it); what is taken from a module may be one too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            parents = f"{node.module}." if node.module else ""
            yield from ((f"{parents}{alias.name}", node.level) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                yield name.lstrip("."), len(name) - len(name.lstrip("."))


def _files(folder: Path, parts: list[str]) -> Iterator[Path]:
    """The files of `a.b.c` below a folder: of `a`, of `a.b` and of `a.b.c`, as far as they exist."""
    if not parts and (folder / "__init__.py").is_file():
        yield (folder / "__init__.py").resolve()
    for part in parts:
        if (folder / f"{part}.py").is_file():
            yield (folder / f"{part}.py").resolve()
        folder = folder / part
        if (folder / "__init__.py").is_file():
            yield (folder / "__init__.py").resolve()


def _place(top: str) -> Path | None:
    """The folder from which a top-level module would be imported; None for what has no file, or is not found."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(str(next(iter(spec.submodule_search_locations)))).parent
    return Path(spec.origin).parent if spec.has_location and spec.origin else None


def _is_library(folder: Path) -> bool:
    """Whether a folder holds what was installed: the standard library, or packages."""
    return bool(LIBRARY_FOLDERS & set(folder.parts)) or folder.resolve() in _library_folders()


@cache
def _library_folders() -> frozenset[Path]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [Path(sysconfig.get_path(name)) for name in names]
    return frozenset(
        place.resolve() for place in (*places, places[0] / "lib-dynload", Path(site.getusersitepackages()))
    )
