"""One protocol, several implementations: which one is taken, and that the choice is kept on record."""

from dataclasses import replace

import numpy as np
import pytest
from command import benchmark as run_command
from leaderboard_store import METRIC as METRIC_FACTS
from leaderboard_store import TOY, noisy, toy_pairs
from PIL import Image

from benchmark.leaderboard.build import build
from benchmark.leaderboard.cells import protocol_line
from benchmark.metrics.backends import FASTEST, REFERENCE, BackedMetric, Backend, load_with
from benchmark.metrics.described import Package
from benchmark.store import SeriesResult, Store
from benchmark.types import DatasetInfo, MetricInfo, Pair, UserError

INFO = MetricInfo("toy", "Toy", "1", True, "nothing", library="slow")
ABSENT = Package("no-such-package", "no_such_module", "extra")


def backend(name, **facts):
    return Backend(name, lambda device: f"{name} on {device}", **facts)


METRIC = BackedMetric(
    INFO, (backend("absent", package=ABSENT), backend("device", devices=("cuda",)), backend("quick"), backend("slow"))
)


def test_the_first_that_is_installed_and_serves_the_device_is_taken():
    assert load_with(METRIC, "cpu", FASTEST) == ("quick on cpu", "quick")
    assert load_with(METRIC, "cuda:1", FASTEST) == ("device on cuda:1", "device")


def test_the_reference_and_any_backend_can_be_asked_for():
    assert load_with(METRIC, "cpu", REFERENCE) == ("slow on cpu", "slow")
    assert load_with(METRIC, "cpu", "slow") == ("slow on cpu", "slow")
    assert load_with(METRIC, "cpu", "of another metric") == ("quick on cpu", "quick")


def test_a_backend_that_cannot_run_here_says_what_is_missing():
    with pytest.raises(UserError, match=r"toy: backend absent the package no-such-package: pip install"):
        load_with(METRIC, "cpu", "absent")
    with pytest.raises(UserError, match="toy: backend device does not run on cpu"):
        load_with(METRIC, "cpu", "device")


def test_the_store_names_the_backends_of_a_series(tmp_path):
    dataset = DatasetInfo("d", "D", "MOS", True, (0, 1), 1, 1, "", "", "", "")
    with Store(tmp_path / "scores.sqlite") as store:
        stored = store.add_dataset(dataset, [Pair("a", tmp_path, None, "c", 0.5)])
        series = store.add_series(stored, INFO)
        assert store.backends(series) == []
        for name in ("quick", "slow", "quick"):
            store.commit_unit([SeriesResult(series.id, "c", {"a": 1.0}, backend=name)])
        assert store.backends(series) == ["quick", "slow"]


def test_a_board_says_which_backend_computed_a_metric(tmp_path):
    with Store(tmp_path / "scores.sqlite") as store:
        pairs = toy_pairs()
        stored = store.add_dataset(TOY, pairs)
        for name, backend in (("quick-one", "quick"), ("plain-one", "slow")):
            series = store.add_series(stored, replace(METRIC_FACTS, name=name, library="slow"))
            store.commit_unit([SeriesResult(series.id, "c", noisy(pairs, noise=3), backend=backend)])
        (board,) = build(store, datasets=[TOY.name], replicates=100).datasets
    lines = {row.label: protocol_line(row) for row in board.rows}
    assert "slow (computed by quick)" in lines["quick-one"]
    assert "computed by" not in lines["plain-one"]


def test_a_run_that_asks_for_a_backend_says_whose_scores_it_keeps(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name, shift in (("reference", 0), ("a", 3), ("b", 9), ("c", 20)):
        level = np.arange(400, dtype=np.uint8).reshape(20, 20, 1) // 2
        Image.fromarray(np.repeat(level + np.uint8(shift), 3, axis=2)).save(images / f"{name}.png")
    rows = [f"{name}.png,reference.png,{mos}" for name, mos in (("a", 3), ("b", 2), ("c", 1))]
    (images / "table.csv").write_text("\n".join(["distorted,reference,mos", *rows]) + "\n")
    command = ["run", "-d", f"table:{images / 'table.csv'}", "-m", "psnr", "--no-board", "--results", str(tmp_path)]
    assert run_command(*command).returncode == 0
    again = run_command(*command, "--backend", "reference")
    assert again.returncode == 0
    assert "psnr keeps scores that opencv made: they agree with those of scikit-image within 1e-09" in again.stderr
