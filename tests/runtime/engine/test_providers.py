"""Which provider a session takes, with engines that behave as the builds of onnxruntime do."""

import json
import logging
import os
import shutil
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import CPU, CUDA, NO_CUBLAS, TENSORRT, Engine

from ssdgm_runtime import errors, model
from ssdgm_runtime.engine import forks, providers, session
from ssdgm_runtime.engine.options import Options, Placement

Opening = Callable[..., session.Session]
NO_TENSORRT = "RegisterTensorRTPluginsAsCustomOps Please install TensorRT libraries\nmore"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    def install(*arguments: Any, **rest: Any) -> Engine:  # noqa: ANN401
        fake = Engine(*arguments, **rest)
        monkeypatch.setattr(session, "engine", lambda: fake)
        return fake

    return install


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have these distributions installed."""

    def run(*names: str) -> None:
        monkeypatch.setattr(providers, "distributions", lambda: [f"{name} 1.99" for name in names])

    return run


class TestAuto:
    def test_takes_the_gpu(self, engine: Callable[..., Engine], opened: Opening) -> None:
        engine([CUDA, CPU], loads=(CUDA, CPU))
        found = opened()
        assert found.provider == CUDA
        assert found.placement == Placement("auto", CUDA, {CUDA: 3})

    def test_falls_back_and_says_so_once(
        self,
        engine: Callable[..., Engine],
        opened: Opening,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        engine([TENSORRT, CUDA, CPU], missing=NO_CUBLAS)
        with caplog.at_level(logging.WARNING, "ssdgm_runtime"):
            assert opened().provider == CPU
        (record,) = caplog.records
        assert "graph runs on CPUExecutionProvider: CUDAExecutionProvider cannot" in record.message
        assert "libcublasLt.so.13" in record.message

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

    def test_an_engine_with_nothing_to_run_on(
        self, engine: Callable[..., Engine], opened: Opening
    ) -> None:
        engine([]).get_ep_devices = list  # type: ignore[method-assign]
        with pytest.raises(errors.ProviderUnavailable):
            opened()


class TestNamed:
    def test_in_the_cpu_build_cuda_is_another_builds(
        self, engine: Callable[..., Engine], opened: Opening, builds: Callable[..., None]
    ) -> None:
        engine([CPU])
        builds("onnxruntime", "onnxruntime-ep-webgpu")
        with pytest.raises(errors.ProviderUnavailable) as caught:
            opened(provider="cuda")
        text = str(caught.value)
        assert caught.value.exit_code == 3
        assert "CUDAExecutionProvider cannot be used: this engine was built without it" in text
        assert "the engine offers CPUExecutionProvider" in text
        assert 'pip uninstall -y onnxruntime; pip install "ssdgm-runtime[gpu]"' in text

    def test_the_gpu_build_without_its_libraries(
        self, engine: Callable[..., Engine], opened: Opening, builds: Callable[..., None]
    ) -> None:
        """It gives a CPU session without a word."""
        fake = engine([TENSORRT, CUDA, CPU], missing=f"{NO_CUBLAS}\nFailed to load more")
        builds("onnxruntime-gpu")
        why = r"its libraries did not load \(Failed to load libcublasLt.so.13"
        with pytest.raises(errors.ProviderUnavailable, match=why) as caught:
            opened(provider="cuda")
        assert caught.value.mend == (
            'pip install "ssdgm-runtime[gpu]" "onnxruntime-gpu[cuda,cudnn]"'
        )
        assert fake.preloads

    def test_tensorrt_is_offered_and_raises(
        self, engine: Callable[..., Engine], opened: Opening
    ) -> None:
        engine([TENSORRT, CUDA, CPU], (CUDA, CPU), broken={TENSORRT: NO_TENSORRT})
        with pytest.raises(errors.ProviderUnavailable, match="install TensorRT lib") as caught:
            opened(provider="tensorrt")
        assert "LD_LIBRARY_PATH" in caught.value.mend
        assert opened(provider="cuda").provider == CUDA

    def test_no_device(self, engine: Callable[..., Engine], opened: Opening) -> None:
        engine([CUDA, CPU], (CUDA, CPU), broken={CUDA: "CUDA failure 100: no device\nmore"})
        with pytest.raises(errors.ProviderUnavailable, match="failure 100: no device; the engine"):
            opened(provider="cuda")

    def test_the_engine_never_falls_back_by_itself(
        self, engine: Callable[..., Engine], opened: Opening
    ) -> None:
        fake = engine([CUDA, CPU], loads=(CUDA, CPU))
        opened(provider=CUDA, options=Options(provider_options={"device_id": "1"}))
        ((asked, options, settings, rest),) = fake.made
        assert (asked, options, fake.falls_back) == (CUDA, {"device_id": "1"}, False)
        assert rest["enable_fallback"] == 0
        assert settings.entries["session.intra_op.allow_spinning"] == "0"

    def test_any_providers_own_name(
        self, engine: Callable[..., Engine], opened: Opening, builds: Callable[..., None]
    ) -> None:
        other = "QNNExecutionProvider"
        engine([other, CPU], loads=(other, CPU))
        assert opened(provider=other).provider == other
        with pytest.raises(errors.ProviderUnavailable, match="Install an onnxruntime build with"):
            opened(provider="NewExecutionProvider")

    @pytest.mark.parametrize("word", providers.WORDS)
    def test_every_word(self, engine: Callable[..., Engine], opened: Opening, word: str) -> None:
        fake = engine(["XExecutionProvider"])
        fake.get_ep_devices = list  # type: ignore[method-assign]
        with pytest.raises(errors.ProviderUnavailable, match=providers.WORDS[word]):
            opened(provider=word)

    def test_no_word(self, engine: Callable[..., Engine], opened: Opening) -> None:
        engine([CPU])
        with pytest.raises(
            errors.InputError, match="provider is 'gpu'; expected one of auto, cpu,"
        ):
            opened(provider="gpu")

    def test_openvinos_build_keeps_to_the_threads(
        self, engine: Callable[..., Engine], opened: Opening
    ) -> None:
        fake = engine([providers.OPENVINO, CPU], loads=(providers.OPENVINO, CPU))
        opened(provider="openvino", threads=3)
        own = Options(provider_options={"num_of_threads": "8", "device_type": "GPU"})
        opened(provider="openvino", threads=3, options=own)
        assert [options for _, options, *_ in fake.made] == [
            {"num_of_threads": "3"},
            {"num_of_threads": "8", "device_type": "GPU"},
        ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestForks:
    """A GPU's driver does not survive a fork; the child must not wait for it forever."""

    def in_a_child(self, work: Callable[[], object]) -> str:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = repr(work())
            except BaseException as error:
                answer = str(error)
            os.write(write, answer.encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        with os.fdopen(read) as pipe:
            return pipe.read()

    def test_a_gpu_of_the_parent(
        self,
        engine: Callable[..., Engine],
        opened: Opening,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(forks, "_users", {})
        engine([CUDA, CPU], loads=(CUDA, CPU))
        found, rows = opened(provider="cuda"), {"x": np.zeros((1, 4, 4), np.uint8)}
        text = self.in_a_child(lambda: found.run(rows))
        assert "CUDAExecutionProvider cannot be used: the process that this one was fork" in text
        assert "spawn" in text
        assert self.in_a_child(lambda: opened(provider="auto").provider) == repr(CPU)
        assert opened(provider="cuda").provider == CUDA

    @pytest.mark.parametrize("name", [CUDA, providers.OPENVINO])
    def test_a_provider_that_the_child_may_open(
        self,
        engine: Callable[..., Engine],
        opened: Opening,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
    ) -> None:
        monkeypatch.setattr(forks, "_users", {})
        engine([name, CPU], loads=(name, CPU))
        if name == providers.OPENVINO:
            opened(provider=name)
        assert self.in_a_child(lambda: opened(provider=name).provider) == repr(name)


class TestMend:
    @pytest.mark.parametrize(
        ("provider", "installed", "mend"),
        [
            (CPU, [], 'pip install "ssdgm-runtime[cpu]"'),
            (CUDA, ["onnxruntime", "onnxruntime-gpu"], "pip uninstall -y onnxruntime onnxruntime"),
            (providers.OPENVINO, ["onnxruntime"], "pip install onnxruntime-ep-openvino (beside"),
            (
                providers.OPENVINO,
                ["onnxruntime", "onnxruntime-ep-openvino"],
                "The plug-in takes Intel's processors and GPUs alone; elsewhere pip uninstall -y"
                " onnxruntime; pip install onnxruntime-openvino",
            ),
            (providers.WEBGPU, ["onnxruntime-gpu"], "pip install onnxruntime-ep-webgpu (beside"),
            (providers.WEBGPU, ["onnxruntime", "onnxruntime-ep-webgpu"], "Install a GPU's driver"),
            (providers.RTX, ["onnxruntime"], "pip install onnxruntime-ep-nv-tensorrt-rtx (beside"),
            (
                providers.RTX,
                ["onnxruntime", "onnxruntime-ep-nv-tensorrt-rtx-cu12"],
                "Install the driver of",
            ),
        ],
    )
    def test_fits_what_is_installed(
        self, builds: Callable[..., None], provider: str, installed: list[str], mend: str
    ) -> None:
        builds(*installed)
        assert providers.unavailable(provider, [CPU], "why").mend.startswith(mend)


class TestPlacement:
    def test_a_graph_partly_on_the_cpu(
        self,
        engine: Callable[..., Engine],
        opened: Opening,
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
        engine: Callable[..., Engine],
        opened: Opening,
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


class TestTheRealEngine:
    def test_cannot_do_cuda(self, opened: Opening) -> None:
        if CUDA in session.engine().get_available_providers():
            pytest.skip("this engine has CUDA")
        with pytest.raises(errors.ProviderUnavailable, match=r"installed: onnxruntime 1\."):
            opened(provider="cuda")

    @pytest.mark.parametrize("asked", [CUDA, TENSORRT, providers.OPENVINO])
    def test_takes_the_cpu_instead_as_the_imitation_does(self, graph: bytes, asked: str) -> None:
        ort = session.engine()
        if asked in ort.get_available_providers():
            pytest.skip(f"this engine has {asked}")
        for one in (ort, Engine([CPU])):
            with pytest.warns(UserWarning, match=f"'{asked}' is not in available"):
                found = one.InferenceSession(
                    graph, one.SessionOptions(), [(asked, {})], enable_fallback=0
                )
            assert found.get_providers() == [CPU]


@pytest.fixture
def precisions(bundle: Path, reseal: Callable[[Path], Path]) -> Path:
    """`tiny` with a variant more for each device, in files of their own."""
    path = bundle / "manifest.json"
    document = json.loads(path.read_text())
    for name, part in document["components"].items():
        plain = part["variants"]["cpu-fp32"]
        part["variants"].clear()
        for key, ep, default in (
            ("cpu-int8", CPU, True),
            ("cuda-fp16", CUDA, True),
            ("cpu-fp32", CPU, False),
        ):
            precision = key.split("-")[1]
            extra = {**plain["additional_metadata"], "precision": precision, "default": default}
            folder = f"models/{name}/{precision}"
            part["variants"][key] = {
                **plain, "ep": ep, "variant_directory": folder, "additional_metadata": extra
            }  # fmt: skip
            if precision != "fp32":
                shutil.copytree(bundle / f"models/{name}/fp32", bundle / folder)
    path.write_text(json.dumps(document))
    return reseal(bundle)


def used(path: Path, **settings: str) -> set[str]:
    """The variants that a model says it uses, before and after it has opened them."""
    with model.load(path, **settings) as opened:
        opened.warmup()
        found = {v["name"] for v in opened.info["variants"].values()}
        read = {str(s._name).split("/")[-2] for s in opened.graphs._sessions.values()}
        assert read == {name.split("-")[1] for name in found}
        return found


class TestVariants:
    """Which file is opened, and that nothing else is said of it."""

    def test_each_device_has_its_default(
        self, precisions: Path, engine: Callable[..., Engine]
    ) -> None:
        engine([CUDA, CPU], loads=(CUDA, CPU))
        assert used(precisions) == {"cuda-fp16"}
        assert used(precisions, provider="cpu") == {"cpu-int8"}
        assert used(precisions, variant="fp32") == {"cpu-fp32"}

    def test_auto_chooses_again_when_it_ends_elsewhere(
        self, precisions: Path, engine: Callable[..., Engine]
    ) -> None:
        engine([CUDA, CPU], loads=(CPU,))
        assert used(precisions) == {"cpu-int8"}

    def test_a_provider_without_a_variant_takes_fp32(
        self, precisions: Path, engine: Callable[..., Engine]
    ) -> None:
        engine([TENSORRT, CPU], loads=(TENSORRT, CPU))
        assert used(precisions, provider="tensorrt") == {"cpu-fp32"}
        assert used(precisions, provider="tensorrt", variant="int8") == {"cpu-int8"}
