"""Splits: seeded, stratified, disjoint, and the budget as reports state it."""

import itertools

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import catalog, dataset
from ssdgm_train.data.split import Split, split


def data(counts: list[int], blank: int = 0) -> dataset.Dataset:
    """Rows with so many labels of each class, and blank ones."""
    y = np.repeat([*range(len(counts)), dataset.UNLABELLED], [*counts, blank])
    y = np.random.default_rng(0).permutation(y)
    return dataset.make("counts", np.zeros((len(y), 2), np.float32), y)


def shares(found: dataset.Dataset, rows: NDArray[np.int64]) -> list[int]:
    return np.bincount(found.y[rows], minlength=len(found.classes)).tolist()


def parts(found: Split) -> tuple[list[int], list[int], list[int]]:
    return found.labelled.tolist(), found.unlabelled.tolist(), found.validation.tolist()


@given(
    st.lists(st.integers(20, 40), min_size=2, max_size=5),
    st.integers(0, 30),
    st.integers(10, 40),
    st.integers(0, 5),
)
def test_no_row_is_in_two_parts_and_every_row_in_one(
    counts: list[int], blank: int, budget: int, seed: int
) -> None:
    found = data(counts, blank)
    lists = parts(split(found, budget, 0.1, seed))
    assert all(part == sorted(part) for part in lists)
    assert sorted(itertools.chain(*lists)) == list(range(len(found.y)))


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_split_is_a_function_of_its_seed(one: int, other: int) -> None:
    found = data([40, 50, 60])
    first, again, second = (split(found, 30, 0.1, seed) for seed in (one, one, other))
    assert parts(first) == parts(again)
    assert first.digest == again.digest
    assert (first.digest == second.digest) == (parts(first) == parts(second))
    assert (parts(first) == parts(second)) == (one == other)


def test_a_budget_is_shared_equally_among_the_classes() -> None:
    found = data([100, 200, 50])
    assert shares(found, split(found, 30, 0.1, 0).labelled) == [10, 10, 10]
    assert sorted(shares(found, split(found, 31, 0.1, 0).labelled)) == [10, 10, 11]


def test_a_class_with_too_few_rows_gives_what_it_has() -> None:
    found = data([100, 100, 4])
    assert shares(found, split(found, 64, 1e-9, 0).labelled) == [30, 30, 4]


def test_where_every_label_is_known_validation_is_extra_to_the_budget() -> None:
    found = data([200, 200, 100])
    made = split(found, 30, 0.1, 0)
    assert len(made.labelled) == 30
    assert shares(found, made.validation) == [20, 20, 10]
    assert len(made.unlabelled) == 500 - 30 - 50


def test_where_labels_are_blank_validation_is_part_of_the_budget() -> None:
    found = data([200, 200, 100], blank=300)
    made = split(found, 60, 0.1, 0)
    assert len(made.labelled) == 54
    assert shares(found, made.validation) == [2, 2, 2]
    assert (found.y[made.unlabelled] == dataset.UNLABELLED).sum() == 300
    assert len(made.unlabelled) == 300 + 500 - 60


def test_without_a_budget_every_label_is_used() -> None:
    full, blank = data([20, 30]), data([20, 30], blank=10)
    assert len(split(full, None, 0.1, 0).labelled) == 45
    assert len(split(full, None, 0.1, 0).unlabelled) == 0
    assert len(split(blank, None, 0.1, 0).labelled) == 45
    assert len(split(blank, None, 0.1, 0).unlabelled) == 10


def test_validation_from_one_on_counts_rows() -> None:
    found = data([60, 40])
    assert shares(found, split(found, 20, 50.0, 0).validation) == [30, 20]


def test_validation_rows_do_not_depend_on_the_budget_where_every_label_is_known() -> None:
    found = data([60, 40])
    held = [split(found, budget, 0.1, 7).validation.tolist() for budget in (10, 30, None)]
    assert held[0] == held[1] == held[2]


def test_the_test_set_of_digits_is_the_same_whatever_the_seed() -> None:
    one, other = catalog.digits(), catalog.digits()
    assert one.x_test is not None
    assert one.y_test is not None
    assert one.digest == other.digest
    assert len(one.x_test) == 450
    assert set(np.bincount(one.y_test)) <= {43, 44, 45, 46}
    assert one.digest[:16] == "162b7544a27d06e1"


@pytest.mark.parametrize(
    ("counts", "blank", "budget", "validation", "text"),
    [
        ([30, 30, 30], 0, 2, 0.1, r"--labels is 2, but there are 3 classes.*at least 3"),
        ([30, 30, 30], 0, 82, 0.1, r"--labels is 82, but there are 81 .*Leave"),
        ([30, 30, 30], 9, 91, 0.1, r"--labels is 91, but there are 90 .*Leave"),
        (
            [30, 30, 30],
            9,
            3,
            0.4,
            r"No label is left to train on for the classes \[\d\].*two labelled.*label",
        ),
        (
            [30, 30, 1],
            0,
            None,
            31.0,
            r"No label is left to train on for the classes \[2\].*label more rows",
        ),
        (
            [30, 30, 30],
            0,
            None,
            500.0,
            r"No label is left to train on for the classes \[0, 1, 2\]",
        ),
    ],
)
def test_a_budget_that_cannot_be_met_is_an_error(
    counts: list[int], blank: int, budget: int | None, validation: float, text: str
) -> None:
    found = data(counts, blank)
    message = cases.message(DataError, lambda: split(found, budget, validation, 0))
    with pytest.raises(DataError, match=text):
        raise DataError(message)
