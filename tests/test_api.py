"""The Python layer: what a user writes in a notebook or a script works as written, and gives the store's numbers."""

import doctest
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from scipy.stats import spearmanr

import benchmark as iqa
from benchmark import api
from benchmark.frames import AGREEMENT, DATASETS, METRICS, OWN_SCORES, SCORES, STORED, TESTS
from benchmark.store import Store
from benchmark.types import UserError


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder with two metrics of the embedded data set."""
    folder = tmp_path_factory.mktemp("results")
    result = iqa.run("live-kodak", metrics=["ssim", "psnr"], results=folder, quiet=True)
    assert (result.scored, result.kept, result.failed, result.not_run) == (420, 0, 0, {})
    return folder


def columns_match(frame, columns):
    assert list(frame.columns) == [column.name for column in columns]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {c.name: c.dtype for c in columns}
    assert set(frame.attrs["columns"]) == set(frame.columns)


def test_the_examples_of_the_documentation_give_what_they_say():
    found = doctest.testmod(api, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 10
    assert found.failed == 0


def test_importing_the_package_loads_nothing_heavy():
    program = """
        import sys
        import benchmark
        assert not {"torch", "numpy", "pandas", "rich", "typer"} & sys.modules.keys()
        benchmark.metric
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


@pytest.mark.parametrize(
    "imported", ["benchmark.metrics.lpips", "benchmark.leaderboard.build", "benchmark.agreement", "benchmark.api"]
)
def test_names_that_are_also_modules_can_be_called_whatever_was_imported_before(imported):
    program = f"""
        import {imported}
        import inspect, benchmark
        for name in ("metrics", "leaderboard", "agreement"):
            function = getattr(benchmark, name)
            assert callable(function), name
            from benchmark import api
            assert inspect.signature(function) == inspect.signature(getattr(api, name))
        assert len(benchmark.metrics()) > 40
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_every_public_name_is_there_and_documented():
    for name in iqa.__all__:
        assert getattr(iqa, name).__doc__, name
    assert set(iqa.__all__) <= set(dir(iqa))
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        iqa.scores  # noqa: B018


def test_metrics_and_data_sets_are_frames_with_declared_columns():
    metrics, datasets = iqa.metrics(), iqa.datasets()
    columns_match(metrics, METRICS)
    columns_match(datasets, DATASETS)
    assert not metrics.set_index("metric").loc["lpips", "higher_is_better"]
    assert metrics.set_index("metric")["needs"].isna()["ssim"]
    assert datasets.set_index("dataset").loc["live-kodak", "n_pairs"] == 210


def test_a_second_run_keeps_what_is_there(results):
    again = iqa.run("live-kodak", metrics="ssim,psnr", results=results, quiet=True)
    assert (again.scored, again.kept) == (0, 420)
    assert "420 kept from before" in str(again)


def test_stored_scores_come_as_a_frame_and_equal_the_store(results):
    frame = iqa.open_store(results).scores()
    columns_match(frame, SCORES)
    assert len(frame) == 420
    with Store(results / "scores.sqlite", readonly=True) as store:
        (dataset,) = store.datasets()
        for series in store.series(dataset):
            part = frame[frame["metric"] == series.info.name].set_index("pair")["score"]
            assert part.to_dict() == store.scores(series)
    columns_match(iqa.open_store(results).series(), STORED)
    assert set(iqa.open_store(results).scores(metrics="psnr")["metric"]) == {"psnr"}
    assert (iqa.open_store(results).costs()["seconds_per_pair"] > 0).all()


def test_a_board_is_a_frame_text_and_html(results):
    board = iqa.leaderboard("live-kodak", results=results, quiet=True)
    frame = board.to_frame()
    columns_match(frame, AGREEMENT)
    scores = iqa.open_store(results).scores(metrics=["psnr"])
    expected = spearmanr(scores["score"], -scores["label"]).statistic
    shown = frame.query("metric == 'psnr' and statistic == 'srcc' and subset == 'all'")
    assert_allclose(shown["value"], expected, atol=1e-3)  # the board takes scores within the tolerance as ties
    assert "| `psnr` |" in board.render("markdown") or "psnr" in board.render("markdown")
    assert "psnr" in str(board)
    html = board._repr_html_()
    assert "<table>" in html
    assert "psnr" in html
    with pytest.raises(UserError, match="unknown format"):
        board.render("pdf")


def test_html_escapes_names_and_shows_every_statistic(results):
    from benchmark.statistics import STATISTICS

    table = {"mos": [1, 2, 3, 4], "<b>m</b>": [1, 2, 4, 3]}
    html = iqa.agreement(table, "mos", ["<b>m</b>"], higher_is_better=True, name="<script>")._repr_html_()
    assert "<script>" not in html
    assert "<b>m" not in html
    html = iqa.leaderboard("live-kodak", results=results, quiet=True)._repr_html_()
    for statistic in STATISTICS.values():
        assert statistic.title in html


def test_two_metrics_are_compared_on_the_same_pairs(results):
    tests = iqa.compare(results=results)
    columns_match(tests, TESTS)
    (row,) = tests.to_dict("records")
    board = iqa.leaderboard(results=results, quiet=True).to_frame().query("subset == 'all' and statistic == 'srcc'")
    values = board.set_index("metric")["value"]
    assert_allclose(row["difference"], values[row["first"]] - values[row["second"]], atol=1e-12)
    assert row["low"] < row["difference"] < row["high"]
    with pytest.raises(UserError, match="did you mean"):
        iqa.compare(["ssim", "psn"], results=results)
    with pytest.raises(UserError, match="expected two or more"):
        iqa.compare(["ssim"], results=results)


def test_files_folders_and_images_in_memory_give_the_same_scores(toy):
    names = ["psnr", "ssim"]
    folder = iqa.score(toy / "a", toy / "a" / "ref.png", metrics=names, quiet=True).table()
    files = [toy / "a" / f"{n}.png" for n in range(1, 7)]
    listed = iqa.score(files, toy / "a" / "ref.png", metrics=names, quiet=True)
    columns_match(listed.to_frame(), OWN_SCORES)
    arrays = [np.asarray(Image.open(file)) for file in files]
    reference = np.asarray(Image.open(toy / "a" / "ref.png"))
    in_memory = iqa.score(arrays, reference, metrics=names)
    pairs = iqa.score([(file, toy / "a" / "ref.png") for file in files], metrics=names, quiet=True)
    expected = folder.loc[[file.name for file in files]].to_numpy()
    for found in (listed, in_memory, pairs):
        assert found.table().to_numpy().tolist() == expected.tolist()
    workers = iqa.score(files, toy / "a" / "ref.png", metrics=names, executor="local", workers=1, quiet=True)
    assert workers.table().to_numpy().tolist() == expected.tolist()


def test_a_metric_that_fails_is_named_and_the_others_go_on():
    image = np.zeros((32, 32, 3), np.uint8)
    found = iqa.score([image], image, metrics=["psnr", "ms-ssim"])
    assert found.scores == {("0", "psnr"): float("inf")}
    assert "below the" in found.failures["0", "ms-ssim"]
    assert "failed: 0, ms-ssim" in str(found)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: iqa.score("missing.png", "other.png"), "no such file"),
        (lambda: iqa.score(["missing.png"], "other.png", metrics="psnr"), "no such file"),
        (lambda: iqa.score(np.zeros((8, 8, 3)), np.zeros((8, 8, 3)), metrics="psnr"), "declare it"),
        (lambda: iqa.score(np.zeros((8, 8, 3), np.uint8), metrics="psnr"), "compare an image with its reference"),
        (lambda: iqa.metric("ssimm"), "did you mean ssim"),
        (lambda: iqa.run("live-kodakk"), "did you mean live-kodak"),
        (lambda: iqa.run(metrics=[]), "expected one or more names"),
        (lambda: iqa.run(metrics="psnr", executor="cloud"), "expected auto, inline, local, dask"),
        (lambda: iqa.open_store("nowhere"), "no scores here yet"),
        (lambda: iqa.leaderboard(results="nowhere"), "no scores here yet"),
    ],
)
def test_what_the_caller_can_mend_is_said(call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        call()


def test_a_table_of_scores_becomes_a_board():
    random = np.random.default_rng(3)
    labels = random.uniform(1, 5, 60)
    table = pd.DataFrame(
        {
            "mos": labels,
            "ref": np.repeat([f"c{i}" for i in range(12)], 5),
            "DSSIM": 5 - labels + random.normal(0, 0.3, 60),
            "mine": labels + random.normal(0, 1.0, 60),
        }
    )
    board = iqa.agreement(table, "mos", ["DSSIM", "mine"], contents="ref", higher_is_better={"mine": True})
    found = board.to_frame().query("statistic == 'srcc'").set_index("metric")["value"]
    assert_allclose(found["DSSIM"], -spearmanr(table["DSSIM"], table["mos"]).statistic)
    assert_allclose(found["mine"], spearmanr(table["mine"], table["mos"]).statistic)
    (data,) = board.datasets
    assert (data.n_pairs, data.n_contents) == (60, 12)
    as_dmos = iqa.agreement(table.rename(columns={"mos": "dmos"}), "dmos", ["DSSIM"], contents="ref")
    assert_allclose(as_dmos.to_frame().query("statistic == 'srcc'")["value"], -found["DSSIM"])


def test_missing_scores_of_a_table_are_counted_and_not_ranked():
    table = {"mos": [1, 2, 3, 4, 5], "psnr": [1.0, 2.0, None, 4.0, 5.0]}
    (data,) = iqa.agreement(table, "mos", "psnr").datasets
    (row,) = data.rows
    assert (row.agreement.n_expected, row.agreement.n_scored, row.agreement.n_failed, row.rank) == (5, 4, 1, None)
    assert "each row counts as a content of its own" in data.dataset.note


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("moss", ["psnr"]), {}, "did you mean mos"),
        (("mos", ["mine"]), {}, "its direction is declared, never guessed"),
        (("quality", ["psnr"]), {}, "labels_higher_is_better"),
        (("mos", ["words"]), {"higher_is_better": True}, "expected numbers"),
        (("holes", ["psnr"]), {"labels_higher_is_better": True}, "dropna"),
        (("mos", ["psnr"]), {"contents": "holes"}, "a name in every row"),
        (("mos", []), {}, "names of one or more columns"),
        (("mos", ["psnr"]), {"statistics": "plc"}, "unknown statistic"),
    ],
)
def test_a_table_that_would_need_a_guess_is_refused(arguments, options, words):
    table = {
        "mos": [1, 2, 3],
        "quality": [1, 2, 3],
        "holes": [1.0, None, 3.0],
        "psnr": [1, 2, 3],
        "mine": [1, 2, 3],
        "words": ["a", "b", "c"],
    }
    with pytest.raises(UserError, match=words):
        iqa.agreement(table, *arguments, **options)


def test_published_scores_give_the_published_values(shared):
    """DSSIM of TID2013, as `iqa.agreement(scores=frame, labels="mos", metrics=["DSSIM"], contents="ref")`."""
    from benchmark.published import published

    frame = pd.read_csv(shared / "reference" / "per_image_scores" / "TID2013.VQMT.csv")
    frame["ref"] = frame["ref_img"].str.lower()
    board = iqa.agreement(scores=frame, labels="mos", metrics=["DSSIM"], contents="ref", replicates=100)
    assert board.datasets[0].n_contents == 25
    (fact,) = [f for f in published() if (f.name, f.dataset, f.statistic) == ("dssim", "tid2013", "srcc")]
    value = board.to_frame().query("statistic == 'srcc'")["value"].iloc[0]
    assert_allclose(value, fact.oriented, atol=5e-7)


def test_a_script_without_a_main_guard_runs(toy, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import benchmark as iqa

            @iqa.plugin.metric(name="mean-difference", higher_is_better=False, protocol="Mean absolute difference.")
            def mean_difference(*, distorted, reference):
                return abs(distorted - reference).mean()

            iqa.register(mean_difference)
            found = iqa.score({str(toy / "a")!r}, {str(toy / "a" / "ref.png")!r}, metrics=["mean-difference", "psnr"])
            print(found.table().shape)
            result = iqa.run("live-kodak", metrics=["mean-difference"], results={str(tmp_path / "results")!r})
            print(result.scored, result.failed)
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["(7, 2)", "210 0"]


def test_scores_of_a_table_are_ranked_as_they_are_given():
    tiny = {"mos": [1, 2, 3, 4, 5], "psnr": [30.0 + 1e-8 * i for i in range(5)]}
    board = iqa.agreement(tiny, "mos", "psnr")
    assert board.to_frame().query("statistic == 'srcc'")["value"].item() == 1.0
    infinite = {"mos": [1, 2, 3, 4, 4], "psnr": [20.0, 30.0, 40.0, float("inf"), float("inf")]}
    (row,) = iqa.agreement(infinite, "mos", "psnr").datasets[0].rows
    assert (row.agreement.n_scored, row.rank, row.value("srcc")) == (5, 1, 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: iqa.agreement({"q": [1, 2, 3], "psnr": [1, 2, 3]}, "q", "psnr", labels_higher_is_better="no"),
            "expected True or False",
        ),
        (
            lambda: iqa.agreement({"mos": [1, 2, 3], "x": [1, 2, 3]}, "mos", "x", higher_is_better={"x": "lower"}),
            "expected True or False",
        ),
        (lambda: iqa.agreement({"mos": [1, 2, 3], "psnr": [1, 2, 3]}, "mos", "psnr", confidence=95), "between 0 and 1"),
        (lambda: iqa.run(metrics="psnr", workers=-3), "workers: expected a whole number of 1 or more"),
        (lambda: iqa.compare(dataset=["live-kodak"]), "the name of one data set"),
        (
            lambda: iqa.score(
                np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), metrics="psnr", executor="cloud"
            ),
            "scored in this process",
        ),
    ],
)
def test_arguments_that_would_be_misread_are_refused(call, words):
    with pytest.raises(UserError, match=words):
        call()


def test_what_is_no_score_in_a_file_is_none_in_memory():
    @iqa.plugin.metric(name="nothing", higher_is_better=True, protocol="No number.", version="1")
    def nothing(*, distorted, reference):
        return float("nan")

    iqa.register(nothing)
    image = np.zeros((8, 8, 3), np.uint8)
    found = iqa.score([image], image, metrics="nothing,psnr")
    assert found.scores == {("0", "psnr"): float("inf")}
    assert "nothing is nan" in found.failures["0", "nothing"]


def test_a_metric_that_writes_to_its_reference_is_refused_in_memory_too():
    @iqa.plugin.metric(name="writer", higher_is_better=True, protocol="Writes.", version="1", view="tensor")
    def writer(*, distorted, reference):
        return float(reference.add_(1).mean())

    iqa.register(writer)
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UserError, match="wrote to its input"):
        iqa.metric("writer")([image, image], image)


def test_names_of_stored_scores_may_come_in_one_text_and_unknown_ones_are_named(results):
    assert set(iqa.open_store(results).scores(metrics="psnr, ssim")["metric"]) == {"psnr", "ssim"}
    with pytest.raises(UserError, match="did you mean live-kodak"):
        iqa.open_store(results).scores("live-kodakk")
    with pytest.raises(UserError, match="unknown stored metric"):
        iqa.open_store(results).scores(metrics="lpips")


def test_a_transparent_image_in_memory_takes_the_background_that_is_given():
    half = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    white = np.full((16, 16, 3), 255, np.uint8)
    assert iqa.score(half, white, metrics="psnr", background="white").scores["0", "psnr"] == float("inf")
