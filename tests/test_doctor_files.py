"""The doctor names files that a metric reads and that its version does not follow."""

from pathlib import Path

import pytest

from benchmark.doctor.examination import examine
from benchmark.doctor.opened import undeclared, watched
from benchmark.registry import Registry

PLUGIN = """
from pathlib import Path
import numpy as np
from benchmark.plugin import MetricInfo, metric

FILE = Path(__file__).with_name("factor.npy")
{top}

@metric(name="mine", higher_is_better=False, protocol="Mean absolute difference, times a factor."{facts})
def mine(*, distorted, reference):
    return np.abs(distorted.astype(float) - reference).mean() * {factor}
"""


@pytest.mark.parametrize(
    ("top", "factor", "facts", "verdict"),
    [
        ("", "np.load(FILE)[0]", "", "note"),
        ("factor = np.load(FILE)[0]", "factor", "", "note"),
        ("", "np.load(FILE)[0]", ', weights=["factor.npy"]', "ok"),
        ("", "1.0", "", "ok"),
    ],
    ids=["while scoring", "at import", "declared", "none"],
)
def test_files_that_are_read_undeclared_are_named(tmp_path, top, factor, facts, verdict):
    import numpy as np

    np.save(tmp_path / "factor.npy", np.array([2.0]))
    (tmp_path / "plugin.py").write_text(PLUGIN.format(top=top, factor=factor, facts=facts))
    with watched() as files:
        metric = Registry((tmp_path / "plugin.py",)).metric("mine")
    (found,) = [finding for finding in examine(metric, read_before=files) if finding.check == "files"]
    assert found.verdict.value == verdict, found.sentence
    assert ("factor.npy" in found.sentence) == (verdict == "note")


def test_code_libraries_and_what_is_written_do_not_count(tmp_path):
    import json

    with watched() as files:
        Path(json.__file__).read_bytes()
        (tmp_path / "helper.py").write_text("")
        (tmp_path / "helper.py").read_bytes()
        (tmp_path / "log.txt").write_text("written")
    assert undeclared(files) == []
    (tmp_path / "table.txt").write_text("1")
    with watched() as files:
        (tmp_path / "table.txt").read_text()
    assert undeclared(files) == [(tmp_path / "table.txt").resolve()]
    assert undeclared(files, [tmp_path / "table.txt"]) == []
    assert undeclared(files, [Path("table.txt")]) == []
