"""What several test modules share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout, where there is one."""
    if not (SHARED / "reference").is_dir():
        pytest.skip("needs the reference data in ../shared, which is not here")
    return SHARED


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
