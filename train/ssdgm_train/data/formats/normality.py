"""Labels as they were read to those of one-class: 0 of a normal row, 1 of an outlier, -1 unknown.

Which label says normal is said by `data.normal`, or by a word that means it; every other label
says outlier, also one that no training row has. Where no training row is labelled normal, those
without a label are: a table of usual rows needs no labels at all.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.labels import oneclass

WORDS = ("normal", "inlier", "good", "0")
"""What means normal where nobody says."""


def one_class(data: dataset.Dataset, plan: DataPlan) -> dataset.Dataset:
    """A data set of classes as one of normal rows and outliers.

    Raises:
        DataError: Its labels are several a row, it is not clear which of them says normal, or no
            training row is normal.
    """
    if data.space != targets.CLASSES:
        raise errors.DataError(
            f"data.labels_as is one-class, and the labels of {data.name} are {data.space}",
            "one label a row, of which one or some say normal",
            "Give one column of labels.",
        )
    values = tuple(map(str, (*data.classes, *data.others)))
    normal = _normal(values, plan.normal, data.name)
    codes = np.array([word not in normal for word in values] + [-1], np.int8)
    y = _coded(data.y, codes, data.x)
    if not _any(y, oneclass.NORMAL):
        _take_blanks(y, data.name)
    tested = data.y_test is not None and data.x_test is not None
    y_test = _coded(data.y_test, codes, data.x_test) if tested else None
    return dataclasses.replace(data, y=y, y_test=y_test, classes=oneclass.NAMES, others=())


def _normal(values: tuple[str, ...], said: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The labels that say normal."""
    strange = [word for word in said if word not in values]
    if strange:
        raise errors.DataError(
            f"data.normal names {strange[0]!r}, which no label of {name} is: they are "
            f"{_listed(values)}",
            mend="Correct the name.",
        )
    meant = tuple(word for word in values if word.lower() in WORDS)
    if said or not values or len(meant) == 1:
        return said or meant
    raise errors.DataError(
        f"The labels of {name} are {_listed(values)}, and it is not clear which says normal",
        f"{', '.join(WORDS[:-1])} or {WORDS[-1]} as one of them, and -1 where it is not known",
        "Name it, for example with --set data.normal='[\"0\"]'; all others then say outlier.",
    )


def _coded(y: Any, codes: NDArray[np.int8], x: Any) -> NDArray[np.int8]:  # noqa: ANN401
    """Class indices by what they say, -1 where one is not known, of the rows x."""
    result = store.allocate(y.shape, np.int8, "y", beside=x)
    for start, piece in store.pieces(y):
        result[start : start + len(piece)] = codes[piece]
        store.give_back(result)
    return result


def _any(y: NDArray[np.int8], code: int) -> bool:
    return any(bool((piece == code).any()) for _, piece in store.pieces(y))


def _take_blanks(y: NDArray[np.int8], name: str) -> None:
    """Say of rows without a label that they are normal."""
    if not _any(y, dataset.UNLABELLED):
        raise errors.DataError(
            f"All training rows of {name} are outliers",
            "normal rows, from which to learn what is usual",
            "Add normal rows, or correct data.normal.",
        )
    for start, piece in store.pieces(y):
        part = y[start : start + len(piece)]
        part[part == dataset.UNLABELLED] = oneclass.NORMAL
        store.give_back(y)


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(map(repr, values[:5]))
    return f"{shown}, ..." if len(values) > 5 else shown or "none"
