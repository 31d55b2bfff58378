"""Series as the UCR and UEA archives have them: `NAME_TRAIN.ts` and `NAME_TEST.ts`."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import ts
from ssdgm_train import problems
from ssdgm_train.data import dataset
from ssdgm_train.data.formats import gaps
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import discovery

TRAIN, TEST = "_TRAIN", "_TEST"


def is_series(names: list[str]) -> bool:
    """Whether there are such files."""
    return any(name.lower().endswith(ts.SUFFIX) for name in names)


def neighbours(path: Path) -> tuple[str, ...]:
    """The file of the test series that belongs to one of training series."""
    stem = path.name.removesuffix(path.suffix)
    return (f"{stem.removesuffix(TRAIN)}{TEST}{path.suffix}",) if stem.endswith(TRAIN) else ()


def load(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """Read one file of series, or one of training and one of test series.

    Series of unequal length are float32 [channels, time], NaN after the end of each. Their labels
    are classes as they are written, or numbers where the plan says so.

    Raises:
        DataError: A file cannot be read, there are several of a part, or series have no label.
    """
    held = [n for n in files.names if n.lower().endswith(ts.SUFFIX) and "/" not in n]
    tests = [n for n in held if n.removesuffix(n[-3:]).endswith(TEST)] if len(held) > 1 else []
    trains = [n for n in held if n not in tests]
    if len(trains) != 1 or len(tests) > 1:
        raise errors.DataError(
            f"{files.title} has the files {', '.join(sorted(held)[:4])}",
            "one NAME_TRAIN.ts and one NAME_TEST.ts",
            "Give the path of the file with the training series.",
        )
    parts = [_read(files, file) for file in (*trains, *tests)]
    labels = [series.labels for series in parts]
    measured = plan.measured
    y = [_numbers(words) if measured else _words(words, labels[0]) for words in labels]
    x_test, y_test = (parts[1].x, y[1]) if tests else (None, None)
    as_windows = dataclasses.replace(plan, kind=problems.WINDOWS)
    return gaps.made(name, (parts[0].x, y[0], x_test, y_test), as_windows)


def _read(files: tree.Tree, file: str) -> ts.Series:
    place = tree.place(files, file)
    with files.open(file) as stream:
        series = ts.read(stream, place)
    if not series.labels:
        raise errors.DataError(
            f"{place} says that its series have no label",
            mend="Write @classLabel true, and a label at the end of each line; ? where unknown.",
        )
    return series


def _numbers(words: tuple[str, ...]) -> NDArray[np.str_]:
    """Labels that are numbers, blank where one is not known."""
    return np.array([discovery.measured("" if word == "?" else word) for word in words])


def _words(words: tuple[str, ...], first: tuple[str, ...]) -> NDArray[np.generic]:
    """Labels as whole numbers where all training ones are; unknown ones blank, or -1."""
    known = {word for word in first if word != "?"}
    if discovery.whole(known):
        return np.array([dataset.UNLABELLED if word == "?" else int(word) for word in words])
    return np.array(["" if word == "?" else word for word in words])
