"""Local workers: a death costs one unit's second try, devices are shared in turn, nothing is left behind."""

import errno
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import PLUGIN

from benchmark.executors import LocalExecutor, default_workers, device_names, local
from benchmark.executors.crew import DIED, Fate, finish
from benchmark.executors.resources import THREAD_VARIABLES, cores
from benchmark.scoring import Unit, UnitResult, Wanted, WorkerSetup
from benchmark.types import Pair, UserError

WITNESS = '''
import os

import benchmark.scoring
from benchmark.devices import Processor
from benchmark.plugin import MetricInfo

benchmark.scoring.open_device = lambda name, decoders: Processor()  # no device of that name is here


class Witness:
    """Scores 1000 times the process's id, plus the number of the device that it was loaded on."""

    info = MetricInfo("witness", "Witness", "1", True, "Process and device.", kind="no-reference")

    def load(self, device):
        self.device = int(device.partition(":")[2] or 0)
        return self

    def prepare(self, reference):
        return None

    def score(self, distorted, prepared):
        return [1000.0 * os.getpid() + self.device]


class Threads:
    """Scores the number of threads that numerical libraries are told to use."""

    info = MetricInfo("threads", "Threads", "1", True, "Threads.", kind="no-reference")

    def load(self, device):
        return self

    def prepare(self, reference):
        return None

    def score(self, distorted, prepared):
        import torch

        return [float(os.environ["OMP_NUM_THREADS"]) * torch.get_num_threads()]


witness, threads = Witness(), Threads()
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "witness.py"
    path.write_text(WITNESS)
    return path


def units(root, metric, number, content="a"):
    """So many units of one pair."""
    pairs = [Pair(f"{i}", root / content / "1.png", None, content, 1.0) for i in range(number)]
    return [Unit(pair.id, (pair,), (Wanted(0, metric, frozenset({pair.id})),)) for pair in pairs]


def scores(executor, todo):
    return [value for _, result in executor.results(todo) for value in result.results[0].scores.values()]


def test_workers_share_the_devices_in_turn(toy, plugin):
    with LocalExecutor(WorkerSetup((plugin,)), 3, devices=("fake:0", "fake:1")) as executor:
        found = scores(executor, units(toy, "witness", 30))
    by_process = {value // 1000: value % 1000 for value in found}
    assert len(found) == 30
    assert sorted(by_process.values()) == [0, 0, 1]


def test_one_worker_per_device_and_per_core(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert device_names("cuda") == ("cuda:0", "cuda:1", "cuda:2")
    assert (default_workers("cuda"), default_workers("cuda:1"), default_workers("cpu")) == (3, 1, cores())
    assert device_names("cuda:1") == ("cuda:1",)


def test_workers_stay_from_one_call_to_the_next_and_compute_with_one_thread(toy, plugin):
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    with LocalExecutor(WorkerSetup((plugin,)), 1) as executor:
        first, second = (scores(executor, units(toy, "witness", 2)) for _ in range(2))
        assert set(scores(executor, units(toy, "threads", 2))) == {1.0}
    assert set(first) == set(second)
    assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == before


def test_a_broken_plugin_is_the_reason_that_no_metric_ran(toy, tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('no luck')")
    ((_, result),) = LocalExecutor(WorkerSetup((tmp_path / "broken.py",)), 1).results(units(toy, "difference", 1))
    assert "no luck" in result.not_run["difference"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("os._exit(3)", "a worker process ended with exit code 3 while it started"),
        ("os.kill(os.getpid(), 9)", r"was killed by SIGKILL \(most likely for lack of memory: take fewer --workers\)"),
        ("os.kill(os.getpid(), 11)", "was killed by SIGSEGV while it started"),
    ],
)
def test_workers_that_cannot_start_end_the_run_and_how_they_ended_is_said(toy, tmp_path, end, said):
    (tmp_path / "exits.py").write_text(f"import os; {end}")
    with pytest.raises(UserError, match=said):
        list(LocalExecutor(WorkerSetup((tmp_path / "exits.py",)), 2).results(units(toy, "difference", 3)))


@pytest.mark.parametrize("at_work", [True, False])
def test_a_worker_that_was_stopped_does_not_hold_up_the_end(toy, plugin, monkeypatch, at_work):
    monkeypatch.setattr(local, "GRACE_SECONDS", 0.5)
    executor = LocalExecutor(WorkerSetup((plugin,)), 1)
    with executor:
        results = executor.results(units(toy, "witness", 20))
        next(results)
        if not at_work:
            list(results)
        (process,) = multiprocessing.active_children()
        os.kill(process.pid, signal.SIGSTOP)
        rescue = threading.Timer(60, os.kill, (process.pid, signal.SIGCONT))  # a test that fails should also end
        rescue.start()
        results.close()
    assert rescue.is_alive()
    rescue.cancel()
    assert process.exitcode < 0


def test_workers_look_for_no_modules_in_the_current_folder(toy, plugin, tmp_path, monkeypatch):
    """A user's own ``queue.py`` would be run in place of Python's in every worker that starts."""
    (tmp_path / "queue.py").write_text("import os; os._exit(1)")
    monkeypatch.chdir(tmp_path)
    assert len(scores(LocalExecutor(WorkerSetup((plugin,)), 1), units(toy, "witness", 2))) == 2


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOSPC, errno.EAGAIN, errno.ENOMEM])
def test_what_the_machine_refuses_leaves_no_worker_behind(toy, monkeypatch, number):
    started = []

    def refuse(setup):
        if started:
            raise OSError(number, os.strerror(number))
        started.append(start_worker(setup))
        return started[-1]

    start_worker = local._start_worker
    monkeypatch.setattr(local, "_start_worker", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        list(LocalExecutor(WorkerSetup((PLUGIN,)), 2).results(units(toy, "difference", 3)))
    assert [process.is_alive() for process in started[0].processes] == [False]


def test_after_an_early_end_the_next_call_starts_anew(toy):
    with LocalExecutor(WorkerSetup((PLUGIN,)), 1) as executor:
        results = executor.results(units(toy, "difference", 5))
        next(results)
        results.close()
        assert len(list(executor.results(units(toy, "difference", 5)))) == 5


class Script:
    """A crew of one place whose units meet the fates written down for them, in turn."""

    room = 1

    def __init__(self, patience, fates):
        self.patience, self.fates, self.seen = patience, fates, []

    def submit(self, task):
        self.task = task

    def next(self):
        unit = self.task.unit
        name = " ".join([unit.content, *(wanted.metric for wanted in unit.wanted)])
        self.seen.append(name)
        fates = self.fates.get(name, [])
        return self.task, fates.pop(0) if fates else UnitResult([])


def two_metrics(content):
    return Unit(content, (), (Wanted(0, "one", frozenset("p")), Wanted(1, "two", frozenset("p"))))


def test_a_killer_is_tried_again_then_taken_apart_then_failed():
    kill = Fate.KILLED
    crew = Script(2, {"a one two": [kill, kill], "a two": [kill, kill]})
    done = list(finish([two_metrics("a"), two_metrics("b")], crew))
    assert crew.seen == ["a one two", "b one two", "a one two", "a one", "a two", "a two"]
    ((failed,),) = [result.results for _, result in done if result.results]
    assert (failed.series, failed.failures) == (1, {"p": DIED})
    assert len(done) == 3


def test_a_unit_that_was_lost_with_a_worker_is_not_blamed():
    crew = Script(1, {"a one two": [Fate.LOST] * 5})
    done = list(finish([two_metrics("a")], crew))
    assert [unit.content for unit, _ in done] == ["a"]
    assert crew.seen == ["a one two"] * 6


def test_scores_survive_the_trip_bit_by_bit(toy):
    """A double that has no short decimal comes back from the worker as it is."""
    ((_, result),) = LocalExecutor(WorkerSetup((PLUGIN,)), 1).results(
        [
            Unit(
                "a",
                (Pair("p", toy / "a" / "1.png", toy / "a" / "ref.png", "a", 1.0),),
                (Wanted(0, "difference", frozenset("p")),),
            )
        ]
    )
    from PIL import Image

    distorted, reference = (np.asarray(Image.open(toy / "a" / f"{name}.png"), dtype=float) for name in ("1", "ref"))
    assert result.results[0].scores == {"p": np.abs(distorted - reference).mean()}
