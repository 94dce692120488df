"""`list`: what each metric is, needs, was proven by and costs; and the committed table of it."""

import csv
import io
import json
from pathlib import Path

import pytest
from command import benchmark
from photographs import METRICS

from benchmark.cli import metric_facts
from benchmark.costs import Cost
from benchmark.metrics import pyiqa_models
from benchmark.registry import Registry
from benchmark.weights.catalogue import needed_by

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "results" / "metrics.md"
AGAIN = "run `python -m benchmark list --format markdown --output results/metrics.md`"


def tables(markdown):
    """Every table of metrics of a page, without the times: lists of rows, the titles first."""
    found, rows = [], None
    for line in markdown.splitlines():
        cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
        if not line.startswith("| "):
            rows = None
        elif rows is not None:
            rows.append(cells)
        else:
            rows = [cells]
            if set(cells) <= set(metric_facts.COLUMNS):
                found.append(rows)
    timeless = [[i for i, title in enumerate(rows[0]) if title not in metric_facts.TIMES] for rows in found]
    return [[[row[i] for i in kept] for row in rows] for rows, kept in zip(found, timeless, strict=True)]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_its_values_were_compared_with(name):
    proof = METRICS[name].info.proof
    assert len(proof) > 10
    assert "|" not in proof


def test_a_model_of_pyiqa_is_said_to_be_proven_by_pyiqa_alone_unless_it_was_compared(monkeypatch, tmp_path):
    facts = {"metric_opts": {"type": "Any"}, "metric_mode": "FR"}
    monkeypatch.setattr(pyiqa_models, "_folder", lambda: tmp_path)
    monkeypatch.setattr(pyiqa_models, "_version", lambda: "0")
    monkeypatch.setattr(pyiqa_models, "models", lambda: {"ahiq": facts, "mad": facts})
    proofs = [pyiqa_models.pyiqa_metric.__wrapped__(name).info.proof for name in ("ahiq", "mad")]
    assert proofs == [
        "pyiqa's own; not compared with anything else",
        "pyiqa's own; official values of 5 pairs (1e-4)",
    ]


def test_the_committed_table_holds_what_the_program_says_now():
    committed = tables(PAGE.read_text(encoding="utf-8"))
    assert committed == tables(metric_facts.table(Registry(), "markdown")), AGAIN
    assert len(committed[0]) == len(METRICS) + 2


def cost(device="cpu", height=384, width=512, **others):
    known = {"metric": "psnr", "version": METRICS["psnr"].info.version, "backend": "opencv", "machine": "toy"}
    numbers = {"threads": 1, "seconds": 0.0012, "seconds_alone": 1.0, "p95": 1.0, "peak_memory": 1, "n": 9}
    return Cost(**known | numbers | {"device": device, "height": height, "width": width} | others)


@pytest.fixture
def costs(monkeypatch):
    """Let what was measured of psnr be what the test says, and of others nothing."""
    measured = []
    monkeypatch.setattr(metric_facts, "measured", lambda name, version: measured if name == "psnr" else [])
    metric_facts._costs.cache_clear()
    yield measured
    metric_facts._costs.cache_clear()


def row(name):
    return {row["metric"]: row for row in json.loads(metric_facts.table(Registry(), "json"))}[name]


def test_times_are_of_the_typical_size_where_it_was_measured(costs):
    costs += [cost(height=288, width=288, seconds=1.0), cost(), cost(device="toy GPU", seconds=0.0001)]
    assert (row("psnr")["CPU time"], row("psnr")["CUDA time"]) == ("1.2 ms", "0.1 ms")
    assert row("ssim")["CPU time"] == metric_facts.NOT_MEASURED
    assert "384 x 512 pixels" in metric_facts.table(Registry(), "markdown")
    assert metric_facts.times(METRICS["psnr"].info, cuda=False) == [
        "1e+03 ms for 288 x 288 (opencv; toy, 1 thread)",
        "1.2 ms for 384 x 512 (opencv; toy, 1 thread)",
    ]


def test_another_size_is_named_and_nothing_measured_is_said(costs):
    costs.append(cost(height=288, width=288))
    assert (row("psnr")["CPU time"], row("psnr")["CUDA time"]) == ("1.2 ms (288 x 288)", metric_facts.NOT_MEASURED)


def test_weights_are_embedded_here_or_to_fetch_with_their_size(monkeypatch, tmp_path):
    monkeypatch.setenv("IQA_WEIGHTS", str(tmp_path))
    metric = METRICS["lpips-vgg"]
    assert metric_facts.weights(metric, here=True) == "6 kB embedded; vgg16-397923af.pth to fetch, 553.4 MB"
    path = tmp_path / "hub" / "checkpoints" / "vgg16-397923af.pth"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(58869069)
    assert metric_facts.weights(metric, here=True) == "6 kB embedded; vgg16-397923af.pth here"
    assert metric_facts.weights(metric, here=False) == "6 kB embedded; vgg16-397923af.pth to fetch, 553.4 MB"
    assert metric_facts.weights(METRICS["ssim"], here=True) == "none"
    assert metric_facts.weights(METRICS["flip"], here=True) == "none beside the package flip-evaluator"


def test_the_list_of_weights_knows_the_files_of_every_network_of_asna():
    for name, metric in METRICS.items():
        if name.startswith("asna"):
            assert {file.name for file in needed_by(name)} == {f"{network}.safetensors" for network in metric.networks}


def test_csv_and_json_hold_every_metric_and_what_it_lacks():
    rows = list(csv.DictReader(io.StringIO(metric_facts.table(Registry(), "csv"))))
    assert [row["metric"] for row in rows] == sorted(METRICS)
    assert rows == json.loads(metric_facts.table(Registry(), "json"))
    assert rows[sorted(METRICS).index("psnr")]["status"] == "ready"


def test_verbose_tells_the_proof_the_library_the_weights_and_the_times():
    done = benchmark("list", "--verbose")
    assert done.returncode == 0, done.stderr
    _, _, block = done.stdout.partition("\npsnr\n")
    block = block.partition("\n\n")[0]
    for text in ("proven by: official values", "library: scikit-image", "weights: none", "CPU time per pair: "):
        assert f"    {text}" in block
    assert "range: 0 to inf" in block


def test_a_table_goes_to_stdout_or_to_a_file_by_its_ending(tmp_path):
    done = benchmark("list", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert {row["metric"] for row in json.loads(done.stdout)} == set(METRICS)
    done = benchmark("list", "--output", tmp_path / "metrics.md")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "metrics.md").read_text().startswith("# Metrics\n")


def test_columns_can_be_chosen():
    done = benchmark("list", "--format", "markdown", "--columns", "metric,better,status")
    assert done.stdout.splitlines()[:2] == ["| metric | better | status |", "| :-- | :-- | :-- |"]
    assert "| `psnr` | higher | ready |" in done.stdout
    done = benchmark("list", "--format", "csv", "--columns", "metrics")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected some of metric, kind," in done.stderr


@pytest.mark.parametrize("options", [("--format", "yaml"), ("--output", "metrics.txt")])
def test_another_format_is_refused_with_those_there_are(options):
    done = benchmark("list", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected markdown, csv, json" in done.stderr
