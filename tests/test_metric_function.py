"""A metric called from Python gives the store's numbers, for every kind of image that it is given."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.executors import LocalExecutor
from benchmark.plugin import metric as as_metric
from benchmark.registry import Registry
from benchmark.scoring import Unit, Wanted, WorkerSetup
from benchmark.types import Pair, UserError
from benchmark.workflows.metric_function import MetricFunction

NAMES = ("psnr", "ssim", "ms-ssim", "lpips", "asna", "vif", "brisque")


@pytest.fixture(scope="module")
def registry():
    return Registry()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A reference and two noisy images of it, as files: [reference, light, strong]."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(5)
    reference = np.add.outer(np.arange(192), np.arange(224))[..., np.newaxis] * [0.4, 0.5, 0.6] % 256
    paths = []
    for name, noise in (("reference", 0.0), ("light", 6.0), ("strong", 30.0)):
        path = folder / f"{name}.png"
        noisy = reference + random.normal(0, noise, reference.shape) if noise else reference
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def by_worker(files):
    """What a worker process gives, by metric: the scores that a store would hold."""
    reference, *distorted = files
    pairs = tuple(Pair(path.name, path, reference, "c", 0.0) for path in distorted)
    ids = frozenset(pair.id for pair in pairs)
    unit = Unit("c", pairs, tuple(Wanted(number, name, ids) for number, name in enumerate(NAMES)))
    ((_, result),) = LocalExecutor(WorkerSetup(), 1).results([unit])
    assert not result.not_run
    return {NAMES[part.series]: [part.scores[pair.id] for pair in pairs] for part in result.results}


@pytest.mark.parametrize("name", NAMES)
def test_scores_have_the_bits_that_a_worker_process_gives(registry, files, by_worker, name):
    reference, *distorted = files
    function = MetricFunction(registry.metric(name))
    arguments = () if function.info.kind == "no-reference" else (reference,)
    assert [function(path, *arguments) for path in distorted] == by_worker[name]
    arrays = [np.asarray(Image.open(path)) for path in (*distorted, *arguments)]
    scores = function(np.stack(arrays[:2]), *arrays[2:])
    assert scores.dtype == np.float64
    assert scores.tolist() == by_worker[name]


def test_every_kind_of_image_gives_the_same_score(registry, files):
    reference, distorted = (np.array(Image.open(path)) for path in files[:2])
    ssim = MetricFunction(registry.metric("ssim"))
    expected = ssim(distorted, reference)
    assert ssim(str(files[1]), files[0]) == expected
    assert ssim(Image.fromarray(distorted), Image.fromarray(reference)) == expected
    assert ssim(distorted / 255.0, reference / 255.0, data_range=1.0) == expected
    assert ssim(torch.from_numpy(distorted).permute(2, 0, 1), torch.from_numpy(reference).permute(2, 0, 1)) == expected
    assert ssim([distorted], [reference]).tolist() == [expected]


def test_a_batch_of_references_is_taken_image_by_image(registry, files):
    reference, light, strong = (np.asarray(Image.open(path)) for path in files)
    psnr = MetricFunction(registry.metric("psnr"))
    scores = psnr([light, light], [reference, strong])
    assert scores.tolist() == [psnr(light, reference), psnr(light, strong)]


def test_the_threads_of_the_process_neither_count_nor_change(registry, files, by_worker):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert MetricFunction(registry.metric("lpips"))(files[1], files[0]) == by_worker["lpips"][0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, a: f(a), "give both"),
        (lambda f, a: f(a, a[:-1]), "expected one size"),
        (lambda f, a: f(a[:4, :4], a[:4, :4]), "below the 11 pixels"),
        (lambda f, a: f([a, a], [a, a, a]), "got 3 for 2"),
        (lambda f, a: f(a, [a]), "give one reference"),
        (lambda f, a: f([], a), "empty list"),
        (lambda f, a: f([np.stack([a, a])], a), "a batch inside a list"),
        (lambda f, a: f("missing.png", a), "distorted: missing.png: no such file"),
        (lambda f, a: f(a / 255.0, a), "distorted: float64 without a range"),
        (lambda f, a: f(a, a.astype(int)), "reference: expected uint8"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(registry, call, words):
    with pytest.raises(UserError, match=words):
        call(MetricFunction(registry.metric("ssim")), np.zeros((32, 32, 3), np.uint8))


def test_a_metric_of_one_image_takes_no_reference(registry):
    image = np.zeros((128, 128, 3), np.uint8)
    with pytest.raises(UserError, match="leave the reference out"):
        MetricFunction(registry.metric("brisque"))(image, image)


def test_an_error_of_the_metric_reaches_the_caller_as_it_is():
    @as_metric(name="broken", higher_is_better=True, protocol="Always fails.")
    def broken(*, distorted, reference):
        raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        MetricFunction(broken)(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8))
