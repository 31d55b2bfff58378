"""What all tests share: seeds, one thread, and where numbers live (`--device`, `--dtype`).

Nothing here imports torch on its own, so that the runtime's tests run where there is none.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

with contextlib.suppress(ImportError):
    import hypothesis

    hypothesis.settings.register_profile(
        "laws", deadline=None, derandomize=True, max_examples=50, database=None
    )
    hypothesis.settings.load_profile("laws")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the laws are checked, and how finely."""
    parser.addoption("--device", default="cpu", help="cpu or cuda, for the laws")
    parser.addoption("--dtype", default="float64", help="float64 or float32, for the numerics")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same seeds and one thread for every test, whatever ran before it."""
    np.random.seed(0)  # noqa: NPY002  (libraries that still draw from it)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
        torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _small_forests() -> Iterator[None]:
    """A few trees are enough to see that a forest is asked."""
    if "ssdgm_train" not in sys.modules:
        yield
        return
    from ssdgm_train.evaluation import classifiers, regressors

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifiers, "TREES", 5)
        patch.setattr(regressors, "TREES", 5)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_shapes_while_traced() -> Iterator[None]:
    """A check of axes that broadcast would fix the size of a batch in the graph."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    import jaxtyping

    export = torch.onnx.export

    def unchecked(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (torch's own)
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            return export(*args, **options)
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", unchecked)
        yield


@pytest.fixture
def device(request: pytest.FixtureRequest) -> "torch.device":
    """The device of `--device`."""
    import torch

    return torch.device(request.config.getoption("--device"))


@pytest.fixture
def dtype(request: pytest.FixtureRequest) -> "torch.dtype":
    """The floating type of `--dtype`."""
    import torch

    return {"float64": torch.float64, "float32": torch.float32}[
        request.config.getoption("--dtype")
    ]


@pytest.fixture
def data_dir() -> Path:
    """The folder of named data sets; tests on real data skip where there is none."""
    found = os.environ.get("SSDGM_DATA_DIR")
    if not found:
        pytest.skip("SSDGM_DATA_DIR names no folder of data sets")
    return Path(found)
