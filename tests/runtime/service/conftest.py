"""Services to talk to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import served

pytest.importorskip("fastapi", reason="the extra `service`")
pytest.importorskip("httpx2", reason="a tool of the development set")

from starlette import testclient

from ssdgm_runtime.model import Model, load
from ssdgm_runtime.service import app
from ssdgm_runtime.service.limits import Limits


@pytest.fixture
def serving() -> Iterator[Callable[..., served.Service]]:
    """Open a service of a model; it ends with the test."""
    clients = []

    def run(model: Model, **limits: Any) -> served.Service:  # noqa: ANN401
        made = app.create(model, limits=Limits(**limits))
        clients.append(testclient.TestClient(made, raise_server_exceptions=False))
        clients[-1].__enter__()
        return served.Service(clients[-1], model, made.title)

    yield run
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def service(tiny: Model) -> Iterator[served.Service]:
    """A service of `tiny`."""
    with testclient.TestClient(app.create(tiny), raise_server_exceptions=False) as client:
        yield served.Service(client, tiny, "tiny")


@pytest.fixture
def built(build: ModuleType, tmp_path: Path) -> Iterator[Callable[[str], Model]]:
    """Open a bundle that is not checked in."""
    pytest.importorskip("onnx", reason="builds the bundle")
    opened = []

    def run(name: str) -> Model:
        place = build.write(tmp_path / f"{name}.ssdgm", getattr(build, name)())
        opened.append(load(place, provider="cpu", threads=1))
        return opened[-1]

    yield run
    for model in opened:
        model.close()
