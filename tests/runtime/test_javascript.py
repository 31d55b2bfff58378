"""What the JavaScript tests compare with is what Python answers now; needs no Node."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "runtime" / "javascript" / "test" / "data"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("javascript_data", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STREAMS: list[dict[str, Any]] = json.loads((FOLDER / "streams.json").read_text(encoding="utf-8"))
ANSWERS: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))


def test_the_streams_are_numpys(maker: ModuleType) -> None:
    for known, now in zip(STREAMS, maker.streams(), strict=True):
        assert known.pop("outer") == pytest.approx(now.pop("outer"), abs=5e-7)
        assert known == now


@pytest.mark.parametrize("bundle", list(ANSWERS))
def test_the_answers_are_those_of_the_runtime(maker: ModuleType, bundle: str) -> None:
    known, now = ANSWERS[bundle], maker.answers(bundle)
    assert known.keys() == now.keys()
    for name, values in known.items():
        assert flat(values) == pytest.approx(flat(now[name]), rel=1e-4, abs=1e-4), name


def flat(values: object) -> list[float]:
    return [v for value in values for v in flat(value)] if isinstance(values, list) else [values]
