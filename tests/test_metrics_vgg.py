"""LPIPS with VGG16 and SqueezeNet, and DISTS: against the authors' values, the `lpips` package, and by hand."""

import hashlib
import socket
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
import torch
from photographs import METRICS, PAIRS, official, photograph, score, scorer

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics import backbones, dists, lpips
from benchmark.types import UserError
from benchmark.weights import cache
from benchmark.weights.convert_heads import convert

FROM_VGG = ["lpips-vgg", "dists", "dists-resized"]
CROP = np.s_[100:228, 200:328]


@pytest.fixture
def vgg():
    """Skip where VGG16's features are not here."""
    missing = backbones.VGG16.missing()
    if missing:
        pytest.skip(f"needs {missing}")


def crops(pair=PAIRS[0]):
    return [photograph(name)[CROP] for name in pair]


@pytest.mark.slow
def test_dists_equals_the_official_values_to_their_printed_digits(shared, vgg):
    for distorted, reference, value in official(shared, "dists"):
        digits = len(repr(value).split(".")[1])
        assert round(score("dists", distorted=distorted, reference=reference), digits) == value


def test_dists_is_its_formula_written_out_with_numpy(vgg):
    """Means, variances and covariances over positions, by numpy, of stages built once more from torchvision."""
    from safetensors.numpy import load_file
    from torchvision.models import vgg16

    with torch.device("meta"):
        features = vgg16(weights=None).features
    features.load_state_dict(backbones.VGG16.features("test"), assign=True)
    hanning = torch.outer(torch.tensor([0.5, 1, 0.5]), torch.tensor([0.5, 1, 0.5])) / 4

    def stages(rgb):
        x = torch.from_numpy(rgb / 255.0).float().permute(2, 0, 1)[None]
        found = [x[0]]
        x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        for number, layer in enumerate(features[:30]):
            if isinstance(layer, torch.nn.MaxPool2d):
                planes = torch.nn.functional.conv2d(x.transpose(0, 1) ** 2, hanning[None, None], stride=2, padding=1)
                x = (planes.transpose(0, 1) + 1e-12).sqrt()
            else:
                x = layer(x)
            if number in (3, 8, 15, 22, 29):
                found.append(x[0].clone())
        return [each.flatten(1).double().numpy() for each in found]

    distorted, reference = crops()
    with torch.inference_mode():
        xs, ys = stages(distorted), stages(reference)
    weights = {name: array.ravel().astype(np.float64) for name, array in load_file(dists.WEIGHTS).items()}
    total, start, similarity = sum(array.sum() for array in weights.values()), 0, 0.0
    for x, y in zip(xs, ys, strict=True):
        alpha, beta = (weights[name][start : start + len(x)] / total for name in ("alpha", "beta"))
        start += len(x)
        covariance = ((x - x.mean(1, keepdims=True)) * (y - y.mean(1, keepdims=True))).mean(1)
        texture = (2 * x.mean(1) * y.mean(1) + 1e-6) / (x.mean(1) ** 2 + y.mean(1) ** 2 + 1e-6)
        similarity += alpha @ texture + beta @ ((2 * covariance + 1e-6) / (x.var(1) + y.var(1) + 1e-6))
    np.testing.assert_allclose(score("dists", distorted=distorted, reference=reference), 1 - similarity, atol=2e-6)


def test_the_resized_protocol_is_dists_of_images_that_pillow_resized(vgg):
    from PIL import Image

    def small(rgb):
        return np.asarray(Image.fromarray(rgb).resize((384, 256), Image.Resampling.BILINEAR))

    distorted, reference = (photograph(name) for name in PAIRS[0])
    resized = score("dists-resized", distorted=distorted, reference=reference)
    expected = score("dists", distorted=small(distorted), reference=small(reference))
    np.testing.assert_allclose(resized, expected, rtol=0, atol=1e-6)
    distorted, reference = crops()
    as_it_is = score("dists-resized", distorted=distorted, reference=reference)
    np.testing.assert_array_equal(as_it_is, score("dists", distorted=distorted, reference=reference))


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
@pytest.mark.parametrize("net", ["vgg", "squeeze"])
def test_the_score_is_what_the_lpips_package_gives_with_the_same_features(net, monkeypatch):
    """With random features where the real ones are not here: the head and the arithmetic are the same."""
    import lpips as package

    torch.manual_seed(5)
    expected = package.LPIPS(net=net, pnet_rand=True, verbose=False)  # its own head
    ours = {name.split(".", 2)[2]: each for name, each in expected.state_dict().items() if name.startswith("net.")}
    if net == "vgg" and backbones.VGG16.missing() is None:
        ours = backbones.VGG16.features("test")
        slices = {name.split(".", 1)[1]: name for name in expected.net.state_dict()}
        expected.net.load_state_dict({slices[name]: each for name, each in ours.items() if name in slices})
    monkeypatch.setattr(backbones.Backbone, "features", lambda self, metric: ours)
    distorted, reference = crops(PAIRS[1])
    scorer = METRICS[f"lpips-{net}"].load("cpu")
    value = scorer.score(ImageBatch(distorted[None]), scorer.prepare(ImageBatch(reference[None])))[0]
    pair = [torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for image in (distorted, reference)]
    with torch.inference_mode():
        np.testing.assert_allclose(value, float(expected(*pair)), rtol=1e-5, atol=1e-6)


