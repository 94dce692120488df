"""What several test modules share."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout, where there is one."""
    if not (SHARED / "reference").is_dir():
        pytest.skip("needs the reference data in ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def weights(tmp_path_factory):
    """Give the harness the reference weights, where they are and unless the user named others: as links, uncopied."""
    from benchmark.weights import cache, catalogue

    if os.environ.get(cache.ENVIRONMENT):
        yield
        return
    folder = tmp_path_factory.mktemp("weights")
    os.environ[cache.ENVIRONMENT] = str(folder)
    found = {path.name: path for path in (SHARED / "weights").rglob("*") if path.is_file()}
    for file in catalogue.FILES:
        if not file.embedded and file.name in found:
            cache.path_of(file).parent.mkdir(parents=True, exist_ok=True)
            cache.path_of(file).symlink_to(found[file.name])
    yield
    del os.environ[cache.ENVIRONMENT]


PLUGIN = Path(__file__).with_name("toy_plugin.py")


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Path:
    """A folder with 4 contents of 6 noisy images each, for the data set of `toy_plugin.py`."""
    import numpy as np
    from PIL import Image

    root = tmp_path_factory.mktemp("toy")
    random = np.random.default_rng(0)
    for content in "abcd":
        (root / content).mkdir()
        reference = random.integers(0, 256, (48, 64, 3))
        Image.fromarray(reference.astype(np.uint8)).save(root / content / "ref.png")
        for level in range(1, 7):
            noisy = reference + random.normal(0, 8 * level, reference.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(root / content / f"{level}.png")
    return root
