"""Labels that are missing, and frames that are no more than arrays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ssdgm_export import SemiSupervisedClassifier
from ssdgm_export.estimator import frames, settings

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
