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

from ssdgm_runtime import errors, model
from ssdgm_runtime.engine import opening, session
from ssdgm_runtime.engine.options import Options, Plan
from ssdgm_runtime.rows.tensor import Tensor


class TestPools:
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        threads, original = [], opening.configure

        def spy(ort: object, n: object, options: object) -> object:
            threads.append(n)
            return original(ort, n, options)

        monkeypatch.setattr(opening, "configure", spy)
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
        options = Options(
            spinning=True, arena=False, session_config={"session.intra_op.allow_spinning": "0"}
        )
        found = opening.configure(session.engine(), 3, options)
        assert found.intra_op_num_threads == 3
        assert not found.enable_cpu_mem_arena
        assert found.get_session_config_entry("session.inter_op.allow_spinning") == "1"
        assert found.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        plain = opening.configure(session.engine(), 1, Options())
        assert plain.enable_cpu_mem_arena
        assert plain.get_session_config_entry("session.intra_op.allow_spinning") == "0"


EMPTY = b"\x08\x0a\x3a\x00\x42\x02\x10\x12"
"""A graph of nothing, with its versions."""


class TestEngine:
    def test_a_graph_that_the_engine_refuses(self, opened: Callable[..., Any]) -> None:
        with pytest.raises(errors.FormatError, match=r"onnxruntime .*, cannot load graph"):
            session.Session("graph", lambda: EMPTY, Plan(provider="cpu"))

    def test_outputs_by_name(self, opened: Callable[..., Any]) -> None:
        found = opened(provider="cpu")
        x = np.zeros((2, 4, 4), np.uint8)
        assert list(found.run({"x": x})) == ["logits", "probs"]
        assert list(found.run({"x": x}, ["probs"])) == ["probs"]
        assert found.inputs == {"x": Tensor("x", "uint8", ("batch", 4, 4))}
        assert found.outputs["probs"] == Tensor("probs", "float32", ("batch", 3))

    def test_a_bare_session_gives_the_same(self, opened: Callable[..., Any], graph: bytes) -> None:
        x = np.random.default_rng(0).integers(0, 16, (5, 4, 4)).astype(np.uint8)
        bare = session.bare(graph, Plan(provider="cpu"))
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
        with caplog.at_level(logging.INFO, "ssdgm_runtime"):
            assert opening.call(object(), "something_new") is None
            assert opening.call(types.SimpleNamespace(bad=lambda: 1 / 0), "bad") is None
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
            "from ssdgm_runtime.engine import session\n"
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
