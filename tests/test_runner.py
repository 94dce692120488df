"""Runs: resumable at any moment, the same bits however the work is cut, every failure named."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import PLUGIN
from PIL import Image

from benchmark.executors import DIED, LocalExecutor
from benchmark.registry import Registry
from benchmark.runner import execute, plan
from benchmark.scoring import UnitScorer, WorkerSetup
from benchmark.store import Store
from benchmark.types import UserError

REGISTRY = Registry((PLUGIN,))
GIB = 1 << 30


def run(folder, root, metrics, *, workers=1, memory=GIB, split=None):
    """Run with real worker processes; return the outcome and the export."""
    with Store(folder / "scores.sqlite") as store:
        todo = plan(store, REGISTRY, "toy", metrics, root, split=split)
        outcome = execute(store, todo, LocalExecutor(WorkerSetup((PLUGIN,), memory=memory // workers), workers))
        return outcome, store.export()


class InProcess:
    """An executor for tests that need no process of their own."""

    def __init__(self, memory=GIB):
        self.scorer = UnitScorer(REGISTRY, WorkerSetup(memory=memory))

    def results(self, units):
        for unit in units:
            yield unit, self.scorer(unit)


def run_here(folder, root, metrics, **options):
    with Store(folder / "scores.sqlite") as store:
        todo = plan(store, REGISTRY, "toy", metrics, root)
        return execute(store, todo, InProcess(**options)), store.export()


@pytest.fixture
def damaged(toy, tmp_path):
    """The toy folder with one file of each kind of trouble."""
    root = tmp_path / "damaged"
    shutil.copytree(toy, root)
    (root / "a" / "1.png").write_bytes(b"not an image")
    Image.new("RGB", (10, 10)).save(root / "a" / "2.png")
    Image.new("RGB", (64, 48)).save(root / "b" / "1.png")
    Image.new("RGB", (64, 48), (255, 255, 255)).save(root / "b" / "2.png")
    (root / "c" / "ref.png").write_bytes((root / "c" / "ref.png").read_bytes()[:500])
    return root


def test_scores_are_those_of_a_plain_loop(toy, tmp_path):
    outcome, export = run(tmp_path, toy, ["difference"])
    assert (outcome.n_scored, outcome.n_kept, outcome.n_failed, outcome.complete) == (24, 0, 0, True)
    lines = export.splitlines()[1:]
    for line in lines:
        pair, score = line.split(",")[5], float(line.split(",")[13])
        distorted = np.asarray(Image.open(toy / pair), dtype=float)
        reference = np.asarray(Image.open(toy / pair[0] / "ref.png"), dtype=float)
        assert score == np.abs(distorted - reference).mean()
    assert len(lines) == 24


def test_scores_are_the_same_bits_however_the_work_is_cut(toy, tmp_path):
    metrics = ["psnr", "ssim", "gmsd", "lpips", "difference", "swapped"]
    _, together = run(tmp_path / "1", toy, metrics, workers=1)
    _, parallel = run(tmp_path / "2", toy, metrics[::-1], workers=2, memory=1)
    assert parallel == together
    for name in ("lpips", "gmsd"):
        _, alone = run(tmp_path / name, toy, [name])
        assert alone.splitlines()[1:] == [line for line in together.splitlines() if f",{name}," in line]


def test_a_reference_is_prepared_once_however_small_the_batches(toy, tmp_path):
    _, export = run_here(tmp_path, toy, ["counting"], memory=1)
    assert sorted({float(line.split(",")[13]) for line in export.splitlines()[1:]}) == [1, 2, 3, 4]


def test_each_image_is_decoded_once_for_all_metrics(toy, tmp_path, monkeypatch):
    import benchmark.scoring

    read, seen = benchmark.scoring.read_rgb, []
    monkeypatch.setattr(benchmark.scoring, "read_rgb", lambda path, **how: (seen.append(path), read(path, **how))[1])
    run_here(tmp_path, toy, ["difference", "psnr", "swapped"])
    assert len(seen) == len(set(seen)) == 28


def test_a_second_run_does_nothing_and_another_metric_only_itself(toy, tmp_path):
    run_here(tmp_path, toy, ["difference"])
    outcome, _ = run_here(tmp_path, toy, ["difference", "psnr"])
    assert (outcome.n_scored, outcome.n_kept) == (24, 24)
    outcome, _ = run_here(tmp_path, toy, ["difference", "psnr"])
    assert (outcome.n_scored, outcome.n_kept) == (0, 48)


def test_a_split_scores_whole_contents_only_and_the_rest_can_follow(toy, tmp_path):
    outcome, export = run(tmp_path, toy, ["difference"], split="test:0.5:1")
    assert outcome.n_scored == 12
    assert len({line.split(",")[6] for line in export.splitlines()[1:]}) == 2
    outcome, _ = run_here(tmp_path, toy, ["difference"])
    assert (outcome.n_scored, outcome.n_kept) == (12, 12)


def test_every_failure_has_a_name_and_a_reason_and_the_rest_goes_on(damaged, tmp_path):
    outcome, export = run_here(tmp_path, damaged, ["difference", "nan", "large", "unloadable"])
    failures = outcome.failures["difference"]
    assert set(failures) == {"a/1.png", "a/2.png", *(f"c/{i}.png" for i in range(1, 7))}
    assert "1.png: cannot be decoded" in failures["a/1.png"]
    assert failures["a/2.png"] == "2.png: 10 x 10, but its reference is 64 x 48"
    assert failures["c/3.png"].startswith("reference ref.png: cannot be decoded")
    assert outcome.failures["nan"]["b/1.png"] == "nan is nan, expected a finite number"
    assert outcome.failures["nan"]["b/2.png"] == "ValueError: too bright"
    assert "64 x 48 is below the 100 pixels that large needs" in outcome.failures["large"]["a/3.png"]
    assert outcome.not_run == {"unloadable": "OSError: no weights here"}
    assert not outcome.complete
    assert outcome.n_scored == 16 + 14
    assert "c/3.png,c,noise,,-3.0,,,,,reference ref.png" in export


def test_failed_pairs_are_tried_again_once_mended(damaged, toy, tmp_path):
    run_here(tmp_path, damaged, ["difference"])
    shutil.copytree(toy, damaged, dirs_exist_ok=True)
    outcome, export = run_here(tmp_path, damaged, ["difference"])
    assert (outcome.n_scored, outcome.complete) == (10, True)
    _, clean = run_here(tmp_path / "clean", toy, ["difference"])
    assert export == clean


def test_a_worker_that_dies_costs_only_the_pair_and_the_metric_that_kill_it(damaged, tmp_path):
    outcome, _ = run(tmp_path, damaged, ["crash", "difference"], workers=2)
    assert {pair: reason for pair, reason in outcome.failures["crash"].items() if pair[0] == "b"} == {"b/1.png": DIED}
    assert {pair[0] for pair in outcome.failures["difference"]} == {"a", "c"}
    assert outcome.n_scored == 16 + 15


COMMAND = [sys.executable, "-m", "benchmark", "run", "--dataset", "toy", "--plugin", str(PLUGIN), "--no-board"]


def start(results, root, metrics="slow,difference,psnr", executor="local", **options):
    if executor == "dask":
        pytest.importorskip("distributed", reason="needs the extra dask")
    asked = ["--metrics", metrics, "--data-root", str(root), "--results", str(results), "--workers", "2"]
    return subprocess.Popen(
        [*COMMAND, *asked, "--executor", executor],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509  it sets one signal and returns
        **options,
    )


def _heed_interrupts():
    """A shell's background job ignores SIGINT and so would its children; the run here is one in the foreground."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def export(results):
    with Store(results / "scores.sqlite", readonly=True) as store:
        return store.export()


