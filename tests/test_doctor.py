"""The doctor finds each mistake that is made here on purpose, under its own name, and finds none in what is right."""

import csv

import numpy as np
import pytest
from command import benchmark
from PIL import Image

from benchmark.doctor import dataset as dataset_doctor
from benchmark.doctor.arithmetic import wraparound
from benchmark.doctor.examination import examine
from benchmark.doctor.finding import Verdict
from benchmark.doctor.state import imported
from benchmark.doctor.subject import Subject
from benchmark.images import ImageBatch
from benchmark.registry import Registry
from benchmark.types import Pair, UserError

HEAD = """
import os, random, warnings
import numpy as np, torch
from benchmark.plugin import ImageBatch, MetricInfo, PairError, metric

FACTS = {"title": "T", "library": "here", "licence": "CC0", "citation": "none", "score_range": (0, 255)}

class Batched:
    def __init__(self, **facts):
        self.info = MetricInfo("mine", "T", "1", False, "Mean absolute difference.", (0, 255), **facts)
    def load(self, device):
        return self
    def prepare(self, reference):
        return reference.rgb[0].astype(float)
    def score(self, distorted, prepared):
        return np.abs(distorted.rgb - prepared).mean(axis=(1, 2, 3))
"""
FUNCTION = """
@metric(name="mine", higher_is_better={higher}, protocol="Mean absolute difference.", {facts})
def mine(*, distorted, reference):
    {body}
    return np.abs(distorted.astype(float) - reference).mean()
"""


def function(body="pass", higher=False, facts="**FACTS"):
    return FUNCTION.format(body=body, higher=higher, facts=facts)


def batched(score):
    """A metric whose `score` has this body."""
    return f"class Mine(Batched):\n    def score(self, distorted, prepared):\n        {score}\n\nmine = Mine()"


GOOD = batched("return super().score(distorted, prepared)")
TENSOR = """
@metric(name="mine", higher_is_better=False, protocol="Mean absolute difference.", view="tensor", **FACTS)
def mine(*, distorted, reference):
    return distorted.sub_(reference).abs().mean()
"""
NO_REFERENCE = """
@metric(name="mine", higher_is_better=False, protocol="Not of the image alone.", kind="no-reference", **FACTS)
def mine(*, distorted, reference):
    return np.abs(distorted.astype(float) - reference).mean()
"""

