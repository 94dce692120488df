"""The regression gate passes what is the same and fails what is not, by name."""

import dataclasses
import io
import json
import math
from pathlib import Path

import pytest
from command import benchmark
from conftest import PLUGIN

from benchmark.cli.gate import _before, _report
from benchmark.gate import Baseline, Finding, Reading, compare, read_baseline, write_baseline
from benchmark.registry import Registry
from benchmark.runner import plan
from benchmark.store import Store
from benchmark.types import UserError
from benchmark.workflows.run import run_plan

CORRECT = """
from skimage.metrics import structural_similarity
from benchmark.plugin import metric

@metric(name="own-ssim", higher_is_better=True, protocol="SSIM of luma, Gaussian window.", view="luma", version="1", tolerance=1e-6)
def own_ssim(*, distorted, reference):
    return structural_similarity(
        reference, distorted, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )

@metric(name="ratio", higher_is_better=False, protocol="Mean ratio to the reference.", view="luma", version="1", tolerance=1e-6)
def ratio(*, distorted, reference):
    return (distorted / (reference + 1)).mean()
"""
BREAKS = {
    "another window": ("gaussian_weights=True, sigma=1.5, ", ""),
    "another range": ("data_range=255", "data_range=1"),
    "swapped arguments": ("distorted / (reference + 1)", "reference / (distorted + 1)"),
    "a failing pair": (
        "    return (distorted /",
        "    if distorted.mean() > reference.mean(): raise ValueError('no')\n    return (distorted /",
    ),
    "a metric that cannot load": ("from skimage.metrics import", "from skimage.metrics.gone import"),
}


def gate(folder, root, plugin, *arguments):
    (folder / "plugin.py").write_text(plugin)
    return benchmark(
        *("gate", "--baseline", folder / "baseline.json", "--dataset", "toy", "--data-root", root, "--workers", "1"),
        *("--plugin", PLUGIN, "--plugin", folder / "plugin.py", *arguments),
    )


@pytest.fixture(scope="module")
def folder(toy, tmp_path_factory):
    """A folder with a baseline of the correct metrics."""
    folder = tmp_path_factory.mktemp("gate")
    done = gate(folder, toy, CORRECT, "--update", "--metrics", "own-ssim,ratio")
    assert done.returncode == 0, done.stderr
    return folder


