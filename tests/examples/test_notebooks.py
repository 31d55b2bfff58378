"""The notebooks run from their first cell to their last, and hold no outputs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))
FEWER = {
    "from_a_table_to_a_device.ipynb": ("steps=300", "steps=20"),
    "a_method_of_your_own.ipynb": ("train.steps=1000", "train.steps=40"),
}
ASKED = {
    "from_a_table_to_a_device.ipynb": "usual, strange = ranks\nassert strange < 0.05 < usual"
    "\nassert Path('site/index.html').is_file()",
    "a_method_of_your_own.ipynb": "assert len(errors) == 3\nassert model.tasks == ('classify',)",
}
LEFT = {
    "from_a_table_to_a_device.ipynb": {"verdict.ssdgm", "new.csv", "site", "engine"},
    "a_method_of_your_own.ipynb": {"entropy.py", "entropy.ssdgm", "run-0", "run-1", "run-2"},
}
"""What lies in the folder afterwards."""

SMALL = """
import functools, hashlib, shutil
from pathlib import Path
from ssdgm_export.deploy import onnxruntime_web, web

shutil.which = lambda name: name
names, engine = ("ort.mjs", "glue.mjs", "ort.wasm"), Path("engine")
engine.mkdir()
for name in names:
    (engine / name).write_bytes(b"engine")
known = dict.fromkeys(names, hashlib.sha256(b"engine").hexdigest())
onnxruntime_web.BUILDS["wasm"] = onnxruntime_web.Build(*names, known)
web.deploy = functools.partial(web.deploy, onnxruntime=engine)
"""
"""Small files in the place of the engine that npm would fetch."""


def code(name: str) -> list[str]:
    """The cells of code of a notebook."""
    cells = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_holds_no_outputs(name: str) -> None:
    cells = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    for source in code(name):
        ast.parse(source)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_to_its_last_cell(name: str, tmp_path: Path) -> None:
    """In a process of its own, as a kernel is, with fewer steps."""
    program = "\n".join(code(name))
    fewer = program.replace(*FEWER[name])
    assert fewer != program
    before = SMALL if "web.deploy" in program else ""
    command = [sys.executable, "-c", f"{before}\n{fewer}\n{ASKED[name]}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    left = {path.name for path in tmp_path.iterdir() if path.name != "__pycache__"}
    assert left == LEFT[name]
