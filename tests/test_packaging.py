"""The wheel carries everything, imports stay light, and the README's own texts run."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command import benchmark

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "numpy", "scipy", "pandas", "matplotlib", "skimage", "PIL", "piq", "lpips", "pyiqa")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The project's wheel, built without network from what is installed, in a copy: a build leaves files behind."""
    source, out = tmp_path_factory.mktemp("source") / "project", tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns(
        ".git", ".ci-venv", ".venv", ".tox", "build", "*.egg-info", "*.sqlite*", "__pycache__"
    )
    shutil.copytree(ROOT, source, ignore=leave)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_data_weights_notices_and_nothing_named_datasets(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for expected in (
        "iqa_datasets/live_kodak/labels.csv",
        "iqa_datasets/live_kodak/LIVE_NOTICE.txt",
        "iqa_datasets/live_kodak/ref/bikes.png",
        "benchmark/weights/lpips_alex_v0.1.safetensors",
        "benchmark/weights/LICENSE.lpips",
        "benchmark/published.csv",
        "asna/model.py",
    ):
        assert expected in names
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    shipped = {
        name.replace("datasets/", "iqa_datasets/", 1)
        for name in tracked
        if name.split("/")[0] in ("asna", "benchmark", "datasets")
    }
    assert shipped - set(names) == set()
    assert not any(name.startswith(("datasets/", "tests/")) for name in names)
    licences = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_the_wheel_works_from_another_folder(wheel, tmp_path):
    """Unpacked away from the checkout, `list` finds its entry points and the embedded data set is whole."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    environment = {"PYTHONPATH": str(site), "IQA_CACHE": str(tmp_path / "cache"), "PYTHONSAFEPATH": "1"}
    listed = benchmark("list", cwd=tmp_path, environment=environment)
    assert listed.returncode == 0, listed.stderr
    assert "live-kodak" in listed.stdout
    assert "lpips" in listed.stdout
    code = (
        "import benchmark, iqa_datasets.live_kodak as kodak; from benchmark.registry import Registry; "
        "print(benchmark.__file__, len(kodak.DATASET.pairs(None, images=False))); "
        "Registry().metric('lpips').load('cpu')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(site / "benchmark" / "__init__.py"), "210"]


def test_the_folder_datasets_does_not_shadow_another_package(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("name = 'theirs'")
    code = "import datasets, iqa_datasets.live_kodak; print(datasets.name)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "theirs\n", done.stderr


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import benchmark", ()),
        ("import benchmark.cli.app", ("numpy",)),
        ("from benchmark.registry import Registry; assert not Registry().broken", ("numpy",)),
        ("import asna", ()),
    ],
)
def test_nothing_heavy_is_imported_at_the_start(statement, allowed):
    code = f"{statement}\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= set(allowed)


def readme_blocks(language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_the_plugin_of_the_readme_runs_as_it_stands(toy, tmp_path):
    (text,) = [block for block in readme_blocks("python") if "@metric" in block]
    assert len(text.strip().splitlines()) <= 10
    (tmp_path / "my_metric.py").write_text(text)
    (name,) = re.findall(r'name="([^"]+)"', text)
    done = benchmark(
        *("score", "--distorted", toy / "a" / "1.png", "--reference", toy / "a" / "ref.png"),
        *("--metrics", name, "--plugin", tmp_path / "my_metric.py", "--format", "csv"),
    )
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert float(row["score"]) > 0


def test_every_command_and_option_of_the_readme_exists():
    commands = re.findall(r"python -m benchmark (.*)", "\n".join(readme_blocks("bash")))
    assert len(commands) > 8
    for command in commands:
        name, *arguments = command.split("#")[0].split()
        if name.startswith("-"):
            continue
        words = [name, *arguments[:1]] if name in ("doctor", "weights") else [name]
        described = benchmark(*words, "--help")
        assert described.returncode == 0, command
        for option in (argument for argument in arguments if argument.startswith("--")):
            assert option in described.stdout, f"{command}: no option {option}"