BROKEN = {
    "reversed": (function(higher=True), "more noise", "declare higher_is_better=False"),
    "reversed_blur": (function(higher=True), "more blur", "the direction is reversed"),
    "best_is_not_best": (function("return 3 + np.abs(distorted.astype(float) - reference).mean()"), "identical images", "score 3"),
    "wraps_around": (function("return np.abs(distorted - reference).mean()", facts="**FACTS, view='uint8'"), "more blur", "wrap around"),
    "subtract_wraps": (function("return ((distorted - reference) ** 2).mean()", facts="**FACTS, view='uint8'"), "8-bit arithmetic", "subtract of uint8 wraps around"),
    "add_wraps": (function("return np.abs((distorted + reference) / 2 - reference).mean()", facts="**FACTS, view='uint8'"), "8-bit arithmetic", "add of uint8 wraps around"),
    "in_place_wraps": (function("difference = distorted.copy(); difference -= reference; return difference.mean()", facts="**FACTS, view='uint8'"), "8-bit arithmetic", "subtract of uint8 wraps around"),
    "casts_back_and_wraps": (function("d, r = distorted.astype(np.uint8), reference.astype(np.uint8); return ((d - r) ** 2).mean()"), "8-bit arithmetic", "after the metric itself turned"),
    "batched_wraps": (batched("return (distorted.rgb - prepared.astype(np.uint8)).mean(axis=(1, 2, 3))"), "8-bit arithmetic", "subtract of uint8 wraps around"),
    "constant": (function("return 1.0"), "more jpeg", "all equal"),
    "nan_on_constant": (function("return np.abs(distorted / 1. - reference).mean() / (reference.std() > 0)", facts="**{**FACTS, 'score_range': (0, float('inf'))}"), "awkward images", "texture for constant (inf)"),
    "nothing_over_nothing": (function("return 1 - (np.minimum(distorted, reference).sum() / np.maximum(distorted, reference).sum())", facts="**{**FACTS, 'score_range': (0, 1)}"), "awkward images", "black for black (nan)"),
    "black_is_not_the_best": (function("return (np.abs(distorted / 1. - reference).mean() + 1e-9) / (np.maximum(distorted, reference).mean() + 1e-9)", facts="**{**FACTS, 'score_range': (0, 1)}"), "awkward images", "black for black (1)"),
    "range": (function(facts="**{**FACTS, 'score_range': (0, 100)}"), "awkward images", "black for white (255)"),
    "needs_10_pixels": (function("if len(distorted) < 10: raise ValueError('a window of 10')"), "awkward images", "declare min_size"),
    "float32_sloppy": (function("return 1 - np.float32(1.0001) * np.exp(-np.abs(distorted.astype('f') - reference).mean())", facts="**{**FACTS, 'score_range': (0, 1)}"), "identical images", "float32 sums"),
    "float32": (batched("return super().score(distorted, prepared).astype('f')"), "output", "float32, expected float64"),
    "one_score": (batched("return super().score(distorted, prepared).mean()"), "output", "mean over the whole batch"),
    "gradients": (batched("return torch.tensor(super().score(distorted, prepared), requires_grad=True)"), "output", "gradients"),
    "batch_dependent": (batched("d = super().score(distorted, prepared); return d + d.mean() / 10"), "batch and order", "a batch changes scores"),
    "order_dependent": (batched("d = super().score(distorted, prepared); return d + 0.01 * d[0] * (len(d) > 1) * (d[-1] > d[0])"), "batch and order", "changes"),
    "random": (batched("return super().score(distorted, prepared) + np.random.random()"), "repeatable", "random crops"),
    "random_weights": (batched("return super().score(distorted, prepared) * self.w") + "\nMine.load = lambda self, device: (vars(self).update(w=random.random()), self)[1]", "repeatable", "loading again"),
    "writes_array": (function("distorted -= reference"), "output", "writes to its input"),
    "writes_tensor": (TENSOR, "inputs", "work on a copy"),
    "raises": (function("raise OSError('broken')"), "output", "OSError: broken"),
    "seed": (function("torch.manual_seed(0)"), "global state", "torch's random state"),
    "numpy_seed": (function("np.random.seed(0)"), "global state", "numpy's random state"),
    "random_seed": (function("random.seed(0)"), "global state", "random's state"),
    "threads": (function("torch.set_num_threads(3)"), "global state", "torch's number of threads"),
    "grad_mode": (function("torch.set_grad_enabled(False)"), "global state", "torch's gradient mode"),
    "warning_filter": (function("warnings.filterwarnings('ignore')"), "global state", "the warning filters"),
    "numpy_errors": (function("np.seterr(all='ignore')"), "global state", "numpy's error handling"),
    "torch_home": (function("os.environ['TORCH_HOME'] = '/nowhere'"), "global state", "TORCH_HOME"),
    "prints": (function("print('hello')"), "global state", "prints while loading or scoring (hello"),
    "prints_below_python": (function("os.write(2, b'hello')"), "global state", "prints while loading or scoring (hello"),
    "facts": (function(facts="**{**FACTS, 'score_range': (1, 0)}"), "facts", "score_range is 1..0"),
    "reference_in_no_reference": (NO_REFERENCE, "no reference", "declare kind='full-reference'"),
}  # fmt: skip


def mine(text, path):
    path.write_text(HEAD + text)
    return Registry([path]).metric("mine")


def failures(findings):
    return {finding.check: finding.sentence for finding in findings if finding.verdict is Verdict.FAIL}


@pytest.fixture
def settings(monkeypatch):
    """What the broken metrics leave changed, set back."""
    import torch

    monkeypatch.setenv("TORCH_HOME", "/here")
    errors, threads = np.geterr(), torch.get_num_threads()
    yield
    torch.set_grad_enabled(True)
    torch.set_num_threads(threads)
    np.seterr(**errors)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.filterwarnings("ignore")
def test_a_mistake_is_found_and_named(name, tmp_path, settings):
    text, check, words = BROKEN[name]
    found = failures(examine(mine(text, tmp_path / f"doctored_{name}.py")))
    assert words in found[check], found


def test_a_function_of_other_arguments_is_refused_when_it_is_made(tmp_path):
    text = "@metric(name='mine', higher_is_better=True, protocol='P.', **FACTS)\ndef mine(a, b): return 1"
    with pytest.raises(
        UserError, match=r"keyword arguments distorted and reference, or of distorted alone, got mine\(a, b\)"
    ):
        mine(text, tmp_path / "positional.py")


@pytest.mark.parametrize("text", [GOOD, function()], ids=["batched", "function"])
def test_a_good_metric_passes_every_check(text, tmp_path):
    registry = Registry()
    companions = [registry.metric(name) for name in ("psnr", "ssim", "gmsd")]
    findings = list(examine(mine(text, tmp_path / "good.py"), companions))
    assert failures(findings) == {}
    assert "symmetric: reference and distorted may be swapped" in findings[-1].sentence


def test_a_metric_that_is_not_symmetric_is_called_so_without_a_failure(tmp_path):
    text = function("return (np.abs(distorted.astype(float) - reference) / (1 + reference.astype(float))).mean()")
    findings = {finding.check: finding for finding in examine(mine(text, tmp_path / "asymmetric.py"))}
    assert findings["swap"].verdict is Verdict.NOTE
    assert findings["swap"].sentence.startswith("not symmetric")


