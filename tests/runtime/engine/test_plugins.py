"""Plug-in wheels: how they are found, when they are registered, and what is said where they fail.

The wheels are real folders with the metadata that pip writes; the engine is an imitation, but for
the libraries that it refuses.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import CPU, CUDA, Engine, device

from ssdgm_runtime import errors
from ssdgm_runtime.engine import plugins, providers, session
from ssdgm_runtime.engine.options import Options, Placement

TOY = "ToyExecutionProvider"
Opening = Callable[..., session.Session]


@pytest.fixture(name="wheel")
def _wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Install a plug-in wheel; gives the path that it says its library has."""
    before = set(sys.modules)

    def install(name: str = "toy", provider: str = TOY, code: str = "") -> str:
        package, path = f"onnxruntime_ep_{name}", str(tmp_path / f"lib{name}.so")
        told = tmp_path / f"{package}-1.0.dist-info"
        for folder in (told, tmp_path / package):
            folder.mkdir()
        (told / "METADATA").write_text(f"Name: onnxruntime-ep-{name}\nVersion: 1.0\n")
        (told / "RECORD").write_text(f"{package}/__init__.py,,\n{package}/{name}/__init__.py,,\n")
        told_by = f"get_library_path = lambda: {path!r}\nget_ep_names = lambda: [{provider!r}]"
        (tmp_path / package / "__init__.py").write_text(code or told_by)
        return path

    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    for name in set(sys.modules) - before:
        if name.startswith("onnxruntime_ep_"):
            del sys.modules[name]


@pytest.fixture(name="engine")
def _engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    """An engine of the CPU alone, with the devices that a library finds."""

    def install(path: str = "", *found: Any, why: str = "", **rest: Any) -> Engine:  # noqa: ANN401
        fake = Engine([CPU], plugs={path: why or list(found)}, **rest)
        monkeypatch.setattr(session, "engine", lambda: fake)
        return fake

    return install


