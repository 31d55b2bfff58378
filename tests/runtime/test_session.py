import builtins
import logging
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model, plans, providers, session

CPU, CUDA = providers.CPU, providers.CUDA

Anything = Any


@pytest.fixture
def graph(data: Path) -> bytes:
    return (data / "tiny.ssdgm/models/classifier/fp32/model.onnx").read_bytes()


@pytest.fixture
def opened(graph: bytes) -> Callable[..., session.Session]:
    def run(**settings: Anything) -> session.Session:
        return session.Session("graph", lambda: graph, plans.Plan(**settings))

    return run


class Settings:
    def __init__(self) -> None:
        self.entries = {}

    def add_session_config_entry(self, key: object, value: object) -> None:
        self.entries[key] = value


class Part:
    def __init__(self, ep_name: object, nodes: object) -> None:
        self.ep_name, self.get_nodes = ep_name, lambda: [None] * nodes


class Engine:
    """An onnxruntime as its builds behave: what it offers, what loads, where nodes go."""

    __version__ = "1.99"
    SessionOptions = Settings

    def __init__(
        self, available: object, loads: object = (CPU,), nodes: object = None, broken: object = ()
    ) -> None:
        self.available, self.loads, self.nodes, self.broken = available, loads, nodes, broken
        self.made = []

    def get_available_providers(self) -> list[str]:
        return list(self.available)

    def InferenceSession(
        self, data: bytes, settings: Settings, providers: list[Any], **rest: Anything
    ) -> object:
        (asked, options), fake = providers[0], self
        self.made.append((asked, options, settings, rest))
        if asked in self.broken:
            raise RuntimeError("CUDA failure 100: no device\nmore")

        class Opened:
            def get_providers(self) -> list[str]:
                return [asked, CPU] if asked in fake.loads else [CPU]

            def get_inputs(self) -> list[object]:
                return [types.SimpleNamespace(name="x", type="tensor(uint8)")]

            def get_outputs(self) -> list[object]:
                return [types.SimpleNamespace(name="p", type="tensor(float)")]

            def get_provider_graph_assignment_info(self) -> list[object]:
                return [Part(p, n) for p, n in (fake.nodes or {asked: 3}).items()]

            def disable_fallback(self) -> None:
                fake.made.append("no fallback")

        return Opened()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    def install(*arguments: object, **rest: Anything) -> Engine:
        fake = Engine(*arguments, **rest)
        monkeypatch.setattr(session, "engine", lambda: fake)
        return fake

    return install