RIGHT = {
    "picks the side that does not wrap": "return np.where(distorted > reference, distorted - reference, reference - distorted).mean()",
    "lets a library read the scale off the type": "from skimage.metrics import structural_similarity as s; return s(distorted, reference, channel_axis=2)",
    "has a scale per type": "k = 255. if distorted.dtype == np.uint8 else 1.; return np.abs(distorted / k - reference / k).mean()",
    "takes nothing but 8 bits": "import cv2; assert distorted.dtype == np.uint8; return cv2.absdiff(distorted, reference).mean()",
}  # fmt: skip


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_8_bit_arithmetic_that_is_right_is_no_failure(body, tmp_path):
    metric = mine(function(body, facts="**FACTS, view='uint8'"), tmp_path / "right.py")
    assert wraparound(Subject.load(metric)).verdict is not Verdict.FAIL


def test_8_bit_arithmetic_cut_at_0_is_noted(tmp_path):
    saturated = function("import cv2; return cv2.subtract(distorted, reference).mean()", facts="**FACTS, view='uint8'")
    finding = wraparound(Subject.load(mine(saturated, tmp_path / "saturated.py")))
    assert finding.verdict is Verdict.NOTE
    assert "cut at 0 or 255" in finding.sentence


def test_by_default_a_function_gets_float64_that_neither_wraps_nor_can_be_written_to(tmp_path):
    text = function(
        "assert distorted.dtype == np.float64 and not distorted.flags.writeable; return ((distorted - reference) ** 2).mean()"
    )
    metric = mine(text, tmp_path / "mse.py")
    distorted, reference = (np.full((1, 8, 8, 3), level, np.uint8) for level in (4, 250))
    scorer = metric.load("cpu")
    assert scorer.score(ImageBatch(distorted), scorer.prepare(ImageBatch(reference))) == 246**2


def test_a_refused_constant_reference_is_a_note_and_a_refused_texture_a_failure(tmp_path):
    flat = function("if reference.std() == 0: raise PairError('flat')")
    findings = {finding.check: finding for finding in examine(mine(flat, tmp_path / "flat.py"))}
    assert findings["awkward images"].verdict is Verdict.NOTE
    assert "flat" in findings["awkward images"].sentence
    textured = function("if distorted.shape[0] % 2: raise PairError('odd')")
    assert "odd size (odd)" in failures(examine(mine(textured, tmp_path / "odd.py")))["awkward images"]


def test_a_seed_that_is_set_when_a_plugin_is_imported_is_found(tmp_path):
    path = tmp_path / "seeded.py"
    path.write_text(f"{HEAD}\ntorch.manual_seed(123)\n{GOOD}")
    finding = imported(lambda: Registry([path]))
    assert finding.verdict is Verdict.FAIL
    assert "torch's random state" in finding.sentence
    (tmp_path / "unseeded.py").write_text(HEAD + GOOD)
    assert imported(lambda: Registry([tmp_path / "unseeded.py"])).verdict is Verdict.OK


ROWS = [
    (f"{content}{level}.png", f"{content}.png", 100 - 10 * level - "abc".index(content), content)
    for content in "abc"
    for level in range(4)
]


