from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.rows import checks
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.rows.tensor import Tensor

PIXELS = Tensor("x", "uint8", ("batch", 4, 4))
COLUMNS = Tensor("x", "float32", ("batch", 3))
SCALE = "It goes from {0} to {0}: scale it to the values of the training, 0 to 16."
NUMBERS = "Pass an array of numbers, or the path of a file of rows."


def refused(value: object, tensor: Tensor, high: float | None = None) -> errors.InputError:
    with pytest.raises(errors.InputError) as caught:
        checks.rows(value, tensor, high)
    return caught.value


def test_the_declared_array_passes_untouched() -> None:
    x = np.zeros((2, 4, 4), np.uint8)
    assert checks.rows(x, PIXELS) is x
    assert checks.rows(x[:0], PIXELS).shape == (0, 4, 4)


def test_the_one_cast() -> None:
    found = checks.rows(np.array([[1, 2, 3.5]]), COLUMNS)
    assert found.dtype == np.float32
    assert checks.rows([[1.0, 2.0, 3.0]], COLUMNS).tolist() == [[1, 2, 3]]
    assert checks.rows(np.ones((1, 3), ">f4"), COLUMNS).dtype.isnative


def test_views_become_contiguous() -> None:
    x = np.zeros((3, 4, 4), np.uint8)[::-1, ::-1]
    assert checks.rows(x, PIXELS).flags.c_contiguous


@pytest.mark.parametrize(
    ("value", "got", "hint"),
    [
        (
            np.zeros((2, 4, 4), np.float32),
            "float32 [2, 4, 4]",
            "(x * 16).round().astype(np.uint8)",
        ),
        (np.full((2, 4, 4), 9.0), "float64 [2, 4, 4]", "x.round().astype(np.uint8)"),
        (np.full((2, 4, 4), -9.0), "float64 [2, 4, 4]", SCALE.format(-9)),
        (
            np.full((2, 4, 4), np.nan),
            "float64 [2, 4, 4]",
            "Fill what is NaN, or leave those rows out: whole numbers have no NaN.",
        ),
        (np.zeros((2, 4, 4), np.int64), "int64 [2, 4, 4]", "x.astype(np.uint8)"),
        (np.full((2, 4, 4), 256), "int64 [2, 4, 4]", SCALE.format(256)),
        (np.zeros((2, 4, 4), bool), "bool [2, 4, 4]", "x.astype(np.uint8)"),
        (np.zeros((2, 4, 4), "U1"), "<U1 [2, 4, 4]", NUMBERS),
        (np.zeros((2, 16), np.uint8), "uint8 [2, 16]", "x.reshape(-1, 4, 4)"),
        (np.zeros((2, 1, 4, 4), np.uint8), "uint8 [2, 1, 4, 4]", "x.reshape(-1, 4, 4)"),
        (np.zeros((4, 4), np.uint8), "uint8 [4, 4]", "x[None]"),
        (np.zeros((4, 4), np.int64), "int64 [4, 4]", "x[None].astype(np.uint8)"),
        ([[0] * 4] * 4, "int64 [4, 4]", "np.asarray(x)[None].astype(np.uint8)"),
        (np.zeros((2, 5, 5), np.uint8), "uint8 [2, 5, 5]", ""),
        (np.uint8(3), "uint8 []", ""),
        ([[1, 2], [3]], "ragged", "np.stack(rows)"),
        (None, "None", "Pass an array of rows, or the path of a file of them."),
    ],
)
def test_everything_else_is_refused_with_the_line_to_write(
    value: object, got: str, hint: str
) -> None:
    error = refused(value, PIXELS, high=16)
    assert (error.got, error.want, error.hint) == (got, "uint8 [n, 4, 4]", hint)
    assert error.name == "x"
    assert str(error).startswith(f"x is {got}; expected uint8 [n, 4, 4]")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((2, 3, 8, 8), "x.transpose(0, 2, 3, 1)"),
        ((2, 8, 3, 8), ""),
        ((2, 192), "x.reshape(-1, 8, 8, 3)"),
        ((2, 1, 8, 8, 3), "x.reshape(-1, 8, 8, 3)"),
    ],
)
def test_axes_in_another_order_are_turned_and_never_reshaped(
    shape: tuple[int, ...], hint: str
) -> None:
    colours = Tensor("x", "uint8", ("batch", 8, 8, 3))
    x = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    assert refused(x, colours).hint == hint
    if "transpose" in hint:
        assert np.array_equal(eval(hint, {"x": x})[:, :, :, 1], x[:, 1])


