"""The codec and display world's metrics against their authors' programs."""

import csv
import stat
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from photographs import METRICS, PAIRS, photograph, score

from benchmark.doctor.stimuli import LADDERS, ladder, reference_image
from benchmark.images import ImageBatch
from benchmark.metrics.butteraugli import program
from benchmark.types import PairError, UserError

CODECS = Path(__file__).resolve().parent / "calibration" / "codecs.csv"
needs_codecs = pytest.mark.skipif(
    METRICS["ssimulacra2"].missing() is not None or METRICS["vmaf"].missing() is not None,
    reason="the extra codecs is not installed",
)


# -- SSIMULACRA 2: pairs that a formula makes, with the scores of the authors' C++ program as the Rust port
# github.com/imazen/ssimulacra2 records them (src/reference_data.rs of 2026-01-04)


def flat(size, value=128):
    return np.full((size, size, 3), value, dtype=np.uint8)


def gradient(size):
    ramp = (np.arange(size) * 255 // (size - 1)).astype(np.uint8)
    return np.broadcast_to(ramp[None, :, None], (size, size, 3)).copy()


@cache
def noise(size, seed=42):
    """Knuth's linear congruential generator of 64 bits, bits 33 to 40 of each state."""
    state, values = seed, bytearray()
    for _ in range(size * size * 3):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 33) & 255)
    return np.frombuffer(bytes(values), dtype=np.uint8).reshape(size, size, 3)


TEXTURED = {"gradient": (gradient(64), -64.56872148), "noise": (noise(64), -47.33572558)}
FLAT_SHIFTS = [(64, 5, 91.52357693), (64, 50, -8.75942256), (128, 1, 96.78920738), (128, 5, 88.54070876)]
FLAT_SHIFTS += [(128, 10, 77.84296299), (128, 20, 54.27883917), (128, 50, -9.82383315)]


@needs_codecs
@pytest.mark.parametrize("name", TEXTURED)
def test_ssimulacra2_equals_the_authors_program_on_texture(name):
    reference, value = TEXTURED[name]
    ours = score("ssimulacra2", distorted=flat(64), reference=reference)
    np.testing.assert_allclose(ours, value, rtol=0, atol=METRICS["ssimulacra2"].info.tolerance)


@needs_codecs
@pytest.mark.parametrize(("size", "shift", "value"), FLAT_SHIFTS)
def test_ssimulacra2_is_near_the_authors_program_on_flat_images(size, shift, value):
    ours = score("ssimulacra2", distorted=flat(size, 128 + shift), reference=flat(size))
    np.testing.assert_allclose(ours, value, rtol=0, atol=0.5)  # the Rust port itself allows 1.2: float32 rounding


@needs_codecs
def test_ssimulacra2_knows_the_reference_from_the_distorted_image():
    mixed_up = score("ssimulacra2", distorted=noise(64), reference=flat(64))
    assert abs(mixed_up - TEXTURED["noise"][1]) > 2


# -- VMAF


@needs_codecs
@pytest.mark.parametrize(("metric", "atol"), [("vmaf", 0.1), ("vmaf-neg", 0.3)])
def test_vmaf_equals_libvmaf(metric, atol):
    with CODECS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == metric]
    assert len(rows) == 5
    atol += METRICS[metric].info.tolerance  # what another machine may do
    for row in rows:
        ours = score(metric, distorted=photograph(row["distorted"]), reference=photograph(row["reference"]))
        # libvmaf's features are fixed-point numbers, these are floats
        np.testing.assert_allclose(ours, float(row["value"]), rtol=0, atol=atol, err_msg=row["distorted"])


@needs_codecs
@pytest.mark.parametrize("metric", ["vmaf", "vmaf-neg"])
def test_vmaf_puts_the_reference_above_light_distortions(metric):
    reference = reference_image()
    itself = score(metric, distorted=reference, reference=reference)
    assert all(score(metric, distorted=ladder(name)[0], reference=reference) < itself for name in LADDERS)


# -- ColorVideoVDP


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pycvvdp") is None, reason="the extra cvvdp is not installed")
def test_cvvdp_hands_the_authors_package_the_right_image_first_in_the_right_range():
    import pycvvdp
    import torch

    distorted, reference = (photograph(name)[:192, :256] for name in PAIRS[0])
    model = pycvvdp.cvvdp(display_name="standard_4k", device=torch.device("cpu"), quiet=True)
    floats = [torch.from_numpy(image / 255).permute(2, 0, 1).float() for image in (distorted, reference)]
    expected, _ = model.predict(*floats, dim_order="CHW")
    ours = score("cvvdp", distorted=distorted, reference=reference)
    np.testing.assert_allclose(ours, float(expected), rtol=0, atol=1e-4)
    assert score("cvvdp", distorted=reference, reference=distorted) != pytest.approx(ours, abs=1e-4)


# -- Butteraugli


@pytest.fixture
def fake_program(tmp_path, monkeypatch):
    """A stand-in for libjxl's program that runs `body` (Python) with the paths of its two images as `files`."""

    def make(body):
        path = tmp_path / "fake_butteraugli"
        path.write_text(f"#!{sys.executable}\nimport sys\nfiles = sys.argv[1:]\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("IQA_BUTTERAUGLI", str(path))

    return make


def images(size=16):
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (2, 1, size, size + 4, 3), dtype=np.uint8)


def run(metric, distorted, reference):
    scorer = METRICS[metric].load("cpu")
    return scorer.score(ImageBatch(distorted), scorer.prepare(ImageBatch(reference)))


def test_butteraugli_reads_both_numbers_of_the_program(fake_program):
    fake_program("print('2.5000000000\\n3-norm: 0.750000')")
    assert run("butteraugli", *images()) == [2.5]
    assert run("butteraugli-3norm", *images()) == [0.75]


def test_butteraugli_hands_over_the_reference_first_and_every_pixel(fake_program):
    fake_program(
        "from PIL import Image\nimport numpy as np\n"
        "first, second = (np.asarray(Image.open(file)).astype(int) for file in files)\n"
        "print(f'{(first - second).sum()}\\n3-norm: {first.shape[0]}')"
    )
    distorted, reference = images()
    assert run("butteraugli", distorted, reference) == [reference.astype(int).sum() - distorted.astype(int).sum()]
    assert run("butteraugli-3norm", distorted, reference) == [16]


def test_butteraugli_says_what_the_program_said_when_it_fails(fake_program):
    fake_program("sys.exit('cannot read it')")
    with pytest.raises(PairError, match="ended with 1: 'cannot read it'"):
        run("butteraugli", *images())


def test_butteraugli_without_its_program_says_where_to_get_it(monkeypatch):
    monkeypatch.setenv("IQA_BUTTERAUGLI", "/no/such/program")
    assert "libjxl-devtools" in METRICS["butteraugli"].missing()
    with pytest.raises(UserError, match="butteraugli needs the program butteraugli_main"):
        METRICS["butteraugli"].load("cpu")


@pytest.mark.skipif(program() is None, reason="libjxl's butteraugli_main is not installed (Debian: libjxl-devtools)")
def test_butteraugli_equals_what_libjxl_0_7_said_of_a_jpeg_pair():
    (distorted, reference) = (photograph(name)[:128, :160] for name in PAIRS[0])
    np.testing.assert_allclose(score("butteraugli", distorted=distorted, reference=reference), 6.9857831001, atol=1e-3)
    np.testing.assert_allclose(
        score("butteraugli-3norm", distorted=distorted, reference=reference), 3.671273, atol=1e-3
    )