def wait_for_scores(results, least):
    """Wait until a run's store holds at least so many lines."""
    for _ in range(600):
        if (results / "scores.sqlite").exists():
            try:
                if export(results).count("\n") > least:
                    return
            except UserError:
                pass  # the store is being made at this moment
        time.sleep(0.05)
    raise AssertionError("the run made no scores within 30 s")


@pytest.fixture(scope="module")
def uninterrupted(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert start(folder, toy).wait() == 0
    return export(folder)


@pytest.mark.slow
def test_a_run_killed_at_random_points_ends_with_the_same_bytes(toy, tmp_path, uninterrupted):
    moments = random.Random(time.time_ns())
    process = start(tmp_path, toy)
    time.sleep(moments.uniform(0, 1.5))
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = []
    for _ in range(4):
        process = start(tmp_path, toy)
        wait_for_scores(tmp_path, kept[-1] if kept and kept[-1] < 60 else 0)
        time.sleep(moments.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept.append(export(tmp_path).count("\n") - 1)
    assert kept == sorted(kept)
    process = start(tmp_path, toy)
    _, messages = process.communicate()
    assert process.returncode == 0
    assert f"{kept[-1]} kept from before" in messages
    assert export(tmp_path) == uninterrupted


def test_two_runs_at_once_lose_nothing(toy, tmp_path, uninterrupted):
    both = [start(tmp_path, toy), start(tmp_path, toy)]
    assert [process.wait() for process in both] == [0, 0]
    assert export(tmp_path) == uninterrupted


@pytest.mark.parametrize("executor", ["local", "dask"])
def test_an_interrupt_says_what_is_kept_and_leaves_no_process(toy, tmp_path, executor):
    process = start(tmp_path, toy, "slower", executor, start_new_session=True)
    wait_for_scores(tmp_path, 1)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "are kept in" in messages
    assert "run the same command again" in messages
    assert "Traceback" not in messages
    assert_no_process_left(process.pid)


@pytest.mark.parametrize("executor", ["local", "dask"])
def test_a_killed_run_leaves_no_worker_behind(toy, tmp_path, executor):
    process = start(tmp_path, toy, "slower", executor, start_new_session=True)
    wait_for_scores(tmp_path, 1)
    process.kill()
    process.wait()
    assert_no_process_left(process.pid)


def assert_no_process_left(session):
    """Every process of a session (Linux: by /proc) is gone within some seconds."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc to list processes")
    for _ in range(100):
        alive = [entry for entry in os.listdir("/proc") if entry.isdigit() and _session(entry) == session]
        if not alive:
            return
        time.sleep(0.1)
    raise AssertionError(f"processes left behind: {alive}")


def _session(pid):
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(numbers[2])


def test_images_that_changed_since_are_scored_again(toy, tmp_path):
    root = tmp_path / "toy"
    shutil.copytree(toy, root)
    _, before = run_here(tmp_path, root, ["difference"])
    Image.new("RGB", (64, 48), (9, 9, 9)).save(root / "a" / "1.png")
    Image.new("RGB", (64, 48)).save(root / "b" / "ref.png")
    with Store(tmp_path / "scores.sqlite") as store:
        todo = plan(store, REGISTRY, "toy", ["difference"], root)
        assert todo.changed == ["a/1.png", *(f"b/{i}.png" for i in range(1, 7))]
        outcome = execute(store, todo, InProcess())
        after = store.export()
    assert (outcome.n_scored, outcome.n_kept) == (7, 17)
    different = [b for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(different) == 7
    reference = np.asarray(Image.open(root / "a" / "ref.png"), dtype=float)
    assert float(different[0].split(",")[13]) == np.abs(9 - reference).mean()


@pytest.mark.parametrize("metric", ["writes-array", "writes-tensor"])
def test_a_metric_that_writes_to_its_input_fails_and_changes_no_other(toy, tmp_path, metric):
    outcome, export = run_here(tmp_path / "both", toy, [metric, "psnr", "lpips"])
    _, alone = run_here(tmp_path / "alone", toy, ["psnr", "lpips"])
    scored = [line for line in export.splitlines() if metric not in line]
    assert scored == alone.splitlines()
    reasons = set(outcome.failures[metric].values())
    assert len(outcome.failures[metric]) == 24
    assert all("read-only" in reason or "wrote to its input" in reason for reason in reasons), reasons


def test_a_metric_that_exits_fails_by_name(toy, tmp_path):
    outcome, _ = run_here(tmp_path, toy, ["exits", "difference"])
    assert set(outcome.failures["exits"].values()) == {"SystemExit: 7"}
    assert outcome.n_scored == 24


def test_what_is_not_one_number_is_explained(toy, tmp_path):
    outcome, _ = run_here(tmp_path, toy, ["pair-of-numbers"])
    (reason,) = set(outcome.failures["pair-of-numbers"].values())
    assert reason == "TypeError: the metric returned (1.0, 2.0), expected one number"
