"""A metric's version follows its code, wherever that is: the plugin's file, what it imports, an installed package, its weights."""

import hashlib
import importlib
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from benchmark.metrics.sources import local_sources
from benchmark.registry import METRICS_GROUP, Registry
from benchmark.types import UserError

DECORATED = """
from benchmark.plugin import metric
{more}

@metric(name="mine", higher_is_better=True, protocol="Mine."{facts})
def mine(*, distorted, reference):
    return {value}
"""
PLAIN = """
from benchmark.plugin import MetricInfo
{more}

class Mine:
    {info}

    def load(self, device):
        return {value}

mine = Mine()
"""
INFO = 'info = MetricInfo("mine", "Mine", "1", True, "Mine.")'
PROPERTY = f"@property\n    def info(self):\n        {INFO.replace('info =', 'return')}"


@pytest.fixture(autouse=True)
def _imports_of_its_own(monkeypatch):
    """Loading a plugin puts its folder on the path of modules and keeps what it imported."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("sourcehelper", "iqalab", "labcode"):
            del sys.modules[name]


def facts(folder, text=None, *, more="", facts="", value="1.0", info=INFO):
    (folder / "plugin.py").write_text((text or DECORATED).format(more=more, facts=facts, value=value, info=info))
    for name in [
        name for name, module in sys.modules.items() if (getattr(module, "__file__", "") or "").startswith(str(folder))
    ]:
        del sys.modules[name]
    importlib.invalidate_caches()
    return Registry((folder / "plugin.py",)).metric("mine").info


@pytest.mark.parametrize(
    ("text", "info"), [(DECORATED, ""), (PLAIN, INFO), (PLAIN, PROPERTY)], ids=["decorated", "plain", "property"]
)
def test_an_edited_plugin_is_another_version_however_its_metric_is_made(tmp_path, text, info):
    first = facts(tmp_path, text, info=info)
    assert facts(tmp_path, text, info=info).version == first.version
    assert facts(tmp_path, text, info=info, value="2.0").version != first.version


def test_a_version_that_the_decorator_states_stays_and_the_code_behind_it_is_known(tmp_path):
    first = facts(tmp_path, facts=', version="3"')
    second = facts(tmp_path, facts=', version="3"', value="2.0")
    assert (first.version, second.version) == ("3", "3")
    assert first.source != second.source


@pytest.mark.parametrize("text", [DECORATED, PLAIN])
@pytest.mark.parametrize(
    ("statement", "file"),
    [
        ("import sourcehelper", "sourcehelper.py"),
        ("from sourcehelper import part", "sourcehelper/part.py"),
        ("import sourcehelper.part as p", "sourcehelper/__init__.py"),
        ("def late():\n    from sourcehelper.deep import part", "sourcehelper/deep/part.py"),
        ("import importlib\ndef late():\n    importlib.import_module('sourcehelper.part')", "sourcehelper/part.py"),
    ],
)
def test_a_changed_module_that_the_plugin_imports_is_another_version(tmp_path, text, statement, file):
    path = tmp_path / file
    for folder in path.relative_to(tmp_path).parents[:-1]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "__init__.py").write_text("")
        (tmp_path / folder / "part.py").write_text("")
    path.write_text("x = 1\n")
    first = facts(tmp_path, text, more=statement).version
    path.write_text("x = 2\n")
    assert facts(tmp_path, text, more=statement).version != first


def test_modules_are_followed_through_others_and_libraries_are_not(tmp_path):
    (tmp_path / "one.py").write_text("import numpy\nimport json\nimport benchmark.types\nfrom two import f\n")
    (tmp_path / "two.py").write_text("import one\n")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "plugin.py").write_text("import one\n")
    assert [path.name for path in local_sources(tmp_path / "plugin.py")] == ["plugin.py", "one.py", "two.py"]


def test_a_module_of_another_checkout_is_followed(tmp_path, monkeypatch):
    (tmp_path / "lab" / "labcode").mkdir(parents=True)
    (tmp_path / "lab" / "labcode" / "__init__.py").write_text("from . import core\n")
    (tmp_path / "lab" / "labcode" / "core.py").write_text("import labcode.more\n")
    (tmp_path / "lab" / "labcode" / "more.py").write_text("")
    (tmp_path / "plugin.py").write_text("from labcode import core\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lab"))
    found = [path.name for path in local_sources(tmp_path / "plugin.py")]
    assert sorted(found) == ["__init__.py", "core.py", "more.py", "plugin.py"]


def test_declared_weights_are_hashed_and_needed(tmp_path):
    (tmp_path / "net.npy").write_bytes(b"1")
    declared = ', weights=["net.npy"]'
    first = facts(tmp_path, facts=declared)
    assert first.weights_sha256 == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"  # sha256 of "1"
    (tmp_path / "net.npy").write_bytes(b"2")
    assert facts(tmp_path, facts=declared).weights_sha256 not in ("", first.weights_sha256)
    (tmp_path / "net.npy").unlink()
    facts(tmp_path, facts=declared)
    metric = Registry((tmp_path / "plugin.py",)).metric("mine")
    assert "net.npy" in Registry().metric_missing(metric)
    with pytest.raises(UserError, match=r"mine: needs the declared weights .*net\.npy"):
        metric.load("cpu")


def test_a_plain_object_declares_its_weights_in_a_list(tmp_path):
    (tmp_path / "net.npy").write_bytes(b"1")
    info = f'weights = ["net.npy"]\n    {INFO}'
    assert facts(tmp_path, PLAIN, info=info).weights_sha256 == hashlib.sha256(b"1").hexdigest()
    (tmp_path / "net.npy").write_bytes(b"2")
    assert facts(tmp_path, PLAIN, info=info).weights_sha256 == hashlib.sha256(b"2").hexdigest()
    assert facts(tmp_path, PLAIN, info=f"weights = 0.5\n    {INFO}").weights_sha256 == ""


def packaged(folder, monkeypatch, text, value="1.0", **parts):
    """A metric that another installed package offers by entry point."""
    package = folder / "site-packages" / "iqalab"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text(
        "from iqalab import part\n" + text.format(**{"more": "", "facts": "", "info": INFO, **parts, "value": 1})
    )
    (package / "part.py").write_text(f"value = {value}\n")
    monkeypatch.syspath_prepend(str(folder / "site-packages"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "iqalab"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    point = EntryPoint("mine", "iqalab.core:mine", METRICS_GROUP)
    monkeypatch.setattr("benchmark.registry.entry_points", lambda group: [point] if group == METRICS_GROUP else [])
    return Registry()


@pytest.mark.parametrize(
    ("text", "info"), [(DECORATED, ""), (PLAIN, INFO.replace('"1"', '""'))], ids=["decorated", "plain"]
)
def test_a_packaged_metric_without_a_version_follows_the_source_of_its_package(tmp_path, monkeypatch, text, info):
    first = packaged(tmp_path, monkeypatch, text, info=info).metric("mine").info.version
    assert first.startswith("source-")
    assert packaged(tmp_path, monkeypatch, text, info=info).metric("mine").info.version == first
    assert packaged(tmp_path, monkeypatch, text, value="2.0", info=info).metric("mine").info.version != first


def test_a_packaged_metric_that_states_a_version_keeps_it(tmp_path, monkeypatch):
    info = packaged(tmp_path, monkeypatch, PLAIN).metric("mine").info
    assert info.version == "1"
    assert packaged(tmp_path, monkeypatch, PLAIN, value="2.0").metric("mine").info.source != info.source


def test_the_metrics_of_this_program_do_not_follow_their_source():
    infos = [metric.info for metric in Registry().metrics.values()]
    assert len(infos) > 10
    assert not any(info.source or "source" in info.version for info in infos)


def test_code_that_nobody_can_read_needs_a_stated_version():
    from benchmark.metrics.pairwise import metric

    namespace = {"metric": metric, "np": np}
    code = "made = metric(name='x', higher_is_better=True, protocol='X.'{})(lambda *, distorted, reference: 1.0)"
    with pytest.raises(ValueError, match="x: there is no source that its version could follow; state a version"):
        exec(code.format(""), namespace)
    exec(code.format(", version='7'"), namespace)
    assert namespace["made"].info.version == "7"


def test_a_function_of_a_notebook_cell_has_a_version_that_follows_its_own_source():
    import linecache

    def version(body):
        """As IPython runs a cell: no file, the source in the cache of lines."""
        source = (
            "from benchmark.plugin import metric\n"
            "@metric(name='cell', higher_is_better=True, protocol='A cell.')\n"
            f"def cell(*, distorted, reference):\n    return {body}\n"
        )
        name = f"<cell-{body}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        space = {"__name__": "__main__"}
        exec(compile(source, name, "exec"), space)
        return space["cell"].info.version

    assert version("1.0").startswith("source-")
    assert version("1.0") == version("1.0")
    assert version("1.0") != version("2.0")
