"""What runs are trained on."""

import cases
import pytest


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An archive of `cases.IMAGES`; nobody changes it."""
    return cases.saved(tmp_path_factory.mktemp("data") / "set.npz", cases.IMAGES)
