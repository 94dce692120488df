"""A user's own files in the current folder are never taken for modules of this program, its libraries or Python's."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from command import WIDE
from conftest import PLUGIN

LIBRARIES = (
    "torch",
    "numpy",
    "lpips",
    "piq",
    "typer",
    "rich",
    "scipy",
    "PIL",
    "distributed",
    "iqa_datasets",
    "sqlite3",
)
PYTHONS = ("random", "queue", "pickle", "socket", "tempfile", "struct", "copy", "multiprocessing", "concurrent", "csv")
OURS = ("benchmark", "asna", "datasets", "tests", "plugin")
SHADOW = "open(__file__.replace('\\\\', '/').rstrip('/') + '.ran', 'w').close(); raise SystemExit('a shadow ran')"


@pytest.fixture(params=["files", "packages"])
def shadows(request, tmp_path):
    """A function that makes a folder with modules of those names, each of which leaves a mark when it is run."""

    def make(names):
        folder = tmp_path / "mine"
        folder.mkdir()
        for name in names:
            path = folder / (f"{name}.py" if request.param == "files" else f"{name}/__init__.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(SHADOW)
        return folder

    return make


@pytest.fixture
def console_script(tmp_path):
    """The command ``iqa-benchmark`` as an installer writes it."""
    script = tmp_path / "bin" / "iqa-benchmark"
    script.parent.mkdir()
    script.write_text(
        "import sys\nfrom benchmark.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    return script


def done(folder, *command):
    process = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"} | WIDE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [str(path) for path in folder.rglob("*.ran")] == []
    assert process.returncode == 0, process.stderr
    return process


def toy_run(toy, tmp_path, *more):
    return (
        *("run", "--dataset", "toy", "--data-root", toy, "--plugin", PLUGIN, "--results", tmp_path / "results"),
        *("--metrics", "difference", "--workers", "2", *more),
    )


@pytest.mark.parametrize("executor", ["local", "dask"])
def test_the_command_and_its_workers_work_in_a_folder_of_any_names(toy, tmp_path, shadows, console_script, executor):
    if executor == "dask" and not (find_spec("distributed") and find_spec("cryptography")):
        pytest.skip("needs the extra dask")
    folder = shadows((*LIBRARIES, *PYTHONS, *OURS))
    process = done(folder, console_script, *toy_run(toy, tmp_path, "--executor", executor))
    assert "24 scores made" in process.stderr


def test_a_process_that_measures_costs_works_there_too(shadows, console_script):
    folder = shadows((*LIBRARIES, *PYTHONS, *OURS))
    done(folder, console_script, "throughput", "--metrics", "psnr", "--size", "32x32", "--repeats", "3")


def test_python_m_takes_no_library_from_the_current_folder(toy, tmp_path, shadows):
    folder = shadows((*LIBRARIES, "random", "queue", "socket", "tempfile", "csv", "asna", "datasets"))
    process = done(folder, "-m", "benchmark", *toy_run(toy, tmp_path))
    assert "24 scores made" in process.stderr


def test_python_m_works_beside_a_folder_of_the_programs_name(toy, tmp_path):
    (tmp_path / "mine" / "benchmark").mkdir(parents=True)
    (tmp_path / "mine" / "benchmark" / "notes.txt").write_text("my own")
    assert "24 scores made" in done(tmp_path / "mine", "-m", "benchmark", *toy_run(toy, tmp_path)).stderr


def test_a_plugin_still_imports_its_neighbours(toy, tmp_path):
    (tmp_path / "neighbour.py").write_text("VALUE = 4.0")
    (tmp_path / "mine.py").write_text(
        "from neighbour import VALUE\nfrom benchmark.plugin import metric\n\n"
        "@metric(name='constant', higher_is_better=True, protocol='Always the same.')\n"
        "def constant(distorted, reference):\n    return VALUE\n"
    )
    process = done(tmp_path, "-m", "benchmark", "score", "--distorted", toy / "a" / "1.png", "--reference",
                   toy / "a" / "ref.png", "--metrics", "constant", "--plugin", "mine.py", "--format", "csv")  # fmt: skip
    assert ",4.0," in process.stdout
