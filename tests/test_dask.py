"""A Dask cluster gives the local bytes, loses nothing with a worker, and refuses workers that would give others."""

import multiprocessing
import os
import signal
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import PLUGIN
from PIL import Image

from benchmark.executors import DIED, DaskExecutor, LocalExecutor, cluster
from benchmark.registry import Registry
from benchmark.runner import execute, plan
from benchmark.scoring import WorkerSetup
from benchmark.store import Store
from benchmark.types import UserError

distributed = pytest.importorskip("distributed", reason="needs the extra dask")
pytest.importorskip("cryptography", reason="needs the extra dask")

METRICS = ["difference", "psnr", "swapped"]
SETUP = WorkerSetup((PLUGIN,))


def registry():
    return Registry((PLUGIN,))


def run(folder, root, metrics, executor, *, on_unit=None):
    with Store(folder / "scores.sqlite") as store:
        todo = plan(store, registry(), "toy", metrics, root, workers=executor.workers)
        return execute(store, todo, executor, on_unit=on_unit), store.export()


@pytest.fixture(scope="module")
def pair_of_workers():
    """A local cluster of two workers, started once."""
    environment = dict(os.environ)
    with DaskExecutor(SETUP, 2, registry()) as executor:
        yield executor
    assert dict(os.environ) == environment


@pytest.fixture
def local(toy, tmp_path):
    """What one local worker exports."""
    return lambda root, metrics: run(tmp_path / "local", root, metrics, LocalExecutor(SETUP, 1))[1]


def test_a_cluster_and_local_workers_export_the_same_bytes(toy, tmp_path, local, pair_of_workers):
    outcome, export = run(tmp_path / "dask", toy, METRICS, pair_of_workers)
    assert (outcome.n_scored, outcome.n_failed) == (72, 0)
    assert export == local(toy, METRICS)
    assert run(tmp_path / "two", toy, METRICS, LocalExecutor(SETUP, 2))[1] == export


def test_a_killed_worker_loses_nothing(toy, tmp_path, local, pair_of_workers):
    killed = []

    def kill_one(unit):
        if not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    outcome, export = run(tmp_path / "dask", toy, ["slow", *METRICS], pair_of_workers, on_unit=kill_one)
    assert killed
    assert (outcome.n_scored, outcome.n_failed) == (96, 0)
    assert export == local(toy, ["slow", *METRICS])


def test_a_unit_that_kills_its_workers_costs_only_its_metric(toy, tmp_path, local, pair_of_workers):
    root = _with_black_image(toy, tmp_path)
    outcome, export = run(tmp_path / "dask", root, ["crash", "difference"], pair_of_workers)
    assert set(outcome.failures["crash"].values()) == {DIED}
    assert {pair[0] for pair in outcome.failures["crash"]} == {"b"}
    assert not outcome.failures["difference"]
    assert export == local(root, ["crash", "difference"])


def _with_black_image(toy, folder):
    import shutil

    root = folder / "black"
    shutil.copytree(toy, root)
    Image.new("RGB", (64, 48)).save(root / "b" / "1.png")
    return root


def test_relative_paths_mean_the_clients_folder(toy, tmp_path, monkeypatch, pair_of_workers):
    monkeypatch.chdir(toy.parent)
    outcome, _ = run(tmp_path, Path(toy.name), ["difference"], pair_of_workers)
    assert (outcome.n_scored, outcome.n_failed) == (24, 0)


def test_workers_compute_with_one_thread(pair_of_workers):
    threads = pair_of_workers._client.run(_threads)
    assert set(threads.values()) == {(1, "1")}


def _threads():
    import torch

    return torch.get_num_threads(), os.environ["OPENCV_FOR_THREADS_NUM"]


def todo(tmp_path, root, known=None):
    with Store(tmp_path / "scores.sqlite") as store:
        return plan(store, known or registry(), "toy", ["difference"], root).units


def refusal(executor, units):
    with pytest.raises(UserError) as refused:
        list(executor.results(units))
    return str(refused.value)


@pytest.fixture(scope="module")
def open_cluster():
    """A cluster of two workers that anybody may talk to, as others start it by hand: its scheduler's address."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, protocol="tcp", dashboard_address=None, memory_limit=None
    ) as others:
        yield others.scheduler_address


@pytest.fixture
def scheduler(open_cluster):
    """Make executors that talk to workers by their scheduler's address, as those of another machine."""
    return lambda setup=SETUP, known=None: DaskExecutor(setup, 1, known or registry(), address=open_cluster)


def test_nobody_without_the_runs_certificate_can_talk_to_its_processes(pair_of_workers):
    client = pair_of_workers._client
    addresses = [client.scheduler.address, *client.nthreads()]
    assert len(addresses) == 3
    for address in addresses:
        host = address.removeprefix("tls://")
        with pytest.raises((OSError, ValueError, TypeError, RuntimeError)):
            distributed.Client(f"tcp://{host}", timeout=2, set_as_default=False)
        stranger = distributed.Security.temporary()
        with pytest.raises(OSError, match=r"(?i)timed out|certificate|ssl"):
            distributed.Client(f"tls://{host}", timeout=2, security=stranger, set_as_default=False)
    assert client.run(os.getpid)


