"""HaarPSI and DSS against recorded values of other libraries and of the authors' code."""

import numpy as np
import pytest
from calibration import table
from photographs import METRICS, PAIRS, assert_equals_recorded, luma, photograph, score

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics import opencv_transform
from benchmark.metrics.tensors import unit_tensor


@pytest.mark.parametrize(("library", "atol"), [("frame-analytics", 1e-4), ("piqa", 1e-3)])
def test_haarpsi_is_near_recorded_values_of_independent_libraries(library, atol):
    assert_equals_recorded("haarpsi", library, atol)  # YIQ's digits; piqa has other borders too


def test_dss_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("dss", "frame-analytics", 1e-7)


@pytest.mark.parametrize("backend", ["opencv", "piq"])
def test_haarpsi_of_two_black_images_is_1_and_of_black_and_grey_is_not(backend):
    scorer = METRICS["haarpsi"].load("cpu", backend)
    black, grey = (ImageBatch(np.full((1, 64, 64, 3), level, np.uint8)) for level in (0, 127))
    assert scorer.score(black, scorer.prepare(black)) == 1
    assert scorer.score(grey, scorer.prepare(black)) < 0.5
    assert scorer.score(black, scorer.prepare(grey)) < 0.5


def test_haarpsi_gives_the_authors_values_under_octave_with_the_digits_of_their_yiq(shared, monkeypatch):
    """HaarPSI.m has .596 -.274 -.322 and .211 -.523 .312, where piq has four digits."""
    authors = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    monkeypatch.setattr(opencv_transform, "YIQ", authors)
    known = [each for each in table.known() if (each.metric, each.source) == ("haarpsi", "Octave")]
    assert len(known) == 5
    for each in known:
        x, y = (opencv_transform.haar(read_rgb(path)) for path in (each.distorted, each.reference))
        np.testing.assert_allclose(opencv_transform.haar_similarity(x, y), float(each.value), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["haarpsi", "dss"])
def test_swapping_the_images_changes_nothing(name):
    x, y = (photograph(image) for image in PAIRS[0])
    np.testing.assert_allclose(
        score(name, distorted=x, reference=y), score(name, distorted=y, reference=x), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("size", [(288, 288), (389, 393), (384, 513), (512, 768)])
def test_the_assembled_haarpsi_is_piqs_own_function(size):
    """Float64 in another order, 1e-14 or less of a mean; the way back through the logistic multiplies it by up to 32."""
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        expected = float(piq.haarpsi(unit_tensor(distorted), unit_tensor(reference)))
        ours = score("haarpsi", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [(288, 288), (389, 393), (384, 513), (512, 768)])
def test_dss_is_piqs_own_function_but_for_its_rounding(size):
    """piq rounds the similarity of each subband to float32.

    They are at most 1, so that each is off by half a unit in the last place below 1, 2^-25, or less; their weights sum to 1.
    What is left is float64 in another order.
    """
    import piq

    for pair in PAIRS:
        distorted, reference = (photograph(image)[: size[0], : size[1]] for image in pair)
        images = [unit_tensor(ImageBatch(image[None]).luma[0]) for image in (distorted, reference)]
        ours = score("dss", distorted=distorted, reference=reference)
        np.testing.assert_allclose(ours, float(piq.dss(*images)), rtol=0, atol=2.0**-25 + 1e-12)


def dss_index(distorted, reference):
    """The authors' dss_index.m: fspecial('gaussian', 3, 1.5), imfilter with zeros, round with halves up."""
    from scipy.fft import dctn
    from scipy.ndimage import correlate

    rows, columns = (size // 8 for size in distorted.shape)
    blocks = [image[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8) for image in (distorted, reference)]
    x, y = (dctn(each, axes=(1, 3), norm="ortho") for each in blocks)
    offsets = np.array([-1.0, 0.0, 1.0]) ** 2
    window = np.exp(-(offsets[:, None] + offsets) / (2 * 1.5**2))
    window /= window.sum()
    worst = int(np.floor(0.05 * rows * columns + 0.5))
    total = weights = 0.0
    for m in range(8):
        for n in range(8):
            weight = np.exp(-((m + 0.5) ** 2 + (n + 0.5) ** 2) / (2 * 1.55**2))
            if weight < 0.01:
                continue
            a, b = x[:, m, :, n], y[:, m, :, n]
            mean = [correlate(each, window, mode="constant") for each in (a, b, a * a, b * b, a * b)]
            var_a, var_b = (np.maximum(mean[2 + i] - mean[i] ** 2, 0) for i in (0, 1))
            c = 1000 if m == n == 0 else 300
            similarity = np.sort(((2 * np.sqrt(var_a * var_b) + c) / (var_a + var_b + c)).ravel())[:worst].mean()
            if m == n == 0:
                right = (mean[4] - mean[0] * mean[1] + c) / (np.sqrt(var_a * var_b) + c)
                similarity *= np.sort(right.ravel())[:worst].mean()
            total += weight * similarity
            weights += weight
    return total / weights


@pytest.mark.parametrize("size", [(40, 80), (40, 48), (72, 80), (288, 288), (389, 393)])
def test_dss_is_the_authors_matlab_code_written_out(size):
    """Of 50, 30 and 90 blocks the worst twentieth ends in .5, which Python's round takes down twice of three times."""
    for pair in PAIRS:
        distorted, reference = (photograph(image)[100 : 100 + size[0], 200 : 200 + size[1]] for image in pair)
        expected = dss_index(luma(distorted), luma(reference))
        np.testing.assert_allclose(score("dss", distorted=distorted, reference=reference), expected, rtol=0, atol=1e-10)
