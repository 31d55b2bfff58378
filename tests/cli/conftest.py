"""The command line in this process, and what its commands work on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cases
import pytest

from ssdgm_export import cli

GOLDEN = Path(__file__).parent.parent / "golden/m2-tiny.ssdgm"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The one JSON object on stdout; strict, so NaN and a second object are errors."""
        found = json.loads(self.out, parse_constant=pytest.fail)
        assert isinstance(found, dict)
        return found


Tool = Callable[..., Done]


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """`ssdgm-export WORDS...`."""

    def run(*words: object) -> Done:
        capsys.readouterr()
        code = cli.run([str(word) for word in words])
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(tool: Tool) -> Callable[..., Any]:
    """Check that a command is refused in order: as JSON, as a line, and without a trace on disk.

    Returns:
        The error's JSON object.
    """

    def check(place: Path, *words: object, code: int = 2) -> Any:  # noqa: ANN401
        before = sorted(place.rglob("*"))
        told = tool(*words, "--json")
        assert told.code == code, told
        assert "Traceback" not in told.err
        assert told.json.keys() == {"error"}
        error = told.json["error"]
        assert error["found"]
        assert error["expected"] or error["mend"]
        plain = tool(*words)
        assert (plain.code, plain.out) == (code, "")
        assert plain.err.splitlines() == [f"error: {error['message']}"]
        assert sorted(place.rglob("*")) == before
        return error

    return check


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with blanks and test rows."""
    return cases.saved(tmp_path / "rows.npz", cases.separable("binomial-uint8", 48, 30, 12))


@pytest.fixture
def bundle() -> Path:
    """The checked-in golden bundle: M2 of 8 x 8 counts, ten classes."""
    return GOLDEN
