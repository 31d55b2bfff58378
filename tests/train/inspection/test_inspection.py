"""What is found in a data set: equal rows, values, suspicious columns, and what train would do."""

import dataclasses
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows.columns import BOOLEAN, CATEGORY, TRUTH, Column
from ssdgm_train import inspection
from ssdgm_train.data import catalog, dataset, statement
from ssdgm_train.data.split import split
from ssdgm_train.inspection import features, pieces, proposal, repeats, seen
from ssdgm_train.recipes import recipe

Array = NDArray[Any]
N = 120
Y = np.arange(N) % 3
COLUMNS = (
    Column("size"),
    Column("age"),
    Column("place", CATEGORY, ("here", "there", "elsewhere")),
    Column("checked", BOOLEAN, TRUTH),
)


def table() -> Array:
    """Rows of `COLUMNS` in which nothing is suspicious."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(N, 2))
    codes = [rng.integers(0, 3, N), rng.integers(0, 2, N)]
    return np.column_stack([numbers, *codes]).astype(np.float32)


def changed(**columns: Any) -> Array:  # noqa: ANN401
    """The same with other columns, whole or at some rows."""
    x = table()
    for name, value in columns.items():
        index = [column.name for column in COLUMNS].index(name)
        rows, values = value if isinstance(value, tuple) else (slice(None), value)
        x[rows, index] = values
    return x


def made(x: Array, y: Array = Y, **more: Any) -> dataset.Dataset:  # noqa: ANN401
    columns = COLUMNS if x.ndim == 2 and x.shape[1] == len(COLUMNS) else ()
    return dataset.make("made", x, y, columns=columns, **more)


def inspect(data: dataset.Dataset, *changes: str, **more: Any) -> inspection.Report:  # noqa: ANN401
    return inspection.inspect(data, recipe.load(None, None, changes), **more)


def topics(report: inspection.Report) -> list[str]:
    return [finding.topic for finding in report.findings]


def pictures(seed: int = 0, shape: tuple[int, ...] = (N, 4, 4)) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def again(x: Array, copy: int, of: int) -> Array:
    x = x.copy()
    x[copy] = x[of]
    return x


CLEAN: dict[str, dataset.Dataset] = {
    "a table": made(table()),
    "rows": made(np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)),
    "grey images": made(pictures()),
    "colours": made(pictures(shape=(N, 4, 4, 3))),
    "windows": made(np.random.default_rng(0).normal(size=(N, 2, 9)).astype(np.float32)),
    "with a test set": made(pictures(), x_test=pictures(1), y_test=Y),
    "partly labelled": made(pictures(), np.where(np.arange(N) % 4, Y, -1)),
}


@pytest.mark.parametrize("data", CLEAN.values(), ids=CLEAN)
def test_nothing_is_suspected_where_nothing_is_wrong(data: dataset.Dataset) -> None:
    report = inspect(data)
    assert topics(report) == []
    text = json.dumps(report.to_json(), allow_nan=False)
    assert json.loads(text)["rows"]["training"] == N


WORDS = np.array([f"w{i}" for i in range(3)])[Y]
LONG = np.arange(N, dtype=np.float32)
AT = [3, 40, 77]
CASES: dict[str, tuple[dataset.Dataset, str, str]] = {
    "equal rows, other labels": (
        made(again(pictures(), 7, 3), WORDS),
        "conflicting labels",
        "2 labelled training rows equal one with another label: training row 3 ('w0') = training "
        "row 7 ('w1')",
    ),
    "a test row with another label": (
        made(pictures(), x_test=pictures()[:4], y_test=np.array([1, 1, 2, 0])),
        "conflicting test labels",
        "1 test row equals a training row with another label: training row 0 (0) = test row 0 (1)",
    ),
    "a test row in training": (
        made(pictures(), x_test=pictures()[6:8], y_test=Y[6:8]),
        "test rows in training",
        "2 test rows (100.0%) equal a training row: training row 6 (0) = test row 0 (0)",
    ),
    "equal rows": (
        made(again(pictures(), 6, 3)),
        "repeated rows",
        "1 training row equals an earlier one: training row 3 (0) = training row 6 (0)",
    ),
    "a column is the label": (
        made(changed(place=(Y + 1) % 3)),
        "a column is the label",
        "'place' has one value for every class",
    ),
    "a number is the label, one wrong": (
        made(changed(size=np.where(np.arange(N) == 9, 7, 7 * Y))),
        "a column is the label",
        "'size' has one value for every class",
    ),
    "a class with one label": (
        made(pictures(), np.where(np.arange(N) == 5, 9, Y)),
        "too few labels",
        "1 class has fewer than 2 labelled training rows: 9 has 1",
    ),
    "imbalance": (
        made(pictures(), (np.arange(N) % 40 == 0).astype(int)),
        "imbalance",
        "class 0 has 117 labels and class 1 has 3",
    ),
    "other shares in the test set": (
        made(pictures(), x_test=pictures(1), y_test=np.zeros(N, int)),
        "other shares in the test set",
        "3 classes have different shares of the labels and of the test rows: 0 33.3% and 100.0%",
    ),
    "a sentinel": (
        made(changed(age=(AT, -999))),
        "a placeholder of missing values",
        "'age' is -999 in 3 rows (3, 40, 77), while its other values are from ",
    ),
    "minus one among counts": (
        made(changed(age=np.where(np.isin(np.arange(N), AT), -1, np.arange(N) % 7))),
        "a placeholder of missing values",
        "'age' is -1 in 3 rows (3, 40, 77), while its other values are from 0 to 6",
    ),
    "outliers": (
        made(changed(size=([8, 9], [1e6, -50]))),
        "huge outliers",
        "'size' is up to 1e+06 in 1 row (8), while 90 % of its values are from ",
    ),
    "an identifier": (
        made(changed(size=LONG[::-1] + 100)),
        "looks like an identifier",
        "'size' has 120 different whole numbers in 120 rows",
    ),
    "large whole numbers": (
        made(changed(size=1e9 + 1e4 * (np.arange(N) % 7))),
        "numbers lose digits",
        "'size' has whole numbers up to 1000060032, but float32 is exact only up to",
    ),
    "large whole numbers that have become one": (
        made(changed(size=1_700_000_000 + np.arange(N) % 7)),
        "numbers lose digits",
        "'size' is 1700000000 in all rows, possibly rounded from different whole numbers",
    ),
    "mostly missing": (
        made(changed(age=(slice(0, 90), np.nan))),
        "mostly missing",
        "1 column is missing in most rows: 'age' in 75%",
    ),
    "constant": (
        made(changed(place=1)),
        "constant columns",
        "1 column never changes: 'place'",
    ),
    "a channel without change": (
        made(np.random.default_rng(0).normal(size=(N, 2, 9)) * np.array([[0], [1]])),
        "constant columns",
        "1 column never changes: 'channel 0'",
    ),
    "bytes as float": (
        made(pictures().astype(np.float32)),
        "bytes stored as float",
        "all values are whole numbers from 0 to 255, stored as float32",
    ),
    "a flat image": (
        made(np.where(np.arange(N)[:, None, None] == 5, np.uint8(9), pictures())),
        "nearly constant images",
        "1 training image spans less than 2% of the range of all: 5",
    ),
    "bits": (made((pictures() > 99).astype(np.uint8)), "bytes below 255", "only 0 and 1"),
    "counts": (
        made((pictures() // 15).astype(np.uint8)),
        "bytes below 255",
        "pixels are whole numbers from 0 to 17",
    ),
}


@pytest.mark.parametrize(("data", "topic", "told"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_told(data: dataset.Dataset, topic: str, told: str) -> None:
    found = {finding.topic: finding for finding in inspect(data).findings}
    assert topic in found
    assert told in found[topic].found
    assert found[topic].mend.endswith((".", "'"))
    assert "\n" not in found[topic].found + found[topic].mend


@pytest.mark.parametrize("first", [1_700_000_000, 2**53, -(2**53)])
def test_numbers_that_lost_their_digits_are_no_constant_and_explain_equal_rows(
    first: int,
) -> None:
    x = np.stack([np.full(N, 0.5), np.arange(N) // 2, first + np.arange(N) % 5], 1)
    report = inspect(made(x.astype(np.float64), np.arange(N) % 2))
    found = {finding.topic: finding for finding in report.findings}
    assert found["numbers lose digits"].columns == ("column 2",)
    assert found["constant columns"].columns == ("column 0",)
    told = "They may have differed in 'column 2', which lost digits. Look at these rows"
    assert found["conflicting labels"].mend.startswith(told)


def test_a_finding_names_columns_rows_and_classes() -> None:
    (finding,) = inspect(made(changed(age=(AT, -999)))).findings
    assert (finding.columns, finding.rows) == (("age",), (3, 40, 77))
    (finding,) = inspect(made(again(pictures(), 7, 3), WORDS)).findings[:1]
    assert (finding.rows, finding.classes) == ((3, 7), ("w0", "w1"))


def test_columns_are_left_out_by_a_setting_that_a_shell_and_a_recipe_read() -> None:
    import shlex

    columns = (Column('it\'s "so"'), *COLUMNS[1:])
    data = dataset.make("made", changed(size=LONG), Y, columns=columns)
    mend = inspect(data).findings[0].mend
    words = shlex.split(mend.split("leave it out: ")[1].split(";")[0])
    assert words[0] == "--set"
    assert recipe.load(None, None, words[1:]).data.ignore == ('it\'s "so"',)


def test_the_prior_that_is_proposed_is_one() -> None:
    y = np.array([0] * 100 + [1] * 15 + [2] * 5)
    mend = inspect(made(pictures(), y)).findings[0].mend
    setting = mend.split("--set ")[1].rstrip(".")
    assert inspect(made(pictures(), y), setting).to_json()["training"]["prior"]


def test_equal_rows_are_those_that_are_equal() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (60, 5)).astype(np.float32)
    x_test = rng.integers(0, 2, (30, 5)).astype(np.float32)
    y, y_test = rng.integers(-1, 3, 60), rng.integers(0, 3, 30)
    found = inspect(dataset.make("small", x, y, x_test, y_test)).seen.repeats

    def same(a: Array, b: Array) -> bool:
        return bool((a == b).all())

    labelled = [i for i in range(60) if y[i] >= 0]
    conflicts = [
        i for i in labelled if any(same(x[i], x[j]) and y[i] != y[j] for j in labelled if i != j)
    ]
    twins = [[j for j in labelled if same(x[j], row)] for row in x_test]
    pairs = zip(twins, y_test, strict=True)
    contradicted = [t for t, label in pairs if t and all(y[j] != label for j in t)]
    assert found.training == 60 - len(np.unique(x, axis=0))
    assert found.test == 30 - len(np.unique(x_test, axis=0))
    assert found.shared == sum(any(same(row, other) for other in x) for row in x_test)
    assert found.conflicting == len(conflicts) > 0
    assert found.contradicted == len(contradicted) > 0
    for left, right in found.conflicts:
        assert same(x[left.row], x[right.row])
        assert left.label != right.label
    for left, right in found.leaks:
        assert same(x[left.row], x_test[right.row])


def test_zeros_and_gaps_have_one_digest() -> None:
    x = np.array([[0.0, np.nan], [-0.0, -np.nan], [0.0, 1.0]], np.float32)
    found = repeats.digests(x)
    assert found.shape == (3, 2)
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).all()


@pytest.mark.parametrize("data", CLEAN.values(), ids=CLEAN)
def test_features_have_the_values_that_the_rows_have(
    data: dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "VALUES", 7)
    report = inspect(data)
    x = features.values(data.x, data.columns)
    _, owner = features.owners(data)
    for i, found in enumerate(report.seen.features):
        part = x[:, owner == i]
        assert found.missing == np.isnan(part).sum()
        if found.low is not None:
            assert (found.low, found.high) == (part.min(), part.max())
            assert found.mean == pytest.approx(part.mean(), abs=1e-9)
            assert found.deviation == pytest.approx(part.std())
            assert found.distinct == len(np.unique(part))


def test_categories_are_counted_by_name_and_gaps_are_missing() -> None:
    report = inspect(made(changed(place=(slice(0, 60), -1), age=(slice(0, 6), np.nan))))
    _, age, place, checked = report.seen.features
    assert (age.missing, place.missing, checked.missing) == (6, 60, 0)
    assert place.low is None
    assert {name for name, _ in place.common} == {"here", "there", "elsewhere"}
    assert sum(count for _, count in place.common) == 60
    assert report.to_json()["training"]["likelihood"] == "columns"


def test_a_column_that_is_never_there_is_constant_and_no_number() -> None:
    report = inspect(made(changed(age=np.nan)))
    assert report.seen.features[1].low is None
    assert "constant columns" in topics(report)


def test_of_many_rows_a_part_is_looked_at_and_told() -> None:
    data = made(pictures(), x_test=pictures(1), y_test=Y)
    found = inspect(data, limit=50).to_json()
    assert found["looked_at"] == {"training": 50, "test": 50}
    assert found["rows"] == {"training": N, "labelled": N, "unlabelled": 0, "test": N}
    assert sum(c["training"] for c in found["classes"]) == N


@pytest.mark.parametrize(("count", "limit"), [(10, 10), (11, 10), (1000, 300), (5, 1), (0, 5)])
def test_blocks_are_spread_over_the_rows_without_a_row_twice(count: int, limit: int) -> None:
    rows = pieces.numbers(pieces.spans(count, limit))
    assert len(np.unique(rows)) == len(rows) == min(count, limit)
    assert not len(rows) or (rows[0], rows[-1] < count) == (0, True)


def test_rows_on_a_disk_are_looked_at_in_pieces(tmp_path: Path) -> None:
    shape = (20_000, 1_000)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, shape)
    y = np.arange(shape[0]) % 2
    data = dataset.Dataset("large", x, y, None, None, (0, 1))
    tracemalloc.start()
    passage = features.Passage(data)
    for piece in pieces.pieces(x, pieces.spans(len(x))):
        passage.add(piece)
        repeats.digests(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert passage.positions.rows == shape[0]
    assert peak < 8 * x.size / 2, "all rows in float64 would take twice as much"


SETTINGS: dict[str, tuple[dataset.Dataset, tuple[str, ...]]] = {
    **{name: (data, ()) for name, data in CLEAN.items()},
    "settings": (CLEAN["grey images"], ("data.likelihood=gaussian", "model.hidden=[7]")),
    "another method": (CLEAN["rows"], ("method=supervised", "train.steps=7")),
    "counts": (CASES["counts"][0], ()),
}


@pytest.mark.parametrize(("data", "changes"), SETTINGS.values(), ids=SETTINGS)
def test_the_recipe_that_is_told_states_the_same_problem(
    data: dataset.Dataset, changes: tuple[str, ...], tmp_path: Path
) -> None:
    told = inspect(data, *changes, labelled=30, seed=3).training
    assert isinstance(told, proposal.Proposal)
    (tmp_path / "told.toml").write_text(told.recipe)
    plans = recipe.load(None, None, changes), recipe.load(tmp_path / "told.toml")
    parts = split(data, 30, plans[0].data.validation, 3)
    first, second = (statement.problem(data, parts, plan.data) for plan in plans)
    assert first == second
    settled = recipe.counted(recipe.fitted(plans[0], first))
    assert dataclasses.replace(plans[1], data=plans[0].data) == settled
    assert told.likelihood == first.likelihood
    assert told.reason
    assert (told.labelled, told.unlabelled) == (len(parts.labelled), len(parts.unlabelled))
    assert told.validation == len(parts.validation)


REFUSED: dict[str, tuple[dataset.Dataset, dict[str, Any], str]] = {
    "too few labels": (CLEAN["rows"], {"labelled": 2}, "--labels is 2"),
    "no labels beside validation": (CLEAN["grey images"], {}, "No label is"),
}


@pytest.mark.parametrize(("data", "more", "told"), REFUSED.values(), ids=REFUSED)
def test_what_train_would_refuse_is_told_and_no_error(
    data: dataset.Dataset, more: dict[str, Any], told: str
) -> None:
    found = inspect(data, "data.validation=119", **more).to_json()
    assert found["training"] is None
    assert told in found["refused"]["found"]


def test_look_loads_what_train_loads(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=pictures(), y=Y)
    steps: list[str] = []
    place, report = inspection.look(
        str(tmp_path / "rows.npz"),
        recipe.load(None, None),
        tell=lambda done, total, name: steps.append(f"{done}/{total} {name}"),
    )
    assert (place.files, place.names) == (1, ())
    assert place.bytes == (tmp_path / "rows.npz").stat().st_size
    assert report.data.digest == catalog.load(str(tmp_path / "rows.npz")).digest
    assert steps[0] == "0/4 training rows"
    with pytest.raises(errors.DataNotFound):
        inspection.look("nothing here", recipe.load(None, None))


def csv(place: Path) -> tuple[Path, tuple[str, ...]]:
    """A table with categories, gaps and an identifier."""
    lines = [f"{i},{'' if i % 7 == 0 else i % 11},{'ab'[i % 2]},{Y[i]}" for i in range(N)]
    (place / "t.csv").write_text("\n".join(["id,size,place,kind", *lines]))
    return place / "t.csv", ("data.label=kind", "data.ignore=id")


def long(place: Path) -> tuple[Path, tuple[str, ...]]:
    """A line a moment, four a series; one channel never changes."""
    rng = np.random.default_rng(0)
    lines = [f"{i // 4},{i % 4},{rng.normal():.4f},5,{Y[i // 4]}" for i in range(4 * N)]
    (place / "l.csv").write_text("\n".join(["who,when,heat,still,label", *lines]))
    return place / "l.csv", ("data.series=who", "data.time=when")


def npz(place: Path) -> tuple[Path, tuple[str, ...]]:
    """Floats that are pixels, where the recipe says so."""
    np.savez(place / "a.npz", x=pictures().astype(np.float32), y=Y)
    return place / "a.npz", ("data.kind=image",)


@pytest.mark.parametrize("make", [csv, long, npz])
def test_the_recipe_that_is_told_reads_the_same_data(
    make: Callable[[Path], tuple[Path, tuple[str, ...]]], tmp_path: Path
) -> None:
    path, changes = make(tmp_path)
    _, report = inspection.look(str(path), recipe.load(None, None, changes))
    assert isinstance(report.training, proposal.Proposal)
    (tmp_path / "told.toml").write_text(report.training.recipe)
    plan = recipe.load(tmp_path / "told.toml").data
    assert catalog.load(str(path), plan=plan).digest == report.data.digest


def test_channels_have_the_names_of_a_long_table(tmp_path: Path) -> None:
    path, changes = long(tmp_path)
    _, report = inspection.look(str(path), recipe.load(None, None, changes))
    assert [feature.name for feature in report.seen.features] == ["heat", "still"]
    (finding,) = report.findings
    assert (finding.level, finding.columns) == ("warning", ("still",))
    assert "data.ignore" in finding.mend


def test_a_folder_s_files_are_counted(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=pictures(), y=Y)
    place, _ = inspection.look(str(tmp_path), recipe.load(None, None))
    assert (place.files, place.names) == (1, ("rows.npz",))


NUMBERS: dict[str, Callable[[], str]] = {
    "1 row": lambda: seen.counted(1, "row"),
    "1,200 rows": lambda: seen.counted(1200, "row"),
    "2 classes": lambda: seen.counted(2, "class", "classes"),
    "1, 2, 3, 4 and 1 more": lambda: seen.listed([1, 2, 3, 4, 5]),
    "'a', 3": lambda: ", ".join(seen.quoted(["a", 3])),
}


@pytest.mark.parametrize("words", list(NUMBERS))
def test_numbers_have_their_nouns(words: str) -> None:
    assert NUMBERS[words]() == words


def test_labels_that_are_none_and_labels_that_are_alike_are_asked_about(tmp_path: Path) -> None:
    words = ["Benign", "benign", "unknown", "malignant"]
    lines = [f"P{i:03},{i % 7},{words[i % 4]}" for i in range(N)]
    (tmp_path / "t.csv").write_text("\n".join(["who,size,label", *lines]))
    _, report = inspection.look(str(tmp_path / "t.csv"), recipe.load(None, None))
    told = {finding.topic: finding for finding in report.findings}
    unknown = told["is this an unknown label?"]
    assert (unknown.classes, unknown.level) == (("unknown",), "warning")
    assert """--set 'data.unlabelled=["unknown"]'""" in unknown.mend
    assert told["classes with nearly one name"].classes == ("Benign", "benign")
    assert told["left out as an identifier"].columns == ("who",)
    changes = ("data.unlabelled=['unknown']", "data.categorical=['who']")
    _, mended = inspection.look(str(tmp_path / "t.csv"), recipe.load(None, None, changes))
    assert not {"is this an unknown label?", "left out as an identifier"} & {*topics(mended)}


def test_a_date_in_every_row_is_no_identifier(tmp_path: Path) -> None:
    days = [str(np.datetime64("2015-01-01") + 7 * i) for i in range(N)]
    words = [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in days]
    lines = [f"{days[i]},{words[i]},{i % 7},{'ab'[i % 2]}" for i in range(N)]
    (tmp_path / "t.csv").write_text("\n".join(["day,german,size,label", *lines]))
    _, report = inspection.look(str(tmp_path / "t.csv"), recipe.load(None, None))
    told = {finding.topic: finding for finding in report.findings}
    assert "looks like an identifier" not in told
    left = told["left out as an identifier"]
    assert left.columns == ("german",)
    assert "dates are read as such if they are written as 2026-01-31" in left.mend
