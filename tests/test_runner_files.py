"""What a run does about files that were touched, copied, swapped or changed since they were scored."""

import os
import shutil

import pytest
from PIL import Image
from test_runner import REGISTRY, InProcess, run_here

from benchmark.images import reading_rules
from benchmark.runner import execute, plan
from benchmark.store import Store


@pytest.fixture
def root(toy, tmp_path):
    return shutil.copytree(toy, tmp_path / "toy")


def planned(folder, root, metrics, **options):
    with Store(folder / "scores.sqlite") as store:
        return plan(store, REGISTRY, "toy", metrics, root, **options)


def touched(root, tmp_path):
    for path in root.rglob("*.png"):
        os.utime(path, ns=(1, 1))
    return root


def copied(root, tmp_path):
    return shutil.copytree(root, tmp_path / "second checkout", copy_function=shutil.copyfile)


def copied_with_times(root, tmp_path):
    return shutil.copytree(root, tmp_path / "rsync")


def made_anew(root, tmp_path):
    saved = copied(root, tmp_path)
    shutil.rmtree(root)
    return shutil.copytree(saved, root)


@pytest.mark.parametrize("change", [touched, copied, copied_with_times, made_anew])
def test_no_score_is_lost_or_made_again_when_only_the_looks_of_files_change(root, tmp_path, change):
    _, before = run_here(tmp_path, root, ["difference", "psnr"])
    outcome, after = run_here(tmp_path, change(root, tmp_path), ["difference"])
    assert (outcome.n_scored, outcome.n_kept) == (0, 24)
    assert after == before


def test_a_plan_deletes_nothing(root, tmp_path):
    run_here(tmp_path, root, ["difference", "psnr"])
    original = (root / "a" / "1.png").read_bytes()
    Image.new("RGB", (64, 48)).save(root / "a" / "1.png")
    todo = planned(tmp_path, root, ["difference"])
    assert (todo.changed, todo.n_missing, todo.stale) == (["a/1.png"], 1, {"psnr": 1})
    (root / "a" / "1.png").write_bytes(original)
    todo = planned(tmp_path, root, ["difference", "psnr"])
    assert (todo.changed, todo.n_missing, todo.n_kept) == (["a/1.png"], 0, 48)


