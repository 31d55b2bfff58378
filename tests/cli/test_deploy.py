"""`deploy web`: JSON and text, and what is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_export.deploy import onnxruntime_web

Tool = Callable[..., Any]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small files in the place of the engine."""
    (tmp_path / "engine").mkdir()
    names = ("ort.mjs", "glue.mjs", "ort.wasm")
    for name in names:
        (tmp_path / "engine" / name).write_bytes(b"engine")
    known = dict.fromkeys(names, hashlib.sha256(b"engine").hexdigest())
    build = onnxruntime_web.Build(*names, known)
    monkeypatch.setattr(onnxruntime_web, "BUILDS", {"wasm": build, "webgpu": build})
    return tmp_path / "engine"


def test_a_site_is_written_and_said(
    tool: Tool, bundle: Path, tmp_path: Path, engine: Path
) -> None:
    words = ("deploy", "web", bundle, "--onnxruntime", engine, "--title", "Digits")
    done = tool(*words, "-o", tmp_path / "a", "--json")
    assert done.code == 0, done
    assert done.json["site"] == str(tmp_path / "a")
    sizes = [path.stat().st_size for path in (tmp_path / "a/onnxruntime").iterdir()]
    assert done.json["bytes"]["engine"] == sum(sizes)
    assert done.json["provider"] == "wasm"
    done = tool(*words, "-o", tmp_path / "b", "--webgpu")
    assert done.code == 0, done
    assert "onnxruntime-web 1.30.0 (webgpu)" in done.out
    assert f"python -m http.server -d {tmp_path / 'b'}" in done.out
    assert (tmp_path / "b/index.html").is_file()


def test_slips_are_refused_in_order(
    refused: Callable[..., Any], bundle: Path, tmp_path: Path, engine: Path
) -> None:
    words = ("deploy", "web", bundle, "--onnxruntime", engine)
    (tmp_path / "there").mkdir()
    assert "already exists" in refused(tmp_path, *words, "-o", tmp_path / "there")["message"]
    nowhere = refused(tmp_path, *words, "-o", tmp_path / "no/site")
    assert "There is no folder" in nowhere["message"]
    empty = tmp_path / "empty"
    empty.mkdir()
    bare = refused(tmp_path, "deploy", "web", bundle, "--onnxruntime", empty, "-o", tmp_path / "s")
    assert "npm pack onnxruntime-web@1.30.0" in bare["message"]
    gone = refused(tmp_path, "deploy", "web", tmp_path / "none.ssdgm", "-o", tmp_path / "s")
    assert gone["type"] == "BundleNotFound"
