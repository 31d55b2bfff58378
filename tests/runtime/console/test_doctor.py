"""`doctor`: each trouble is found and comes with its remedy."""

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssdgm_runtime.__main__ as cli
from ssdgm_runtime import errors
from ssdgm_runtime.console import doctor
from ssdgm_runtime.engine import machine, plugins, providers, session

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture(name="told")
def _told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, list[doctor.Finding]]]:
    """The findings by topic, where the engine has these providers and packages."""

    def look(
        offered: tuple[str, ...] = (CPU,),
        installed: tuple[str, ...] = ("onnxruntime 1.99",),
        why: str = "",
        plugged: tuple[tuple[plugins.Plugin, plugins.State], ...] = (),
    ) -> dict[str, list[doctor.Finding]]:
        monkeypatch.setattr(session, "available", lambda: offered)
        monkeypatch.setattr(session, "version", lambda: "1.99")
        monkeypatch.setattr(session, "probe", lambda name: why if name != CPU else "")
        monkeypatch.setattr(session, "plugged", lambda: list(plugged))
        monkeypatch.setattr(providers, "distributions", lambda: list(installed))
        found: dict[str, list[doctor.Finding]] = {}
        for finding in doctor.examine():
            found.setdefault(finding.topic, []).append(finding)
        return found

    return look


def test_this_machine_can_run_bundles() -> None:
    found = doctor.examine()
    assert not [f for f in found if f.level == doctor.TROUBLE]
    assert {"python", "engine", "provider", "processor", "threads", "memory", "telemetry"} <= {
        f.topic for f in found
    }
    assert f"{CPU} runs" in [f.found for f in found]


def test_builds_over_one_another_are_trouble(told: Callable[..., Any]) -> None:
    (found,) = told(installed=("onnxruntime 1.99", "onnxruntime-gpu 1.98"))["engine"]
    assert found.level == doctor.TROUBLE
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in found.mend


def test_a_plug_in_is_no_rival(told: Callable[..., Any]) -> None:
    found = told(installed=("onnxruntime 1.99", "onnxruntime-ep-webgpu 0.4"))
    assert found["engine"][0].level == doctor.OK


@pytest.mark.parametrize(
    ("why", "loads", "level", "text"),
    [
        ("", "", doctor.OK, "WebGpuExecutionProvider runs (plug-in onnxruntime-ep-webgpu 0.4)"),
        ("no device", "", doctor.NOTE, "onnxruntime-ep-webgpu 0.4 cannot be used: no device"),
        ("", "no memory", doctor.NOTE, "is offered but cannot be used (plug-in onnxruntime-ep-"),
    ],
)
def test_a_plug_in_is_tried(
    told: Callable[..., Any], why: str, loads: str, level: str, text: str
) -> None:
    plugin = plugins.Plugin("onnxruntime-ep-webgpu 0.4", "onnxruntime_ep_webgpu")
    both = ("onnxruntime 1.99", plugin.distribution)
    state = plugins.State((providers.WEBGPU,), why)
    found = told(installed=both, why=loads, plugged=((plugin, state),))["provider"][-1]
    assert found.level == level
    assert text in found.found
    assert ("libvulkan1" in found.mend) is (level == doctor.NOTE)


def test_a_provider_that_does_not_load_says_why(told: Callable[..., Any]) -> None:
    cpu, cuda = reversed(told((CUDA, CPU), why="no libcublas")["provider"])
    assert (cpu.level, cuda.level) == (doctor.OK, doctor.NOTE)
    assert "no libcublas" in cuda.found
    assert "pip" in cuda.mend


def test_a_remote_provider_is_none_to_try(told: Callable[..., Any]) -> None:
    assert len(told(("AzureExecutionProvider", CPU))["provider"]) == 1


def test_a_probe_runs_the_smallest_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    assert session.probe(CPU) == ""
    assert session.probe("NoSuchExecutionProvider")


def test_no_engine_is_trouble(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise errors.MissingEngine("onnxruntime cannot be imported", "an engine", "pip install it")

    monkeypatch.setattr(session, "engine", missing)
    assert cli.main(["doctor", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["passed"]
    (engine,) = [f for f in found["findings"] if f["topic"] == "engine"]
    assert (engine["level"], engine["mend"]) == (doctor.TROUBLE, "pip install it")


@pytest.mark.parametrize(
    ("name", "value", "level", "text"),
    [
        ("SSDGM_THREADS", "none", doctor.TROUBLE, "SSDGM_THREADS is 'none'"),
        ("OMP_NUM_THREADS", "64", doctor.NOTE, "64 threads share 2"),
    ],
)
def test_threads_that_do_not_fit_are_told(
    name: str,
    value: str,
    level: str,
    text: str,
    told: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in machine.VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(machine, "affinity", lambda: 2)
    monkeypatch.setattr(machine, "quota", lambda: None)
    found = told()["threads"][-1]
    assert found.level == level
    assert text in found.found
    assert found.mend


def test_what_is_allowed_or_lacking_is_noted(
    told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSDGM_ALLOW_ORT_TELEMETRY", "1")
    monkeypatch.setattr(machine, "features", lambda: frozenset({"sse2"}))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = told()
    for topic in ("telemetry", "processor", "images"):
        assert found[topic][-1].level == doctor.NOTE
        assert found[topic][-1].mend


def test_in_words_each_remedy_stands_below_its_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [doctor.Finding("a", "ok", "fine"), doctor.Finding("b", "note", "poor", "do this")]
    monkeypatch.setattr(doctor, "examine", lambda: two)
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["ok", "a", "fine"],
        ["note", "b", "poor"],
        ["do", "this"],
    ]


def place(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text + "\n")


def test_the_memory_that_cgroups_grant(tmp_path: Path) -> None:
    assert machine.memory_limit(tmp_path) is None
    place(tmp_path, "proc/self/cgroup", "0::/a/b")
    place(tmp_path, "sys/fs/cgroup/a/memory.max", "max")
    assert machine.memory_limit(tmp_path) is None
    place(tmp_path, "sys/fs/cgroup/a/b/memory.max", "4096")
    assert machine.memory_limit(tmp_path) == 4096
    place(tmp_path, "sys/fs/cgroup/a/memory.max", "1024")
    assert machine.memory_limit(tmp_path) == 1024
    place(tmp_path, "proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/abc")
    place(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", str(2**63 - 4096))
    assert machine.memory_limit(tmp_path) is None
    place(tmp_path, "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "512")
    assert machine.memory_limit(tmp_path) == 512


def test_a_machine_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_lines", lambda _: [])
    monkeypatch.setattr(machine, "os", types.SimpleNamespace())
    assert machine.features() == frozenset()
    assert machine.memory() is None
