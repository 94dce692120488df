"""What metrics cost: the arithmetic, the calls that are made, the tables, the figure. No test depends on how long a call took."""

import csv
import json
import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from command import benchmark
from conftest import PLUGIN

from benchmark import costs as cost_table
from benchmark.cli.throughput import batch_sizes, image_sizes
from benchmark.costs import Cost
from benchmark.images import read_rgb
from benchmark.leaderboard.board import DatasetBoard, Row
from benchmark.registry import Registry
from benchmark.throughput import figure, photographs
from benchmark.throughput.measure import Task, measure_decoding, measure_metric
from benchmark.throughput.meters import Budget, PeakMemory, synchroniser, time_calls
from benchmark.throughput.pareto import pareto_front
from benchmark.throughput.processes import WorkerError, in_fresh_process
from benchmark.throughput.render import csv_text, json_text, markdown
from benchmark.throughput.report import Cell, Decoding, Machine, Report, costs, percentile, summarise
from benchmark.types import Agreement, Estimate, UserError

MIB = 2**20
MACHINE = Machine("Test CPU", 4, 0.5, "Linux", "3.11", {"numpy": "2.0"}, "cpu", 1, "2026-01-01 00:00")


def timing(seconds, calls=10):
    """A timing in which every call took the same."""
    return summarise(clock=[seconds] * calls, processor=[seconds / 2] * calls, warm_up=[1.0, 1.0])


def report(*cells):
    """A report of these cells and one decoding."""
    decoding = (Decoding("PNG", 100, 200, 12345, timing(0.004)),)
    return Report(MACHINE, "photographs", "rules", cells, decoding, "test")


FAST = Cell("fast", "1", "x", 100, 200, 1, "once", timing(0.002), 1_000_000)
FAST_EACH = replace(FAST, reference="each", timing=timing(0.003))
SLOW = Cell("slow", "2", "y", 100, 200, 1, "none", timing(0.5), None)


def test_the_pareto_front_of_a_case_made_by_hand():
    costs_ = [1.0, 2.0, 2.0, 3.0, 4.0, 0.5, math.nan, 5.0]
    gains = [0.5, 0.7, 0.6, 0.7, 0.9, 0.1, 1.0, math.nan]
    assert pareto_front(costs=costs_, gains=gains) == [5, 0, 1, 4]


def test_equal_choices_are_both_on_the_front_and_none_is_no_front():
    assert pareto_front(costs=[1, 1, 2], gains=[3, 3, 3]) == [0, 1]
    assert pareto_front(costs=[], gains=[]) == []
    with pytest.raises(ValueError, match=r"shorter|longer"):
        pareto_front(costs=[1], gains=[])


def test_the_front_is_what_the_definition_says():
    random = np.random.default_rng(5)
    costs_, gains = random.integers(0, 12, (2, 60)).astype(float)

    def beaten(i):
        return any(
            costs_[j] <= costs_[i] and gains[j] >= gains[i] and (costs_[j] < costs_[i] or gains[j] > gains[i])
            for j in range(60)
        )

    assert set(pareto_front(costs=costs_, gains=gains)) == {i for i in range(60) if not beaten(i)}


def test_percentiles_equal_numpy():
    values = list(np.random.default_rng(0).exponential(size=37))
    for percent in (0, 5, 50, 95, 100):
        assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-12)
    assert percentile([3.0], 95) == 3.0
    assert math.isnan(percentile([], 50))


def test_rates_are_pairs_and_pixels_over_all_the_time_of_the_timed_calls():
    found = summarise(clock=[1.0, 1.0, 2.0], processor=[0.4, 0.8, 0.6], warm_up=[5.0])
    assert (found.calls, found.warm_up_calls, found.warm_up_seconds) == (3, 1, 5.0)
    assert (found.latency_median, found.latency_p95, found.processor_median) == (1.0, pytest.approx(1.9), 0.6)
    cell = Cell("m", "1", "x", 1000, 500, 8, "once", found)
    assert cell.pairs_per_second == 8 * 3 / 4.0
    assert cell.megapixels_per_second == 6 * 0.5
    assert cell.processor_per_pair == 0.6 / 8
    assert cell.latency_per_pair == 1.0 / 8


