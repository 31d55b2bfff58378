"""From rows to a problem: the likelihood that fits, and scales fitted on training rows alone."""

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import dataset, statement
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import Split
from ssdgm_train.problems import Problem


def stated(data: dataset.Dataset, parts: Split | None = None, **plan: object) -> Problem:
    return statement.problem(data, parts or cases.everything(data), DataPlan(**plan))


@pytest.mark.parametrize("kind", list(cases.KINDS))
def test_the_likelihood_fits_the_rows(kind: str) -> None:
    wanted, found = cases.KINDS[kind], stated(cases.separable(kind))
    assert found.likelihood == wanted.likelihood
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    assert found.width == int(np.prod(wanted.shape))


@pytest.mark.parametrize(
    ("top", "shape", "dtype", "likelihood"),
    [
        (63, (2, 2), np.uint8, "binomial"),
        (64, (2, 2), np.uint8, "bernoulli"),
        (64, (2, 2, 3), np.uint8, "logistic"),
        (16, (2, 2, 3), np.uint8, "binomial"),
        (64, (2, 2, 1), np.uint8, "bernoulli"),
        (1, (2, 2), np.float32, "bernoulli"),
        (1.01, (2, 2), np.float32, "gaussian"),
        (16, (4,), np.uint8, "gaussian"),
        (1, (4,), np.float32, "gaussian"),
    ],
)
def test_counts_grey_levels_and_columns_are_told_apart(
    top: float, shape: tuple[int, ...], dtype: type, likelihood: str
) -> None:
    x = np.zeros((3, *shape), dtype)
    x[1] = top
    assert stated(dataset.make("rows", x, np.arange(3) % 2)).likelihood == likelihood


def test_bytes_are_scaled_by_255_whatever_they_hold() -> None:
    found = stated(cases.separable("bernoulli-uint8"))
    assert (found.shift, found.scale, found.total) == ((0.0,), (255.0,), 1)


def test_counts_are_scaled_by_the_largest_training_count() -> None:
    data = cases.separable("binomial-uint8")
    data.x[5, 0, 0] = 20
    whole = stated(data)
    assert (whole.scale, whole.total) == ((20.0,), 20)
    rest = np.setdiff1d(np.arange(32), [5])
    held = stated(data, Split(rest, np.arange(0), np.array([5])))
    assert held.total == int(data.x[rest].max()) < 20


def test_the_largest_possible_count_may_be_given() -> None:
    data = cases.separable("binomial-uint8")
    top = int(data.x.max())
    assert stated(data, total=top + 5).total == top + 5
    text = cases.message(DataError, lambda: stated(data, total=top - 1))
    assert f"data.total is {top - 1}, but a training row has the count {top}" in text


def test_columns_are_standardised_by_training_rows_alone() -> None:
    data = cases.separable("gaussian-float32")
    data.x[7] = 1e6
    rest = np.setdiff1d(np.arange(32), [7])
    found = stated(data, Split(rest[:20], rest[20:], np.array([7])))
    assert found.shift == pytest.approx(data.x[rest].mean(0), rel=1e-5)
    assert found.scale == pytest.approx(data.x[rest].std(0), rel=1e-5)


def test_a_column_that_never_changes_has_scale_one() -> None:
    data = cases.separable("gaussian-float32")
    data.x[:, 2] = 3.5
    found = stated(data)
    assert found.shift[2] == pytest.approx(3.5)
    assert found.scale[2] == 1
    assert found.scale[1] != 1


def test_classes_are_equally_likely_unless_a_prior_is_given() -> None:
    data = cases.separable()
    assert stated(data).labels.prior == pytest.approx([1 / 3] * 3)
    assert stated(data, prior=(0.5, 0.3, 0.2)).labels.prior == (0.5, 0.3, 0.2)


def test_a_named_likelihood_is_taken() -> None:
    assert (
        stated(cases.separable("binomial-uint8"), likelihood="gaussian").likelihood == "gaussian"
    )


@pytest.mark.parametrize(
    ("kind", "plan", "text"),
    [
        (
            "gaussian-float32",
            {"likelihood": "binomial"},
            "binomial, but x is float32 with fractions",
        ),
        ("gaussian-float32", {"likelihood": "bernoulli"}, "x has values in ["),
        ("gaussian-float32", {"prior": (0.5, 0.5)}, "expected 3 positive numbers that sum to one"),
        ("gaussian-float32", {"prior": (0.5, 0.5, 0.5)}, "data.prior is [0.5, 0.5, 0.5]"),
        ("gaussian-float32", {"prior": (1.2, -0.1, -0.1)}, "positive numbers"),
    ],
)
def test_what_does_not_fit_the_rows_is_an_error(
    kind: str, plan: dict[str, object], text: str
) -> None:
    assert text in cases.message(DataError, lambda: stated(cases.separable(kind), **plan))
