"""Labels that are missing, and frames that are no more than arrays."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import DataConversionWarning

import ssdgm_runtime
from ssdgm_export import OutlierDetector, SemiSupervisedClassifier, SemiSupervisedRegressor
from ssdgm_export.estimator import frames, settings
from ssdgm_runtime import DriftWarning, errors

CASES: dict[str, tuple[Any, list[Any]]] = {
    "NaN among numbers": (np.array([0, np.nan, 1]), [0, -1, 1]),
    "NaN among words": (["a", np.nan, "b"], ["a", "", "b"]),
    "None": (["a", None, "b"], ["a", "", "b"]),
    "None among numbers": ([0, None, 1], [0, -1, 1]),
    "NA": (pd.Series([0, pd.NA, 1], dtype="Int64"), [0, -1, 1]),
    "NA among words": (pd.Series(["a", pd.NA, "b"], dtype="string"), ["a", "", "b"]),
    "categories": (pd.Series(["a", None, "b"], dtype="category"), ["a", "", "b"]),
    "empty": (["a", "", "b"], ["a", "", "b"]),
    "minus one": ([0, -1, 1], [0, -1, 1]),
}


@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES)
def test_what_stands_for_no_label(given: Any, expected: list[Any]) -> None:  # noqa: ANN401
    assert np.asarray(settings.blanked(given)).tolist() == expected


def test_a_frame_of_finite_numbers_is_an_array_with_names() -> None:
    x = pd.DataFrame({"a": [0.0, 1] * 4, "b": range(8)})
    assert frames.read(x) is None
    assert frames.read(x.to_numpy()) is None
    assert frames.read(x.assign(a=[None, 1] * 4)) is not None
    assert frames.read(x.assign(c=list("ab" * 4))) is not None
    fitted = SemiSupervisedClassifier(method="m2", steps=1, hidden=2).fit(
        x, [0, 1, 0, 1, None, np.nan, -1, 1]
    )
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.predict_proba(x).shape == (8, 2)
    assert frames.read(pd.DataFrame(np.zeros((4, 2)))) is None


def test_a_column_that_means_something_else_is_refused() -> None:
    x = pd.DataFrame({"Split": list("abab")})
    with pytest.raises(ValueError, match=r"X is a column named 'split'.*Rename it"):
        frames.read(x)


N = 60
MIXED = pd.DataFrame(
    {
        "age": [None, *np.linspace(20.0, 60, N - 1)],
        "colour": ["red", "blue"] * (N // 2),
        "member": [True, True, False] * (N // 3),
    }
)
AGED = np.array(["old" if k > N // 2 else "young" for k in range(N)])


def quick(**parameters: Any) -> SemiSupervisedClassifier:  # noqa: ANN401
    return SemiSupervisedClassifier(method="m2", steps=1, hidden=2, latent=2, **parameters)


BAD: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "one class": ({}, MIXED, ["old"] * N, "y has only one class, 'old'. Label some rows of at"),
    "no label": ({}, MIXED, [""] * N, "y has no labels. Label some rows of every class."),
    "measurements": ({}, MIXED, np.arange(N), "The labels y look like measurements: 60 different "
                     "numbers (0, 1, 2, ..., 59) in 60 rows. If they are measurements, predict "
                     "them with SemiSupervisedRegressor. If every one is a class, say so: "
                     'labels_as="classes".'),
    "fractions": ({}, MIXED, np.linspace(0, 1, N), "Measurements are for SemiSupervisedRegressor"),
    "two columns of labels": ({}, MIXED, np.zeros((N, 2)), "y is of shape [60, 2]; expected one"),
    "no y": ({}, MIXED, None, "requires y to be passed"),
    "no column": ({}, MIXED[[]], AGED, "X is a frame without columns"),
    "types that differ": ({}, {"age": [1, "x"] * (N // 2)}, AGED, "X['age'] is values of several "
                          "types; expected numbers, words, booleans or dates, None where"),
    "names of numbers": ({}, {0: [1.0], 1: [2.0]}, ["u"], "X is columns named [0, 1]; expected "),
    "too large": ({}, {"a": [1, 2**70]}, ["u", "v"], "X['a'] is values of several types"),
    "ragged": ({}, {"a": [[1], [2, 3]]}, ["u", "v"], "X is a mapping of arrays; expected one ar"),
    "a row that lacks a name": ({}, [{"a": 1, "b": 2}, {"a": 1}], ["u", "v"], "X[1] is a row "
                                "without 'b'; expected a value for every column. Give None where"),
    "lengths that differ": ({}, {"a": [1] * N, "b": [1]}, AGED, "X is columns of several lengths"),
    "lists": ({}, MIXED.assign(age=[[1, 2]] * N), AGED,
              "X['age'], row 0, has the type list<element: int64>; expected numbers, booleans or "
              "words. Leave the column out, or turn it into numbers."),
    "no weight": ({"class_weight": "balance"}, MIXED, AGED, "class_weight is 'balance'; expected "
                  "None, 'balanced', or numbers from 0 by label, such as {1: 3.0}"),
    "a negative weight": ({"class_weight": {"old": -1}}, MIXED, AGED, "class_weight is {'old'"),
    "no class": ({"class_weight": {"odd": 1}}, MIXED, AGED, "class_weight names the class 'odd'"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_errors_speak_of_x_and_y_and_of_parameters(name: str) -> None:
    parameters, x, y, text = BAD[name]
    fit = inspect.unwrap(SemiSupervisedClassifier.fit)
    model = quick().set_params(**parameters)
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        fit(model, x, y)
    assert not re.search("parquet|--|data[.]|table", str(caught.value))


def as_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON rows, None where a value is missing."""
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


