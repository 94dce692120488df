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
