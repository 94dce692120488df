"""The bridge to pyiqa, with a small package of that name in its place; and what is said where there is none."""

import hashlib
import importlib
import io
import os
import sys
import textwrap

import numpy as np
import pytest
import torch

from benchmark.images import ImageBatch
from benchmark.metrics import perceptual_index, pyiqa_models
from benchmark.metrics.pyiqa_models import pyiqa_metric
from benchmark.registry import Registry
from benchmark.types import UserError
from benchmark.weights import cache, fetch

CONFIGS = """
    DEFAULT_CONFIGS = {
        'plain': {'metric_opts': {'type': 'Plain'}, 'metric_mode': 'NR', 'lower_better': True},
        'pair': {'metric_opts': {'type': 'Pair'}, 'metric_mode': 'FR'},
        'random': {'metric_opts': {'type': 'Random'}, 'metric_mode': 'NR'},
        'heavy': {'metric_opts': {'type': 'Heavy', 'pretrained': 'koniq10k'}, 'metric_mode': 'NR'},
        'turned': {'metric_opts': {'type': 'Turned'}, 'metric_mode': 'NR'},
        'hub': {'metric_opts': {'type': 'Hub', 'model_name': 'cfanet_nr_kadid_res50'}, 'metric_mode': 'NR'},
        'dists': {'metric_opts': {'type': 'DISTS'}, 'metric_mode': 'FR', 'lower_better': True},
        'named': {'metric_opts': {'type': 'Named'}, 'metric_mode': 'NR'},
        'broken': {'metric_opts': {'type': 'Broken'}, 'metric_mode': 'NR'},
        'nrqm': {'metric_opts': {'type': 'NRQM'}, 'metric_mode': 'NR'},
        'fid': {'metric_opts': {'type': 'FID'}, 'metric_mode': 'NR', 'lower_better': True},
    }
"""
MODEL = """
    import os
    import torch
    from pyiqa.default_model_configs import DEFAULT_CONFIGS
    from pyiqa.utils.download_util import load_file_from_url

    SEEN = {}

    class InferenceModel:
        def __init__(self, name, device=None, **options):
            print('Loading pretrained model')
            SEEN.update({key: os.environ.get(key) for key in ('TORCH_HOME', 'TORCH_FORCE_WEIGHTS_ONLY_LOAD')})
            facts = DEFAULT_CONFIGS[name]
            self.name, self.options = name, options
            self.metric_mode, self.lower_better = facts['metric_mode'], facts.get('lower_better', False)
            if name == 'turned':
                self.lower_better = True
            if name == 'hub':
                from huggingface_hub import constants
                if constants.HF_HUB_OFFLINE:
                    raise OSError('offline mode is enabled')
            if name == 'broken':
                import a_package_that_is_not_here
            if name == 'heavy':
                load_file_from_url('http://127.0.0.1:9/heavy_net.pth')
            if name in ('dists', 'named'):
                file = {'dists': 'DISTS_weights-f5e65c96.pth', 'named': 'named-NUMBERS.pth'}[name]
                torch.load(load_file_from_url('http://127.0.0.1:9/' + file))

        def __call__(self, target, ref=None):
            if self.name == 'random':
                return torch.rand(1)
            if self.name == 'pair':
                return (target - ref).abs().mean().reshape(1)
            return target.mean().reshape(1) + len(self.options)
"""
DOWNLOADS = """
    import os
    from torch.hub import download_url_to_file

    DEFAULT_CACHE_DIR = '/nowhere/hub/pyiqa'

    def load_file_from_url(url, model_dir=None):
        path = os.path.join(model_dir or DEFAULT_CACHE_DIR, os.path.basename(url))
        if not os.path.exists(path):
            download_url_to_file(url, path, hash_prefix=None, progress=True)
        return path
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `pyiqa` that is imported anew, and a folder of weights."""
    files = {
        "pyiqa/__init__.py": "",
        "pyiqa/default_model_configs.py": CONFIGS,
        "pyiqa/models/__init__.py": "",
        "pyiqa/models/inference_model.py": MODEL,
        "pyiqa/utils/__init__.py": "",
        "pyiqa/utils/download_util.py": DOWNLOADS,
        "huggingface_hub/__init__.py": "",
        "huggingface_hub/constants.py": "HF_HUB_OFFLINE = False",
        "pyiqa-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: pyiqa\nVersion: 9.9\n",
    }
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "weights"))
    monkeypatch.setattr(fetch, "_alive", set())
    monkeypatch.setattr(fetch, "_dead", {})
    monkeypatch.setattr(pyiqa_models, "answers", lambda address: pytest.fail("the network was asked"))
    before = {
        name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ("pyiqa", "huggingface_hub")
    }
    importlib.invalidate_caches()
    for cached in (pyiqa_metric, pyiqa_models.models):
        cached.cache_clear()
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in ("pyiqa", "huggingface_hub")]:
        del sys.modules[name]
    sys.modules.update(before)
    for cached in (pyiqa_metric, pyiqa_models.models):
        cached.cache_clear()