def test_unchanged_metrics_pass_and_the_baseline_stays(folder, toy):
    before = (folder / "baseline.json").read_bytes()
    done = gate(folder, toy, CORRECT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gate passed: 2 metrics on toy" in done.stdout
    assert (folder / "baseline.json").read_bytes() == before


@pytest.mark.parametrize("name", BREAKS)
def test_a_metric_broken_on_purpose_fails(folder, toy, name):
    done = gate(folder, toy, CORRECT.replace(*BREAKS[name]))
    if name == "a metric that cannot load":
        assert done.returncode == 2
        assert "gone" in done.stderr
    else:
        assert done.returncode == 1, done.stdout + done.stderr
        assert "gate FAILED" in done.stdout
        assert "FAIL" in done.stdout
        assert ("ratio" if "ratio" in BREAKS[name][0] or "reference" in BREAKS[name][0] else "") in done.stdout


def test_update_makes_the_same_bytes_again(folder, toy, tmp_path):
    gate(tmp_path, toy, CORRECT, "--update", "--metrics", "own-ssim,ratio")
    assert (tmp_path / "baseline.json").read_bytes() == (folder / "baseline.json").read_bytes()


def test_update_of_one_metric_keeps_the_others(folder, toy, tmp_path):
    (tmp_path / "baseline.json").write_bytes((folder / "baseline.json").read_bytes())
    changed = CORRECT.replace("data_range=255", "data_range=510").replace("mean()", "mean() * 2")
    assert gate(tmp_path, toy, changed, "--update", "--metrics", "own-ssim").returncode == 0
    before, after = (read_baseline(f / "baseline.json").metrics for f in (folder, tmp_path))
    assert after["ratio"] == before["ratio"]
    assert after["own-ssim"] != before["own-ssim"]


@pytest.mark.parametrize("content", ["{", '{"schema": 0, "metrics": {}}'])
def test_update_replaces_a_baseline_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "b.json"
    path.write_text(content)
    assert _before(path, update=True, needed=False) is None
    with pytest.raises(UserError, match="baseline"):
        _before(path, update=True, needed=True)
    with pytest.raises(UserError, match="baseline"):
        _before(path, update=False, needed=False)


def test_update_of_one_metric_refuses_another_data_set_and_other_labels(folder, toy, tmp_path):
    content = json.loads((folder / "baseline.json").read_text())
    for key, text in (("dataset", "of the data set live, not toy"), ("revision", "of other labels of toy")):
        (tmp_path / "baseline.json").write_text(json.dumps(content | {key: "live"}))
        before = (tmp_path / "baseline.json").read_bytes()
        done = gate(tmp_path, toy, CORRECT, "--update", "--metrics", "ratio")
        assert done.returncode == 2, done.stdout + done.stderr
        assert text in done.stderr
        assert (tmp_path / "baseline.json").read_bytes() == before


def test_a_metric_that_is_not_in_the_baseline_cannot_pass(folder, toy):
    done = gate(folder, toy, CORRECT, "--metrics", "ratio,difference")
    assert done.returncode == 2
    assert "difference not in the baseline" in done.stderr
    assert "passed" not in done.stdout


def test_a_baseline_of_nothing_cannot_pass(folder, toy, tmp_path):
    content = json.loads((folder / "baseline.json").read_text())
    (tmp_path / "baseline.json").write_text(json.dumps(content | {"metrics": {}}))
    done = gate(tmp_path, toy, CORRECT)
    assert done.returncode == 2
    assert "holds no metric" in done.stderr


@pytest.mark.parametrize(
    ("metrics", "text"),
    [("ratio,unloadable", "unloadable not run: OSError: no weights here"), ("large", "large on a/1.png")],
)
def test_update_refuses_what_did_not_run_or_failed(toy, tmp_path, metrics, text):
    done = gate(tmp_path, toy, CORRECT, "--update", "--metrics", metrics)
    assert done.returncode == 2
    assert "not written" in done.stderr
    assert text in done.stderr
    assert not (tmp_path / "baseline.json").exists()


def test_an_interrupt_of_what_is_thrown_away_does_not_say_that_it_is_kept(toy, tmp_path):
    class Interrupted:
        def results(self, units):
            raise KeyboardInterrupt
            yield

    for kept, text in ((False, "none is kept"), (True, "kept in")):
        with Store(tmp_path / f"{kept}.sqlite") as store:
            todo = plan(store, Registry((PLUGIN,)), "toy", ["difference"], toy)
            with pytest.raises(KeyboardInterrupt) as end:
                run_plan(store, todo, Interrupted(), quiet=True, kept=kept)
        message = str(end.value)
        assert text in message
        assert (str(tmp_path) in message) == kept


def test_findings_show_names_as_they_are():
    from rich.console import Console

    console = Console(width=200, file=io.StringIO())
    console.print(_report([Finding("m[/x]", "distortion=[bold]", "lost c[/d].png :warning:", True)], 1, "table:label:"))
    for text in ("m[/x]", "distortion=[bold]", "c[/d].png"):
        assert text in console.file.getvalue()


def test_infinite_and_undefined_numbers_survive_the_file(tmp_path):
    odd = changed(scores={"a": math.inf, "b": -math.inf}, agreement={"all": {"srcc": (0.5, -math.inf, math.nan)}})
    write_baseline(tmp_path / "b.json", odd)
    assert repr(read_baseline(tmp_path / "b.json")) == repr(odd)


def test_two_infinite_scores_are_equal_and_a_finite_one_has_moved():
    before = changed(scores={"a": math.inf, "b": 2.0})
    assert compare(before, changed(scores={"a": math.inf, "b": 2.0})) == []
    for other in (50.0, -math.inf, math.nan):
        (finding,) = compare(before, changed(scores={"a": other, "b": 2.0}))
        assert finding.fails
        assert "1 of 2 scores moved" in finding.text


READING = Reading("1", "", 1e-6, {"a": 1.0, "b": 2.0}, {}, {"all": {"srcc": (0.9, 0.8, 0.95)}})
BASELINE = Baseline("toy", "r1", {"m": READING})


def changed(**fields):
    return Baseline("toy", "r1", {"m": dataclasses.replace(READING, **fields)})


@pytest.mark.parametrize(
    ("now", "fails", "text"),
    [
        (BASELINE, None, ""),
        (changed(scores={"a": 1.0 + 5e-7, "b": 2.0}), None, ""),
        (changed(scores={"a": 1.01, "b": 2.0}), True, "1 of 2 scores moved beyond 1e-06; most a: 1 -> 1.01"),
        (changed(scores={"a": math.nan, "b": 2.0}), True, "scores moved"),
        (changed(version="2", scores={"a": 7.0, "b": 2.0}), False, "version 1 -> 2: changed scores are expected"),
        (changed(scores={"a": 1.0}, failures={"b": "corrupt"}), True, "1 pairs no longer have a score: b (corrupt)"),
        (changed(scores={"a": 1.0, "b": 2.0, "c": 3.0}), False, "1 pairs have a score now: c"),
        (changed(agreement={"all": {"srcc": (0.88, 0.8, 0.95)}}), True, "SRCC 0.9000 -> 0.8800 (-0.0200, ~ within"),
        (changed(agreement={"all": {"srcc": (0.7, 0.6, 0.8)}}), True, "outside its interval"),
        (changed(agreement={"all": {"srcc": (0.897, 0.8, 0.95)}}), False, "~ within its interval"),
        (changed(agreement={"all": {"srcc": (0.93, 0.8, 0.95)}}), False, "+0.0300"),
        (changed(agreement={}), True, "nan"),
        (changed(not_run="no weights"), True, "not run: no weights"),
        (Baseline("toy", "r1", {}), True, "the metric is gone"),
        (Baseline("toy", "r2", {"m": READING}), True, "the labels of toy changed"),
        (Baseline("toy", "r1", {"m": READING, "n": READING}), False, "not in the baseline yet"),
    ],
)
def test_each_kind_of_change_is_found_and_judged(now, fails, text):
    findings = compare(BASELINE, now)
    if fails is None:
        assert findings == []
    else:
        assert any(text in finding.text for finding in findings), findings
        assert any(finding.fails for finding in findings) == fails


def test_an_undefined_correlation_survives_the_file(tmp_path):
    undefined = changed(agreement={"all": {"srcc": (math.nan, math.nan, math.nan)}})
    write_baseline(tmp_path / "b.json", undefined)
    assert "NaN" not in (tmp_path / "b.json").read_text()
    assert compare(read_baseline(tmp_path / "b.json"), undefined) == []


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 9, "metrics": {}}', "{"])
def test_a_file_that_is_no_baseline_is_refused(tmp_path, content):
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(UserError, match="baseline"):
        read_baseline(tmp_path / "b.json")


def test_a_missing_baseline_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match="--update"):
        read_baseline(tmp_path / "b.json")


def test_the_committed_baseline_is_one_and_complete():
    path = Path(__file__).resolve().parents[1] / "results" / "baseline.json"
    baseline = read_baseline(path)
    assert json.loads(path.read_text())["dataset"] == "live-kodak"
    assert {name: len(reading.scores) for name, reading in baseline.metrics.items()} == dict.fromkeys(
        baseline.metrics, 210
    )
    assert {"psnr", "ssim", "lpips"} <= set(baseline.metrics)
