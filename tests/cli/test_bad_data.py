"""What cannot be trained on: exit code 2, a typed error, nothing written."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from numpy.typing import NDArray

Refused = Callable[..., Any]
Make = Callable[[Path], object]
Array = NDArray[Any]

X = np.random.default_rng(0).integers(0, 255, (60, 4, 4)).astype(np.uint8)
Y = np.arange(60) % 3
FLOATS = X.reshape(60, 16).astype(np.float32)
ROWS = "rows.npz"


def npz(**changes: Any) -> Make:  # noqa: ANN401
    """An archive of good rows, but for some arrays."""
    arrays = {"x": X, "y": Y, **changes}
    return lambda place: np.savez(
        place / ROWS, **{k: v for k, v in arrays.items() if v is not None}
    )


def changed(array: Array, index: int, value: float) -> Array:
    found = array.copy()
    found[index] = value
    return found


def truncated(place: Path) -> None:
    np.savez(place / ROWS, x=X, y=Y)
    content = (place / ROWS).read_bytes()
    (place / ROWS).write_bytes(content[: len(content) // 2])


def pickled(place: Path) -> None:
    np.savez(place / ROWS, x=X, y=np.array([{}, None, *range(58)], dtype=object))


ARCHIVES: dict[str, tuple[Make, str, str]] = {
    "nothing there": (lambda place: None, "DataNotFound", "no data at"),
    "an empty file": (lambda place: (place / ROWS).touch(), "DataError", "is empty"),
    "no archive": (lambda place: (place / ROWS).write_text("x,y"), "DataError", "cannot be read"),
    "cut short": (truncated, "DataError", "cannot be read"),
    "pickled objects": (pickled, "DataError", "pickled"),
    "no labels": (npz(y=None), "DataError", "lacks x or y"),
    "no rows": (npz(x=X[:0], y=Y[:0]), "DataError", "shape"),
    "test rows without labels": (npz(x_test=X), "DataError", "only one of x_test and y_test"),
    "one class": (npz(y=Y * 0), "DataError", "at least two classes"),
    "only blanks": (npz(y=Y * 0 - 1), "DataError", "at least two classes"),
    "a label below -1": (npz(y=changed(Y, 5, -4)), "DataError", "label -4"),
    "a test label outside the classes": (
        npz(x_test=X, y_test=changed(Y, 0, 7)),
        "DataError",
        "outside the classes",
    ),
    "fractional labels": (npz(y=Y + 0.5), "DataError", "whole numbers or strings"),
    "labels of another length": (npz(y=Y[:50]), "DataError", "one label a row"),
    "NaN": (npz(x=changed(FLOATS, 3, np.nan)), "DataError", "NaN or infinity, first in row 3"),
    "infinity": (npz(x=changed(FLOATS, 4, np.inf)), "DataError", "first in row 4"),
    "NaN among test rows": (
        npz(x=FLOATS, x_test=changed(FLOATS, 3, np.nan), y_test=Y),
        "DataError",
        "x_test holds NaN",
    ),
    "a flat x": (npz(x=X[:, 0, 0]), "DataError", "shape [60]"),
    "another dtype": (npz(x=X.astype(np.int64)), "DataError", "dtype int64"),
    "complex numbers": (npz(x=FLOATS.astype(np.complex64)), "DataError", "dtype complex64"),
    "test rows of another shape": (npz(x_test=X[:, :2], y_test=Y), "DataError", "like those of x"),
}


@pytest.mark.parametrize(("make", "kind", "text"), ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_cannot_be_trained_on(
    make: Make, kind: str, text: str, tmp_path: Path, refused: Refused
) -> None:
    make(tmp_path)
    error = refused(tmp_path, "train", tmp_path / ROWS, "--out", tmp_path / "run")
    assert error["type"] == kind
    assert text in error["message"]


FILES = {
    "train-images-idx3-ubyte": handmade.idx(X),
    "train-labels-idx1-ubyte": handmade.idx(Y),
    "t10k-images-idx3-ubyte": handmade.idx(X),
    "t10k-labels-idx1-ubyte": handmade.idx(Y),
}


def folder(place: Path, changes: dict[str, bytes | None]) -> None:
    """A folder in the MNIST layout, but for some files."""
    for name, content in ({**FILES, **changes}).items():
        if content is not None:
            (place / name).write_bytes(content)


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
LAYOUTS: dict[str, tuple[dict[str, bytes | None], str]] = {
    "empty": (dict.fromkeys(FILES), "has no files"),
    "a file is missing": ({LABELS: None}, "has no train-labels"),
    "cut short": ({IMAGES: FILES[IMAGES][:500]}, "484 bytes of data; expected 960"),
    "too long": ({IMAGES: FILES[IMAGES] + b"!"}, "more than 960 bytes"),
    "only the header's beginning": ({IMAGES: FILES[IMAGES][:6]}, "bytes of header"),
    "another magic number": ({IMAGES: b"\x89PNG" + FILES[IMAGES][4:]}, "an IDX file"),
    "an empty file": ({IMAGES: b""}, "is empty"),
    "a gzip cut short": (
        {IMAGES: None, f"{IMAGES}.gz": gzip.compress(FILES[IMAGES])[:200]},
        "cannot be read",
    ),
    "other labels": ({LABELS: handmade.idx(Y[:50])}, "one label a row"),
}


@pytest.mark.parametrize(("changes", "text"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_folder_that_cannot_be_trained_on(
    changes: dict[str, bytes | None], text: str, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "set").mkdir()
    folder(tmp_path / "set", changes)
    error = refused(tmp_path, "train", tmp_path / "set", "--out", tmp_path / "run")
    assert error["type"] == "DataError"
    assert text in error["message"]


WORDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "fewer labels than classes": (("--labels", "2"), "DataError", "every class needs one"),
    "more labels than rows": (("--labels", "61"), "DataError", "there are 54 labelled"),
    "a method that is none": (
        ("--method", "m3"),
        "RecipeError",
        "one of supervised, baseline, m1",
    ),
    "a setting that is none": (
        ("--set", "train.step=9"),
        "RecipeError",
        "Did you mean train.steps?",
    ),
    "a hyper-parameter that is none": (
        ("--set", "model.latnet=9"),
        "RecipeError",
        "Did you mean model.latent?",
    ),
    "a value of another type": (("--set", "train.steps=many"), "RecipeError", "of type int"),
    "a value out of range": (("--set", "model.latent=0"), "RecipeError", "a number above 0"),
    "no setting": (("--set", "steps"), "RecipeError", "key=value"),
    "a recipe that is missing": (("--recipe", "none.toml"), "RecipeError", "No recipe is at"),
    "a recipe that is none": (("--recipe", __file__), "RecipeError", "is not a TOML file"),
    "a device that is none": (("--device", "tpu"), "InputError", "auto, cpu, cuda, or one"),
    "a likelihood that does not fit": (
        ("--set", "data.likelihood=beta"),
        "RecipeError",
        "one of auto",
    ),
    "a prior of another length": (("--set", "data.prior=[0.5, 0.5]"), "DataError", "sum to one"),
    "a negative seed": (("--seed", "-1"), "UsageError", "--seed"),
    "labels that are no number": (("--labels", "all"), "UsageError", "--labels"),
    "an option that is none": (("--lables", "9"), "UsageError", "--labels"),
}


@pytest.mark.parametrize(("words", "kind", "text"), WORDS.values(), ids=WORDS)
def test_a_plan_that_cannot_be_followed(
    words: tuple[str, ...], kind: str, text: str, tmp_path: Path, refused: Refused
) -> None:
    npz()(tmp_path)
    error = refused(tmp_path, "train", tmp_path / ROWS, "--out", tmp_path / "run", *words)
    assert error["type"] == kind
    assert text in error["message"]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["a folder", "a file"])
def test_an_output_that_exists_is_kept(
    make: Callable[[Path], None], tmp_path: Path, refused: Refused
) -> None:
    npz()(tmp_path)
    make(tmp_path / "run")
    error = refused(tmp_path, "train", tmp_path / ROWS, "--out", tmp_path / "run")
    assert error["type"] == "OutputExists"
    assert "--resume" in error["mend"]


def test_an_output_below_a_file_cannot_be_made(tmp_path: Path, refused: Refused) -> None:
    npz()(tmp_path)
    error = refused(tmp_path, "train", tmp_path / ROWS, "--out", tmp_path / ROWS / "run")
    assert error["type"] == "RunError"


def test_a_name_that_is_none_says_where_names_are_looked_up(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSDGM_DATA_DIR", raising=False)
    error = refused(tmp_path, "train", "digit", "--out", tmp_path / "run")
    assert error["type"] == "DataNotFound"
    assert "SSDGM_DATA_DIR" in error["mend"]


@pytest.mark.parametrize("words", [(), ("digits",), ("--out", "run")])
def test_what_is_left_out_is_named(
    words: tuple[str, ...], tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(tmp_path, "train", *words)
    assert error["type"] == "UsageError"
    assert error["message"].startswith("Missing ")
    assert "Example: ssdgm-export train digits" in error["message"]