@pytest.mark.parametrize("form", [as_rows, lambda frame: frame.to_dict("records"), dict])
def test_columns_by_name_and_rows_as_mappings_are_frames(form: Any) -> None:  # noqa: ANN401
    frame = quick(random_state=0).fit(MIXED, AGED)
    model = quick(random_state=0).fit(form(MIXED), AGED)
    assert model.feature_names_in_.tolist() == ["age", "colour", "member"]
    np.testing.assert_array_equal(model.predict_proba(form(MIXED)), frame.predict_proba(MIXED))
    np.testing.assert_array_equal(model.predict_proba(MIXED), frame.predict_proba(MIXED))


@pytest.mark.parametrize(
    "kind", [SemiSupervisedClassifier, SemiSupervisedRegressor, OutlierDetector]
)
def test_a_path_is_no_rows(kind: Any) -> None:  # noqa: ANN401
    with pytest.raises(errors.InputError, match=r"X is the path 'a.csv'.*pandas.read_csv"):
        kind().fit("a.csv", [0, 1])
    with pytest.raises(errors.InputError, match=r"X is the path 'a.csv'.*pandas.read_csv"):
        quick().fit(MIXED, AGED).predict("a.csv")


def test_settings_are_a_list() -> None:
    model = quick(settings="train.steps=3")
    with pytest.raises(errors.InputError, match=r"settings is the text .* a list of such texts"):
        inspect.unwrap(type(model).fit)(model, MIXED, AGED)


@pytest.mark.parametrize("words", [pd.Series(AGED), AGED.astype(object), [None, *AGED[1:]]])
def test_words_are_no_numbers(words: Any) -> None:  # noqa: ANN401
    with pytest.raises(errors.InputError, match=r"y is an array of words.*SemiSupervisedClassif"):
        SemiSupervisedRegressor().fit(MIXED, words)


def test_labels_may_be_a_frame_of_one_column() -> None:
    x, y = MIXED[["age"]].fillna(0), pd.DataFrame({"y": [*AGED[:40], *[None] * 20]})
    for rows in (x, MIXED):
        with pytest.warns(DataConversionWarning, match="column-vector y"):
            assert quick().fit(rows, y).classes_.tolist() == ["old", "young"]


def test_what_to_write_is_said_in_python() -> None:
    x = MIXED.assign(age=["-", *np.arange(N - 1).astype(str)])
    with pytest.raises(errors.DataError) as caught:
        quick().fit(x, AGED)
    assert "--set" not in str(caught.value)
    assert "settings=['data.missing=" in str(caught.value)


def test_numbers_by_name_are_taken_by_the_names_of_the_training() -> None:
    x = MIXED[["age"]].fillna(0).assign(size=np.arange(N))
    model = quick().fit(x, AGED)
    probs = model.predict_proba(x)
    np.testing.assert_array_equal(model.predict_proba(as_rows(x[["size", "age"]])), probs)
    with pytest.raises(errors.InputError, match="X is a table without 'size'; expected the colu"):
        model.predict({"age": [1.0]})
    unnamed = quick().fit(x.to_numpy(), AGED)
    with pytest.raises(errors.InputError, match="X is rows by name; expected an array, as the tr"):
        unnamed.predict([{"age": 1.0, "size": 2.0}])


def test_a_regressor_takes_frames_too() -> None:
    y = np.where(np.arange(N) < 40, np.linspace(0, 1, N), np.nan)
    model = SemiSupervisedRegressor(method="m2", steps=1, hidden=2, latent=2)
    assert model.fit(MIXED, y).predict(MIXED).shape == (N,)
    assert list(model.sample(0.5).columns) == ["age", "colour", "member"]
    both = model.fit(MIXED, np.stack([y, -y], 1), sample_weight=np.arange(N))
    assert both.predict(MIXED).shape == (N, 2)
    with pytest.raises(ValueError, match=r"y is an array of words.*SemiSupervisedClassifier"):
        model.fit(MIXED, AGED)


def test_rows_of_other_categories_are_told(tmp_path: Path) -> None:
    model = quick().fit(MIXED, AGED)
    mauve = MIXED.assign(colour="mauve")
    with pytest.warns(DriftWarning, match="'colour' has unknown categories in 100%"):
        model.predict(mauve)
    mauve.to_csv(tmp_path / "mauve.csv")
    device = ssdgm_runtime.load(model.export(tmp_path / "m.ssdgm"), provider="cpu")
    with pytest.warns(DriftWarning, match="'colour' has unknown categories in 100%"):
        device.classify(tmp_path / "mauve.csv")
