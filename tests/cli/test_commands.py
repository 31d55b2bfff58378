"""Every command: one JSON object with --json, exit codes, what is read and what is written."""

import csv
import gzip
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest

from ssdgm_export import cli
from ssdgm_runtime import model
from ssdgm_runtime.console import commands
from ssdgm_runtime.engine import session
from ssdgm_train import methods

Tool = Callable[..., Any]
X = np.random.default_rng(5).integers(0, 17, (6, 8, 8)).astype(np.uint8)


@pytest.fixture
def names(bundle: Path) -> list[str]:
    """What the runtime itself says of X."""
    with model.load(bundle, provider="cpu") as opened:
        return opened.classify(X).names


def test_methods_lists_the_registry(tool: Tool) -> None:
    found = tool("methods", "--json")
    assert found.code == 0
    rows = {row["method"]: row for row in found.json["methods"]}
    assert rows.keys() == methods.METHODS.keys()
    for name, spec in methods.METHODS.items():
        assert rows[name]["tasks"] == list(spec.tasks)
        assert rows[name]["link"] == spec.paper.link
        assert spec.summary in tool("methods").out


def test_inspect_says_what_the_bundle_holds(tool: Tool, bundle: Path) -> None:
    found = tool("inspect", bundle, "--json")
    assert found.code == 0
    assert found.json["tasks"] == ["classify", "encode", "reconstruct", "generate"]
    assert found.json["labels"] == [str(k) for k in range(10)]
    assert found.json["id"] in tool("inspect", bundle).out


def test_verify_passes_and_says_so(tool: Tool, bundle: Path) -> None:
    found = tool("verify", bundle, "--json")
    assert (found.code, found.json["passed"], found.json["digests"]) == (0, True, True)
    assert "passed" in tool("verify", bundle).out