def test_warm_up_calls_are_made_first_and_not_counted():
    seen = []
    found = time_calls(lambda i: i, seen.append, Budget(seconds=0.0, repeats=5), lambda: None)
    assert seen == list(range(found.warm_up_calls + 5))
    assert (found.warm_up_calls, found.calls) == (2, 5)


def test_a_call_that_outlasts_the_budget_is_made_three_times():
    budget = Budget(seconds=1.0)
    assert budget.warm([7.0, 7.0])
    assert not budget.warm([7.0])
    assert budget.spent([7.0] * 3)
    assert not budget.spent([7.0] * 2)
    assert not budget.spent([0.1] * 9)
    assert budget.spent([0.1] * 11)
    assert not budget.warm([0.01, 0.01])
    assert budget.spent([1e-6] * 10_000)


PLUGIN_WITH_A_LOG = """
import numpy as np
from benchmark.plugin import MetricInfo

class Logged:
    info = MetricInfo("logged", "Logged", "1", True, "Writes down its calls.")

    def load(self, device):
        return self

    def prepare(self, reference):
        self._write("prepare", len(reference))
        return 1.0

    def score(self, distorted, prepared):
        self._write("score", len(distorted))
        return np.full(len(distorted), prepared)

    def _write(self, what, n):
        with open({log!r}, "a") as file:
            file.write(f"{{what}} {{n}}\\n")

logged = Logged()
"""


def test_the_reference_is_prepared_once_when_it_is_reused_and_for_each_pair_when_it_is_not(tmp_path):
    log, plugin = tmp_path / "calls", tmp_path / "logged.py"
    plugin.write_text(PLUGIN_WITH_A_LOG.format(log=str(log)))
    task = Task((plugin,), ((64, 80),), (1, 4), "cpu", "fastest", Budget(0.0, repeats=5))
    each, once, four = measure_metric("logged", task)
    assert [(cell.reference, cell.batch, cell.timing.calls) for cell in (each, once, four)] == [
        ("each", 1, 5),
        ("once", 1, 5),
        ("once", 4, 5),
    ]
    calls = log.read_text().splitlines()
    waking = ["prepare 1", "score 1"]
    assert (
        calls
        == waking + ["prepare 1", "score 1"] * 7 + ["prepare 1"] + ["score 1"] * 7 + ["prepare 1"] + ["score 4"] * 7
    )


def test_a_metric_without_a_reference_is_measured_without_one():
    task = Task((), ((64, 96),), (1,), "cpu", "fastest", Budget(0.0, repeats=3))
    (empty,) = task.cells(replace(Registry().metric("psnr").info, kind="no-reference"))
    assert empty.reference == "none"


def test_cells_go_from_the_smallest_to_the_largest():
    task = Task((), ((100, 100), (50, 60)), (1, 8), "cpu", "fastest", Budget())
    cells = task.cells(Registry().metric("psnr").info)
    assert [(cell.height, cell.batch, cell.reference) for cell in cells] == [
        (50, 1, "each"),
        (50, 1, "once"),
        (100, 1, "each"),
        (100, 1, "once"),
        (50, 8, "once"),
        (100, 8, "once"),
    ]


@pytest.mark.parametrize("size", [(64, 96), (512, 768), (700, 1000)])
def test_input_is_a_photograph_and_light_to_heavy_distortions_of_it(size):
    image = photographs.reference(*size)
    distorted = photographs.distorted(image, 11)
    assert image.shape == (*size, 3)
    assert distorted.shape == (11, *size, 3)
    assert distorted.dtype == np.uint8
    errors = ((distorted.astype(float) - image) ** 2).mean(axis=(1, 2, 3))
    assert (errors > 0).all()
    assert len(set(errors[:10])) == 10
    np.testing.assert_array_equal(distorted[0], distorted[10])


def test_a_photograph_is_cropped_at_its_centre_and_continued_by_reflection():
    image = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    found = photographs.fitted(image, 2, 4)
    np.testing.assert_array_equal(found, image[1:3][:, [0, 1, 1, 0]])


def test_decoding_is_timed_on_files_that_hold_the_photograph(tmp_path):
    found = list(measure_decoding(((48, 64),), Budget(0.0, repeats=3), tmp_path))
    assert [one.kind for one in found] == ["BMP", "PNG", "JPEG"]
    for one in found:
        (path,) = (p for p in tmp_path.iterdir() if p.stat().st_size == one.file_size)
        image = read_rgb(path).astype(float)
        assert np.abs(image - photographs.reference(48, 64)).mean() <= (10 if one.kind == "JPEG" else 0)
        assert one.timing.calls == 3


