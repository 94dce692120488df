"""LPIPS against the `lpips` package, another library's weights and kernels, and the authors' examples."""

import hashlib
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from photographs import METRICS, PAIRS, assert_equals_recorded, official, photograph, score, scorer

from benchmark.images import ImageBatch, read_rgb
from benchmark.metrics.lpips import WEIGHTS, WEIGHTS_SHA256
from benchmark.types import UserError


@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_reusing_the_references_features_gives_what_lpips_own_forward_gives(distorted, reference):
    x, y = (ImageBatch(photograph(name)[None]) for name in (distorted, reference))
    with torch.inference_mode():
        forward = scorer("lpips").network(2 * x.tensor - 1, 2 * y.tensor - 1)
    ours = score("lpips", distorted=photograph(distorted), reference=photograph(reference))
    # float32 sums over up to 512 channels and all positions, whose order the batch's size may change
    np.testing.assert_allclose(ours, float(forward), rtol=0, atol=METRICS["lpips"].info.tolerance)


def test_scores_have_the_same_bits_in_any_batch_and_in_any_memory_layout():
    reference = ImageBatch(photograph(PAIRS[0][1])[None, :97, :130])
    images = np.stack([photograph(PAIRS[0][0])[row : row + 97, :130] for row in (0, 100, 200)])
    prepared = scorer("lpips").prepare(reference)
    together = scorer("lpips").score(ImageBatch(images), prepared)
    alone = [scorer("lpips").score(ImageBatch(image[None]), prepared)[0] for image in images]
    assert together.dtype == np.float64
    np.testing.assert_array_equal(together, alone)
    planes = ImageBatch(images)
    planes.__dict__["tensor"] = planes.tensor.contiguous()
    np.testing.assert_array_equal(scorer("lpips").score(planes, prepared), together)


def test_an_image_is_at_distance_zero_of_itself():
    image = photograph(PAIRS[0][0])[:97, :130]
    assert score("lpips", distorted=image, reference=image) == 0


def test_a_batch_scored_in_one_pass_as_on_cuda_is_its_images_scored_apart():
    reference = ImageBatch(photograph(PAIRS[0][1])[None, :97, :130])
    images = ImageBatch(np.stack([photograph(PAIRS[0][0])[row : row + 97, :130] for row in (0, 100, 200)]))
    both = scorer("lpips")
    prepared = both.prepare(reference)
    with torch.inference_mode():
        in_one_pass = both._distances(images.tensor, prepared)
    np.testing.assert_allclose(in_one_pass.numpy(), both.score(images, prepared), rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
@pytest.mark.parametrize(("distorted", "reference"), PAIRS)
def test_the_network_is_the_one_of_the_lpips_package_with_its_own_head(distorted, reference, shared):
    import lpips

    backbone = torch.load(shared / "weights" / "lpips-backbones" / "alexnet-owt-7be5be79.pth", weights_only=True)
    network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)  # brings its own linear head
    features = {name.removeprefix("features."): tensor for name, tensor in backbone.items() if "features" in name}
    for part in (network.net.slice1, network.net.slice2, network.net.slice3, network.net.slice4, network.net.slice5):
        part.load_state_dict({name: features[name] for name in part.state_dict()})
    pair = [torch.from_numpy(photograph(name).copy()).permute(2, 0, 1)[None] for name in (distorted, reference)]
    with torch.inference_mode():
        expected = float(network(*(image / 127.5 - 1 for image in pair)))
    ours = score("lpips", distorted=photograph(distorted), reference=photograph(reference))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)


def test_the_smallest_size_is_where_the_network_still_has_a_position():
    low = METRICS["lpips"].info.min_size
    x, y = (photograph(name)[:low, :low] for name in PAIRS[0])
    assert score("lpips", distorted=x, reference=y) > 0
    with pytest.raises(RuntimeError, match="too small"):
        score("lpips", distorted=x[1:], reference=y[1:])


def test_lpips_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("lpips", "frame-analytics", 1e-6)


def test_lpips_of_the_authors_example(shared):
    folder = shared / "calibration" / "lpips_imgs"
    reference = read_rgb(folder / "ex_ref.png")
    values = [score("lpips", distorted=read_rgb(folder / f"ex_p{i}.png"), reference=reference) for i in (0, 1)]
    assert [round(value, 4) for value in values] == [0.7219, 0.1376]


def test_lpips_equals_the_official_values_to_their_printed_digits(shared):
    for distorted, reference, value in official(shared, "lpips"):
        digits = len(repr(value).split(".")[1])
        assert round(score("lpips", distorted=distorted, reference=reference), digits) == value


def test_the_embedded_file_is_the_one_that_the_metric_names():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == WEIGHTS_SHA256 == METRICS["lpips"].info.weights_sha256
    for notice in ("README.md", "LICENSE.lpips", "LICENSE.torchvision"):
        assert (WEIGHTS.parent / notice).is_file()
    assert WEIGHTS_SHA256 in (WEIGHTS.parent / "README.md").read_text()


def test_a_damaged_or_missing_weights_file_is_a_user_error(tmp_path):
    damaged = tmp_path / "weights.safetensors"
    content = bytearray(WEIGHTS.read_bytes())
    content[5_000_000] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        replace(METRICS["lpips"], weights=damaged).load("cpu")
    with pytest.raises(UserError, match="cannot read"):
        replace(METRICS["lpips"], weights=tmp_path / "nowhere").load("cpu")


def test_weights_of_another_network_are_a_user_error(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"lin0.model.1.weight": torch.zeros(1, 64, 1, 1)}, path)
    lpips = METRICS["lpips"]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="does not have the parameters"):
        replace(lpips, weights=path, weights_sha256=sha256).load("cpu")


def test_converting_the_published_parameters_gives_the_embedded_file(shared, tmp_path):
    from benchmark.weights.convert_lpips import convert

    backbone = shared / "weights" / "lpips-backbones" / "alexnet-owt-7be5be79.pth"
    head = shared / "weights" / "lpips-heads" / "LPIPS_v0.1_alex-df73285e.pth"
    assert convert(backbone=backbone, head=head, output=tmp_path / "out.safetensors") == WEIGHTS_SHA256


def test_loading_uses_no_network_and_prints_nothing(monkeypatch, capfd, tmp_path):
    def no_network(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    METRICS["lpips"].load("cpu")
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "torch").exists()


def test_importing_the_metric_imports_nothing_heavy():
    code = "import sys, benchmark.plugin, benchmark.registry; benchmark.registry.Registry(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "lpips", "piq", "scipy", "skimage", "PIL"} & set(modules)
