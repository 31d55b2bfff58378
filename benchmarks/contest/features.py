"""Rows as scikit-learn's classifiers take them: numbers of one scale, in one or two forms.

What is fitted to rows is fitted to all training rows, labelled or not, and never to labels.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.contest.sets import Array, Data

WIDE = 100
"""Images and series of more numbers than these are also tried as principal components."""
COMPONENTS = 50
PLAIN, REDUCED = "plain", "pca"


@dataclass(frozen=True)
class Form:
    """Training rows and test rows, [n, features]."""

    x: Array
    x_test: Array


def forms(found: Data) -> dict[str, Form]:
    """The forms to choose from."""
    plain = {"columns": _columns, "table": _table, "image": _image, "series": _series}[found.kind](
        found
    )
    if found.kind in ("columns", "table") or plain.x.shape[1] <= WIDE:
        return {PLAIN: plain}
    reduced = PCA(min(COMPONENTS, len(plain.x) - 1), random_state=0).fit(plain.x)
    components = (reduced.transform(part).astype(np.float64) for part in (plain.x, plain.x_test))
    return {PLAIN: plain, REDUCED: Form(*components)}


def _table(found: Data) -> Form:
    scaler = StandardScaler().fit(found.x.astype(np.float64))
    return Form(scaler.transform(found.x), scaler.transform(found.x_test))


def _image(found: Data) -> Form:
    """From 0 to 1."""
    most = float(found.x.max())
    return Form(*(part.reshape(len(part), -1) / most for part in (found.x, found.x_test)))


def _series(found: Data) -> Form:
    """Each channel with mean 0 and deviation 1 over all of its moments."""
    mean, scale = (
        getattr(found.x, name)(axis=(0, 2), keepdims=True, dtype=np.float64)
        for name in ("mean", "std")
    )
    scaled = ((part - mean) / np.maximum(scale, 1e-9) for part in (found.x, found.x_test))
    return Form(*(part.reshape(len(part), -1) for part in scaled))


def _columns(found: Data) -> Form:
    """Numbers standardised, words one-hot; what is missing is the median, or the usual word."""
    numbers: list[int] = []
    words: list[int] = []
    for i, column in enumerate(found.x.T):
        (numbers if all(map(_is_number, column)) else words).append(i)
    made = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (
            make_pipeline(
                SimpleImputer(missing_values=None, strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            words,
        ),
        sparse_threshold=0,
    )
    x, x_test = (_parsed(part, numbers) for part in (found.x, found.x_test))
    return Form(made.fit_transform(x), made.transform(x_test))


def _is_number(text: str) -> bool:
    try:
        float(text or 0)
    except ValueError:
        return False
    return True


def _parsed(x: Array, numbers: list[int]) -> Array:
    """Empty texts become NaN among numbers, and None among words."""
    made: Array = x.copy()
    made[x == ""] = None
    made[:, numbers] = np.where(x[:, numbers] == "", "nan", x[:, numbers]).astype(float)
    return made
