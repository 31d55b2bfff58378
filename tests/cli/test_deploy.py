"""`deploy`: JSON and text, and what is refused."""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_export.deploy import hub, onnxruntime_web

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


def test_a_service_is_written_and_said(tool: Tool, bundle: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "ssdgm_runtime-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    words = ("deploy", "service", bundle, "--name", "digits", "--wheel", wheel)
    done = tool(*words, "-o", tmp_path / "a", "--json")
    assert done.code == 0, done
    assert done.json["name"] == done.json["image"] == "digits"
    assert done.json["wheels"] == [f"wheels/{wheel.name}"]
    assert (tmp_path / "a/Dockerfile").is_file()
    done = tool(*words, "-o", tmp_path / "b")
    assert done.code == 0, done
    assert f"docker build -t digits {tmp_path / 'b'}" in done.out


def test_models_for_triton_are_written_and_said(tool: Tool, bundle: Path, tmp_path: Path) -> None:
    words = ("deploy", "triton", bundle, "--max-batch", "16")
    done = tool(*words, "-o", tmp_path / "a", "--json")
    assert done.code == 0, done
    assert done.json["max_batch"] == 16
    assert set(done.json["variants"]) == {"classifier", "encoder", "decoder"}
    done = tool(*words, "-o", tmp_path / "b", "--variant", "fp32")
    assert done.code == 0, done
    assert f"tritonserver --model-repository={tmp_path / 'b'}" in done.out


@pytest.mark.parametrize("platform", ["service", "triton"])
def test_folders_that_cannot_be_written(
    platform: str, refused: Callable[..., Any], bundle: Path, tmp_path: Path
) -> None:
    words = ("deploy", platform, bundle)
    (tmp_path / "there").mkdir()
    assert "already exists" in refused(tmp_path, *words, "-o", tmp_path / "there")["message"]
    gone = refused(tmp_path, "deploy", platform, tmp_path / "no.ssdgm", "-o", tmp_path / "s")
    assert gone["type"] == "BundleNotFound"
    odd = ("--name", "a b") if platform == "service" else ("--variant", "int4")
    assert refused(tmp_path, *words, *odd, "-o", tmp_path / "s")["type"] == "InputError"


def test_a_bundle_goes_to_a_hub_and_comes_back(
    tool: Tool, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> str:
        raise OSError("no route to the hub\nat all")

    def sent(*_: object, **__: object) -> hub.Copy:
        return hub.Copy("me/digits", "0f", "https://hub/0f", str(bundle), "ab")

    client = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    monkeypatch.setattr(client.HfApi, "create_repo", nowhere)
    monkeypatch.setattr(client.HfApi, "repo_info", nowhere)
    for words in (
        ("push", bundle, "me/digits"),
        ("pull", "me/digits", "-o", tmp_path / "a.ssdgm"),
    ):
        failed = tool("hub", *words, "--json").json["error"]
        assert failed["type"] == "HubError"
        assert "me/digits failed (no route to the hub). Check" in failed["message"]
    monkeypatch.setattr(hub, "push", sent)
    monkeypatch.setattr(hub, "pull", sent)
    done = tool("hub", "push", bundle, "me/digits", "--private")
    assert "ssdgm-export hub pull me/digits --revision 0f -o NAME.ssdgm" in done.out
    done = tool("hub", "pull", "me/digits", "-o", tmp_path / "a.ssdgm", "--id", "0" * 64)
    assert "ssdgm-export verify" in done.out
    assert not (tmp_path / "a.ssdgm").exists()


LITE = importlib.util.find_spec("litert_torch") is not None


@pytest.fixture
def run(tmp_path: Path, tool: Tool) -> Path:
    """A short run on the digits."""
    words = ("digits", "--labels", "100", "--method", "m2", "--set", "train.steps=20", "-q")
    assert tool("train", *words, "--out", tmp_path / "run").code == 0
    return tmp_path / "run"


@pytest.mark.skipif(not LITE, reason="needs the extra litert")
def test_files_of_litert_are_a_table_or_json(run: Path, tmp_path: Path, tool: Tool) -> None:
    words = ("deploy", "litert", run, "--graph", "classifier")
    done = tool(*words, "--precision", "fp32,int8", "-o", tmp_path / "a", "--json")
    assert done.code == 0, done
    assert [file["path"] for file in done.json["files"]] == [
        "classifier.tflite",
        "classifier.int8.tflite",
    ]
    done = tool(*words, "-o", tmp_path / "b", "--batch", "4")
    assert done.code == 0, done
    assert "classifier.tflite" in done.out
    assert str(tmp_path / "b/README.md") in done.out


@pytest.mark.skipif(LITE, reason="the extra litert is here")
def test_litert_says_which_extra_it_needs(tmp_path: Path, tool: Tool) -> None:
    words = (tmp_path / "run", "--threads", "1", "-o", tmp_path / "a", "--json")
    done = tool("deploy", "litert", *words)
    assert done.code == 3
    assert done.json["error"]["type"] == "MissingExtra"
    assert "pip install 'ssdgm-export[litert]'" in done.json["error"]["message"]
    assert not (tmp_path / "a").exists()
