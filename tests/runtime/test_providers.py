"""Which provider a session takes, with engines that behave as the builds of onnxruntime do."""

import logging
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_runtime import errors, model, plans, providers, session

CPU, CUDA = providers.CPU, providers.CUDA
Anything = Any


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
        self,
        available: object,
        loads: object = (CPU,),
        nodes: object = None,
        broken: object = (),
        silent: bool = False,
    ) -> None:
        self.available, self.loads, self.nodes, self.broken = available, loads, nodes, broken
        self.silent = silent
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
                return [types.SimpleNamespace(name="x", type="tensor(uint8)", shape=["n"])]

            def get_outputs(self) -> list[object]:
                return [types.SimpleNamespace(name="p", type="tensor(float)", shape=["n"])]

            def get_provider_graph_assignment_info(self) -> list[object]:
                return [Part(p, n) for p, n in (fake.nodes or {asked: 3}).items()]

            def disable_fallback(self) -> None:
                fake.made.append("no fallback")

        if self.silent:
            del Opened.get_provider_graph_assignment_info
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

    @pytest.mark.parametrize(
        ("provider", "told"), [("cuda", True), ("auto", True), ("cpu", False)]
    )
    def test_an_engine_that_does_not_say_where_nodes_run(
        self,
        engine: Callable[..., Any],
        opened: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
        provider: str,
        told: bool,
    ) -> None:
        engine([CUDA, CPU], loads=(CUDA, CPU), silent=True)
        with caplog.at_level(logging.INFO, "ssdgm_runtime"):
            assert opened(provider=provider).placement.nodes == {}
        warned = [r.message for r in caplog.records if r.levelno == logging.WARNING]
        assert bool(warned) is told
        assert all("cannot say whether all of graph runs on CUDA" in text for text in warned)
        assert "this onnxruntime has no get_provider_graph_assignment_info" in caplog.text

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
            providers, "distributions", lambda: ["onnxruntime 1.32.0", "onnxruntime-gpu 1.31.1"]
        )
        error = providers.unavailable(CUDA, [CPU], "why")
        assert "pip uninstall -y onnxruntime onnxruntime-gpu; pip install" in error.mend

    def test_the_installed_engine_cannot_do_cuda(self, opened: Callable[..., Any]) -> None:
        if CUDA in session.engine().get_available_providers():
            pytest.skip("this engine has CUDA")
        with pytest.raises(errors.ProviderUnavailable, match=r"installed: onnxruntime 1\."):
            opened(provider="cuda")
