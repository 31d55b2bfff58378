"""Data by name, by file and by folder."""

import gzip
import struct
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError, DataNotFound
from ssdgm_train import data

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SMALL = cases.separable("bernoulli-uint8", labelled=9, test=4)


def idx(array: np.ndarray) -> bytes:
    """A uint8 array as the bytes of an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def arrays() -> list[np.ndarray]:
    found = (SMALL.x, SMALL.y, SMALL.x_test, SMALL.y_test)
    return [np.asarray(a).astype(np.uint8) for a in found]


def mnist_folder(path: Path, zipped: bool = False) -> Path:
    """A folder in the MNIST layout."""
    path.mkdir()
    for name, array in zip(NAMES, arrays(), strict=True):
        if zipped:
            (path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (path / name).write_bytes(idx(array))
    return path


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_a_folder_in_the_mnist_layout_is_a_data_set(tmp_path: Path, zipped: bool) -> None:
    found = data.load(str(mnist_folder(tmp_path / "set", zipped)))
    assert found.name == "set"
    assert found.digest == SMALL.digest


def test_an_npz_file_is_a_data_set(tmp_path: Path) -> None:
    assert data.load(cases.saved(tmp_path / "set.npz", SMALL)).digest == SMALL.digest


def test_the_names_of_train_and_test_arrays_are_understood(tmp_path: Path) -> None:
    x, y, x_test, y_test = arrays()
    np.savez(tmp_path / "set.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    assert data.load(str(tmp_path / "set.npz")).digest == SMALL.digest


def test_a_folder_with_one_npz_is_a_data_set(tmp_path: Path) -> None:
    cases.saved(tmp_path / "anything.npz", SMALL)
    assert data.load(str(tmp_path)).digest == SMALL.digest


def test_blanks_and_strings_come_through_an_npz(tmp_path: Path) -> None:
    y = np.array(["b", "", "a", "b"])
    np.savez(tmp_path / "set.npz", x=np.ones((4, 2), np.float32), y=y)
    found = data.load(str(tmp_path / "set.npz"))
    assert found.classes == ("a", "b")
    assert found.y.tolist() == [1, -1, 0, 1]
    assert found.x_test is None


def test_a_name_is_looked_up_under_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mnist_folder(tmp_path / "named")
    assert data.load("named", str(tmp_path)).digest == SMALL.digest
    monkeypatch.setenv("SSDGM_DATA_DIR", str(tmp_path))
    assert data.load("named").digest == SMALL.digest
    assert data.locate("named") == str(folder.resolve())


def test_a_path_stands_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist_folder(tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data.load("here", str(tmp_path / "elsewhere")).digest == SMALL.digest


def test_digits_come_with_scikit_learn() -> None:
    found = data.load("digits")
    assert (found.x.shape, found.x.dtype, int(found.x.max())) == ((1347, 8, 8), np.uint8, 16)
    assert found.classes == tuple(range(10))
    assert data.locate("digits") == "digits"


@pytest.mark.parametrize("name", ["../secret.npz", "a/b.npz", "..", "", "/nowhere"])
def test_a_name_does_not_lead_out_of_the_data_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named" / "a").mkdir(parents=True)
    cases.saved(tmp_path / "secret", SMALL)
    cases.saved(tmp_path / "named" / "a" / "b", SMALL)
    (tmp_path / "some" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "some" / "where")
    with pytest.raises(DataError):
        data.load(name, str(tmp_path / "named"))


def test_what_is_not_there_is_an_error_that_names_the_ways() -> None:
    text = cases.message(DataNotFound, lambda: data.load("nowhere", "/no/such/folder"))
    assert "There is no data at nowhere or under /no/such/folder" in text
    assert (
        "a folder, an archive, a table, an .npz file or a name (digits, mnist, fashion-mnist"
        in text
    )


def test_without_a_data_folder_the_error_says_how_to_set_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSDGM_DATA_DIR", raising=False)
    text = cases.message(DataNotFound, lambda: data.load("nowhere"))
    assert "or set SSDGM_DATA_DIR to" in text


def test_an_empty_folder_is_an_error_that_names_the_layout(tmp_path: Path) -> None:
    text = cases.message(DataError, lambda: data.load(str(tmp_path)))
    assert f"{tmp_path} is not a data set that can be read: it has no files" in text
    assert "a labels.csv" in text
    assert (
        "one .npz; the four files of the MNIST layout, such as train-images-idx3-ubyte.gz" in text
    )


def test_a_folder_that_lacks_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    folder = mnist_folder(tmp_path / "set")
    (folder / NAMES[3]).unlink()
    assert "has no t10k-labels file" in cases.message(DataError, lambda: data.load(str(folder)))


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("keep", [0, 3, 10, -1])
def test_a_truncated_idx_file_is_an_error_that_names_it(
    tmp_path: Path, zipped: bool, keep: int
) -> None:
    folder = mnist_folder(tmp_path / "set", zipped)
    file = folder / (NAMES[0] + (".gz" if zipped else ""))
    file.write_bytes(file.read_bytes()[:keep])
    assert str(file) in cases.message(DataError, lambda: data.load(str(folder)))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_npz_is_an_error_that_names_it(tmp_path: Path, share: float) -> None:
    file = Path(cases.saved(tmp_path / "set.npz", SMALL))
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert str(file) in cases.message(DataError, lambda: data.load(str(file)))


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickled object was loaded",))


def test_an_npz_with_pickled_objects_is_an_error_and_runs_nothing(tmp_path: Path) -> None:
    y = np.array([Bomb(), Bomb()], dtype=object)
    np.savez(tmp_path / "set.npz", x=np.ones((2, 2), np.float32), y=y)
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "set.npz")))
    assert "pickled objects" in text


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.npz").write_text("dear diary")
    text = cases.message(DataError, lambda: data.load(str(tmp_path / "notes.npz")))
    assert "notes.npz cannot be read (it begins with 64 65 61 72 20 64); expected an" in text
    assert "allow_pickle" not in text


OTHERS = {
    "a.json": "Save it as one of these, or give it the suffix of its contents.",
    "a": "Save it as one of these",
    "a.xlsx": "Save it as CSV.",
    "A.XLS": "Save it as CSV.",
    "a.tar.bz2": "Unpack it.",
    "a.csv.bz2": "Unpack it.",
    "a.tar.xz": "Unpack it.",
    "a.7z": "Unpack it.",
    "a.rar": "Unpack it.",
    "a.png": "Give the folder that it is in.",
    "train-images-idx3-ubyte.gz": "Give the folder that it is in.",
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_a_file_of_no_known_kind_is_called_so(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04" if name == "a.xlsx" else b"{}")
    text = cases.message(DataError, lambda: data.load(str(tmp_path / name)))
    assert f"{tmp_path / name} is not a kind of file that can be read; expected a folder, " in text
    assert "or one of .npz," in text
    assert ".csv" in text
    assert ".tar.gz" in text
    assert OTHERS[name] in text


@pytest.mark.parametrize("name", ["set", "set.dat"])
def test_an_npz_may_have_another_name(name: str, tmp_path: Path) -> None:
    place = Path(cases.saved(tmp_path / "set.npz", SMALL)).rename(tmp_path / name)
    assert len(data.load(str(place)).x) == len(SMALL.x)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("features", "target"), "it has the arrays ['features', 'target']"),
        (("x", "x_test"), "lacks x or y (or x_train and y_train)"),
        (("x", "y", "x_test"), "has only one of x_test and y_test"),
    ],
)
def test_an_npz_with_other_arrays_is_an_error_that_lists_them(
    tmp_path: Path, names: tuple[str, ...], text: str
) -> None:
    np.savez(tmp_path / "set.npz", **dict.fromkeys(names, np.ones((2, 2), np.float32)))
    assert text in cases.message(DataError, lambda: data.load(str(tmp_path / "set.npz")))


def test_labels_outside_the_classes_are_an_error_whatever_they_came_in(tmp_path: Path) -> None:
    folder = mnist_folder(tmp_path / "set")
    (folder / NAMES[3]).write_bytes(idx(np.full(4, 200, np.uint8)))
    text = cases.message(DataError, lambda: data.load(str(folder)))
    assert "y_test has labels [200] outside the classes" in text


def test_mnist_is_what_it_was(data_dir: Path) -> None:
    found = data.load("mnist", str(data_dir))
    assert (found.x.shape, found.x.dtype) == ((60_000, 28, 28), np.uint8)
    assert np.bincount(found.y).tolist()[:3] == [5923, 6742, 5958]
    assert found.x_test is not None
    assert found.y_test is not None
    assert np.bincount(found.y_test).tolist()[:3] == [980, 1135, 1032]


def test_pendigits_come_from_a_folder_with_an_npz(data_dir: Path) -> None:
    found = data.load("pendigits", str(data_dir))
    assert found.x.shape == (7494, 16)
    assert len(found.classes) == 10