class TestFinding:
    def test_by_the_wheels_name(self, wheel: Callable[..., str], tmp_path: Path) -> None:
        wheel()
        only = tmp_path / "onnxruntime_ep_all-2.dist-info"
        only.mkdir()
        (only / "METADATA").write_text("Name: onnxruntime-ep-all\nVersion: 2\n")
        (only / "RECORD").write_text("onnxruntime_ep_all-2.dist-info/METADATA,,\n")
        found = plugins.installed()
        assert plugins.Plugin("onnxruntime-ep-toy 1.0", "onnxruntime_ep_toy") in found
        assert not [p for p in found if p.distribution.startswith("onnxruntime-ep-all")]
        assert "onnxruntime_ep_toy" not in sys.modules

    @pytest.mark.parametrize("word", ["cpu", "auto"])
    def test_nothing_is_registered_that_was_not_asked_for(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening, word: str
    ) -> None:
        path = wheel()
        fake = engine(path, device(TOY, path=path))
        opened(provider=word)
        assert fake.registered == {}
        assert "onnxruntime_ep_toy" not in sys.modules

    def test_a_provider_that_no_plug_in_has(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        fake = engine(wheel())
        fake.plugs = {path: [device(TOY, path=path)] for path in fake.plugs}
        with pytest.raises(errors.ProviderUnavailable, match=r"CUDAEx.*was built without it"):
            opened(provider="cuda")


class TestOpening:
    def test_its_device_runs_the_graph(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        path = wheel()
        gpu, npu = (device(TOY, kind, path) for kind in ("GPU", "NPU"))
        fake = engine(path, npu, gpu)
        found = opened(provider=TOY, options=Options(provider_options={"a": "b"}))
        assert found.placement == Placement(TOY, TOY, {TOY: 3})
        ((chosen, options, _, rest),) = fake.made
        assert (chosen, options) == (gpu, {"a": "b"})
        assert rest["enable_fallback"] == 0

    def test_it_is_registered_once(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        path = wheel()
        fake = engine(path, device(TOY, path=path))
        for _ in range(2):
            opened(provider=TOY)
        assert session.plugged()[0][1] == plugins.State((TOY,))
        assert list(fake.registered.values()) == [path]

    def test_it_may_be_registered_by_the_program(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        path = wheel()
        fake = engine(path, device(TOY, path=path))
        fake.register_execution_provider_library("mine", path)
        assert opened(provider=TOY).provider == TOY
        assert dict(session.plugged())[plugins.installed()[0]].why == ""
        assert fake.registered == {"mine": path}

    def test_a_kind_of_device_can_be_named(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        path = wheel()
        cpu, gpu = (device(TOY, kind, path) for kind in ("CPU", "GPU"))
        fake = engine(path, cpu, gpu)
        for kind in ("gpu", "CPU"):
            options = Options(provider_options={"device_type": kind})
            opened(provider=TOY, options=options)
        assert [made[:2] for made in fake.made] == [(gpu, {}), (cpu, {})]
        with pytest.raises(errors.InputError, match=r"device_type'\] is 'NPU'; expected one of C"):
            opened(provider=TOY, options=Options(provider_options={"device_type": "NPU"}))

    def test_openvino_is_held_to_float32_and_the_threads(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        name = providers.OPENVINO
        path = wheel("openvino", name)
        fake = engine(path, device(name, path=path))
        opened(provider="openvino", threads=2)
        opened(
            provider="openvino",
            options=Options(provider_options={"load_config": "{}"}),
        )
        first, second = (options for _, options, *_ in fake.made)
        assert json.loads(first["load_config"]) == {
            "CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "2"}
        }
        assert second == {"load_config": "{}"}

    def test_a_graph_partly_elsewhere(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        path = wheel()
        engine(path, device(TOY, path=path), nodes={TOY: 9, CPU: 1})
        with pytest.raises(errors.ProviderUnavailable, match=f"runs only in part on {TOY}"):
            opened(provider=TOY)


class TestFailing:
    def test_without_a_device(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        engine(wheel("webgpu", providers.WEBGPU))
        for _ in range(2):
            with pytest.raises(errors.ProviderUnavailable) as caught:
                opened(provider="webgpu")
            text = "onnxruntime-ep-webgpu 1.0 is installed, and it finds no device here to run on"
            assert text in caught.value.found
            assert "libvulkan1" in caught.value.mend

    @pytest.mark.parametrize("real", [True, False])
    def test_with_a_library_that_does_not_load(
        self,
        wheel: Callable[..., str],
        engine: Callable[..., Engine],
        opened: Opening,
        real: bool,
    ) -> None:
        path = wheel()
        Path(path).write_text("no library")
        if not real:
            engine(path, why="ORT runtime version is below the minimum\nmore")
        elif not hasattr(session.engine(), "register_execution_provider_library"):
            pytest.skip("this engine takes no plug-ins")
        with pytest.raises(errors.ProviderUnavailable) as caught:
            opened(provider=TOY)
        assert "onnxruntime-ep-toy 1.0 is installed, and its library does" in caught.value.found
        assert ("libtoy.so" if real else "below the minimum);") in caught.value.found

    def test_with_a_package_that_does_not_import(
        self, wheel: Callable[..., str], engine: Callable[..., Engine], opened: Opening
    ) -> None:
        engine(wheel(code="raise OSError('no driver')"))
        with pytest.raises(
            errors.ProviderUnavailable, match=r"toy 1.0 is installed, and it does not import \(no"
        ):
            opened(provider=TOY)
        assert session.plugged()[0][1] == plugins.State((), "it does not import (no driver)")

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            ("raise SystemExit('go away')", "go away"),
            ("import sys; sys.exit()", "SystemExit"),
            ("get_library_path = lambda: 'a'\nget_ep_names = lambda: 'Toy'", "gives 'Toy'"),
            ("get_library_path = lambda: 'a'\nget_ep_names = lambda: [1, []]", r"gives \[1"),
            ("get_library_path = lambda: ['a']\nget_ep_names = lambda: ['Toy']", "list"),
            ("get_library_path = lambda: None\nget_ep_names = lambda: ['Toy']", "NoneType"),
        ],
    )
    def test_with_a_package_that_ends_the_process_or_tells_nonsense(
        self,
        wheel: Callable[..., str],
        engine: Callable[..., Engine],
        opened: Opening,
        capsys: pytest.CaptureFixture[str],
        code: str,
        why: str,
    ) -> None:
        engine(wheel(code=f"print('hello')\n{code}"))
        with pytest.raises(errors.ProviderUnavailable, match=f"it does not import .*{why}"):
            opened(provider=TOY)
        assert capsys.readouterr().out == ""

    def test_with_an_engine_that_takes_none(
        self, wheel: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Old:
            __version__ = "1.20"

        wheel()
        (plugin,) = plugins.installed()
        assert plugins.register(Old(), plugin).why == "onnxruntime 1.20 takes no plug-ins"
        assert plugins.devices(Old(), TOY) == []


def test_what_a_build_brings_along_is_no_stranger(
    engine: Callable[..., Engine], opened: Opening
) -> None:
    """A build may register its CUDA as a plug-in, once `preload_dlls` has found the libraries."""
    fake = engine("bundled", device(CUDA, "GPU", "bundled"))
    fake.bundled = {CUDA: "bundled"}
    assert opened(provider="cuda").placement.active == CUDA
