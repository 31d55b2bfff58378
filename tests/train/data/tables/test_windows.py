"""Windows of time series: arrays, and long tables with a line a moment."""

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.readers import windows as runtime
from ssdgm_train import data, problems
from ssdgm_train.data import split
from ssdgm_train.data.settings import DataPlan

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PLAN = DataPlan(series="id", time="t", label="")
HEAD = "id,t,label,u,v\n"
TABLE = HEAD + (
    "b,2,up,5,6\n"
    "a,1,down,1,2\n"
    "b,1,up,7,8\n"
    "a,2,down,3,4\n"
    "c,1,,9,0\n"
    "c,2,,1,1\n"
)  # fmt: skip


def table(root: Path, text: str = TABLE, name: str = "long.csv") -> str:
    (root / name).write_text(text)
    return str(root / name)


def load(root: Path, text: str = TABLE, **changes: Any) -> data.Dataset:  # noqa: ANN401
    plan = DataPlan(**{"series": "id", "time": "t", **changes})
    return data.load(table(root, text), plan=plan)


def refused(root: Path, text: str, **changes: Any) -> str:  # noqa: ANN401
    return cases.message(DataError, lambda: load(root, text, **changes))


def test_a_series_is_a_window_its_lines_ordered_by_their_times(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.kind, found.x.dtype, found.shape) == (problems.WINDOWS, np.float32, (2, 2))
    np.testing.assert_array_equal(found.x, [[[7, 5], [8, 6]], [[1, 3], [2, 4]], [[9, 1], [0, 1]]])
    assert (found.classes, found.y.tolist()) == (("down", "up"), [1, 0, -1])
    assert found.series is not None
    assert found.series.channels == ("u", "v")


def test_without_a_column_of_times_the_order_of_the_lines_is_that_of_the_moments(
    tmp_path: Path,
) -> None:
    found = load(tmp_path, time="", ignore=("t",))
    np.testing.assert_array_equal(found.x[0], [[5, 7], [6, 8]])


def test_a_column_may_part_train_and_test(tmp_path: Path) -> None:
    text = "id,label,u,split\n" + "".join(
        f"{name},{label},{t},{part}\n"
        for name, label, part in (("p", 7, "train"), ("q", 12, "Train"), ("r", 12, "test"))
        for t in range(3)
    )
    found = load(tmp_path, text, time="")
    assert (found.classes, found.y.tolist()) == ((7, 12), [0, 1])
    assert found.x_test is not None
    assert found.y_test is not None
    assert (found.x_test.shape, found.y_test.tolist()) == ((1, 1, 3), [1])


def test_the_files_of_a_folder_part_them_too(tmp_path: Path) -> None:
    place = tmp_path / "set"
    place.mkdir()
    table(place, TABLE, "train.csv")
    table(place, HEAD + "d,1,up,1,2\nd,2,up,3,4\n", "test.csv")
    found = data.load(str(place), plan=PLAN)
    assert found.y_test is not None
    assert (len(found.x), found.y_test.tolist()) == (3, [1])


