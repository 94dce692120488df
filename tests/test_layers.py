"""The layers run one way: command line, Python layer and workflows, then all below them; no circles."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"benchmark": ROOT / "benchmark", "asna": ROOT / "asna", "iqa_datasets": ROOT / "datasets"}


def modules():
    """Module name -> file, of all that is installed."""
    found = {}
    for package, folder in PACKAGES.items():
        for file in folder.rglob("*.py"):
            parts = (package, *file.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def imports(module, *, lazy):
    """What a module imports when it is loaded, or with `lazy` at any time; what only the type checker sees is left out."""

    def visit(nodes, inside):
        for node in nodes:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                yield from visit(node.orelse, inside)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (
                    f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module
                    for alias in node.names
                )
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                if lazy:
                    yield from visit(ast.iter_child_nodes(node), True)
            else:
                yield from visit(ast.iter_child_nodes(node), inside)

    return set(visit(ast.parse(MODULES[module].read_text(encoding="utf-8")).body, False))


def importers(target, *, lazy=True):
    """The modules that import a package or something in it, the package's own left out."""
    return {
        name
        for name in MODULES
        if not (name == target or name.startswith(f"{target}."))
        and any(one == target or one.startswith(f"{target}.") for one in imports(name, lazy=lazy))
    }


def rooms(names):
    """The first two parts of module names."""
    return {".".join(name.split(".")[:2]) for name in names}


def test_this_reads_what_is_imported():
    assert len(MODULES) > 150
    assert "benchmark.types" in imports("benchmark.pairs", lazy=False)
    assert "benchmark.workflows.run" in imports("benchmark.api", lazy=True)
    assert "benchmark.workflows.run" not in imports("benchmark.api", lazy=False)


def test_modules_do_not_import_each_other_in_circles():
    graph = {name: imports(name, lazy=False) & MODULES.keys() - {name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_only_programs_import_the_command_line():
    assert importers("benchmark.cli") <= {"benchmark.__main__", "asna.__main__"}


def test_the_command_line_alone_knows_its_library():
    assert rooms(importers("typer")) <= {"benchmark.cli", "asna.__main__"}


def test_only_the_command_line_and_the_python_layer_import_workflows():
    assert rooms(importers("benchmark.workflows")) <= {"benchmark.cli", "benchmark.api"}
    assert rooms(importers("benchmark.api")) <= {"benchmark", "benchmark.callable_module", "benchmark.cli"}


def test_statistics_know_arrays_alone():
    for name in MODULES:
        if name.startswith("benchmark.statistics"):
            own = {one for one in imports(name, lazy=True) if one.startswith(("benchmark", "asna", "iqa_datasets"))}
            assert rooms(own) <= {"benchmark.statistics", "benchmark.types"}, name


@pytest.mark.parametrize("name", ["asna.model", "asna.loss", "asna.sorter"])
def test_the_network_knows_nothing_of_the_harness(name):
    assert not [one for one in imports(name, lazy=True) if one.startswith("benchmark")]
