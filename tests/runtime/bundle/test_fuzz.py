"""The attacks of `tests/fuzz.py` and `tests/soak.py`, for a moment; `make fuzz` takes longer."""

import sys

import pytest

fuzz = pytest.importorskip("fuzz", reason="needs onnx", exc_type=ImportError)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
@pytest.mark.parametrize("target", [t for t in fuzz.TARGETS if t != "engine"])
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