def test_a_file_swapped_for_one_of_the_same_name_size_and_time_is_noticed(root, tmp_path):
    for path in (root / "a" / "1.png", root / "a" / "2.png"):
        Image.new("RGB", (64, 48), 3 * (len(path.stem),)).save(path.with_suffix(".bmp"))
        path.with_suffix(".bmp").rename(path)  # read by content: a bitmap of any colour has the same size
    run_here(tmp_path, root, ["difference"])
    swapped, before = root / "a" / "1.png", (root / "a" / "1.png").stat()
    Image.new("RGB", (64, 48), (200, 0, 0)).save(tmp_path / "other.bmp")
    os.utime(tmp_path / "other.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "other.bmp").replace(swapped)
    after = swapped.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert planned(tmp_path, root, ["difference"]).changed == ["a/1.png"]


def test_a_file_that_changes_after_the_plan_is_named_and_its_other_scores_do_not_count(root, tmp_path):
    run_here(tmp_path, root, ["psnr"])
    with Store(tmp_path / "scores.sqlite") as store:
        todo = plan(store, REGISTRY, "toy", ["difference"], root)
        Image.new("RGB", (64, 48)).save(root / "b" / "2.png")
        outcome = execute(store, todo, InProcess())
        assert (outcome.n_scored, outcome.changed) == (24, ["b/2.png"])
        assert store.stale_by_metric(todo.dataset) == {"psnr": 1}


def test_a_file_that_is_written_while_it_is_read_fails_by_name(root, tmp_path, monkeypatch):
    import benchmark.scoring

    read = benchmark.scoring.read_rgb

    def reading(path, **options):
        image = read(path, **options)
        if path.name == "3.png" and path.parent.name == "c":
            path.write_bytes(path.read_bytes() + b"more")
        return image

    monkeypatch.setattr(benchmark.scoring, "read_rgb", reading)
    outcome, _ = run_here(tmp_path, root, ["difference"])
    assert list(outcome.failures["difference"]) == ["c/3.png"]
    assert "3.png: changed while it was read" in outcome.failures["difference"]["c/3.png"]


def test_a_link_made_while_a_file_is_read_does_not_matter(root, tmp_path, monkeypatch):
    """As a backup makes them: the entry changes, the bytes do not."""
    import benchmark.scoring

    read = benchmark.scoring.read_rgb

    def reading(path, **options):
        image = read(path, **options)
        if path.name != "ref.png":
            os.link(path, tmp_path / f"{path.parent.name}{path.name}")
        return image

    monkeypatch.setattr(benchmark.scoring, "read_rgb", reading)
    outcome, _ = run_here(tmp_path, root, ["difference"])
    assert (outcome.n_scored, outcome.n_failed) == (24, 0)


def test_a_known_file_that_changes_between_the_look_and_the_reading_fails_by_name(root, tmp_path, monkeypatch):
    import benchmark.scoring

    run_here(tmp_path, root, ["psnr"])
    read = benchmark.scoring.read_rgb

    def reading(path, **options):
        (root / "c" / "3.png").touch() if path == root / "c" / "ref.png" else None
        return read(path, **options)

    monkeypatch.setattr(benchmark.scoring, "read_rgb", reading)
    outcome, _ = run_here(tmp_path, root, ["difference"])
    assert list(outcome.failures["difference"]) == ["c/3.png"]


def test_a_file_that_cannot_be_read_any_more_has_no_score_that_counts(root, tmp_path):
    run_here(tmp_path, root, ["difference"])
    target = (root / "a" / "1.png").resolve()
    target.unlink()
    target.mkdir()
    (tmp_path / "data").mkdir()
    with Store(tmp_path / "scores.sqlite") as store:
        from benchmark.runner import _note_files

        pairs = REGISTRY.dataset("toy").pairs(root)
        (dataset,) = store.datasets()
        assert _note_files(store, dataset, pairs, reading_rules(), None) == (["a/1.png"], 0)
        (series,) = store.series(dataset)
        assert list(store.stale(series)) == ["a/1.png"]


def test_scores_of_other_reading_rules_are_made_again(root, tmp_path):
    _, before = run_here(tmp_path, root, ["difference", "psnr"])
    todo = planned(tmp_path, root, ["difference"], rules=reading_rules("white"))
    assert (todo.changed, todo.n_other_rules, todo.n_missing, todo.stale) == ([], 24, 24, {"psnr": 24})
    todo = planned(tmp_path, root, ["difference", "psnr"])
    assert (todo.n_missing, todo.n_kept) == (0, 48)
    _, after = run_here(tmp_path, root, ["difference"])
    assert after == before


def test_files_that_look_as_when_they_were_hashed_are_not_hashed_again(root, tmp_path, monkeypatch):
    import benchmark.scoring

    read, hashed = benchmark.scoring.read_state, []
    monkeypatch.setattr(benchmark.scoring, "read_state", lambda path: (hashed.append(path), read(path))[1])
    run_here(tmp_path, root, ["difference"])
    assert len(hashed) == len(set(hashed)) == 28
    run_here(tmp_path, root, ["difference", "psnr"])
    assert len(hashed) == 28
    Image.new("RGB", (64, 48)).save(root / "b" / "2.png")
    outcome, _ = run_here(tmp_path, root, ["difference", "psnr", "swapped"])
    assert (outcome.n_scored, len(hashed)) == (2 + 24, 28)  # the plan hashed the file that looks different
    assert outcome.changed == []


def test_two_runs_at_once_on_copies_of_other_times_lose_nothing(root, tmp_path):
    """Both plan before either scores: each keeps what is there, and both bring what they were asked for."""
    run_here(tmp_path, root, ["psnr"])
    other = copied(root, tmp_path)
    with Store(tmp_path / "scores.sqlite") as one, Store(tmp_path / "scores.sqlite") as two:
        plans = [
            (one, plan(one, REGISTRY, "toy", ["psnr", "difference"], root)),
            (two, plan(two, REGISTRY, "toy", ["psnr", "swapped"], other)),
        ]
        assert [todo.n_kept for _, todo in plans] == [24, 24]
        outcomes = [execute(store, todo, InProcess()) for store, todo in plans]
        assert [outcome.n_scored for outcome in outcomes] == [24, 24]
        (dataset,) = one.datasets()
        assert {series.info.name: len(one.scores(series)) for series in one.series(dataset)} == {
            "psnr": 24,
            "difference": 24,
            "swapped": 24,
        }