class TestProviders:
    def test_auto_takes_the_gpu(
        self, engine: Callable[..., Any], opened: Callable[..., Any]
    ) -> None:
        engine([CUDA, CPU], loads=(CUDA, CPU))
        found = opened()
        assert found.provider == CUDA
        assert found.placement == plans.Placement("auto", CUDA, {CUDA: 3})

    def test_auto_falls_back_and_says_so_once(
        self,
        engine: Callable[..., Any],
        opened: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        engine([CUDA, CPU])
        with caplog.at_level(logging.WARNING, "ssdgm_runtime"):
            assert opened().provider == CPU
        (record,) = caplog.records
        assert "graph runs on CPUExecutionProvider: CUDAExecutionProvider cannot" in record.message

    def test_a_whole_model_says_it_once(
        self, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        real = session.engine()
        loads = types.SimpleNamespace(
            __version__=real.__version__,
            SessionOptions=real.SessionOptions,
            InferenceSession=lambda data, settings, providers, **rest: real.InferenceSession(
                data, settings, providers=[CPU], **rest
            ),
            get_available_providers=lambda: [CUDA, CPU],
        )
        monkeypatch.setattr(session, "engine", lambda: loads)
        with (
            caplog.at_level(logging.WARNING, "ssdgm_runtime"),
            model.load(data / "tiny.ssdgm") as m,
        ):
            placement = m.placement()
        assert len(caplog.records) == 1
        assert {(p.requested, p.active) for p in placement.values()} == {("auto", CPU)}

    def test_named_and_not_built_in(
        self, engine: Callable[..., Any], opened: Callable[..., Any]
    ) -> None:
        engine([CPU])
        with pytest.raises(errors.ProviderUnavailable) as caught:
            opened(provider="cuda")
        text = str(caught.value)
        assert caught.value.exit_code == 3
        assert "CUDAExecutionProvider cannot be used: this engine was built without it" in text
        assert "the engine offers CPUExecutionProvider" in text
        assert 'pip install "ssdgm-runtime[gpu]"' in text

    @pytest.mark.parametrize("rest", [{}, {"broken": (CUDA,)}])
    def test_named_and_silently_not_used(
        self, engine: Callable[..., Any], opened: Callable[..., Any], rest: dict[str, Any]
    ) -> None:
        """The GPU build without its libraries gives a CPU session, or raises: both are errors."""
        engine([CUDA, CPU], **rest)
        why = "no device" if rest else "its libraries did not load"
        with pytest.raises(errors.ProviderUnavailable, match=why):
            opened(provider="cuda")

    def test_the_engine_never_falls_back_by_itself(
        self, engine: Callable[..., Any], opened: Callable[..., Any]
    ) -> None:
        fake = engine([CUDA, CPU], loads=(CUDA, CPU))
        opened(provider=CUDA, options=plans.Options(provider_options={"device_id": "1"}))
        (asked, options, settings, rest), said = fake.made
        assert (asked, options, said) == (CUDA, {"device_id": "1"}, "no fallback")
        assert rest["enable_fallback"] == 0
        assert settings.entries["session.intra_op.allow_spinning"] == "0"

    def test_a_graph_partly_on_the_cpu(
        self,
        engine: Callable[..., Any],
        opened: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        engine([CUDA, CPU], loads=(CUDA, CPU), nodes={CUDA: 5, CPU: 2})
        with pytest.raises(
            errors.ProviderUnavailable, match="runs only in part on CUDA"
        ) as caught:
            opened(provider="cuda")
        assert "allow_partial=True" in str(caught.value)
        assert opened(provider="cuda", allow_partial=True).placement.nodes == {CUDA: 5, CPU: 2}
        with caplog.at_level(logging.WARNING, "ssdgm_runtime"):
            assert opened().provider == CUDA
        assert "only in part" in caplog.text

    def test_any_providers_own_name(
        self, engine: Callable[..., Any], opened: Callable[..., Any]
    ) -> None:
        other = "QNNExecutionProvider"
        engine([other, CPU], loads=(other, CPU))
        assert opened(provider=other).provider == other
        with pytest.raises(errors.ProviderUnavailable, match="Install an onnxruntime build with"):
            opened(provider="NewExecutionProvider")

    @pytest.mark.parametrize("word", providers.WORDS)
    def test_every_word(
        self, engine: Callable[..., Any], opened: Callable[..., Any], word: str
    ) -> None:
        engine(["XExecutionProvider"])
        with pytest.raises(errors.ProviderUnavailable, match=providers.WORDS[word]):
            opened(provider=word)

    def test_no_word(self, engine: Callable[..., Any], opened: Callable[..., Any]) -> None:
        engine([CPU])
        with pytest.raises(
            errors.InputError, match="provider is 'gpu'; expected one of auto, cpu,"
        ):
            opened(provider="gpu")

    def test_an_engine_with_nothing_to_run_on(
        self, engine: Callable[..., Any], opened: Callable[..., Any]
    ) -> None:
        engine([])
        with pytest.raises(errors.ProviderUnavailable):
            opened()

    def test_two_builds_in_one_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            providers, "_distributions", lambda: ["onnxruntime 1.32.0", "onnxruntime-gpu 1.31.1"]
        )
        error = providers.unavailable(CUDA, [CPU], "why")
        assert "pip uninstall -y onnxruntime onnxruntime-gpu; pip install" in error.mend

    def test_the_installed_engine_cannot_do_cuda(self, opened: Callable[..., Any]) -> None:
        if CUDA in session.engine().get_available_providers():
            pytest.skip("this engine has CUDA")
        with pytest.raises(errors.ProviderUnavailable, match=r"installed: onnxruntime 1\."):
            opened(provider="cuda")


class TestPools:
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        threads, original = [], session._settings

        def spy(ort: object, n: object, options: object) -> object:
            threads.append(n)
            return original(ort, n, options)

        monkeypatch.setattr(session, "_settings", spy)
        return threads

    def test_a_second_pool_only_for_small_batches(
        self, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads = self.made(monkeypatch)
        found = opened(threads=2)
        x = np.zeros((3, 4, 4), np.uint8)
        found.run({"x": x})
        assert threads == [2]
        found.run({"x": x}, small=True)
        found.run({"x": x}, small=True)
        assert threads == [2, 1]

    def test_one_thread_needs_one_pool(
        self, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads = self.made(monkeypatch)
        found = opened(threads=1)
        found.run({"x": np.zeros((1, 4, 4), np.uint8)}, small=True)
        assert threads == [1]

    def test_small_is_told_by_the_call_not_by_the_chunk(
        self, data: Path, monkeypatch: pytest.MonkeyPatch, images: np.ndarray
    ) -> None:
        threads = self.made(monkeypatch)
        with model.load(data / "tiny.ssdgm", provider="cpu", threads=2) as opened:
            opened.classify(images, batch_size=2)
            assert threads == [2]
            opened.classify(images[:8])
            assert threads == [2, 1]

    def test_settings_reach_the_engine(self) -> None:
        options = plans.Options(
            spinning=True, arena=True, session_config={"session.intra_op.allow_spinning": "0"}
        )
        found = session._settings(session.engine(), 3, options)
        assert found.intra_op_num_threads == 3
        assert found.enable_cpu_mem_arena
        assert found.get_session_config_entry("session.inter_op.allow_spinning") == "1"
        assert found.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        plain = session._settings(session.engine(), 1, plans.Options())
        assert not plain.enable_cpu_mem_arena
        assert plain.get_session_config_entry("session.intra_op.allow_spinning") == "0"


class TestEngine:
    def test_a_graph_that_the_engine_refuses(self, opened: Callable[..., Any]) -> None:
        with pytest.raises(errors.FormatError, match=r"onnxruntime .* cannot load graph"):
            session.Session("graph", lambda: b"\x08\x0a\x3a\x00", plans.Plan(provider="cpu"))

    def test_outputs_by_name(self, opened: Callable[..., Any]) -> None:
        found = opened(provider="cpu")
        x = np.zeros((2, 4, 4), np.uint8)
        assert list(found.run({"x": x})) == ["logits", "probs"]
        assert list(found.run({"x": x}, ["probs"])) == ["probs"]
        assert (found.inputs, found.outputs["probs"]) == ({"x": "uint8"}, "float32")

    def test_a_bare_session_gives_the_same(self, opened: Callable[..., Any], graph: bytes) -> None:
        x = np.random.default_rng(0).integers(0, 16, (5, 4, 4)).astype(np.uint8)
        bare = session.bare(graph, plans.Plan(provider="cpu"))
        for one, other in zip(
            bare({"x": x}), opened(provider="cpu").run({"x": x}).values(), strict=True
        ):
            np.testing.assert_array_equal(one, other)

    def test_no_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = builtins.__import__

        def missing(name: str, *rest: object) -> object:
            if name == "onnxruntime":
                raise ModuleNotFoundError("No module named 'onnxruntime'")
            return original(name, *rest)

        monkeypatch.setattr(builtins, "__import__", missing)
        with pytest.raises(errors.MissingEngine, match=r"ssdgm-runtime\[cpu\]") as caught:
            session.engine()
        assert caught.value.exit_code == 3
        assert "ssdgm-runtime[gpu]" in str(caught.value)

    def test_an_engine_that_another_build_has_broken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "onnxruntime", types.ModuleType("onnxruntime"))
        with pytest.raises(errors.MissingEngine, match="is incomplete"):
            session.engine()

    def test_what_an_older_engine_lacks_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG, "ssdgm_runtime"):
            assert session._call(object(), "something_new") is None
            assert session._call(types.SimpleNamespace(bad=lambda: 1 / 0), "bad") is None
        assert "this onnxruntime has no something_new" in caplog.text
        assert "bad failed: division by zero" in caplog.text


class TestTelemetry:
    def test_off_before_the_import(self) -> None:
        assert self.run({}) == "1"

    def test_unless_it_is_allowed(self) -> None:
        assert self.run({"SSDGM_ALLOW_ORT_TELEMETRY": "1"}) == "unset"

    def run(self, extra: dict[str, str]) -> str:
        code = (
            "import os, sys\n"
            "class Spy:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'onnxruntime':\n"
            "            print(os.environ.get('ORT_DISABLE_TELEMETRY', 'unset'))\n"
            "sys.meta_path.insert(0, Spy())\n"
            "from ssdgm_runtime import session\n"
            "session.engine()\n"
        )
        table = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | extra
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=table, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def test_an_engine_that_is_there_already_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        called = []
        fake = types.ModuleType("onnxruntime")
        fake.InferenceSession = object
        fake.disable_telemetry_events = lambda: called.append(1)
        monkeypatch.setitem(sys.modules, "onnxruntime", fake)
        monkeypatch.delenv("SSDGM_ALLOW_ORT_TELEMETRY", raising=False)
        assert session.engine() is fake
        assert called == [1]
        monkeypatch.setenv("SSDGM_ALLOW_ORT_TELEMETRY", "1")
        session.engine()
        assert called == [1]
