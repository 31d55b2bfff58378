import builtins
import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.pictures import png
from ssdgm_runtime.readers import inputs
from ssdgm_runtime.rows.row import Row

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def idx(array: np.ndarray, code: int = 8, kind: str = ">u1") -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(kind).tobytes()


def put(path: Path, data: Path) -> Path:
    path.write_bytes(data)
    return path


class TestIdx:
    def test_plain_and_gzip(self, tmp_path: Path) -> None:
        plain = put(tmp_path / "t10k-images-idx3-ubyte", idx(IMAGES))
        packed = put(tmp_path / "t10k-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES)))
        for path in (plain, packed):
            found = inputs.read_idx(path)
            np.testing.assert_array_equal(found, IMAGES)
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(inputs.read_rows(path).x, IMAGES)

    @pytest.mark.parametrize(
        ("code", "kind", "dtype"),
        [(9, ">i1", "int8"), (11, ">i2", "int16"), (12, ">i4", "int32"), (13, ">f4", "float32")],
    )
    def test_other_types_in_this_machines_byte_order(
        self, tmp_path: Path, code: int, kind: str, dtype: str
    ) -> None:
        found = inputs.read_idx(put(tmp_path / "a.idx", idx(IMAGES, code, kind)))
        np.testing.assert_array_equal(found, IMAGES)
        assert found.dtype == np.dtype(dtype)
        assert found.dtype.isnative

    def test_no_rows(self, tmp_path: Path) -> None:
        assert inputs.read_idx(put(tmp_path / "a.idx", idx(IMAGES[:0]))).shape == (0, 3, 4)

    @pytest.mark.parametrize("size", [1, 3, 4, 6, 15, 16, 20, 39])
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_cut_short(self, tmp_path: Path, size: int, pack: Callable[..., Any]) -> None:
        path = put(tmp_path / "a", pack(idx(IMAGES)[:size]))
        with pytest.raises(errors.DataError, match=r"bytes of|begins with"):
            inputs.read_idx(path)

    def test_cut_gzip(self, tmp_path: Path) -> None:
        packed = gzip.compress(idx(np.random.default_rng(0).integers(0, 255, (5, 9, 9))))
        for size in (15, len(packed) // 2, len(packed) - 1):
            with pytest.raises(errors.DataError, match=r"cannot be read|bytes of"):
                inputs.read_idx(put(tmp_path / "a.gz", packed[:size]))
        flipped = bytearray(packed)
        flipped[-6] ^= 1
        with pytest.raises(errors.DataError, match="CRC"):
            inputs.read_idx(put(tmp_path / "a.gz", bytes(flipped)))

    def test_left_over(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match="has more than 24 bytes of data; expected 24"):
            inputs.read_idx(put(tmp_path / "a", idx(IMAGES) + b"x"))

    @pytest.mark.parametrize("head", [b"\1\0\x08\1", b"\0\0\x07\1", b"\0\0\x08\0", b"PNG!"])
    def test_wrong_magic(self, tmp_path: Path, head: bytes) -> None:
        with pytest.raises(errors.DataError, match=f"begins with {head.hex(' ')}"):
            inputs.read_idx(put(tmp_path / "a", head + bytes(40)))

    def test_a_header_that_asks_for_everything(self, tmp_path: Path) -> None:
        head = bytes([0, 0, 14, 4]) + b"\xff" * 16
        for data in (head, gzip.compress(head)):
            with pytest.raises(errors.DataError, match="is too big"):
                inputs.read_idx(put(tmp_path / "a", data))


class TestNumpy:
    def test_npy(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", IMAGES)
        np.testing.assert_array_equal(inputs.read_npy(tmp_path / "a.npy"), IMAGES)
        np.testing.assert_array_equal(inputs.read_rows(tmp_path / "a.npy").x, IMAGES)

    def test_npz(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=IMAGES, y=[0, 1])
        found = inputs.read_npz(tmp_path / "a.npz")
        assert sorted(found) == ["x", "y"]
        assert list(inputs.read_npz(tmp_path / "a.npz", ["y"])) == ["y"]

    @pytest.mark.parametrize(
        "names", [("x", "x_test", "y"), ("x_train", "x_test", "y"), ("whatever",)]
    )
    def test_which_array_of_an_npz_the_rows_are(
        self, tmp_path: Path, names: tuple[str, ...]
    ) -> None:
        right = names[0] if "x_test" not in names or names[0] == "x" else "x_test"
        np.savez(tmp_path / "a.npz", **{n: IMAGES if n == right else np.zeros(1) for n in names})
        np.testing.assert_array_equal(inputs.read_rows(tmp_path / "a.npz").x, IMAGES)

    def test_which_array_cannot_be_told(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", a=IMAGES, b=IMAGES)
        with pytest.raises(errors.DataError, match=r"has arrays \['a', 'b'\]; expected one named"):
            inputs.read_rows(tmp_path / "a.npz")

    def test_a_missing_key_names_those_found(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", inputs=IMAGES)
        with pytest.raises(errors.DataError, match=r"\['inputs'\]; expected an array named 'y'"):
            inputs.read_npz(tmp_path / "a.npz", ["inputs", "y"])

    def test_pickled_objects_are_never_loaded(self, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Any, ...]:
                return (pytest.fail, ("unpickled",))

        trap = np.array([Trap()], dtype=object)
        np.savez(tmp_path / "a.npz", x=trap)
        np.save(tmp_path / "a.npy", trap)
        for name in ("a.npz", "a.npy"):
            with pytest.raises(errors.DataError, match="pickled objects"):
                inputs.read_rows(tmp_path / name)

    def test_a_pickle_is_never_loaded(self, tmp_path: Path) -> None:
        import pickle

        with pytest.raises(errors.DataError, match="pickled"):
            inputs.read_npy(put(tmp_path / "a.npy", pickle.dumps([1])))

    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    def test_cut_short(self, tmp_path: Path, suffix: str) -> None:
        stream = io.BytesIO()
        (np.savez if suffix == ".npz" else np.save)(stream, IMAGES)
        whole = stream.getvalue()
        for size in (1, 5, len(whole) // 2, len(whole) - 1):
            with pytest.raises(errors.DataError, match="cannot be read"):
                inputs.read_rows(put(tmp_path / f"a{suffix}", whole[:size]))

    def test_a_flipped_byte_in_an_npz(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=IMAGES)
        data = bytearray((tmp_path / "a.npz").read_bytes())
        data[data.index(IMAGES.tobytes())] ^= 1
        with pytest.raises(errors.DataError, match="cannot be read"):
            inputs.read_npz(put(tmp_path / "a.npz", bytes(data)))

    def test_something_else_in_an_npz(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("x", "hello")
        with pytest.raises(errors.DataError, match="is not an array"):
            inputs.read_npz(tmp_path / "a.npz")

    def test_one_for_the_other(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=IMAGES)
        np.save(tmp_path / "b.npy", IMAGES)
        with pytest.raises(errors.DataError, match="is an npz archive"):
            inputs.read_npy(tmp_path / "a.npz")
        with pytest.raises(errors.DataError, match="is a single array"):
            inputs.read_npz(tmp_path / "b.npy")


class TestRows:
    def test_told_by_the_first_bytes(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", IMAGES)
        np.savez(tmp_path / "b.npz", x=IMAGES)
        put(tmp_path / "c.gz", gzip.compress(idx(IMAGES)))
        put(tmp_path / "d.idx", idx(IMAGES))
        for path in sorted(tmp_path.iterdir()):
            bare = path.rename(path.with_suffix(""))
            np.testing.assert_array_equal(inputs.read_rows(bare).x, IMAGES)

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataNotFound, match="There is no file"):
            inputs.read_rows(tmp_path / "nowhere.npy")

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match="is empty"):
            inputs.read_rows(put(tmp_path / "a.npy", b""))
        (tmp_path / "folder").mkdir()
        with pytest.raises(errors.DataNotFound, match="has no images"):
            inputs.read_rows(tmp_path / "folder")

    def test_unknown(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match=r"unknown type; expected npy, .* jsonl"):
            inputs.read_rows(put(tmp_path / "a.txt", b"hello"))

    def test_a_folder_where_a_file_belongs(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match="is not a regular file"):
            inputs.read_idx(tmp_path)


class TestImages:
    @pytest.fixture(autouse=True)
    def _pillow(self) -> None:
        pytest.importorskip("PIL")

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "b").mkdir()
        for name, shift in (("b/1.png", 1), ("a.png", 0), ("b/10.PNG", 2)):
            (tmp_path / name).write_bytes(png.encode_png(IMAGES[0] + np.uint8(shift)))
        put(tmp_path / "notes.txt", b"no image")
        return tmp_path

    def test_a_folder_in_the_order_of_names(self, folder: Path) -> None:
        found = inputs.read_rows(folder, Row((3, 4)))
        assert found.names == ("a.png", "b/1.png", "b/10.PNG")
        np.testing.assert_array_equal(
            found.x, IMAGES[0] + np.arange(3, dtype=np.uint8)[:, None, None]
        )

    def test_one_file(self, folder: Path) -> None:
        found = inputs.read_rows(folder / "b" / "1.png", Row((3, 4)))
        assert found.names == ("1.png",)
        assert found.x.shape == (1, 3, 4)

    def test_colours_by_the_shape_that_is_asked(self, tmp_path: Path) -> None:
        colours = np.random.default_rng(0).integers(0, 255, (3, 4, 3)).astype(np.uint8)
        (tmp_path / "a.png").write_bytes(png.encode_png(colours))
        np.testing.assert_array_equal(inputs.read_rows(tmp_path, Row((3, 4, 3))).x[0], colours)
        np.testing.assert_array_equal(inputs.read_images(tmp_path).x[0], colours)
        assert inputs.read_rows(tmp_path, Row((3, 4))).x.shape == (1, 3, 4)

    @pytest.mark.parametrize("shape", [(4, 3), (28, 28), (12,), (3, 4, 1), (3, 4, 4)])
    def test_nothing_is_resized(self, folder: Path, shape: tuple[int, ...]) -> None:
        with pytest.raises(errors.DataError, match="3 pixels high and 4 wide; expected rows of"):
            inputs.read_rows(folder, Row(shape))

    def test_without_a_shape_all_must_be_like_the_first(self, folder: Path) -> None:
        assert inputs.read_images(folder).x.shape == (3, 3, 4)
        (folder / "z.png").write_bytes(png.encode_png(np.zeros((5, 5), np.uint8)))
        with pytest.raises(errors.DataError, match=r"z\.png is 5 pixels high"):
            inputs.read_images(folder)

    def test_damaged(self, folder: Path) -> None:
        put(folder / "b" / "1.png", (folder / "a.png").read_bytes()[:40])
        with pytest.raises(errors.DataError, match=r"1\.png cannot be read"):
            inputs.read_rows(folder, Row((3, 4)))
        put(folder / "a.png", b"text")
        with pytest.raises(errors.DataError, match=r"a\.png cannot be read"):
            inputs.read_rows(folder, Row((3, 4)))

    def test_more_than_eight_bits(self, tmp_path: Path) -> None:
        from PIL import Image

        Image.new("I;16", (4, 3)).save(tmp_path / "a.png")
        with pytest.raises(errors.DataError, match="8 bits"):
            inputs.read_rows(tmp_path, Row((3, 4)))


def test_without_pillow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(png.encode_png(IMAGES[0]))
    original = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(errors.MissingExtra, match=r"ssdgm-runtime\[images\]") as caught:
        inputs.read_rows(tmp_path, Row((3, 4)))
    assert caught.value.exit_code == 3


def test_a_table_for_rows_without_names_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(errors.DataError, match="does not know the names of its rows' values"):
        inputs.read_rows(path, Row(shape=(2,), dtype="float32"))