@pytest.fixture
def table(tmp_path):
    """Write images and a table of (distorted, reference, label, content); return the data set."""

    def table(rows=ROWS, columns=("distorted", "reference", "mos", "content")):
        random = np.random.default_rng(5)
        for content in "abc":
            reference = random.integers(40, 216, (24, 32, 3))
            Image.fromarray(reference.astype(np.uint8)).save(tmp_path / f"{content}.png")
            for level in range(4):
                noise = random.normal(0, 5 + 9 * level, reference.shape)
                image = (reference + noise).clip(0, 255).astype(np.uint8)
                Image.fromarray(image).save(tmp_path / f"{content}{level}.png")
        with (tmp_path / "ratings.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return Registry().dataset(f"table:{tmp_path / 'ratings.csv'}")

    return table


def found_in(dataset):
    return {finding.check: (finding.verdict, finding.sentence) for finding in dataset_doctor.examine(dataset, None)}


def test_a_good_table_passes_every_check_and_reports_progress(table):
    steps = []
    findings = list(dataset_doctor.examine(table(), None, lambda *step: steps.append(step)))
    assert [finding.check for finding in findings if finding.verdict is not Verdict.OK] == []
    assert steps[-1][:2] == (12, 12)


@pytest.mark.parametrize(
    ("change", "check", "verdict", "words"),
    [
        (lambda d, r, y, c: (d, r, 50, c), "labels", Verdict.FAIL, "all are 50"),
        (lambda d, r, y, c: (d, r, "nan", c), "label list", Verdict.FAIL, "not a number that can be used"),
        (lambda d, r, y, c: (d, r, 50 + (d == "a1.png"), c), "labels", Verdict.NOTE, "only 2 of them distinct"),
        (lambda d, r, y, c: (d, r, 100 - y, c), "direction", Verdict.FAIL, "label_higher_is_better=True (MOS)"),
        (lambda d, r, y, c: (d, r if c != "b" else "", y, c), "label list", Verdict.FAIL, "reference is empty"),
        (lambda d, r, y, c: (r if d == "c3.png" else d, r, y, c), "references", Verdict.NOTE, "c.png"),
        (
            lambda d, r, y, c: (d, r, y, "d" if d == "b2.png" else c),
            "label list",
            Verdict.FAIL,
            "more than one content",
        ),
        (lambda d, r, y, c: (d.replace("c3", "c9"), r, y, c), "files", Verdict.FAIL, "c9.png"),
        (lambda d, r, y, c: ("a1.png" if d == "a2.png" else d, r, y, c), "label list", Verdict.FAIL, "a1.png"),
    ],
)
def test_a_defect_of_a_table_is_found_and_named(table, change, check, verdict, words):
    found = found_in(table([change(*row) for row in ROWS]))
    assert found[check][0] is verdict, found
    assert words in found[check][1]


def test_a_table_without_references_is_said_to_be_for_no_reference_metrics(table):
    rows = [(distorted, mos, distorted) for distorted, _, mos, _ in ROWS]
    found = found_in(table(rows, ("distorted", "mos", "content")))
    assert "no-reference metrics alone" in found["references"][1]
    assert "12 of 12 have a single pair: a0.png" in found["contents"][1]
    assert found["direction"][0] is Verdict.NOTE
    assert not [check for check, (verdict, _) in found.items() if verdict is Verdict.FAIL]


def test_defects_of_files_are_found_and_named(table, tmp_path):
    dataset = table()
    (tmp_path / "a1.png").write_bytes((tmp_path / "a1.png").read_bytes()[:200])
    (tmp_path / "a2.png").write_bytes((tmp_path / "a3.png").read_bytes())
    Image.open(tmp_path / "b1.png").crop((0, 0, 30, 24)).save(tmp_path / "b1.png")
    found = found_in(dataset)
    assert "a1.png" in found["decoding"][1]
    assert found["decoding"][0] is Verdict.FAIL
    assert "b1.png (30 x 24, reference 32 x 24)" in found["sizes"][1]
    assert found["sizes"][0] is Verdict.FAIL
    assert "a2.png = a3.png (labels 80, 70)" in found["duplicates"][1]
    (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes())
    assert "b, c" in next(
        f.sentence
        for f in dataset_doctor.examine(dataset, None)
        if "contents" in f.sentence and f.check == "duplicates"
    )


def test_what_a_loader_does_not_check_is_checked(table):
    """A plugin's own loader may hand over anything."""
    info = table().info
    pair = table().pairs(None)[0]
    twice = [pair, pair, Pair("other", pair.distorted, pair.reference, "b", 1.0)]
    assert dataset_doctor.counts(info, twice).verdict is Verdict.FAIL
    assert "several contents" in dataset_doctor.references(twice).sentence
    (finding,) = dataset_doctor.labels(info, [*twice, Pair("odd", pair.distorted, None, "b", float("nan"))])
    assert "odd = nan" in finding.sentence
    unreferenced = Pair("none", pair.distorted, None, "b", 1.0)
    assert "1 of 2 pairs have none, and full-reference metrics fail there: none" in (
        dataset_doctor.references([pair, unreferenced]).sentence
    )
    live = Registry().dataset("live-kodak").info
    assert "210 pairs of 13 contents are declared" in dataset_doctor.counts(live, table().pairs(None)).sentence
    (finding,) = dataset_doctor.labels(live, [*table().pairs(None), Pair("far", pair.distorted, None, "b", 1e6)])
    assert "far = 1e+06" in finding.sentence


def test_a_data_set_that_is_not_here_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match="expected under"):
        next(dataset_doctor.examine(Registry().dataset("tid2013"), tmp_path))


@pytest.mark.slow
def test_the_command_prints_a_line_per_check_and_ends_with_its_exit_code(tmp_path, table):
    (tmp_path / "wrong.py").write_text(HEAD + function(higher=True))
    done = benchmark("doctor", "metric", "--plugin", tmp_path / "wrong.py")
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok ", "FAIL ", "note ")) for line in lines)
    assert any(line.startswith("FAIL  more noise") and "reversed" in line for line in lines)
    assert benchmark("doctor", "metric", "nosuch").returncode == 2
    assert benchmark("doctor", "metric").returncode == 2
    done = benchmark("doctor", "dataset", f"table:{table().path}")
    assert done.returncode == 0, done.stdout + done.stderr
