"""Scoring in this process gives what worker processes give, and leaves the process as it was."""

import json
import subprocess
import sys
import textwrap

import pytest
import torch
from command import benchmark
from conftest import PLUGIN

from benchmark.executors import InlineExecutor, LocalExecutor
from benchmark.executors.threads import OneThread
from benchmark.registry import Registry
from benchmark.scoring import Unit, Wanted, WorkerSetup
from benchmark.types import Pair, UserError

NAMES = ("psnr", "ssim", "lpips", "no-such-metric")


def unit_of(folder, metrics):
    pairs = tuple(
        Pair(f"a/{n}.png", folder / "a" / f"{n}.png", folder / "a" / "ref.png", "a", 0.0) for n in range(1, 7)
    )
    ids = frozenset(pair.id for pair in pairs)
    return Unit("a", pairs, tuple(Wanted(number, name, ids) for number, name in enumerate(metrics)))


def test_scores_and_reasons_are_those_of_worker_processes(toy):
    unit = unit_of(toy, NAMES)
    ((_, here),) = InlineExecutor(WorkerSetup(), Registry()).results([unit])
    ((_, there),) = LocalExecutor(WorkerSetup(), 1).results([unit])
    assert [part.scores for part in here.results] == [part.scores for part in there.results]
    assert [len(part.scores) for part in here.results] == [6, 6, 6]
    assert here.not_run == there.not_run
    assert "no-such-metric" in here.not_run


def test_threads_are_limited_inside_and_given_back_after():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with OneThread()():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_library_that_is_loaded_inside_is_noticed():
    program = """
        import os
        os.environ.update(OPENBLAS_NUM_THREADS="2", OMP_NUM_THREADS="2", MKL_NUM_THREADS="2")
        from benchmark.executors.threads import OneThread
        one = OneThread()
        with one():
            pass
        assert not one.came()
        with one():
            import scipy.linalg
        print(one.came(), one.came())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_metric_that_was_made_here_is_known_to_this_registry_alone(toy):
    from benchmark.plugin import metric

    @metric(name="mean-of-distorted", higher_is_better=True, protocol="The mean of all channels.")
    def mean(*, distorted, reference):
        return distorted.mean()

    registry = Registry()
    registry.add(mean)
    assert registry.made_here == {"mean-of-distorted"}
    ((_, result),) = InlineExecutor(WorkerSetup(), registry).results([unit_of(toy, ["mean-of-distorted"])])
    assert len(result.results[0].scores) == 6
    registry.add(
        metric(name="mean-of-distorted", higher_is_better=False, protocol="Another one.", version="2")(mean.function)
    )
    assert registry.metrics["mean-of-distorted"].info.version == "2"
    with pytest.raises(UserError, match="is taken"):
        registry.add(
            metric(name="psnr", higher_is_better=True, protocol="x", version="1")(lambda distorted, reference: 0.0)
        )
    with pytest.raises(UserError, match="expected a metric or a data set"):
        registry.add(lambda distorted, reference: 0.0)


def test_what_a_metric_prints_is_no_result(toy, tmp_path):
    plugin = tmp_path / "talker.py"
    plugin.write_text(
        "from benchmark.plugin import metric\n"
        "@metric(name='talker', higher_is_better=True, protocol='Talks.')\n"
        "def talker(*, distorted, reference):\n    print('talk')\n    return 1.0\n"
    )
    images = ("--distorted", toy / "a" / "1.png", "--reference", toy / "a" / "ref.png")
    options = ("--metrics", "talker", "--plugin", plugin, "--executor", "inline", "--format", "json")
    done = benchmark("score", *images, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pairs"][0]["scores"] == {"talker": 1.0}
    assert "talk" in done.stderr


def test_small_work_of_own_metrics_starts_no_process_and_that_of_a_plugin_does(toy, monkeypatch):
    from benchmark.workflows.run import SMALL_SECONDS, Begin, Where

    registry = Registry((PLUGIN,))
    own, plugin = ["psnr", "ssim"], ["psnr", "difference"]
    for metrics, where, seconds, inline in (
        (own, Where(), 0.1, True),
        (own, Where(), SMALL_SECONDS + 1, False),
        (own, Where(workers=2), 0.1, False),
        (own, Where("local"), 0.1, False),
        (own, Where("inline"), 1000.0, True),
        (plugin, Where(), 0.1, False),
        (plugin, Where("inline"), 0.1, True),
    ):
        with Begin(registry, where, metrics) as begin:
            begin._start = lambda: "workers"  # none is wanted here
            assert (begin.executor(seconds) != "workers") == inline, (metrics, where, seconds)
