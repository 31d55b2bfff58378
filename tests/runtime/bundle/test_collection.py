"""Every hostile graph and container of the collection is refused, soon, in little memory.

They are made by code, in `tests/hostile_graphs.py` and `tests/hostile_containers.py`, and opened
in one process of their own, which no one of them may end.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "hostile.py"
SECONDS, MEBIBYTES = 2.0, 200.0
LEAST = {"graphs": 60, "containers": 30}
"""How many there are at least."""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
@pytest.mark.parametrize("what", LEAST)
def test_every_one_is_refused_in_a_sentence(what: str, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    command = [sys.executable, str(SCRIPT), what, str(data / "tiny.ssdgm"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    assert len(lines) >= LEAST[what]
    assert len({line["name"] for line in lines}) == len(lines)
    for line in lines:
        assert line["typed"], line
        assert len(line["text"]) < 500, line
        assert "\n" not in line["text"], line
        assert line["seconds"] < SECONDS * 3, line  # a machine may have other things to do
        assert line["grown"] < MEBIBYTES, line
    assert sum(line["seconds"] > SECONDS for line in lines) < 3
