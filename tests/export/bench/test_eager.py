"""A run as a backend of bench: the same values, threads given back, another run refused."""

import importlib.util
from pathlib import Path

import exported
import numpy as np
import pytest
import torch

from ssdgm_export.bench import eager
from ssdgm_export.bundle import convert
from ssdgm_export.graphs import modules
from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import backends, cell, request


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported.folder(tmp_path_factory)


@pytest.fixture(autouse=True)
def _uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler is needed to test who calls it."""
    monkeypatch.setattr(torch, "compile", lambda module: module)


@pytest.mark.parametrize("name", backends.FROM_RUN[:2])
@pytest.mark.parametrize("component", ["classifier", "encoder", "decoder"])
def test_torch_gives_what_the_bundle_gives(place: Path, name: str, component: str) -> None:
    found = eager.openers(place / "run")
    with model.load(place / "bundle.ssdgm", provider="cpu", threads=2) as opened:
        goal, feeds = cell.target(opened, component), cell.rows(opened, component, 5)
        wanted = opened.graphs.run(component, feeds, 5)
        before = torch.get_num_threads()
        with backends.select([name], found)[name](goal) as run:
            assert torch.get_num_threads() == 2
            outputs = run(feeds)
        assert torch.get_num_threads() == before
    for array, other in zip(outputs, wanted.values(), strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-4, atol=1e-4)


def test_another_run_is_refused(place: Path, tmp_path: Path) -> None:
    found = eager.openers(exported.train(tmp_path, changes=("model.latent=3",)))
    with model.load(place / "bundle.ssdgm", provider="cpu") as opened:
        goal = cell.target(opened, "decoder")
        with pytest.raises(errors.InputError, match="of another model"), found["torch"](goal):
            pass


def test_other_weights_are_refused(place: Path, tmp_path: Path) -> None:
    found = eager.openers(exported.train(tmp_path, changes=("train.learning_rate=0.05",)))
    wanted = request.Request(seconds=1e-3)
    with model.load(place / "bundle.ssdgm", provider="cpu") as opened:
        rivals = backends.select(["torch"], found)
        with pytest.raises(errors.InputError, match="gives other values") as caught:
            cell.measure(opened, cell.Place("classifier", 1, 1), wanted, rivals)
    assert "--run" in caught.value.mend


def test_torch_stands_beside_a_fused_graph(place: Path, tmp_path: Path) -> None:
    convert.convert(place / "run", tmp_path / "fused.ssdgm", fuse=True)
    rivals = backends.select(["torch"], eager.openers(place / "run"))
    with model.load(tmp_path / "fused.ssdgm", provider="cpu") as opened:
        place_ = cell.Place(modules.FUSED, 2, 1)
        found = cell.measure(opened, place_, request.Request(seconds=1e-3), rivals)
    assert set(found["ratios"]) == {"torch"}


def test_a_compiler_that_fails_says_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(module: object) -> object:
        def call(*_: object) -> None:
            raise RuntimeError("no C++ compiler\nat all")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    found = eager.openers(place / "run")["torch-compile"]
    with model.load(place / "bundle.ssdgm", provider="cpu") as opened:
        goal = cell.target(opened, "classifier")
        with (
            pytest.raises(errors.MissingEngine, match=r"no C\+\+ compiler\. Install"),
            found(goal),
        ):
            pass


@pytest.mark.parametrize(
    ("name", "package"), [("litert", "litert_torch"), ("executorch", "executorch")]
)
def test_engines_for_phones_give_what_the_bundle_gives(
    place: Path, name: str, package: str
) -> None:
    if importlib.util.find_spec(package) is None:
        with model.load(place / "bundle.ssdgm", provider="cpu") as opened:
            goal, feeds = cell.target(opened, "decoder"), cell.rows(opened, "decoder", 3)
            missing = pytest.raises(errors.SsdgmError, match="pip install")
            with eager.openers(place / "run")[name](goal) as run, missing:
                run(feeds)
        return
    found = eager.openers(place / "run")
    for component in ("classifier", "encoder", "decoder"):
        with model.load(place / "bundle.ssdgm", provider="cpu") as opened:
            goal = cell.target(opened, component)
            with backends.select([name], found)[name](goal) as run:
                for rows in (1, 5):
                    feeds = cell.rows(opened, component, rows)
                    wanted = opened.graphs.run(component, feeds, rows)
                    for array, other in zip(run(feeds), wanted.values(), strict=True):
                        np.testing.assert_allclose(array, other, rtol=1e-4, atol=1e-4)