def batch(*values):
    return ImageBatch(np.stack([np.full((8, 9, 3), value, np.uint8) for value in values]))


def test_without_pyiqa_there_is_one_line_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(pyiqa_models, "_folder", lambda: None)
    pyiqa_metric.cache_clear()
    with pytest.raises(UserError, match=r"^pyiqa:musiq: needs the package pyiqa: `pip install pyiqa`") as caught:
        Registry().metric("pyiqa:musiq")
    assert "\n" not in str(caught.value)
    for name in ("ilniqe", "nrqm", "nrqm-pirm", "pi"):
        metric = Registry().metric(name)
        assert "pip install pyiqa" in metric.missing()
        with pytest.raises(UserError, match="pip install pyiqa"):
            metric.load("cpu")


def test_kind_direction_version_and_training_data_are_pyiqas(package):
    plain, pair, heavy = (Registry().metric(f"pyiqa:{name}").info for name in ("plain", "pair", "heavy"))
    assert (plain.kind, plain.higher_is_better) == ("no-reference", False)
    assert (pair.kind, pair.higher_is_better) == ("full-reference", True)
    assert plain.version == "pyiqa 9.9"
    assert heavy.trained_on == ("koniq10k", "koniq10k-512x384")
    assert "pretrained=koniq10k" in heavy.protocol
    assert "pyiqa" not in sys.modules


def test_unknown_models_get_the_nearest_names_and_models_of_sets_are_refused(package):
    with pytest.raises(UserError, match="did you mean plain"):
        Registry().metric("pyiqa:plein")
    with pytest.raises(UserError, match="compares sets of images"):
        Registry().metric("pyiqa:fid")


def test_scores_are_the_models_own_one_image_at_a_time(package):
    plain, pair = (Registry().metric(f"pyiqa:{name}").load("cpu") for name in ("plain", "pair"))
    np.testing.assert_allclose(plain.score(batch(0, 51, 255), None), [0, 0.2, 1], atol=1e-7)
    np.testing.assert_allclose(pair.score(batch(0, 51, 255), pair.prepare(batch(255))), [1, 0.8, 0], atol=1e-7)
    assert plain.score(batch(1), None).dtype == np.float64