def test_the_certificate_stands_in_no_command_line_and_in_no_environment(pair_of_workers):
    key = pair_of_workers._client.security.tls_client_key
    assert key.startswith("-----BEGIN")
    secret = key.splitlines()[1]
    for process in pair_of_workers._client.run(_command_line_and_environment).values():
        assert secret not in process


def _command_line_and_environment():
    command = Path("/proc/self/cmdline")
    return f"{command.read_bytes() if command.exists() else ''} {os.environ}"


def test_certificates_of_dasks_configuration_are_used_for_an_address(toy, tmp_path, local):
    import dask

    security = distributed.Security.temporary()
    files = {}
    for name in ("tls_ca_file", "tls_client_key", "tls_client_cert"):
        files[name] = str(tmp_path / name)
        Path(files[name]).write_text(getattr(security, name))
    wanted = {
        "distributed.comm.tls.ca-file": files["tls_ca_file"],
        "distributed.comm.tls.client.key": files["tls_client_key"],
        "distributed.comm.tls.client.cert": files["tls_client_cert"],
    }
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tls", security=security, dashboard_address=None
    ) as others:
        address = others.scheduler_address.replace("tls://", "tcp://")
        with dask.config.set(wanted), DaskExecutor(SETUP, 1, registry(), address=address) as executor:
            outcome, _ = run(tmp_path / "r", toy, ["difference"], executor)
    assert outcome.n_scored == 24


def test_a_scheduler_is_found_by_its_address(toy, tmp_path, local, scheduler):
    with scheduler() as executor:
        assert executor.workers == 2
        assert run(tmp_path, toy, METRICS, executor)[1] == local(toy, METRICS)


def test_another_version_of_the_program_is_refused(toy, tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "99")
    text = refusal(scheduler(), todo(tmp_path, toy))
    assert text.startswith("2 of 2 workers cannot take part:\n  tcp://")
    assert "expected 99; install the same version there" in text


def test_another_version_of_a_metric_is_refused(toy, tmp_path, scheduler):
    known = registry()
    metric = known.metrics["difference"]
    known.metrics["difference"] = replace(metric, info=replace(metric.info, version="other"))
    text = refusal(scheduler(known=known), todo(tmp_path, toy, known))
    assert "has other versions or weights of difference" in text


def test_a_worker_that_joins_late_with_another_version_is_refused(toy, tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr(cluster, "check_workers", lambda *_: None)
    known = registry()
    metric = known.metrics["difference"]
    known.metrics["difference"] = replace(metric, info=replace(metric.info, version="other"))
    assert "joined with another version" in refusal(scheduler(known=known), todo(tmp_path, toy, known))


def test_a_plugin_that_workers_cannot_read_is_named(toy, tmp_path, scheduler):
    setup = replace(SETUP, plugins=(tmp_path / "mine.py",))
    text = refusal(scheduler(setup), todo(tmp_path, toy))
    assert "mine.py: no such file (every worker must be able to read it under this path)" in text


def test_images_that_no_worker_sees_end_the_run_at_once(toy, tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr("benchmark.executors.cluster._is_here", lambda path: True)  # as on the client's own disk
    units = todo(tmp_path, toy)
    pairs = tuple(
        replace(p, distorted=Path("/nowhere/a.png"), reference=Path("/nowhere/ref.png")) for p in units[0].pairs
    )
    text = refusal(scheduler(), [replace(units[0], pairs=pairs)])
    assert text.startswith("no worker sees the images, such as /nowhere/a.png")


def test_one_missing_image_is_a_named_failure(toy, tmp_path, pair_of_workers):
    units = todo(tmp_path, toy)
    (first, *rest) = units[0].pairs
    changed = replace(units[0], pairs=(*rest, replace(first, distorted=Path("/nowhere/a.png"))))
    ((_, result),) = pair_of_workers.results([changed])
    assert result.results[0].failures == {first.id: "a.png: no such file in /nowhere"}
    assert len(result.results[0].scores) == len(rest)


def test_workers_with_several_threads_are_refused(toy, tmp_path):
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as crowded:
        executor = DaskExecutor(SETUP, 1, registry(), address=crowded.scheduler_address)
        assert "start them with --nthreads 1" in refusal(executor, todo(tmp_path, toy))


def test_a_worker_with_several_threads_that_joins_late_is_refused(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "check_workers", lambda *_: None)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as crowded:
        executor = DaskExecutor(SETUP, 1, registry(), address=crowded.scheduler_address)
        assert "joined with 2 threads; start it with --nthreads 1" in refusal(executor, todo(tmp_path, toy))


def test_no_scheduler_is_explained(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    executor = DaskExecutor(SETUP, 1, registry(), address="tcp://127.0.0.1:1")
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in refusal(executor, todo(tmp_path, toy))


@pytest.mark.parametrize("lacking", ["distributed", "cryptography"])
def test_a_package_that_is_not_here_is_named(monkeypatch, lacking):
    monkeypatch.setattr(
        "benchmark.metrics.described.find_spec", lambda name: None if name == lacking else find_spec(name)
    )
    with pytest.raises(UserError, match=rf"needs the package {lacking}: pip install 'iqa-benchmark\[dask\]'"):
        DaskExecutor(SETUP, 1, registry())
