import subprocess
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import cell
from ssdgm_runtime.bench.starts import child, coldstart
from ssdgm_runtime.engine import providers

Json = dict[str, Any]


def test_a_process_that_fails_says_why(tiny: model.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.CompletedProcess([], 1, "", "Traceback\nImportError: no numpy\n")
    monkeypatch.setattr(coldstart.subprocess, "run", lambda *a, **k: dead)
    with pytest.raises(errors.SsdgmError, match="ImportError: no numpy") as caught:
        coldstart.measure(tiny, "classifier", 1)
    assert "--cold 0" in caught.value.mend

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(coldstart.subprocess, "run", refuse)
    with pytest.raises(errors.SsdgmError, match="no more processes"):
        coldstart.measure(tiny, "classifier", 1)


def test_a_process_that_writes_nonsense_is_a_failure(
    tiny: model.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.CompletedProcess([], 0, "hello", "")
    monkeypatch.setattr(coldstart.subprocess, "run", lambda *a, **k: dead)
    with pytest.raises(errors.SsdgmError, match="it wrote 'hello'"):
        coldstart.measure(tiny, "classifier", 1)


def test_medians_leave_out_what_a_system_does_not_tell(
    tiny: model.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter((1.0, 9.0, 5.0) * 2)

    def start(job: Json) -> Json:
        steps = {"interpreter": 2.0, "session": next(numbers)}
        return {"steps_ms": steps, "rss_before": None, "rss_after": None, "rss_peak": 7}

    monkeypatch.setattr(coldstart, "_start", start)
    found = coldstart.measure(tiny, "classifier", 3)
    assert found["starts"] == 3
    assert found["model"]["total_ms"] == found["model"]["load_ms"] + 2
    assert (found["model"]["rss_after"], found["model"]["rss_peak"]) == (None, 7)


def test_the_peak_is_asked_of_the_system_where_there_is_no_proc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (child.peak() or 0) > 1e6
    monkeypatch.setattr("builtins.open", lambda *a, **k: (_ for _ in ()).throw(OSError()))
    assert child.memory() == {}


class Engine:
    """An onnxruntime that notes what it is given, and opens everything on one provider."""

    SessionOptions = types.SimpleNamespace

    def __init__(self, active: str) -> None:
        self.active, self.preloaded, self.chain = active, 0, []

    def preload_dlls(self) -> None:
        self.preloaded += 1
        print("not found: libcudnn")  # noqa: T201

    def InferenceSession(self, *_: object, providers: list[Any]) -> "Engine":
        self.chain = providers
        return self

    def get_providers(self) -> list[str]:
        return [self.active]


def job(active: str, **more: Any) -> Json:  # noqa: ANN401
    common: Json = {"attributes": {}, "entries": {}, "file": "a.onnx", "preload": False}
    return {**common, "active": active, "provider_options": {}, **more}


def test_a_bare_cold_start_on_another_provider_is_no_measurement() -> None:
    engine = Engine(providers.CPU)
    with pytest.raises(RuntimeError, match="does not open PluginExecutionProvider by its name"):
        child.plain(engine, job("PluginExecutionProvider"))


def test_a_bare_cold_start_is_prepared_as_the_models_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = Engine(providers.CUDA)
    options = {"device_id": "0"}
    child.plain(engine, job(providers.CUDA, preload=True, provider_options=options))
    assert (engine.preloaded, engine.chain) == (1, [(providers.CUDA, options)])
    assert capsys.readouterr().out == ""
    child.plain(Engine(providers.CPU), job(providers.CPU))


def test_a_cold_start_is_told_its_providers_options(
    tiny: model.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.onnx"
    own = coldstart._job(tiny, "decoder", "auto", file)
    assert (own["preload"], own["provider_options"]) == (False, {})
    goal = cell.target(tiny, "decoder")
    for active, preload in ((providers.OPENVINO, False), (providers.CUDA, True)):
        elsewhere = replace(goal, plan=goal.plan._replace(provider=active))
        monkeypatch.setattr(cell, "target", lambda *_, there=elsewhere: there)
        found = coldstart._job(tiny, "decoder", "auto", file)
        assert found["preload"] is preload
        assert found["provider_options"] == providers.defaults(active, 1, plugin=False)