def test_windows_of_another_order_are_turned() -> None:
    windows = Tensor("x", "float32", ("batch", 2, 5))
    assert refused(np.zeros((3, 5, 2)), windows).hint == "x.transpose(0, 2, 1)"


def test_the_hint_for_scaled_data_needs_the_range() -> None:
    assert refused(np.zeros((1, 4, 4)), PIXELS).hint == "x.round().astype(np.uint8)"


def test_whole_numbers_for_a_float_input() -> None:
    assert refused(np.zeros((1, 3), int), COLUMNS).hint == "x.astype(np.float32)"
    assert refused(np.zeros((1, 3), np.float16), COLUMNS).hint == "x.astype(np.float32)"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_not_finite(bad: object) -> None:
    x = np.zeros((5, 3))
    x[3, 1] = x[4, 0] = bad
    error = refused(x, COLUMNS)
    assert error.got == "not finite in 2 of 5 rows (first: row 3)"
    kept = eval(error.hint, {"np": np, "x": x})
    assert len(kept) == (5 if bad == 1e300 else 3)


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, "1", None])
def test_counts(bad: object) -> None:
    assert arguments.count(np.int32(3), "n", 1) == 3
    with pytest.raises(errors.InputError, match="a whole number from 1"):
        arguments.count(bad, "n", 1)


@pytest.mark.parametrize("bad", [0, -1.0, np.nan, np.inf, True, "1", None])
def test_positive_numbers(bad: object) -> None:
    assert arguments.positive(np.float32(0.5), "t") == 0.5
    with pytest.raises(errors.InputError, match="a positive finite number"):
        arguments.positive(bad, "t")


def test_the_range_of_the_data(edit: Callable[..., Path]) -> None:
    from ssdgm_runtime.bundle import contents

    def table(value: object, likelihood: object) -> object:
        def change(document: object) -> None:
            section = document["additional_metadata"]["ssdgm"]
            section["input"], section["likelihood"] = value, likelihood

        return manifest.value_range(contents.open_bundle(edit(change)).manifest)

    drawn = {"name": "binomial", "total": 16, "low": -8, "step": 2}
    assert table({"range": [0, 9]}, drawn) == (0, 9)
    for nothing in (None, {}, {"range": None}, {"range": [2, 2]}):
        assert table(nothing, drawn) == (-8, 24)
        assert table(nothing, {"name": "gaussian"}) == (0, 1)
        assert table(nothing, None) == (0, 1)


def test_an_empty_list_is_no_rows() -> None:
    assert checks.rows([], PIXELS).shape == (0, 4, 4)
    assert checks.rows([], PIXELS).dtype == np.uint8
    assert refused(np.zeros(0, np.uint8), PIXELS).got == "uint8 [0]"


def test_values_beyond_the_limits_of_the_training_are_told() -> None:
    x = np.zeros((4, 4, 4), np.uint8)
    assert checks.rows(x + np.uint8(16), PIXELS, span=(0, 16)).max() == 16
    x[1] = 207
    with pytest.warns(DriftWarning, match="in 25% of the rows .such as 207.. Scale them as") as w:
        assert checks.rows(x, PIXELS, span=(0, 16)) is not None
    assert len(w) == 1
    assert w[0].filename == __file__, "the caller's line"