def test_peak_memory_is_that_of_the_calls_and_not_of_what_was_there_before():
    _ = np.ones(64 * MIB, np.uint8)
    before = np.ones(128 * MIB, np.uint8)
    del before
    memory = PeakMemory("cpu")
    memory.reset()
    if memory.bytes() is None:
        pytest.skip("this system does not tell the peak of a part of a process's life")
    assert memory.bytes() < 16 * MIB
    within = np.ones(96 * MIB, np.uint8)
    del within
    assert 90 * MIB < memory.bytes() < 110 * MIB
    memory.reset()
    assert memory.bytes() < 16 * MIB


def test_on_a_device_the_clock_waits_for_it_and_memory_is_what_torch_allocated(monkeypatch):
    import torch

    log = []
    peak = {"cuda:0": 700}
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: log.append(f"wait {device}"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 500)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: peak[device])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: peak.update({device: 500}))
    memory = PeakMemory("cuda:0")
    memory.reset()
    assert memory.bytes() == 0
    peak["cuda:0"] = 900
    assert memory.bytes() == 400
    time_calls(lambda i: i, log.append, Budget(0.0, repeats=1), synchroniser("cuda:0"))
    assert log == ["wait cuda:0", 0, "wait cuda:0", "wait cuda:0", 1, "wait cuda:0", "wait cuda:0", 2, "wait cuda:0"]


def test_the_time_of_a_program_that_a_metric_starts_counts_and_its_memory_is_unknown():
    busy = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    memory = PeakMemory("cpu")
    memory.reset()
    found = time_calls(lambda i: busy, lambda command: subprocess.run(command, check=True), Budget(0, 1), lambda: None)
    assert found.processor_median >= 0.3
    assert memory.bytes() is None


def _two_and_an_error():
    yield 1
    yield 2
    raise UserError("no more")


def _exit():
    import os

    yield 1
    os._exit(9)


def test_what_a_process_yields_before_it_fails_or_dies_is_kept():
    for work, reason in ((_two_and_an_error, "no more"), (_exit, "its process died")):
        found = []
        with pytest.raises(WorkerError, match=reason):
            found.extend(in_fresh_process(work))
        assert found[0] == 1


def test_failures_are_named_once_when_they_are_the_same_for_the_whole_metric():
    gone = Cell("gone", "1", "x", 100, 200, 1, "once", failure="no weights")
    small = replace(FAST, height=8, width=8, failure="too small")
    found = report(gone, replace(gone, batch=8), FAST, small).failures
    assert found == {"gone": "no weights", "fast 8x8 batch 1": "too small"}


def test_csv_markdown_and_json_hold_the_same_numbers():
    found = report(FAST_EACH, FAST, SLOW)
    rows = list(csv.DictReader(csv_text(found).splitlines()))
    document = json.loads(json_text(found))
    assert [row["metric"] for row in rows] == ["fast", "fast", "slow", "decode PNG"]
    assert rows[1]["pairs_per_second"] == "500"
    assert rows[1]["megapixels_per_second"] == "10"
    assert (rows[1]["latency_ms"], rows[1]["processor_ms"], rows[1]["peak_memory"]) == ("2", "1", "1000000")
    assert (rows[2]["peak_memory"], rows[3]["file_size"], rows[3]["latency_ms"]) == ("", "12345", "4")
    assert rows[0]["machine"] == "Test CPU, 4 cores"
    for row, same in zip(rows, document["rows"], strict=True):
        for key, value in same.items():
            assert row[key] == ("" if value is None else f"{value:g}" if isinstance(value, float) else str(value))
    lines = [re.split(r" \| ", line.strip("| \n")) for line in markdown(found).splitlines() if line.startswith("| ")]
    shown = {(cells[0], cells[3]): cells for cells in lines if len(cells) == 12}
    for row in rows[:3]:
        keys = ("pairs_per_second", "megapixels_per_second", "latency_ms", "latency_p95_ms", "processor_ms_per_pair")
        assert shown[row["metric"], row["reference"]][4:9] == [row[key] for key in keys]
        assert shown[row["metric"], row["reference"]][9:11] == [row["peak_memory"], row["calls"]]


