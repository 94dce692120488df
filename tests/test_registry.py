"""Plugins: what they may hold, and what is refused with its reason."""

import pytest

from benchmark.registry import Registry
from benchmark.types import UserError

METRIC = """
from benchmark.plugin import metric

@metric(name="{name}", higher_is_better={better}, protocol="Mine."{more})
def mine(*, distorted, reference):
    return 1.0
"""


def plugin(tmp_path, text, name="plugin.py"):
    (tmp_path / name).write_text(text)
    return Registry((tmp_path / name,))


def test_a_decorated_function_is_a_metric_whose_version_follows_its_source(tmp_path):
    text = METRIC.format(name="mine", better=True, more="")
    first = plugin(tmp_path, text).metric("mine").info.version
    again = plugin(tmp_path, text).metric("mine").info.version
    edited = plugin(tmp_path, text.replace("1.0", "2.0")).metric("mine").info.version
    assert first.startswith("source-")
    assert first == again != edited
    assert (
        plugin(tmp_path, METRIC.format(name="mine", better=True, more=', version="3"')).metric("mine").info.version
        == "3"
    )


def test_lists_neighbours_and_dataclasses_work(tmp_path):
    (tmp_path / "neighbour_of_plugin.py").write_text("VALUE = 3.0")
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from benchmark.plugin import MetricInfo\n"
        "@dataclass(frozen=True)\nclass Mine:\n    info: MetricInfo\n    def load(self, device):\n"
        "        from neighbour_of_plugin import VALUE\n        return VALUE\n"
        "METRICS = [Mine(MetricInfo(n, n, '1', True, 'Mine.')) for n in ('one', 'two')]\n"
    )
    registry = plugin(tmp_path, text)
    assert registry.metric("two").load("cpu") == 3.0


def test_printing_at_import_does_not_reach_stdout(tmp_path, capsys):
    plugin(tmp_path, "print('hello')\n" + METRIC.format(name="mine", better=True, more=""))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (METRIC.format(name="ssim", better=True, more=""), "the name 'ssim' is taken"),
        (METRIC.format(name="a,b", better=True, more=""), "cannot be asked for"),
        (METRIC.format(name="", better=True, more=""), "cannot be asked for"),
        (METRIC.format(name="all-ready", better=True, more=""), "cannot be asked for"),
        (METRIC.format(name="m", better="'lower'", more=""), "higher_is_better is 'lower', expected True or False"),
        (METRIC.format(name="m", better=True, more=", view='gray'"), "view: expected one of rgb, uint8, luma"),
        (METRIC.format(name="m", better=True, more=", colour='rgb'"), "unexpected keyword argument 'colour'"),
        ("raise SystemExit(5)", "SystemExit: 5"),
        ("x = 1", "holds no metric and no data set"),
        ("def (", "SyntaxError"),
        (
            "from benchmark.plugin import MetricInfo\nclass Mine:\n    info = MetricInfo('m', 'm', '1', True, 'Mine.')",
            "an object \\(not a class\\)",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        plugin(tmp_path, text)


def test_unknown_names_get_the_nearest_ones():
    with pytest.raises(UserError, match=r"did you mean .*ms-ssim"):
        Registry().metric("mssim")


def test_a_plugin_that_is_loaded_again_runs_the_code_that_its_version_names(tmp_path):
    plugin, neighbour = tmp_path / "rereads.py", tmp_path / "neighbour_of_rereads.py"
    plugin.write_text(
        "from benchmark.plugin import metric\nfrom neighbour_of_rereads import NUMBER\n"
        "@metric(name='rereads', higher_is_better=True, protocol='A number.')\n"
        "def rereads(*, distorted, reference):\n    return NUMBER\n"
    )
    seen = {}
    for number in (1.0, 22.25):
        neighbour.write_text(f"NUMBER = {number}\n")
        found = Registry((plugin,)).metric("rereads")
        seen[found.info.version] = found.function(distorted=None, reference=None)
    assert list(seen.values()) == [1.0, 22.25]


def test_a_metric_of_this_program_that_a_plugin_imports_stays_as_it_is(tmp_path):
    plugin = tmp_path / "borrows.py"
    plugin.write_text(
        "from benchmark.metrics.lpips import METRICS\nfrom benchmark.metrics.niqe import METRICS as niqe\n"
    )
    before = {name: metric.info.version for name, metric in Registry().metrics.items()}
    for _ in range(2):
        Registry((plugin,))
    assert {name: metric.info.version for name, metric in Registry().metrics.items()} == before


def test_what_is_refused_leaves_what_was_registered_before():
    from benchmark.plugin import metric

    registry = Registry()
    registry.add(metric(name="mine", higher_is_better=True, protocol="P.", version="1")(lambda *, distorted: 1.0))
    with pytest.raises(UserError, match="expected True or False"):
        registry.add(metric(name="mine", higher_is_better="yes", protocol="P.", version="2")(lambda *, distorted: 1.0))
    assert registry.metric("mine").info.version == "1"
