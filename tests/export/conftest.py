"""Finished runs and their bundles; nobody changes them."""

from pathlib import Path

import exported
import pytest


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `run` of the supervised baseline and its `bundle.ssdgm`."""
    return exported.folder(tmp_path_factory, "supervised")


@pytest.fixture(scope="session")
def m2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `run` of M2 and its `bundle.ssdgm`."""
    return exported.folder(tmp_path_factory, "m2")
