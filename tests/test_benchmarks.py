"""What the scripts in benchmarks/ rest on: the generated tree, the arithmetic of ratios, the stores; nothing is timed."""

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from benchmark.images import read_rgb
from benchmark.leaderboard.build import build
from benchmark.registry import Registry
from benchmark.store import Store

SCRIPTS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.append(str(SCRIPTS))
import compare  # noqa: E402
import limit_run  # noqa: E402
import page  # noqa: E402
import peer_report  # noqa: E402
import pipal_shape  # noqa: E402
import samples  # noqa: E402
import synthetic_store  # noqa: E402
from peers import Measured  # noqa: E402

SMALL = pipal_shape.Shape(contents=2, distorted=7, height=40, width=56)


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_is_the_same_bytes_each_time(tmp_path):
    for name in "ab":
        pipal_shape.make(SMALL, tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_tree_has_the_counts_sizes_and_depth_asked_for(tmp_path):
    table = pipal_shape.make(SMALL, tmp_path)
    distorted = sorted((tmp_path / "distorted").iterdir())
    assert len(distorted) == 14
    assert len(list((tmp_path / "reference").iterdir())) == 2
    assert {read_rgb(path).shape for path in distorted} == {(40, 56, 3)}
    assert distorted[0].read_bytes()[:2] == b"BM"
    assert int.from_bytes(distorted[0].read_bytes()[28:30], "little") == 24  # bits per pixel in a BMP's header
    assert len(pipal_shape.read_table(table)) == 14


def test_a_tree_loads_as_a_table_of_mos(tmp_path):
    dataset = Registry().dataset(f"table:{pipal_shape.make(SMALL, tmp_path)}")
    pairs = dataset.pairs(None)
    assert dataset.info.label_higher_is_better
    assert len(pairs) == 14
    assert {pair.content for pair in pairs} == {"A0000", "A0001"}
    assert {pair.distortion for pair in pairs} == set(pipal_shape.DISTORTIONS)
    assert all(0 <= pair.label <= 100 for pair in pairs)


def test_a_whole_tree_is_left_alone_and_another_shape_is_made(tmp_path):
    pipal_shape.make(SMALL, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    pipal_shape.make(SMALL, tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    more = pipal_shape.Shape(contents=2, distorted=8, height=40, width=56)
    assert len(pipal_shape.read_table(pipal_shape.make(more, tmp_path))) == 16


def test_all_distorted_images_differ_from_their_reference_and_each_other(tmp_path):
    table = pipal_shape.make(SMALL, tmp_path)
    images = [read_rgb(tmp_path / row.distorted) for row in pipal_shape.read_table(table)]
    images += [read_rgb(path) for path in (tmp_path / "reference").iterdir()]
    assert len({image.tobytes() for image in images}) == 16


def test_every_distortion_grows_stronger_with_its_strength():
    image = pipal_shape.crop(0, height=64, width=64)
    for kind, distort in pipal_shape.DISTORTIONS.items():
        errors = [
            np.square(distort(image, Decimal(strength), "a").astype(float) - image).mean()
            for strength in ("0.1", "0.5", "0.9")
        ]
        assert errors == sorted(errors), kind


def test_a_part_of_a_table_spreads_over_the_ladder_of_the_first_contents(tmp_path):
    table = pipal_shape.make(SMALL, tmp_path)
    few = pipal_shape.read_table(pipal_shape.part(table, contents=1, distorted=3))
    assert [row.distorted[-7:-4] for row in few] == ["000", "002", "004"]
    assert {row.content for row in few} == {"A0000"}
    assert pipal_shape.read_table(pipal_shape.part(table, contents=2, distorted=7)) == pipal_shape.read_table(table)


def test_a_part_of_few_pairs_holds_all_kinds_of_distortion_and_many_levels(tmp_path):
    rows = [
        pipal_shape.Row(f"{i}-{j}", str(i), 0.0, str(i), *pipal_shape.rung(i, j, 116)[:2])
        for i in range(20)
        for j in range(116)
    ]
    table = pipal_shape.write_table(tmp_path / "labels.csv", rows)
    few = pipal_shape.read_table(pipal_shape.part(table, contents=20, distorted=2))
    assert len(few) == 40
    assert {row.distortion for row in few} == set(pipal_shape.DISTORTIONS)
    assert len({row.level for row in few}) > 15


def test_a_crop_larger_than_the_photograph_is_mirrored():
    assert pipal_shape.crop(3, height=600, width=900).shape == (600, 900, 3)


def test_a_shape_without_images_or_of_an_unknown_format_is_refused(tmp_path):
    for shape in (pipal_shape.Shape(contents=0), pipal_shape.Shape(format="gif")):
        with pytest.raises(ValueError, match="1 or more"):
            pipal_shape.make(shape, tmp_path)


def test_ratios_are_taken_within_a_round():
    found = samples.ratios([10.0, 40.0, 30.0], [5.0, 10.0, 10.0])
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)
    assert found.text() == "3 (2 to 4)"
    with pytest.raises(ValueError, match="zip"):
        samples.ratios([1.0], [1.0, 2.0])


def test_numbers_are_written_with_significant_digits_and_no_exponent():
    assert [samples.significant(value) for value in (23200.4, 1.777, 0.00421, 0, 4e-8)] == [
        "23200",
        "1.78",
        "0.00421",
        "0",
        "4.0e-08",
    ]


def measured():
    """1,000 pairs of the harness in 2 s, 10 of pyiqa's script in 10 s, of its model in 5 s, at two rounds."""
    four = peer_report.FOUR
    found = Measured(n_pairs=1000, n_sample=10)
    found.harness = {(four, "whole"): [2.0, 2.0], (four, "sample"): [1.0, 1.0]}
    found.peers = {
        "pyiqa script": {metric: [2.5, 2.5] for metric in four},
        "pyiqa": {metric: [1.25, 1.25] for metric in four},
        "scikit-image": {"psnr": [0.5, 0.5], "ssim": [0.5, 0.5]},
    }
    found.scores = {"pyiqa": {"psnr": [30.0, 20.0]}, "scikit-image": {"psnr": [30.0, 20.0]}}
    found.ours = {"psnr": [30.0005, 20.0]}
    return found


def test_the_bar_is_held_against_the_fastest_of_a_peers_loops():
    bar = peer_report.bars(measured())[0]
    assert (bar.bar, bar.met) == ("200", True)  # 1,000 pairs in 2 s are 500 a second, 10 in 5 s are 2
    assert bar.measured.startswith("250")
    assert "(pyiqa)" in bar.what


def test_a_bar_that_could_not_be_measured_is_not_met():
    bar = peer_report.bars(measured())[1]
    assert (bar.met, bar.measured) == (False, "")


def test_peers_are_compared_on_the_metrics_that_they_have():
    assert peer_report.metric_sets(measured()) == [peer_report.FOUR, peer_report.FIVE, ("psnr", "ssim")]


def test_differences_of_scores_are_held_against_their_tolerance():
    rows = {row[1]: row for row in peer_report.differences(measured())}
    assert rows["pyiqa"][2:5] == ["0.0005", "0.001", "yes"]
    assert rows["scikit-image"][4] == "no"


def test_pyiqa_with_one_thread_is_told_of_alone_only_where_pyiqa_itself_did_not_run():
    found = measured()
    found.scores["pyiqa one thread"] = found.scores["pyiqa"]
    assert "pyiqa one thread" not in {row[1] for row in peer_report.differences(found)}
    del found.scores["pyiqa"]
    assert "pyiqa one thread" in {row[1] for row in peer_report.differences(found)}


def test_every_metric_of_every_peer_has_a_tolerance_with_its_cause():
    for peer in peer_report.PEERS.values():
        assert set(peer.metrics) <= set(peer_report.EXPECTED[peer.package])


def test_the_report_of_peers_holds_every_table():
    text = peer_report.report(measured(), rounds=2, cores=2)
    for part in ("## Bars", "## Speed", "## Scores", "Date:", "Machine:", "Command:"):
        assert part in text


def test_overhead_and_share_are_those_of_the_run_without_start_up():
    found = limit_run.Measured(
        alone={1: [8.0], 2: [4.5]},
        warm={1: [10.0], 2: [5.0]},
        whole={1: [16.0], 2: [10.0]},
        processor={"alone": [7.6], "ready": [8.0]},
    )
    bars = {bar.what: bar for bar in limit_run.judge("psnr", found)}
    reached = bars["psnr, 1 worker: share of decode-plus-compute reached"]
    assert (reached.measured, reached.met) == ("80 % (80 % to 80 %); with start-up 50 %", True)
    overhead = bars["psnr, 1 worker: overhead of the runner"]
    assert (overhead.measured, overhead.met) == ("20 % (20 % to 20 %); with start-up 50 %", False)
    assert bars["psnr, 2 workers: share of decode-plus-compute reached"].measured.startswith("90 %")
    assert bars["psnr, 1 worker, processor time: overhead of the runner"].measured == "5 % (5 % to 5 %)"
    gain = bars["psnr: two workers against one"]
    assert (gain.measured, gain.met) == ("2; with start-up 1.6; alone 1.78", True)


def test_a_tree_can_be_gone_through_several_times_under_other_names(tmp_path):
    table = pipal_shape.repeated(pipal_shape.make(SMALL, tmp_path), 3)
    pairs = Registry().dataset(f"table:{table}").pairs(None)
    assert len({pair.id for pair in pairs}) == 42
    assert len({pair.content for pair in pairs}) == 6
    assert len({pair.distorted.resolve() for pair in pairs}) == 14


def test_a_table_survives_bars_in_its_cells():
    assert page.table(["a"], [["x | y"]]).splitlines()[2] == "| x \\| y |"


def test_a_synthetic_store_gives_a_board_of_every_metric(tmp_path):
    sizes = {"live": synthetic_store.REAL["live"], "csiq": synthetic_store.REAL["csiq"]}
    assert synthetic_store.write(tmp_path / "scores.sqlite", metrics=3, sizes=sizes) == 3 * (779 + 866)
    with Store(tmp_path / "scores.sqlite", readonly=True) as store:
        board = build(store, replicates=0)
    assert {one.dataset.name: (one.n_pairs, one.n_contents, len(one.distortions)) for one in board.datasets} == {
        "live": (779, 29, 5),
        "csiq": (866, 30, 6),
    }
    for one in board.datasets:
        srcc = {row.label: row.value("srcc") for row in one.rows}
        assert srcc["invented-00"] > srcc["invented-01"] > srcc["invented-02"] > 0.5


def stored_run(name, minimum, node="a"):
    return {
        "datetime": "2026-01-01T00:00:00",
        "commit_info": {"id": "abcdef0123", "dirty": False},
        "machine_info": {"node": node},
        "benchmarks": [{"fullname": name, "stats": {"min": minimum}}],
    }


def test_two_stored_runs_are_compared_as_ratios():
    ((change,), added, gone) = compare.changes(stored_run("a", 2.0), stored_run("a", 3.0))
    assert (change.ratio, change.mark, added, gone) == (1.5, "slower", [], [])
    assert compare.changes(stored_run("a", 1.0), stored_run("b", 1.0))[1:] == (["b"], ["a"])
    assert "| a | 2000 | 3000 | 1.50 | slower |" in compare.report(stored_run("a", 2.0), stored_run("a", 3.0))
    assert "different machines" in compare.report(stored_run("a", 1.0), stored_run("a", 1.0, node="b"))


def test_one_stored_run_is_nothing_to_compare_yet(tmp_path):
    (tmp_path / "Linux").mkdir()
    (tmp_path / "Linux" / "0001_a.json").write_text(json.dumps(stored_run("a", 1.0)))
    command = [sys.executable, str(SCRIPTS / "compare.py"), "--storage", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "nothing to compare yet" in done.stdout


@pytest.mark.parametrize(
    "script", ["pipal_shape", "peers", "peer_loops", "runner_limits", "synthetic_store", "compare"]
)
def test_every_script_explains_itself(script):
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout


def test_the_table_says_that_its_labels_are_synthetic(tmp_path):
    first, header, *rows = pipal_shape.make(SMALL, tmp_path).read_text().splitlines()
    assert "synthetic" in first
    assert next(csv.reader([header])) == list(pipal_shape.COLUMNS)
    assert len(rows) == 14