def test_a_failed_cell_has_its_reason_in_every_table_and_no_number():
    found = report(FAST, Cell("gone", "1", "x", 100, 200, 1, "once", failure="no weights"))
    row = list(csv.DictReader(csv_text(found).splitlines()))[1]
    assert (row["failure"], row["pairs_per_second"], row["latency_ms"]) == ("no weights", "", "")
    assert "not measured: gone: no weights" in markdown(found)
    assert json.loads(json_text(found))["rows"][1]["latency_ms"] is None


def test_costs_are_processor_time_on_the_cpu_and_time_by_the_clock_on_a_device():
    found = report(FAST_EACH, FAST, replace(FAST, batch=8), SLOW)
    fast, slow = costs(found)
    assert (fast.seconds, fast.seconds_alone, fast.p95, fast.n, fast.peak_memory) == (0.001, 0.0015, 0.001, 10, 1000000)
    assert (slow.seconds, slow.seconds_alone, slow.peak_memory) == (0.25, 0.25, 0)
    on_device = replace(found, machine=replace(MACHINE, device="NVIDIA H100"))
    assert [(cost.seconds, cost.device) for cost in costs(on_device)] == [(0.002, "NVIDIA H100"), (0.5, "NVIDIA H100")]


def test_the_table_of_costs_reads_what_was_saved_and_keeps_other_machines(tmp_path, monkeypatch):
    path = tmp_path / "costs.csv"
    fast, slow = costs(report(FAST_EACH, FAST, SLOW))
    elsewhere = replace(fast, machine="Other CPU, 1 cores")
    cost_table.save(path, [slow, fast, elsewhere])
    assert cost_table.read(path) == [elsewhere, fast, slow]
    newer = replace(fast, version="7", backend="z", seconds=0.5)
    cost_table.save(path, [newer])
    assert cost_table.read(path) == [elsewhere, newer, slow]
    monkeypatch.setattr(cost_table, "COSTS", path)
    assert cost_table.measured("fast", "7") == [newer]
    assert cost_table.measured("fast", "1") == [elsewhere]
    assert cost_table.measured("none", "1") == []


def test_the_packaged_costs_are_of_metrics_that_exist():
    known = Registry().metrics
    for cost in cost_table.read(cost_table.COSTS):
        assert isinstance(cost, Cost)
        assert cost.metric in known
        assert 0 < cost.seconds <= cost.p95 * 1.0001
        assert cost.n >= 3


def test_a_table_that_holds_no_costs_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="expected the columns metric, version"):
        cost_table.read(tmp_path / "other.csv")


def board(**srcc):
    """A board of rows with these correlations; `live` is in-sample, nan is incomplete."""
    template = Registry().metric("psnr").info
    dataset = Registry().dataset("live-kodak").info
    rows = []
    for name, value in srcc.items():
        scored = 0 if math.isnan(value) else 5
        statistics = {"srcc": Estimate(value, value - 0.1, value + 0.05, "bootstrap")}
        agreement = Agreement(name, "live-kodak", "all", 5, scored, 0, 2, statistics)
        rows.append(Row(name, replace(template, name=name), agreement, in_sample=name == "live"))
    return DatasetBoard(dataset, "r", "all", 5, 2, (), tuple(rows), "Intervals: 95 %, by hand (more).", "")


def points():
    cells = [
        replace(FAST, metric=name, timing=timing(seconds))
        for name, seconds in (("a", 0.001), ("b", 0.01), ("c", 0.1), ("live", 0.1), ("nan", 0.1), ("new", 0.1))
    ]
    return figure.scene(report(*cells), board(a=0.5, b=0.4, c=0.9, live=0.95, nan=math.nan))


def test_the_figure_joins_costs_with_agreements_and_says_what_it_leaves_out():
    shown = points()
    assert [(point.label, point.seconds) for point in shown.points] == [
        ("a", 0.0005),
        ("b", 0.005),
        ("c", 0.05),
        ("live†", 0.05),
    ]
    assert set(shown.left_out) == {"nan", "new"}
    assert "run --metrics new" in shown.left_out["new"]
    assert "Test CPU, 4 cores, 1 thread\n100x200 pixels (height x width), a pair at a time" in shown.title
    assert "cheaper is better" in shown.cost
    assert "higher is better" in shown.agreement


