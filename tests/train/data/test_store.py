"""Arrays in mapped files: what is read of them, what they hold of memory, and what they leave."""

import errno
import hashlib
import itertools
import os
import shutil
import sys
from pathlib import Path

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import dataset, draws, split, store


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every array lies in a file, and the file in this folder."""
    monkeypatch.setattr(store, "LARGE", 1)
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def numbers(shape: tuple[int, ...] = (50, 3)) -> store.Array:
    """A mapped array of distinct numbers."""
    found = store.allocate(shape, np.float32, "x")
    found[:] = np.arange(found.size).reshape(shape)
    return found


def test_small_arrays_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))
    found = store.allocate((4, 2), np.uint8, "x")
    assert (found.shape, found.dtype) == ((4, 2), np.uint8)
    assert not store.mapped(found)
    assert not (tmp_path / "cache").exists()


def test_large_arrays_are_in_a_file_that_nothing_is_left_of(cache: Path) -> None:
    found = numbers()
    assert store.mapped(found)
    assert os.name == "nt" or not list(cache.iterdir())
    np.testing.assert_array_equal(found[:, 1], np.arange(50) * 3 + 1)
    del found
    assert not list(cache.iterdir())


def test_an_array_lies_where_the_one_lies_that_it_goes_with(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = numbers()
    monkeypatch.setattr(store, "LARGE", 1 << 20)
    assert not store.mapped(store.allocate((5,), np.int64, "y"))
    assert store.mapped(store.allocate((5,), np.int64, "y", beside=x))
    assert not store.mapped(store.allocate((5,), np.int64, "y", beside=x[:5].astype(np.int64)))


def test_a_full_disk_is_an_error_before_anything_is_written(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    wanted = f"x of big.npy needs 600 bytes of disk space in {cache} (No space left on device)"
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
        text = cases.message(
            DataError, lambda: store.allocate((50, 3), np.float32, "x of big.npy")
        )
    assert wanted in text
    assert "set SSDGM_CACHE_DIR to a folder on a larger disk" in text
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    text = cases.message(DataError, lambda: store.allocate((50, 3), np.float32, "x of big.npy"))
    assert wanted in text
    assert not list(cache.iterdir())


def test_a_cache_that_is_no_folder_is_an_error(cache: Path) -> None:
    cache.write_text("")
    assert f"in {cache} (File exists)" in cases.message(DataError, numbers)


def test_pieces_are_all_rows_in_their_order(cache: Path) -> None:
    x = numbers()
    found = list(store.pieces(x, 7))
    assert [start for start, _ in found] == list(range(0, 50, 7))
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in found]), x)


@pytest.mark.parametrize("held", [store.HELD, 3 * (store.AROUND + 12), 1])
@pytest.mark.parametrize(
    "rows", [[], [4], [3, 49, 0, 3, 20, 7, 8], np.arange(50), np.arange(40, 9, -1)]
)
def test_rows_are_taken_in_the_order_asked_for(
    cache: Path, monkeypatch: pytest.MonkeyPatch, held: int, rows: list[int]
) -> None:
    monkeypatch.setattr(store, "HELD", held)
    x, chosen = numbers(), np.asarray(rows, np.int32)
    found = store.take(x, chosen)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, np.array(x)[chosen])


@given(st.integers(0, 300), st.integers(1, 40))
def test_a_sample_is_spaced_evenly(rows: int, most: int) -> None:
    found = store.spaced(np.arange(rows) * 2, most)
    assert len(found) == min(rows, most)
    gaps = np.diff(found)
    assert not len(gaps) or (gaps.min() > 0 and gaps.max() - gaps.min() <= 2)
    assert rows == 0 or found[0] == 0
    assert len(found) < 2 or found[-1] == 2 * (rows - 1)


def test_a_sample_is_small_in_rows_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    x, rows = np.zeros((100, 4), np.float32), np.arange(100)
    assert len(store.sample(x, rows)) == 100
    monkeypatch.setattr(store, "LARGEST", 20 * 16)
    assert len(store.sample(x, rows)) == 20
    monkeypatch.setattr(store, "SAMPLE", 10)
    assert len(store.sample(x, rows)) == 10
    monkeypatch.setattr(store, "LARGEST", 1)
    assert len(store.sample(x, rows)) == 1


def test_rows_are_read_when_they_are_asked_for(cache: Path) -> None:
    x = numbers()
    whole, some = store.Rows(x), store.Rows(x, np.array([5, 3, 9]))
    assert (len(whole), len(some)) == (50, 3)
    assert type(whole[2:4]) is type(some[1:]) is np.ndarray
    np.testing.assert_array_equal(whole[48:99], x[48:])
    np.testing.assert_array_equal(some[1:], x[[3, 9]])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory as Linux tells it")
def test_reading_and_filling_hold_few_pages(cache: Path) -> None:
    def held() -> int:
        told = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in told if line.startswith(("RssF", "RssS")))

    x = store.allocate((1 << 14, 1 << 10), np.float32, "x")
    before = held()
    for start in range(0, len(x), 1 << 12):
        x[start : start + (1 << 12)] = start
        store.give_back(x)
    assert held() - before < 1 << 14
    assert all(piece.any() or not start for start, piece in store.pieces(x))
    store.take(x, np.arange(0, len(x), 5))
    assert held() - before < 1 << 14


@given(st.lists(st.integers(0, 7), min_size=3, max_size=3), st.integers(1, 4))
def test_the_digest_of_a_split_is_that_of_its_text(sizes: list[int], piece: int) -> None:
    ends = np.cumsum(sizes)
    parts = np.split(np.arange(ends[-1]) * 7, ends[:-1])
    text = "|".join(",".join(map(str, part.tolist())) for part in parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draws, "PIECE", piece)
        found = split.Split(*parts).digest
    assert found == hashlib.sha256(text.encode()).hexdigest()


def test_a_data_set_is_the_same_whatever_its_pieces_and_wherever_it_lies(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = np.array(numbers((40, 2, 3))), np.arange(40) % 4 - 1
    plain = dataset.make("a", x, y)
    monkeypatch.setattr(store, "PIECE", 50)
    lying = store.allocate(x.shape, np.float64, "x")
    lying[:] = x
    found = dataset.make("a", lying, y.astype(float))
    assert store.mapped(found.x)
    assert store.mapped(found.y)
    assert (found.digest, found.kind, found.classes) == (plain.digest, plain.kind, plain.classes)
    assert (found.y.dtype, found.fully_labelled) == (np.int64, False)


@pytest.mark.parametrize("row", [0, 13, 39])
def test_what_is_not_finite_is_found_in_any_piece(
    monkeypatch: pytest.MonkeyPatch, row: int
) -> None:
    monkeypatch.setattr(store, "PIECE", 50)
    x = np.zeros((40, 4), np.float32)
    x[row:, 2] = np.inf
    text = cases.message(DataError, lambda: dataset.make("a", x, np.arange(40) % 2))
    assert f"first in row {row}" in text


def test_labels_of_later_pieces_are_classes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PIECE", 16)
    names = np.array(["b", "", "a", "c", "-1", "a"])
    found = dataset.make("a", np.zeros((6, 2), np.float32), names)
    assert (found.classes, found.y.tolist()) == (("a", "b", "c"), [1, -1, 0, 2, -1, 0])


def test_indices_take_as_few_bytes_as_they_need() -> None:
    parts = split.split(cases.separable(labelled=60), 12, 0.1, 0)
    kinds = {part.dtype for part in (parts.labelled, parts.unlabelled, parts.validation)}
    assert kinds == {np.dtype(np.int32)}
    assert draws.compact(np.array([2**31])).dtype == np.int64
    assert parts.training.tolist() == sorted([*parts.labelled, *parts.unlabelled])


def test_a_share_holds_out_a_limited_number_of_rows_and_a_number_as_many_as_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(split, "MOST", 9)
    data = cases.separable(labelled=300)
    held = [len(split.split(data, 12, share, 0).validation) for share in (0.01, 0.1, 0.5, 60.0)]
    assert list(itertools.starmap(min, zip(held, [3, 9, 9, 60], strict=True))) == held
    assert held == [3, 9, 9, 60]
