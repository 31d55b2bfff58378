"""Files of numpy that stay where they lie: the same data, and the same complaints."""

import os
from collections.abc import Callable
from pathlib import Path

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.readers import arrays
from ssdgm_train import data
from ssdgm_train.data import store
from ssdgm_train.data.formats import mapped

DATA = cases.separable("gaussian-float32", labelled=30, blank=9, test=6)
FOUR = ("x", "y", "x_test", "y_test")


@pytest.fixture(autouse=True)
def _large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 400 bytes on an array is large: here both x, and neither y."""
    monkeypatch.setattr(store, "LARGE", 400)
    monkeypatch.setattr(store, "PIECE", 100)
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))


def held() -> dict[str, np.ndarray]:
    found = {name: np.asarray(getattr(DATA, name)) for name in FOUR}
    return found | {
        "x_test": np.repeat(found["x_test"], 3, 0),
        "y_test": np.repeat(found["y_test"], 3),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_of_an_npz_are_mapped(
    tmp_path: Path, save: Callable[..., None], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.npz", **{k: np.asarray(v, order=order) for k, v in held().items()})
    found = data.load(str(tmp_path / "a.npz"))
    assert store.mapped(found.x)
    assert store.mapped(found.x_test)
    assert found.x.flags.c_contiguous
    assert os.name == "nt" or not list((tmp_path / "cache").glob("*"))
    monkeypatch.setattr(store, "LARGE", 1 << 28)
    plain = data.load(str(tmp_path / "a.npz"))
    assert not store.mapped(plain.x)
    assert (found.digest, found.name) == (plain.digest, plain.name)


def test_an_array_is_not_copied_that_is_stored_as_it_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **held())
    found = mapped.read_npz(tmp_path / "a.npz")["x"]
    assert isinstance(found, np.memmap)
    assert Path(str(found.filename)) == tmp_path / "a.npz"


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train")])
@pytest.mark.parametrize("file", [False, True])
def test_a_folder_of_npy_files_is_a_data_set(
    tmp_path: Path, names: tuple[str, str], file: bool
) -> None:
    place = tmp_path / "set"
    place.mkdir()
    for name, array in zip((*names, "x_test", "y_test"), held().values(), strict=True):
        np.save(place / f"{name}.npy", array)
    found = data.load(str(place / f"{names[0]}.npy" if file else place))
    np.savez(tmp_path / "a.npz", **held())
    assert (found.name, found.digest) == ("set", data.load(str(tmp_path / "a.npz")).digest)
    assert store.mapped(found.x)


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", held()["x"])
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "rows.npy")))
    assert "rows.npy is a single array without labels. Rename it to x.npy" in text
    np.save(tmp_path / "x.npy", held()["x"])
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "x.npy")))
    assert "lacks x or y (or x_train and y_train)" in text


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def cut(content: bytes) -> bytes:
    return content[:-7]


def lying(content: bytes) -> bytes:
    return content.replace(b"(39, 6)", b"(93, 6)")


def negative(content: bytes) -> bytes:
    return content.replace(b"(39, 6)", b"(-9, 6)")


def version(content: bytes) -> bytes:
    return content.replace(b"NUMPY\x01", b"NUMPY\x09")


def flipped(content: bytes) -> bytes:
    place = content.index(b"(39, 6)") + 600
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("change", [cut, lying, negative, version])
def test_a_damaged_npy_file_is_an_error_that_names_it(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    np.save(tmp_path / "x.npy", held()["x"])
    np.save(tmp_path / "y.npy", held()["y"])
    changed(tmp_path / "x.npy", change)
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "x.npy")))
    assert f"{tmp_path / 'x.npy'} cannot be read" in text
    assert "expected an undamaged npy or npz file without pickled objects" in text


@pytest.mark.parametrize("change", [cut, lying, negative, version, flipped])
def test_a_damaged_npz_file_is_an_error_that_names_it(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    np.savez(tmp_path / "a.npz", **held())
    changed(tmp_path / "a.npz", change)
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "a.npz")))
    assert str(tmp_path / "a.npz") in text


def test_a_compressed_array_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((400, 6))
    np.savez_compressed(tmp_path / "a.npz", x=x, y=np.arange(400) % 2)
    changed(tmp_path / "a.npz", lambda c: c[:900] + bytes([c[900] ^ 255]) + c[901:])
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "a.npz")))
    assert f"{tmp_path / 'a.npz'} cannot be read" in text


def test_a_compressed_array_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", **held())
    monkeypatch.setattr(arrays, "MAX_BYTES", 500)
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "a.npz")))
    assert "a.npz/x.npy unpacks to 1064 bytes; expected at most 500" in text


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([["a"] * 90], object), y=np.arange(1))
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "a.npz")))
    assert "pickled objects" in text