def test_the_front_of_the_figure_is_bold_and_holds_no_in_sample_metric():
    drawn = figure._figure(points())
    (axes,) = drawn.axes
    weights = {text.get_text(): text.get_fontweight() for text in axes.texts}
    assert weights == {"a": "bold", "b": "normal", "c": "bold", "live†": "normal"}
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize("suffix", figure.FORMATS)
def test_the_figure_is_the_same_bytes_each_time(suffix):
    shown = points()
    first = figure.draw(shown, suffix)
    assert first == figure.draw(shown, suffix)
    assert len(first) > 1000
    assert b"dc:date" not in first
    assert b"CreationDate" not in first


def test_a_figure_without_a_point_is_refused():
    with pytest.raises(UserError, match="no metric has both a cost and an agreement"):
        figure.scene(report(FAST), board(other=0.5))


def test_sizes_and_batches_are_read():
    assert image_sizes("288x288, 1080X1920,288x288") == ((288, 288), (1080, 1920))
    assert batch_sizes("1,8,1") == (1, 8)
    for text in ("288", "0x5", "3x", "axb", "-1x5", "5x5x5", ","):
        with pytest.raises(UserError, match="--size: expected"):
            image_sizes(text)
    for text in ("0", "a", "1.5", ""):
        with pytest.raises(UserError, match="--batch: expected"):
            batch_sizes(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "big"], "--size: expected HEIGHTxWIDTH in pixels such as 384x512, got 'big'"),
        (["--metrics", "psnrr"], "unknown metric 'psnrr'; did you mean psnr"),
        (["-o", "a.txt"], "--output: expected a file ending in .csv, .md, .json, got 'a.txt'"),
        (["--figure", "a.gif"], "--figure: expected a file ending in .svg, .png, .pdf"),
        (["--figure", "a.svg"], "run `python -m benchmark run` first"),
        (["--batch", "8", "--save-costs", "costs.csv"], "expected 1 among --batch"),
        (["--save-costs", "."], ".: not a table of costs"),
        (["--backend", "abacus"], "--backend: expected"),
    ],
)
def test_a_request_that_cannot_be_done_is_refused_before_anything_is_measured(tmp_path, arguments, message):
    done = benchmark("throughput", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert not done.stdout


def test_the_command_measures_what_runs_names_what_does_not_and_writes_every_table(tmp_path):
    done = benchmark(
        *("throughput", "--metrics", "difference,unloadable,nan,large", "--plugin", PLUGIN, "--size", "64x80"),
        *("--repeats", "3", "--seconds", "0", "-o", "t.csv", "-o", "t.md", "-o", "t.json", "--save-costs", "costs.csv"),
        cwd=tmp_path,
    )
    assert done.returncode == 3, done.stderr
    assert "64x80 (height x width)" in done.stdout
    assert "not measured: unloadable: OSError: no weights here" in done.stdout
    assert "not measured: large: needs images of at least 100 pixels" in done.stdout
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    measured = [(row["metric"], row["reference"], row["calls"]) for row in rows if not row["failure"]]
    assert measured[:4] == [
        ("difference", "each", "3"),
        ("difference", "once", "3"),
        ("nan", "each", "3"),
        ("nan", "once", "3"),
    ]
    assert [name for name, _, _ in measured[4:]] == ["decode BMP", "decode PNG", "decode JPEG"]
    assert float(rows[0]["pairs_per_second"]) > 0
    assert json.loads((tmp_path / "t.json").read_text())["machine"]["threads"] == 1
    assert "| difference |" in (tmp_path / "t.md").read_text()
    saved = cost_table.read(tmp_path / "costs.csv")
    assert [(cost.metric, cost.height, cost.width, cost.n) for cost in saved] == [
        ("difference", 64, 80, 3),
        ("nan", 64, 80, 3),
    ]


def test_help_teaches_with_examples():
    done = benchmark("throughput", "--help")
    assert done.returncode == 0
    assert "HEIGHTxWIDTH" in done.stdout
    for option in re.split(r"\n  (?=-)", done.stdout.partition("Options:")[2])[1:]:
        assert len(option.split()) > 4, option
    assert done.stdout.count("python -m benchmark throughput") >= 3
