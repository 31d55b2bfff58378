"""Bundles and rows that cannot be used: exit code 2, a typed error, nothing written."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from numpy.typing import NDArray

Refused = Callable[..., Any]
Damage = Callable[[Path], object]
MODEL = "models/classifier/fp32/model.onnx"
COMMANDS = ("inspect", "verify", "classify", "generate", "bench")


def words(command: str, bundle: Path, place: Path) -> tuple[object, ...]:
    """A command on a bundle, with whatever else it needs."""
    np.save(place / "good.npy", np.zeros((3, 8, 8), np.uint8))
    further: dict[str, tuple[object, ...]] = {
        "classify": (place / "good.npy", "-o", place / "labels.csv"),
        "generate": ("-o", place / "made.png"),
        "bench": ("--batch", "1", "--seconds", "0.01", "--cold", "0", "--quiet"),
    }
    return (command, bundle, *further.get(command, ()))


def edit(folder: Path, change: Callable[[Any], object]) -> None:
    """Change the manifest and seal it again."""
    document = json.loads((folder / "manifest.json").read_text())
    change(document)
    (folder / "manifest.json").write_text(json.dumps(document))
    handmade.reseal(folder)


def flip(folder: Path) -> None:
    content = bytearray((folder / MODEL).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / MODEL).write_bytes(content)


def newer(folder: Path) -> None:
    edit(folder, lambda d: d["additional_metadata"]["ssdgm"].update(format="3.0"))


def escape(folder: Path) -> None:
    variants = "components", "classifier", "variants", "cpu-fp32"

    def change(document: Any) -> None:  # noqa: ANN401
        for key in variants:
            document = document[key]
        document["variant_directory"] = "../outside"

    edit(folder, change)


def escape_sums(folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a") as stream:
        stream.write(f"{'0' * 64}  ../../etc/passwd\n")


def link(folder: Path) -> None:
    shutil.move(folder / MODEL, folder.parent / "elsewhere.onnx")
    (folder / MODEL).symlink_to(folder.parent / "elsewhere.onnx")


def only(folder: Path, text: str) -> None:
    shutil.rmtree(folder)
    folder.write_text(text)


DAMAGE: dict[str, tuple[Damage, str, str]] = {
    "nothing there": (shutil.rmtree, "BundleNotFound", "no bundle at"),
    "one flipped byte": (flip, "IntegrityError", f"{MODEL} differs"),
    "a missing file": (lambda f: (f / MODEL).unlink(), "IntegrityError", f"{MODEL} is missing"),
    "missing golden rows": (
        lambda f: shutil.rmtree(f / "golden"),
        "IntegrityError",
        "is missing",
    ),
    "an unlisted file": (
        lambda f: (f / "models/extra.onnx").touch(),
        "IntegrityError",
        "not listed",
    ),
    "no digests": (lambda f: (f / "SHA256SUMS").unlink(), "IntegrityError", "SHA256SUMS"),
    "a newer major version": (newer, "UnsupportedVersion", "Update ssdgm-runtime"),
    "a path that escapes": (escape, "IntegrityError", "../outside"),
    "a digest of what lies outside": (escape_sums, "IntegrityError", "etc/passwd"),
    "a symlink": (link, "IntegrityError", "is a link"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "FormatError", "is not a bundle"),
    "a file that is no bundle": (lambda f: only(f, "hello"), "FormatError", "is not a bundle"),
    "no JSON": (
        lambda f: ((f / "manifest.json").write_text("{"), handmade.reseal(f)),
        "FormatError",
        "not JSON",
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("damage", "kind", "text"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_bundle_is_not_used(
    damage: Damage,
    kind: str,
    text: str,
    command: str,
    bundle: Path,
    tmp_path: Path,
    refused: Refused,
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy.ssdgm"))
    given = words(command, copy, tmp_path)
    damage(copy)
    error = refused(tmp_path, *given)
    assert error["type"] == kind
    assert text in error["message"]


def test_a_zip_with_a_flipped_byte_is_not_used(
    bundle: Path, tmp_path: Path, refused: Refused
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy.ssdgm"))
    flip(copy)
    with zipfile.ZipFile(tmp_path / "bad.ssdgm.zip", "w") as archive:
        for path in sorted(p for p in copy.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(copy).as_posix())
    error = refused(tmp_path, "verify", tmp_path / "bad.ssdgm.zip")
    assert error["type"] == "IntegrityError"


GOOD = np.zeros((3, 8, 8), np.uint8)
ROWS: dict[str, tuple[NDArray[Any], str]] = {
    "scaled": (GOOD / 16, ".round().astype(np.uint8)"),
    "another integer": (GOOD.astype(np.int64), "x.astype(np.uint8)"),
    "flat": (GOOD.reshape(3, 64), "x.reshape(-1, 8, 8)"),
    "one row": (GOOD[0], "x[None]"),
    "another size": (np.zeros((3, 28, 28), np.uint8), "uint8 [n, 8, 8]"),
}


@pytest.mark.parametrize(("rows", "text"), ROWS.values(), ids=ROWS)
def test_rows_unlike_the_model_s_are_told_got_want_and_how_to_mend(
    rows: NDArray[Any], text: str, bundle: Path, tmp_path: Path, refused: Refused
) -> None:
    np.save(tmp_path / "rows.npy", rows)
    error = refused(
        tmp_path, "classify", bundle, tmp_path / "rows.npy", "-o", tmp_path / "labels.csv"
    )
    assert error["type"] == "InputError"
    assert str(list(rows.shape)) in error["found"]
    assert rows.dtype.name in error["found"]
    assert error["expected"] == "uint8 [n, 8, 8]"
    assert text in error["message"]


def _pickled(place: Path) -> None:
    np.save(place, np.array([{}, None], dtype=object), allow_pickle=True)


def _cut(place: Path) -> None:
    np.save(place, GOOD)
    place.write_bytes(place.read_bytes()[:-50])


FILES: dict[str, tuple[str, Damage, str]] = {
    "missing": ("rows.npy", lambda p: None, "DataNotFound"),
    "empty": ("rows.npy", Path.touch, "DataError"),
    "cut short": ("rows.npy", _cut, "DataError"),
    "pickled objects": ("rows.npy", _pickled, "DataError"),
    "no archive": ("rows.npz", lambda p: p.write_bytes(b"PK\3\4zzzz"), "DataError"),
    "no IDX": ("rows.idx", lambda p: p.write_bytes(b"\0\0\1\1"), "DataError"),
    "of an unknown type": ("rows.txt", lambda p: p.write_text("0 1 2"), "DataError"),
    "no image": ("rows.png", lambda p: p.write_text("0 1 2"), "DataError"),
    "a folder without images": ("rows", Path.mkdir, "DataNotFound"),
}


@pytest.mark.parametrize(("name", "make", "kind"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_read(
    name: str, make: Damage, kind: str, bundle: Path, tmp_path: Path, refused: Refused
) -> None:
    make(tmp_path / name)
    error = refused(tmp_path, "classify", bundle, tmp_path / name, "-o", tmp_path / "labels.csv")
    assert error["type"] == kind
    assert str(tmp_path / name) in error["message"]


WORDS: dict[str, tuple[tuple[object, ...], str]] = {
    "a class that is none": (("generate", "--class", "eleven", "-o", "a.png"), "InputError"),
    "an index that is none": (("generate", "--class", "10", "-o", "a.png"), "InputError"),
    "a picture of another kind": (("generate", "-o", "a.jpg"), "InputError"),
    "no output": (("generate",), "UsageError"),
    "a temperature that is none": (("generate", "--temperature", "nan", "-o", "a.png"), ""),
    "a table of another kind": (("classify", "good.npy", "-o", "a.xlsx"), "InputError"),
    "no rows at all": (("classify",), "UsageError"),
    "a batch that is none": (("bench", "--batch", "0"), "InputError"),
    "batches that are none": (("bench", "--batch", "1,x"), "InputError"),
    "callers that are none": (("bench", "--concurrency", "0"), "InputError"),
    "an arrival that is none": (("bench", "--arrival", "poisson"), "InputError"),
    "a rival that is none": (("bench", "--against", "raw,tvm"), "InputError"),
    "a graph that is none": (("bench", "--component", "critic"), "InputError"),
    "a condition that is none": (("bench", "--fail-if", "p42>3"), "InputError"),
    "a change of nothing": (("bench", "--fail-if", "p95>+10%"), "InputError"),
    "a report of another kind": (("bench", "-o", "a.txt"), "InputError"),
    "a picture of no report": (("bench", "--plot", "a.svg"), "InputError"),
    "batches for a batcher": (("bench", "--batcher", "--batch", "1,8"), "InputError"),
    "a provider that is none": (("verify", "--provider", "gpu9"), "InputError"),
    "a variant that is none": (("verify", "--variant", "int4"), "InputError"),
    "threads that are none": (("verify", "--threads", "0"), "InputError"),
}


@pytest.mark.parametrize(("given", "kind"), WORDS.values(), ids=WORDS)
def test_arguments_that_cannot_be_used(
    given: tuple[str, ...],
    kind: str,
    bundle: Path,
    tmp_path: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("good.npy", GOOD)
    command, *rest = given
    error = refused(tmp_path, command, bundle, *rest)
    assert error["type"] == (kind or "InputError")


@pytest.mark.parametrize("command", ["classify", "generate"])
def test_an_output_that_exists_is_kept_unless_forced(
    command: str, bundle: Path, tmp_path: Path, refused: Refused, tool: Callable[..., Any]
) -> None:
    given = words(command, bundle, tmp_path)
    out = Path(str(given[-1]))
    out.write_text("mine")
    error = refused(tmp_path, *given)
    assert error["type"] == "OutputExists"
    assert "--force" in error["mend"]
    assert out.read_text() == "mine"
    assert tool(*given, "--force").code == 0
    assert out.read_bytes() != b"mine"
