"""Bundles to test with: the checked-in ones, and copies to damage."""

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ssdgm_runtime import model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.engine import session
from ssdgm_runtime.engine.options import Plan

if TYPE_CHECKING:
    import jsonschema

HERE = Path(__file__).parent


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runtime_build", HERE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def build() -> ModuleType:
    return _build()


@pytest.fixture(scope="session")
def data() -> Path:
    return HERE / "data"


@pytest.fixture(scope="session")
def schema() -> "jsonschema.Draft202012Validator":
    """manifest.schema.json, ready to validate with."""
    jsonschema = pytest.importorskip("jsonschema", reason="a tool of the development set")
    path = Path(manifest.__file__).parents[1] / "manifest.schema.json"
    described = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


@pytest.fixture
def bundle(data: Path, tmp_path: Path) -> Path:
    """A copy of `tiny` to damage."""
    return Path(shutil.copytree(data / "tiny.ssdgm", tmp_path / "tiny.ssdgm"))


@pytest.fixture
def reseal(build: ModuleType) -> Callable[[Path], Path]:
    """Make SHA256SUMS fit a changed folder again."""

    def run(folder: Path) -> Path:
        found = (p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}
        (folder / "SHA256SUMS").write_bytes(build.sums(files))
        return folder

    return run


@pytest.fixture
def edit(bundle: Path, reseal: Callable[[Path], Path]) -> Callable[[Callable[[Any], None]], Path]:
    """Change the manifest of a copy of `tiny` and make SHA256SUMS fit."""

    def run(change: Callable[[Any], None]) -> Path:
        document = json.loads((bundle / "manifest.json").read_text())
        change(document)
        (bundle / "manifest.json").write_text(json.dumps(document))
        return reseal(bundle)

    return run


@pytest.fixture
def without(edit: Callable[[Any], Path]) -> Callable[..., Path]:
    """A copy of `tiny` that lacks these graphs."""

    def run(*components: str) -> Path:
        def change(document: dict[str, Any]) -> None:
            for component in components:
                del document["components"][component]
                del document["additional_metadata"]["ssdgm"]["io"][component]

        return edit(change)

    return run


@pytest.fixture(scope="session")
def tiny(data: Path) -> Iterator[model.Model]:
    with model.load(data / "tiny.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def noisy(data: Path) -> Iterator[model.Model]:
    with model.load(data / "noisy.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def tagged(data: Path) -> Iterator[model.Model]:
    with model.load(data / "tagged.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def measured(data: Path) -> Iterator[model.Model]:
    with model.load(data / "measured.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def mixture(data: Path) -> Iterator[model.Model]:
    with model.load(data / "mixture.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def adversary(data: Path) -> Iterator[model.Model]:
    with model.load(data / "adversary.ssdgm", provider="cpu", threads=1) as opened:
        yield opened


@pytest.fixture
def images() -> np.ndarray:
    """Rows that `tiny` takes."""
    return np.random.default_rng(3).integers(0, 17, (30, 4, 4)).astype(np.uint8)


@pytest.fixture
def graph(data: Path) -> bytes:
    """The classifier of `tiny`."""
    return (data / "tiny.ssdgm/models/classifier/fp32/model.onnx").read_bytes()


@pytest.fixture
def opened(graph: bytes) -> Callable[..., session.Session]:
    """Open it with these settings."""

    def run(**settings: Any) -> session.Session:  # noqa: ANN401
        return session.Session("graph", lambda: graph, Plan(**settings))

    return run