def test_a_model_that_draws_at_random_gives_the_same_score_again_and_leaves_the_state_alone(package):
    torch.manual_seed(3)
    scorer = Registry().metric("pyiqa:random").load("cpu")
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = scorer.score(batch(1, 2), None)
    np.testing.assert_array_equal(first, scorer.score(batch(2), None)[0])
    torch.testing.assert_close(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_a_model_is_built_in_the_harnesss_folder_and_the_environment_is_put_back(package, monkeypatch, capfd):
    monkeypatch.setenv("TORCH_HOME", "/the/users/own")
    environment = dict(os.environ)
    Registry().metric("pyiqa:plain").load("cpu")
    from pyiqa.models.inference_model import SEEN
    from pyiqa.utils import download_util

    assert SEEN["TORCH_HOME"] == str(package / "weights")
    assert SEEN["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"
    assert dict(os.environ) == environment
    assert download_util.DEFAULT_CACHE_DIR == "/nowhere/hub/pyiqa"
    assert download_util.download_url_to_file is torch.hub.download_url_to_file
    assert capfd.readouterr() == ("", "")


def test_without_a_network_a_model_that_downloads_fails_in_one_line_that_says_what_to_put_where(package):
    with pytest.raises(UserError) as caught:
        Registry().metric("pyiqa:heavy").load("cpu")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("pyiqa:heavy: heavy_net.pth cannot be fetched")
    assert message.endswith(f"copy it to {package / 'weights' / 'hub' / 'pyiqa' / 'heavy_net.pth'}")


def test_a_model_at_hand_is_not_fetched(package):
    path = package / "weights" / "hub" / "pyiqa" / "heavy_net.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert Registry().metric("pyiqa:heavy").load("cpu").score(batch(255), None) == 1


def weights_file(package, name, content):
    path = package / "weights" / "hub" / "pyiqa" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_weights_of_the_right_name_and_size_with_other_numbers_are_refused(package):
    metric = Registry().metric("pyiqa:dists")
    assert metric.info.weights_sha256.endswith("+f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218")
    path = weights_file(package, "DISTS_weights-f5e65c96.pth", bytes(12288))
    with pytest.raises(UserError) as caught:
        metric.load("cpu")
    assert str(caught.value).startswith(
        f"pyiqa:dists: {path} does not hold what its name says: expected sha256 f5e65c96"
    )
    assert "weights fetch pyiqa:dists" in str(caught.value)


def test_weights_that_nobody_here_knows_are_held_to_the_digits_in_their_name(package):
    saved = io.BytesIO()
    torch.save({"a": torch.ones(3)}, saved)
    digits = hashlib.sha256(saved.getvalue()).hexdigest()[:8]
    model = package / "site" / "pyiqa" / "models" / "inference_model.py"
    model.write_text(model.read_text().replace("NUMBERS", digits))
    path = weights_file(package, f"named-{digits}.pth", saved.getvalue())
    metric = Registry().metric("pyiqa:named")
    assert metric.load("cpu").score(batch(255), None) == 1
    path.write_bytes(saved.getvalue()[:-1] + b"x")
    with pytest.raises(UserError, match=f"expected sha256 {digits}..., as the name says"):
        metric.load("cpu")


def test_the_hub_is_asked_only_for_what_is_not_here_and_only_if_it_answers(package, monkeypatch):
    metric = Registry().metric("pyiqa:hub")
    assert metric.info.trained_on == ("kadid10k",)
    monkeypatch.setattr(pyiqa_models, "answers", lambda address: False)
    with pytest.raises(UserError, match=r"pyiqa:hub: pyiqa could not build it .*offline mode"):
        metric.load("cpu")
    monkeypatch.setattr(pyiqa_models, "answers", lambda address: True)
    assert metric.load("cpu").score(batch(255), None) == 1
    assert importlib.import_module("huggingface_hub.constants").HF_HUB_OFFLINE is False


def test_a_direction_that_is_not_what_the_table_says_is_refused(package):
    with pytest.raises(UserError, match="another kind or direction"):
        Registry().metric("pyiqa:turned").load("cpu")


def test_a_package_that_pyiqa_lacks_is_named(package):
    with pytest.raises(UserError, match=r"pyiqa:broken: pyiqa lacks a package .*a_package_that_is_not_here"):
        Registry().metric("pyiqa:broken").load("cpu")


def test_the_perceptual_index_is_the_mean_of_its_parts(package):
    from photographs import photograph

    (package / "weights" / "hub" / "pyiqa").mkdir(parents=True)
    (package / "weights" / "hub" / "pyiqa" / "NRQM_model.mat").write_bytes(b"any")
    images = ImageBatch(np.stack([photograph("ref/bikes.png"), photograph("jpeg/bikes_q012.jpg")]))
    parts = [
        metric.load("cpu").score(images, None) for metric in (perceptual_index.nrqm_pirm, perceptual_index.niqe_pirm)
    ]
    assert perceptual_index.pi.missing() is None
    np.testing.assert_allclose(perceptual_index.pi.load("cpu").score(images, None), ((10 - parts[0]) + parts[1]) / 2)
    assert parts[0][0] > 2, "the options of the protocol reach the model"


def test_the_perceptual_index_names_the_file_that_it_lacks(package):
    assert "NRQM_model.mat" in perceptual_index.pi.missing()
    assert "python -m benchmark weights" in perceptual_index.pi.missing()
