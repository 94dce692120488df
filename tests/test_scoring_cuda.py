"""On a CUDA device: images cross over while others are scored, batches shrink when memory ends; the script that measures it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from photographs import METRICS, photograph
from PIL import Image

from benchmark.registry import Registry
from benchmark.scoring import Unit, UnitScorer, Wanted, WorkerSetup
from benchmark.types import Pair

SCRIPT = Path(__file__).with_name("cuda") / "check.py"
SCORED = ("lpips", "asna", "psnr")

needs_device = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """150 brighter and darker versions of a photograph: three batches."""
    folder, image = tmp_path_factory.mktemp("content"), photograph("ref/bikes.png")[:96, :128].astype(int)
    Image.fromarray(image.astype("uint8")).save(folder / "ref.bmp")
    for i in range(150):
        Image.fromarray((image + i - 75).clip(0, 255).astype("uint8")).save(folder / f"{i:03}.bmp")
    names = [f"{i:03}.bmp" for i in range(150) if i != 75]
    return tuple(Pair(name, folder / name, folder / "ref.bmp", "a", 1.0) for name in names)


def unit(pairs):
    ids = frozenset(pair.id for pair in pairs)
    return Unit("a", pairs, tuple(Wanted(i, name, ids) for i, name in enumerate(SCORED)))


def assert_close(found, expected):
    for name, one, other in zip(SCORED, found.results, expected.results, strict=True):
        assert one.failures == {}
        assert one.scores == pytest.approx(other.scores, abs=METRICS[name].info.tolerance)


@pytest.fixture(scope="module")
def on_the_cpu(pairs):
    return UnitScorer(Registry(), WorkerSetup())(unit(pairs))


class TestDevice:
    pytestmark = needs_device

    def test_a_unit_scores_as_on_the_cpu_within_tolerance(self, pairs, on_the_cpu):
        scorer = UnitScorer(Registry(), WorkerSetup(device="cuda"))
        assert_close(scorer(unit(pairs)), on_the_cpu)
        again = scorer(unit(pairs))  # now batches are sent ahead from the first on
        assert_close(again, on_the_cpu)
        assert all(part.seconds > 0 for part in again.results)

    def test_memory_that_ends_halves_the_batch_and_every_pair_is_scored(self, pairs, on_the_cpu):
        scorer = UnitScorer(Registry(), WorkerSetup(device="cuda"))
        scorer(unit(pairs[:2]))
        torch.cuda.empty_cache()
        share = (torch.cuda.memory_reserved() + 64 * 2**20) / torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(share)
        try:
            assert_close(scorer(unit(pairs)), on_the_cpu)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)


def check(*options):
    return subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_script_of_the_device_checks_runs_through_without_one(tmp_path):
    done = check("--device", "cpu", "--quick", "--output", tmp_path / "found.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    parts = {one["part"]: one for one in found["checks"]}
    assert parts["scores equal the CPU's"]["numbers"]["lpips"] == {
        "difference": 0.0,
        "tolerance": METRICS["lpips"].info.tolerance,
        "uses the device": True,
    }
    assert parts["throughput at 96 x 64"]["numbers"]["psnr"]["pairs_per_second"] > 0
    assert parts["memory of a large content"]["numbers"]["failures"] == 0
    assert len(done.stdout.split("\n\n")[-1].splitlines()) == len(parts) + 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_script_says_in_one_line_that_there_is_no_device():
    done = check()
    assert (done.returncode, len(done.stdout.splitlines())) == (2, 1)
    assert "no CUDA device" in done.stdout