TIMES: dict[str, tuple[list[str], list[int]]] = {
    "whole numbers beyond 2**53": ([f"{2**60 + n}" for n in (1, 0, 2)], [1, 0, 2]),
    "numbers": (["10", "9.5", "1e1"[:1] + "1"], [1, 0, 2]),
    "negative": (["0", "-1", "+1"], [1, 0, 2]),
    "days": (["2025-01-10", "2025-01-09", "2025-02-01"], [1, 0, 2]),
    "moments": (["2025-01-01 10:00:00Z", "2025-01-01T09:59:59.5Z", "2025-01-01 10:00:00.1Z"],
                [1, 0, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TIMES))
def test_times_are_numbers_or_dates(name: str, tmp_path: Path) -> None:
    words, order = TIMES[name]
    text = "id,t,label,u\n" + "".join(
        f"{s},{word},{s},{n}\n" for s in "xy" for n, word in enumerate(words)
    )
    np.testing.assert_array_equal(load(tmp_path, text).x, [[order], [order]])


BAD: dict[str, tuple[str, dict[str, object], str]] = {
    "several lengths": (
        TABLE + "a,3,down,0,0\n",
        {},
        "The series 'a' has 3 lines (first: {}, line 3, column 'id'); expected the same for all: "
        "'b' has 2 lines (first: {}, line 2, column 'id')",
    ),
    "a time twice": (
        TABLE.replace("c,2", "c,1"),
        {},
        "{}, line 7, column 't', is 1, as is {}, line 6, column 't', of the same series",
    ),
    "no time": (TABLE.replace("b,1", "b,NA"), {}, "{}, line 4, column 't', is empty"),
    "no series": (TABLE.replace("c,2", ",2"), {}, "{}, line 7, column 'id', is empty"),
    "no value": (TABLE.replace("7,8", "7,"), {}, "{}, line 4, column 'v', is empty"),
    "a category": (TABLE.replace("7,8", "7,red"), {}, "{}, line 4, column 'v', is 'red'"),
    "named a category": (TABLE, {"categorical": ("v",)}, "data.categorical names the column 'v'"),
    "infinity": (TABLE.replace("7,8", "7,1e39"), {}, "{}, line 4, column 'v', is 1e+39"),
    "labels that disagree": (
        TABLE.replace("a,2,down", "a,2,up"),
        {},
        "{}, line 5, column 'label', is 'up' and {}, line 3, column 'label', is 'down', "
        "both in the series 'a'. Give all lines of a series the same value",
    ),
    "a label here and none there": (
        TABLE.replace("a,2,down", "a,2,"),
        {},
        "{}, line 5, column 'label', is '' and {}, line 3, column 'label', is 'down'",
    ),
    "one class": (TABLE.replace("down", "up"), {}, "has only one class, 'up'"),
    "no such series": (TABLE, {"series": "name"}, "has no column 'name'"),
    "no such time": (TABLE, {"time": "when"}, "has no column 'when'"),
    "times without series": (TABLE, {"series": ""}, "data.time is set, but long has no series"),
    "words and numbers": (TABLE.replace("b,1", "b,later"), {}, "is 'later'; expected a number in"),
    "no times at all": (
        HEAD + "a,first,up,0,0\nb,next,down,0,0\n",
        {},
        "{}, line 2, column 't', is 'first'; expected a number, or a date such as",
    ),
    "an offset": (
        TABLE.replace("b,2", "b,2025-01-01 10:00+02:00"),
        {},
        "is '2025-01-01 10:00+02:00'; expected a number, or a date such as 2025-03-01",
    ),
    "no lines": (HEAD, {}, "{} has no rows"),
    "no lines of the head's": (HEAD + "\n\n", {}, "{} has no rows"),
    "no channels": ("id,t,label\na,1,x\nb,1,y\n", {}, "{} has no columns besides"),
    "ragged": (TABLE + "d,1,up\n", {}, "{}, line 8, has 3 cells; expected 5"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_table_is_an_error_that_names_line_and_column(name: str, tmp_path: Path) -> None:
    text, changes, told = BAD[name]
    assert told.replace("{}", str(tmp_path / "long.csv")) in refused(tmp_path, text, **changes)


def recorded(series: int, moments: int = 6, unlabelled: int = 0) -> str:
    """Recordings whose label changes in their middle; the last ones have none."""
    return HEAD + "".join(
        f"r{n},{t},{'' if n >= series - unlabelled else 'up' if t >= 3 else 'down'},{n},{t}\n"
        for t in range(moments)
        for n in range(series)
    )


def test_windows_are_cut_of_recordings_and_have_the_label_of_their_last_moment(
    tmp_path: Path,
) -> None:
    found = load(tmp_path, recorded(2), window=2, stride=1)
    assert found.recordings is not None
    assert (found.shape, found.recordings.tolist()) == ((2, 2), [0] * 5 + [1] * 5)
    np.testing.assert_array_equal(found.x[:5, 1], [[t, t + 1] for t in range(5)])
    assert [found.classes[k] for k in found.y[:5]] == ["down", "down", "up", "up", "up"]
    assert found.series is not None
    assert found.series.stride == 1


def test_windows_do_not_overlap_unless_it_is_said(tmp_path: Path) -> None:
    found = load(tmp_path, recorded(2), window=3)
    np.testing.assert_array_equal(found.x[:2, 1], [[0, 1, 2], [3, 4, 5]])
    assert found.y.tolist() == [0, 1, 0, 1]


def test_windows_may_have_numbers_for_labels(tmp_path: Path) -> None:
    text = "id,t,label,u\n" + "".join(f"{n},{t},{6 - t},0\n" for n in "ab" for t in range(6))
    found = load(tmp_path, text, window=4, stride=2, labels_as="numbers")
    assert found.y.ravel().tolist() == [3, 1, 3, 1]


def sides(
    found: data.Dataset, labels: int | None, share: float = 0.2, held: split.Indices | None = None
) -> tuple[set[int], set[int], split.Split]:
    """The recordings of validation rows and of training rows, and the split."""
    parts = split.split(found, labels, share, 0, held)
    assert found.recordings is not None
    both = ({*found.recordings[rows].tolist()} for rows in (parts.validation, parts.training))
    return (*both, parts)


@pytest.mark.parametrize("unlabelled", [0, 4])
@pytest.mark.parametrize("labels", [None, 24])
def test_no_recording_is_on_both_sides(
    unlabelled: int, labels: int | None, tmp_path: Path
) -> None:
    found = load(tmp_path, recorded(20, unlabelled=unlabelled), window=2, stride=1)
    held, trained, parts = sides(found, labels)
    assert held
    assert not held & trained
    assert held | trained == {*range(20)}
    again, trained, _ = sides(found, 40, held=parts.validation)
    assert again == held
    assert not held & trained


def of_lengths(*lengths: int) -> str:
    return HEAD + "".join(
        f"r{n},{t},{'up' if t % 2 else 'down'},{n},{t}\n"
        for n, length in enumerate(lengths)
        for t in range(length)
    )


def test_as_many_windows_are_held_out_as_fit(tmp_path: Path) -> None:
    found = load(tmp_path, of_lengths(400, *[20] * 9), window=1)
    held, _, parts = sides(found, None, 0.1)
    assert 40 <= len(parts.validation) <= 58
    assert 0 not in held


def test_where_none_fits_the_smallest_is_held_out_and_of_one_none(tmp_path: Path) -> None:
    found = load(tmp_path, of_lengths(400, 300, 500), window=1)
    assert sides(found, None, 0.1)[:2] == ({1}, {0, 2})
    alone = load(tmp_path, of_lengths(40), window=1)
    assert sides(alone, None, 0.1)[:2] == (set(), {0})


def test_a_recording_that_alone_has_a_class_is_trained_on(tmp_path: Path) -> None:
    text = (
        of_lengths(*[20] * 6)
        + "rare,0,odd,0,0\n"
        + "".join(f"rare,{t},up,0,0\n" for t in range(1, 20))
    )
    found = load(tmp_path, text, window=1)
    for seed in range(8):
        parts = split.split(found, None, 0.3, seed)
        assert found.classes.index("odd") in found.y[parts.labelled]


def test_numbers_of_many_lines_are_read_in_one_pass(tmp_path: Path) -> None:
    text = "id,t,label,u\n" + "".join(f"{n},{t},{t},0\n" for n in "ab" for t in range(20_000))
    began = time.process_time()
    assert len(load(tmp_path, text, window=2, labels_as="numbers").y) == 20_000
    assert time.process_time() - began < 3, "no list of all words for every window"


def test_a_part_is_said_of_a_whole_recording(tmp_path: Path) -> None:
    lines = "".join(f"r,{t},up,0,{'train' if t < 4 else 'test'}\n" for t in range(6))
    text = refused(tmp_path, "id,t,label,u,split\n" + lines, window=2)
    assert "is 'test' and" in text
    assert "both in the series 'r'. Give all lines of a series the same value" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stride": 2}, "data.stride is set, but data.window is not. Set data.window too"),
        ({"window": 9}, "The series 'r0' has 6 lines (first: {}, line 2, column 'id'); expected "),
    ],
)
def test_windows_that_cannot_be_cut_are_refused(
    changes: dict[str, int], told: str, tmp_path: Path
) -> None:
    text = refused(tmp_path, recorded(2) if "window" in changes else TABLE, **changes)
    assert told.replace("{}", str(tmp_path / "long.csv")) in text


def test_a_window_without_series_is_refused(tmp_path: Path) -> None:
    text = refused(tmp_path, "u,v,label\n1,2,a\n3,4,b\n", series="", time="", window=2)
    assert "data.window is set, but data.series is not" in text


SPLITS: dict[str, tuple[str, str]] = {
    "another part": ("a,up,1,val\n", "column 'split', is 'val'; expected train or test"),
    "two parts": ("a,up,1,train\na,up,2,test\n", "is 'test' and"),
    "an unseen class": ("a,up,1,train\nb,down,1,train\nc,off,1,test\n", "is 'off' in a test"),
    "an unlabelled test": ("a,up,1,train\nb,down,1,train\nc,,1,test\n", "is empty in a test"),
    "no train": ("a,up,1,test\nb,down,1,test\n", "has no rows to train on"),
}


@pytest.mark.parametrize("name", list(SPLITS))
def test_a_bad_part_is_an_error(name: str, tmp_path: Path) -> None:
    lines, told = SPLITS[name]
    assert told in refused(tmp_path, "id,label,u,split\n" + lines, time="")


def test_a_series_in_train_and_test_is_an_error_that_names_both_files(tmp_path: Path) -> None:
    place = tmp_path / "set"
    place.mkdir()
    table(place, HEAD + "a,1,up,1,2\nb,1,down,1,2\n", "train.csv")
    table(place, HEAD + "a,2,up,1,2\nb,2,down,1,2\n", "test.csv")
    text = cases.message(DataError, lambda: data.load(str(place), plan=PLAN))
    assert "both in the series 'a'. Give all lines of a series the same value" in text
    assert "train.csv, line 2" in text
    assert "test.csv, line 2" in text


def days(n: int) -> list[datetime.date]:
    return [datetime.date(2025, 1, 1 + k) for k in range(n)]


def moments(n: int) -> list[datetime.datetime]:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    return [datetime.datetime(2025, 1, 1, 0, 0, k, 5, tzinfo=zone) for k in range(n)]


STAMPS: dict[str, Callable[[int], Any]] = {
    "whole": lambda n: pa.array(range(n)),
    "real": lambda n: pa.array([k / 4 for k in range(n)]),
    "text": lambda n: pa.array([f"2025-01-0{1 + k}" for k in range(n)]),
    "days": lambda n: pa.array(days(n)),
    "days64": lambda n: pa.array(days(n), pa.date64()),
    "moments": lambda n: pa.array(moments(n)),
    "nanoseconds": lambda n: pa.array([2**60 + k for k in range(n)]).cast(pa.timestamp("ns")),
    "clock": lambda n: pa.array([k for k in range(n)], pa.int32()).cast(pa.time32("s")),
}


@pytest.mark.parametrize("name", list(STAMPS))
def test_parquet_has_times_of_many_types(name: str, tmp_path: Path) -> None:
    order = np.array([2, 0, 1, 1, 2, 0])
    path = tmp_path / "long.parquet"
    columns = {
        "id": pa.array([1, 1, 1, 2, 2, 2]),
        "t": STAMPS[name](3).take(pa.array(order)),
        "label": pa.array([0, 0, 0, 1, 1, 1]),
        "u": pa.array(order.astype(np.int64)),
        "v": pa.array(order.astype(np.float64) / 2),
    }
    parquet.write_table(pa.table(columns), path)
    found = data.load(str(path), plan=PLAN)
    np.testing.assert_array_equal(found.x, [[[0, 1, 2], [0, 0.5, 1]]] * 2)
    assert found.classes == (0, 1)
    assert found.series is not None
    seen = runtime.read(path, found.series)
    assert seen.names == ("1", "2")
    np.testing.assert_array_equal(seen.x, found.x)


def test_parquet_rows_without_a_value_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    columns = {"id": ["a", "b"], "t": [1, 1], "label": ["x", "y"], "u": [1.0, None]}
    parquet.write_table(pa.table(columns), path)
    text = cases.message(DataError, lambda: data.load(str(path), plan=PLAN))
    assert f"{path}, row 1, column 'u', is empty" in text


def test_many_pieces_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{n % 7},{n // 7},{n % 7 % 2},{n},{-n}\n" for n in range(7 * 50)]
    whole = load(tmp_path, HEAD + "".join(lines))
    monkeypatch.setattr("ssdgm_train.data.tables.tablefile.BLOCK", 200)
    monkeypatch.setattr("ssdgm_runtime.readers.tables.PIECE", 11)
    parted = load(tmp_path, HEAD + "".join(lines))
    assert parted.digest == whole.digest
    assert whole.series is not None
    seen = runtime.read(tmp_path / "long.csv", whole.series)
    np.testing.assert_array_equal(seen.x, whole.x)
    broken = [*lines[:200], "3,99,1,1,\n"]
    told = refused(tmp_path, HEAD + "".join(broken))
    assert "line 202, column 'v', is empty" in told


X = np.random.default_rng(0).normal(size=(6, 3, 8)).astype(np.float32)


def arrays(root: Path, x: Any, **changes: Any) -> data.Dataset:  # noqa: ANN401
    np.savez(root / "rows.npz", x=x, y=np.arange(len(x)) % 2)
    return data.load(str(root / "rows.npz"), plan=DataPlan(**changes))


def test_arrays_of_real_numbers_are_windows_and_those_of_shares_are_not(tmp_path: Path) -> None:
    assert arrays(tmp_path, X).kind == problems.WINDOWS
    shares = (X - X.min()) / (X.max() - X.min())
    assert arrays(tmp_path, shares).kind == problems.IMAGE
    assert arrays(tmp_path, shares, kind="windows").kind == problems.WINDOWS
    assert arrays(tmp_path, X, kind="image").kind == problems.IMAGE


@pytest.mark.parametrize(
    ("shape", "kind", "text"),
    [
        ((6, 8), "windows", "data.kind is windows and x has shape [6, 8]; expected [rows, chan"),
        ((6, 2, 2, 3), "windows", "expected [rows, channels, time]"),
        ((6, 8), "image", "expected [rows, height, width]"),
        ((6, 8), "table", "expected a .csv or .parquet file"),
    ],
)
def test_a_kind_that_rows_cannot_be_is_an_error(
    shape: tuple[int, ...], kind: str, text: str, tmp_path: Path
) -> None:
    x = np.ones(shape, np.float32)
    assert text in cases.message(DataError, lambda: arrays(tmp_path, x, kind=kind))


def test_series_are_of_tables(tmp_path: Path) -> None:
    text = cases.message(DataError, lambda: arrays(tmp_path, X, series="id"))
    assert "data.series is set, but rows has no series" in text
    text = refused(tmp_path, TABLE, series="", time="", kind="windows")
    assert "data.kind is windows, but" in text
    assert "for windows, set data.series" in text