def test_lpips_vgg_ranks_the_authors_example_as_they_do(shared, vgg):
    folder = shared / "calibration" / "lpips_imgs"
    reference = read_rgb(folder / "ex_ref.png")
    far, near = (score("lpips-vgg", distorted=read_rgb(folder / f"ex_p{i}.png"), reference=reference) for i in (0, 1))
    np.testing.assert_allclose([far, near], [0.5686, 0.4217], atol=1e-4)


@pytest.mark.parametrize("name", ["dists", "lpips-vgg"])
def test_the_smallest_size_scores_and_one_pixel_less_does_not(name, vgg):
    low = METRICS[name].info.min_size
    x, y = (photograph(path)[100 : 100 + low, 200 : 200 + low] for path in PAIRS[0])
    assert score(name, distorted=x, reference=y) > 0
    if name == "lpips-vgg":  # L2 pooling pads, so DISTS has a position left at any size; there it is LPIPS's bound
        with pytest.raises(RuntimeError, match="too small"):
            score(name, distorted=x[1:], reference=y[1:])


@pytest.mark.parametrize("name", [*FROM_VGG, "lpips-squeeze"])
def test_without_its_features_a_metric_says_what_to_do_and_nothing_is_fetched(name, monkeypatch, tmp_path):
    def no_network(*arguments, **options):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "none"))
    missing = METRICS[name].missing()
    assert "python -m benchmark weights add" in missing
    with pytest.raises(UserError, match="weights add") as caught:
        METRICS[name].load("cpu")
    assert str(caught.value) == f"{name}: needs {missing}"
    assert not (tmp_path / "none").exists()


def vgg_file():
    from benchmark.weights.catalogue import VGG16

    cache.path_of(VGG16).parent.mkdir(parents=True)
    return cache.path_of(VGG16)


@pytest.mark.parametrize("content", ["noise", "other features", "pickle"])
def test_a_file_that_holds_something_else_is_a_user_error(content, monkeypatch, tmp_path):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))
    path = vgg_file()
    if content == "noise":
        path.write_bytes(b"\x00" * 1000)
    elif content == "pickle":
        import pickle

        path.write_bytes(pickle.dumps({"features.0.weight": print}, protocol=2))
    else:
        torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    monkeypatch.setattr(cache, "missing", lambda files: None)
    with pytest.raises(UserError, match=r"vgg16-397923af\.pth") as caught:
        METRICS["dists"].load("cpu")
    assert "delete it" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "sha256"),
    [
        (dists.WEIGHTS, dists.WEIGHTS_SHA256),
        (lpips.VGG_HEAD, lpips.VGG_HEAD_SHA256),
        (lpips.SQUEEZE_HEAD, lpips.SQUEEZE_HEAD_SHA256),
    ],
)
def test_an_embedded_file_is_the_one_that_is_named_and_described(path, sha256):
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert sha256 in (path.parent / "README.md").read_text()


def test_converting_the_published_parameters_gives_the_embedded_files(tmp_path):
    package = files("lpips") / "weights" / "v0.1"
    assert convert(package / "vgg.pth", tmp_path / "vgg") == lpips.VGG_HEAD_SHA256
    assert convert(package / "squeeze.pth", tmp_path / "squeeze") == lpips.SQUEEZE_HEAD_SHA256


def test_converting_the_published_parameters_of_dists_gives_the_embedded_file(shared, tmp_path):
    source = shared / "weights" / "dists" / "DISTS_weights-f5e65c96.pth"
    assert convert(source, tmp_path / "dists") == dists.WEIGHTS_SHA256


def test_a_damaged_embedded_file_is_a_user_error(tmp_path):
    damaged = tmp_path / "head.safetensors"
    damaged.write_bytes(lpips.VGG_HEAD.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="damaged"):
        replace(METRICS["lpips-vgg"], weights=damaged).load("cpu")


def test_loading_leaves_the_random_state_alone(vgg):
    before = torch.get_rng_state()
    for name in FROM_VGG:
        METRICS[name].load("cpu")
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_features_of_the_reference_are_computed_once(vgg, monkeypatch):
    distorted, reference = crops()
    both = scorer("dists")
    prepared = both.prepare(ImageBatch(reference[None]))
    monkeypatch.setattr(both, "prepare", None)
    first = both.score(ImageBatch(np.stack([distorted, reference])), prepared)
    np.testing.assert_array_equal(first[::-1], both.score(ImageBatch(np.stack([reference, distorted])), prepared))
    np.testing.assert_allclose(first[1], 0, atol=METRICS["dists"].info.tolerance)
