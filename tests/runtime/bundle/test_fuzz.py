"""The attacks of `tests/fuzz.py` and `tests/soak.py`, for a moment; `make fuzz` takes longer."""

import random
import sys
from pathlib import Path

import pytest

FORKS = ("engine", "readings")
"""Targets that run the engine in forks, which a process with threads had better not."""

fuzz = pytest.importorskip("fuzz", reason="needs onnx", exc_type=ImportError)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
@pytest.mark.parametrize("target", [t for t in fuzz.TARGETS if t not in FORKS])
def test_nothing_but_errors_of_ours_comes_of_a_mutant(target: str) -> None:
    tried, findings = fuzz.attack(target, 0.7, seed=0)
    assert tried
    assert not findings


def test_a_finding_is_seen() -> None:
    def fail() -> None:
        raise IndexError("list index out of range")

    with pytest.raises(fuzz.Finding, match="IndexError"):
        fuzz.only_ours(fail, b"x")
    assert fuzz.only_ours(lambda: None, b"x")


def test_a_parser_that_reads_another_graph_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    data = fuzz.GRAPHS[0].read_bytes()
    fuzz.agree(data)
    monkeypatch.setattr(fuzz.wire.File, "text", lambda *_: "other")
    with pytest.raises(fuzz.Finding, match="onnx reads"):
        fuzz.agree(data)


def test_an_engine_that_reads_another_graph_is_seen(tmp_path: Path) -> None:
    import onnx

    for path in fuzz.GRAPHS[:3]:
        file = fuzz.wire.File(path.read_bytes())
        graph = fuzz.read_by_engine(path.read_bytes(), tmp_path / "read.onnx")
        assert fuzz.same(graph, file)
        for change in (
            lambda g: g.node[0].ClearField("output"),
            lambda g: setattr(g.node[-1], "op_type", "Other"),
            lambda g: setattr(g.input[0], "name", "other"),
            lambda g: g.initializer.add(name="more"),
            lambda g: g.output.pop(),
        ):
            other = onnx.GraphProto()
            other.CopyFrom(graph)
            change(other)
            assert not fuzz.same(other, file)


def test_a_number_of_inputs_is_counted_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def target(draw: random.Random, _: Path) -> bytes:
        seen.append(draw.random())
        if len(seen) == 8:
            raise KeyboardInterrupt
        return b""

    monkeypatch.setitem(fuzz.TARGETS, "csv", target)
    monkeypatch.setattr(fuzz, "KEPT", 5)
    with pytest.raises(KeyboardInterrupt):
        fuzz.attack("csv", 0, 3, tmp_path, 12)
    assert fuzz.attack("csv", 0, 3, tmp_path, 12) == (12, 0)
    assert len(seen) == 8 + 7  # the sixth to the eighth once more
    assert len(set(seen)) == 12
    assert fuzz.attack("csv", 0, 3, tmp_path, 12) == (12, 0)
    assert len(seen) == 15
