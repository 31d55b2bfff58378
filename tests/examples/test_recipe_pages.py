"""The lines of docs/recipes.md run as they stand there."""

import asyncio
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ssdgm_runtime

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "tests/golden/m2-tiny.ssdgm"
PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: part for part in PAGE.split("\n## ")[1:]}


def lines(section: str) -> str:
    """The block of Python of a section."""
    (block,) = re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 18
    return str(block)


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Some rows, in a folder with the bundle that the page names."""
    (tmp_path / "digits.ssdgm").symlink_to(BUNDLE)
    monkeypatch.chdir(tmp_path)
    with ssdgm_runtime.load("digits.ssdgm", provider="cpu") as model:
        return np.asarray(model.generate(n=12, seed=0).as_input())


def wanted(rows: np.ndarray) -> list[str]:
    with ssdgm_runtime.load(BUNDLE, provider="cpu") as model:
        return model.classify(rows).names


def test_flask(rows: np.ndarray) -> None:
    pytest.importorskip("flask")
    names: dict[str, Any] = {"__name__": "app"}
    exec(lines("Flask"), names)
    with names["batcher"]:
        client = names["app"].test_client()
        said = [client.post("/classify", json={"row": row.tolist()}).json for row in rows]
        assert [one["name"] for one in said] == wanted(rows)
        for strange in ({}, {"row": [1, 2]}, {"row": "a"}, {"row": [[-5] * 4] * 4}, []):
            answer = client.post("/classify", json=strange)
            assert answer.status_code == 400
            assert answer.json["error"]


def test_coroutines(rows: np.ndarray) -> None:
    names: dict[str, Any] = {}
    exec(lines("Coroutines"), names)
    assert asyncio.run(names["names"](rows)) == wanted(rows)


class Camera:
    """As much of OpenCV as the page uses: pictures in colour, of another size."""

    CAP_PROP_BUFFERSIZE, COLOR_BGR2GRAY = 38, 6

    def __init__(self, rows: np.ndarray) -> None:
        large = rows.repeat(2, 1).repeat(2, 2)
        self.frames = iter(large[..., None].repeat(3, 3))

    def VideoCapture(self, number: int) -> "Camera":
        return self

    def set(self, name: int, value: int) -> None:
        assert (name, value) == (self.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> tuple[bool, Any]:
        frame = next(self.frames, None)
        return frame is not None, frame

    def cvtColor(self, frame: np.ndarray, code: int) -> np.ndarray:
        assert code == self.COLOR_BGR2GRAY
        return frame[..., 0]

    def resize(self, frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        assert frame.shape == (2 * size[1], 2 * size[0])
        return frame[::2, ::2]


def test_a_camera(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake: Any = Camera(rows * 16)  # levels of grey as a camera has them
    monkeypatch.setitem(sys.modules, "cv2", fake)
    exec(lines("A camera"), {})
    with ssdgm_runtime.load(BUNDLE, provider="cpu") as model:
        answer = model.classify(rows * 16 // 16)
    sure = answer.probs.max(1) > 0.9
    assert sure.any()
    said = [name for name, one in zip(answer.names, sure, strict=True) if one]
    assert capsys.readouterr().out.split() == said


def test_processes(rows: np.ndarray) -> None:
    np.save("rows.npy", rows)
    Path("app.py").write_text(lines("Processes"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "app.py", "rows.npy"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    with ssdgm_runtime.load(BUNDLE, provider="cpu") as model:
        assert done.stdout.split() == [str(label) for label in model.predict(rows)]


@pytest.mark.slow
@pytest.mark.network
def test_one_folder_without_python(rows: np.ndarray) -> None:
    """Built where the runtime is alone, or it would pack torch as well."""
    np.save("rows.npy", rows)
    names = wanted(rows)
    section = SECTIONS["One folder without Python"]
    Path("app.py").write_text(lines("One folder without Python"), encoding="utf-8")
    (words,) = re.findall(r"^pyinstaller (.*)$", section, re.MULTILINE)
    venv.create("light", with_pip=True)
    python = Path("light/bin/python" if os.name == "posix" else "light/Scripts/python").resolve()
    constraints = ["--quiet", "-c", str(ROOT / "constraints.txt")]
    packages = [str(ROOT / "runtime"), "onnxruntime", "pyinstaller"]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (["pip", "install", *constraints, *packages], ["PyInstaller", *words.split()]):
        done = subprocess.run(
            [python, "-m", *command], capture_output=True, text=True, env=plain, check=False
        )
        assert done.returncode == 0, done.stderr
    program = Path("dist/app/app").resolve()
    done = subprocess.run(
        [program, "rows.npy"], capture_output=True, text=True, env={}, timeout=60, check=True
    )
    assert done.stdout.split() == ["True", *names]