def test_golden_rows_that_fail_end_with_1(tool: Tool, bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy.ssdgm"))
    wrong = copy / "golden/classifier/fp32/logits.npy"
    np.save(wrong, np.load(wrong) + np.float32(0.1))
    handmade.reseal(copy)
    found = tool("verify", copy, "--json")
    assert (found.code, found.json["passed"]) == (1, False)
    failed = {check["component"] for check in found.json["checks"] if not check["passed"]}
    assert failed == {"classifier"}
    assert tool("verify", copy).code == 1


def _npy(place: Path) -> Path:
    np.save(place / "x.npy", X)
    return place / "x.npy"


def _npz(place: Path) -> Path:
    np.savez(place / "x.npz", x=X, y=np.zeros(6))
    return place / "x.npz"


def _idx(place: Path) -> Path:
    (place / "images-idx3-ubyte").write_bytes(handmade.idx(X))
    return place / "images-idx3-ubyte"


def _packed(place: Path) -> Path:
    (place / "images-idx3-ubyte.gz").write_bytes(gzip.compress(handmade.idx(X)))
    return place / "images-idx3-ubyte.gz"


def _pictures(place: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    (place / "pictures").mkdir()
    for number, row in enumerate(X):
        image.fromarray(row).save(place / f"pictures/{number}.png")
    return place / "pictures"


@pytest.mark.parametrize("make", [_npy, _npz, _idx, _packed, _pictures])
def test_rows_are_classified_alike_whatever_they_lie_in(
    make: Callable[[Path], Path], names: list[str], bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    found = tool("classify", bundle, make(tmp_path), "--json")
    assert found.code == 0
    assert [row["name"] for row in found.json["predictions"]] == names
    assert sum(found.json["counts"].values()) == found.json["rows"] == 6


def test_one_picture_is_one_row(
    names: list[str], bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    picture = _pictures(tmp_path) / "2.png"
    found = tool("classify", bundle, picture, "--json").json
    assert [(row["source"], row["name"]) for row in found["predictions"]] == [("2.png", names[2])]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npy"])
def test_labels_are_written_in_every_kind_of_table(
    suffix: str, names: list[str], bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    out = tmp_path / f"labels.{suffix}"
    found = tool("classify", bundle, _npy(tmp_path), "-o", out, "--top", 2, "--json")
    assert found.code == 0
    assert found.json["output"] == str(out)
    readers: dict[str, Callable[[], list[str]]] = {
        "csv": lambda: [row["name"] for row in csv.DictReader(out.read_text().splitlines())],
        "jsonl": lambda: [json.loads(line)["name"] for line in out.read_text().splitlines()],
        "npy": lambda: [str(k) for k in np.load(out).argmax(1)],
    }
    assert readers[suffix]() == names


def test_what_is_read_is_never_written_over(
    bundle: Path, tmp_path: Path, tool: Tool, refused: Callable[..., Any]
) -> None:
    rows, zipped = _npy(tmp_path), tmp_path / "b.ssdgm.npz"
    shutil.make_archive(str(tmp_path / "b"), "zip", bundle)
    (tmp_path / "b.zip").rename(zipped)
    before = rows.read_bytes(), zipped.read_bytes()
    for words, told in (
        (("classify", bundle, rows, "-o", rows), "x.npy, which is the data; expected another"),
        (("classify", bundle, rows, "-o", bundle / "a.csv"), "a.csv, inside the bundle; expected"),
        (("generate", zipped, "-n", 1, "-o", zipped), "b.ssdgm.npz, which is the bundle"),
        (("generate", bundle, "-n", 1, "-o", bundle / "golden/a.png"), "inside the bundle"),
        (("bench", bundle, "--rows", tmp_path, "-o", tmp_path / "a.json"), "inside the data"),
    ):
        error = refused(tmp_path, *words, "--force")
        assert error["type"] == "InputError"
        assert told in error["message"]
        assert "not even with --force" in error["mend"]
    assert (rows.read_bytes(), zipped.read_bytes()) == before
    assert tool("verify", bundle).code == 0


def test_generate_writes_the_same_rows_for_the_same_seed(
    bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    words = ("generate", bundle, "--class", "3", "--class", "8", "-n", 4)
    one = tool(*words, "--seed", 7, "-o", tmp_path / "a.npz", "--json").json
    tool(*words, "--seed", 7, "-o", tmp_path / "b.npz")
    tool(*words, "--seed", 8, "-o", tmp_path / "c.npz")
    rows = [np.load(tmp_path / f"{name}.npz")["x"] for name in "abc"]
    assert (one["rows"], one["seed"], one["classes"]) == (8, 7, ["3", "8"])
    assert rows[0].shape == (8, 8, 8)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_generate_writes_a_picture_of_every_class(
    bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    image = pytest.importorskip("PIL.Image")
    found = tool("generate", bundle, "-n", 3, "-o", tmp_path / "all.png", "--json")
    assert found.code == 0
    assert len(found.json["classes"]) == 10
    with image.open(tmp_path / "all.png") as picture:
        assert picture.height > picture.width
        assert len(picture.getcolors(1 << 16)) > 5


@pytest.mark.parametrize(
    ("picture", "given", "cells"),
    [("styles", False, 20), ("analogies", True, 22), ("walk", True, 40)],
)
def test_generate_draws_the_pictures_of_the_paper(
    picture: str, given: bool, cells: int, bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    rows = ("--rows", _npy(tmp_path)) if given else ("--seed", 3)
    words = ("generate", bundle, f"--{picture}", *rows, "-n", 2, "-o")
    found = tool(*words, tmp_path / "a.png", "--json")
    assert found.code == 0
    assert (found.json["picture"], found.json["rows"]) == (picture, cells)
    assert found.json["seed"] == (None if given else 3)
    tool(*words, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    tool(*words, tmp_path / "a.npz")
    x = np.load(tmp_path / "a.npz")["x"]
    assert x.shape == (cells, 8, 8)
    if picture == "analogies":
        np.testing.assert_array_equal(x[::11], X[:2])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--analogies",), "--rows is missing; expected the file or folder"),
        (("--walk", "--seed", 1), "--seed is 1; expected no --seed with --walk"),
        (("--styles", "--class", "x"), "--class is 'x'; expected an index"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_refused(
    words: tuple[object, ...],
    told: str,
    bundle: Path,
    tmp_path: Path,
    refused: Callable[..., Any],
) -> None:
    error = refused(tmp_path, "generate", bundle, *words, "-o", tmp_path / "a.png")
    assert error["type"] == "InputError"
    assert error["message"].startswith(told)


def test_two_pictures_are_refused(
    bundle: Path, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    words = ("--styles", "--walk", "-o", tmp_path / "a.png")
    error = refused(tmp_path, "generate", bundle, *words)
    assert error["message"] == "--styles and --walk exclude each other. Choose one of them."


def test_a_drawn_seed_is_told_and_gives_the_same_again(
    bundle: Path, tmp_path: Path, tool: Tool
) -> None:
    words = ("generate", bundle, "--class", "0", "-n", 2, "--sample")
    seed = tool(*words, "-o", tmp_path / "a.npz", "--json").json["seed"]
    tool(*words, "--seed", seed, "-o", tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("command", ["verify", "classify", "generate", "bench"])
def test_a_provider_that_cannot_be_had_ends_with_3(
    command: str, bundle: Path, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    if "CUDAExecutionProvider" in session.engine().get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    rest = {"classify": (_npy(tmp_path),), "generate": ("-o", tmp_path / "a.png")}
    words = (command, bundle, *rest.get(command, ()), "--provider", "cuda")
    error = refused(tmp_path, *words, code=3)
    assert error["type"] == "ProviderUnavailable"
    assert "onnxruntime-gpu" in error["mend"]


def test_a_device_that_cannot_be_had_ends_with_3(
    tmp_path: Path, refused: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = ("train", "digits", "--out", tmp_path / "run", "--device", "cuda")
    assert refused(tmp_path, *words, code=3)["type"] == "ProviderUnavailable"


WORKSHOP = {
    "methods": ("methods",),
    "train": ("train", "digits", "--out", "run"),
    "resume": ("train", "--resume", "run"),
    "convert": ("convert", "run", "-o", "a.ssdgm"),
}


@pytest.mark.parametrize("words", WORKSHOP.values(), ids=WORKSHOP)
def test_a_missing_package_ends_with_3_and_says_what_to_install(
    words: tuple[str, ...],
    tmp_path: Path,
    refused: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [
        n for n in sys.modules if n.startswith("ssdgm_export.bundle") or "ssdgm_train" in n
    ]:
        monkeypatch.delitem(sys.modules, name)
    import ssdgm_export

    monkeypatch.delattr(ssdgm_export, "bundle", raising=False)
    monkeypatch.setitem(sys.modules, "ssdgm_train", None)
    error = refused(tmp_path, *words, code=3)
    assert error["type"] == "MissingExtra"
    assert "ssdgm_train is not installed" in error["found"]
    assert "pip install 'ssdgm-export[train,cpu]'" in error["mend"]


@pytest.mark.parametrize("command", ["verify", "classify", "generate", "bench"])
def test_a_missing_engine_ends_with_3_and_names_the_extra(
    command: str,
    bundle: Path,
    tmp_path: Path,
    refused: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    rest = {"classify": (_npy(tmp_path),), "generate": ("-o", tmp_path / "a.png")}
    error = refused(tmp_path, command, bundle, *rest.get(command, ()), code=3)
    assert error["type"] == "MissingEngine"
    assert "ssdgm-runtime[cpu]" in error["message"]


def test_inspect_needs_no_engine(
    tool: Tool, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert tool("inspect", bundle, "--json").code == 0


def test_a_defect_ends_with_70_and_asks_for_a_report(
    bundle: Path, tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "inspect", lambda bundle: 1 / 0)
    found = tool("inspect", bundle, "--json")
    assert (found.code, found.json["error"]["type"]) == (70, "ZeroDivisionError")
    assert "report" in found.json["error"]["message"]
    plain = tool("inspect", bundle)
    assert (plain.code, plain.out) == (70, "")
    assert len(plain.err.splitlines()) == 1


def test_a_defect_is_raised_where_one_debugs(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "inspect", lambda bundle: 1 / 0)
    monkeypatch.setenv("SSDGM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["inspect", str(bundle)])


def test_a_file_that_may_not_be_read_ends_with_2(
    bundle: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(bundle: Path) -> None:
        raise PermissionError(13, "Permission denied", str(bundle))

    monkeypatch.setattr(commands, "inspect", denied)
    assert tool("inspect", bundle, "--json").code == 2


def test_ctrl_c_ends_with_130(bundle: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(bundle: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "inspect", stop)
    found = tool("inspect", bundle, "--json")
    assert (found.code, found.json["error"]["type"]) == (130, "KeyboardInterrupt")
