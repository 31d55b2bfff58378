"""Rows of several views on their way into graphs: what is taken, and what is refused."""

from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.rows.views import given, layout, view

VIEWS = (view.View("left", (2,)), view.View("right", (2, 3), "uint8", "image", (0.0, 255.0)))
LEFT = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
RIGHT = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
WHOLE = np.concatenate([LEFT, RIGHT.reshape(3, -1)], 1)


def test_views_by_name_are_whole_rows() -> None:
    x = given.given({"right": RIGHT, "left": LEFT}, VIEWS)
    np.testing.assert_array_equal(x, WHOLE)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(given.given(x, VIEWS), x)


def test_what_graphs_take_comes_back_as_it_was() -> None:
    tensors = view.split(WHOLE, VIEWS)
    assert {name: part.shape for name, part in tensors.items()} == {
        "x.left": (3, 2),
        "x.right": (3, 2, 3),
    }
    assert all(part.dtype == np.float32 for part in tensors.values())
    np.testing.assert_array_equal(layout.whole(tensors, VIEWS), WHOLE)
    np.testing.assert_array_equal(view.cut(WHOLE, VIEWS)["right"], RIGHT)


@pytest.mark.parametrize(
    "x",
    [
        {"left": LEFT},
        {"left": LEFT, "right": None},
        {"left": LEFT, "right": [None, None, None]},
        {"left": LEFT, "right": np.full((3, 2, 3), np.nan)},
        [{"left": row} for row in LEFT],
        [{"left": row, "right": None} for row in LEFT],
    ],
)
def test_a_view_is_missing_where_it_is_left_out_or_none_or_nan(x: Any) -> None:  # noqa: ANN401
    rows = given.given(x, VIEWS)
    np.testing.assert_array_equal(rows[:, :2], LEFT)
    assert np.isnan(rows[:, 2:]).all()
    np.testing.assert_array_equal(view.present(rows, VIEWS), [[True, False]] * 3)


def test_any_row_may_lack_any_view() -> None:
    x = {"left": [LEFT[0], None, LEFT[2]], "right": [None, RIGHT[1], RIGHT[2]]}
    rows = given.given(x, VIEWS)
    np.testing.assert_array_equal(
        view.present(rows, VIEWS), [[True, False], [False, True], [True, True]]
    )
    np.testing.assert_array_equal(rows[2], WHOLE[2])


def test_no_rows_are_no_rows() -> None:
    rows = given.given({"left": LEFT[:0], "right": RIGHT[:0]}, VIEWS)
    assert rows.shape == (0, 8)
    assert {k: v.shape for k, v in view.cut(rows, VIEWS).items()} == {
        "left": (0, 2),
        "right": (0, 2, 3),
    }
    assert layout.whole(view.split(rows, VIEWS), VIEWS).shape == (0, 8)


def test_bytes_may_come_as_numbers_where_some_rows_are_missing() -> None:
    right = RIGHT.astype(np.float64)
    right[1] = np.nan
    rows = given.given({"left": LEFT, "right": right}, VIEWS)
    np.testing.assert_array_equal(rows[::2], WHOLE[::2])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ({"left": LEFT, "middle": LEFT}, ("the view 'middle'", "'left', 'right'")),
        ({}, ("without any view",)),
        ({"left": None, "right": None}, ("without any view",)),
        ({"left": LEFT, "right": RIGHT[:2]}, ("left: 3, right: 2",)),
        ({"left": LEFT[:, :1]}, ("x['left']", "[3, 1]", "[n, 2]")),
        ({"right": RIGHT / 255}, ("x['right']", "uint8", "* 255).round()")),
        ({"left": [LEFT[0], None, LEFT[2]]}, ("without any view in row 1",)),
        ({"left": np.array([[1, np.nan]], np.float32)}, ("NaN in a part of row 0",)),
        ({"left": np.array([[1, np.inf]], np.float32)}, ("not finite",)),
        ({"x.left": LEFT}, ("the view 'x.left'", "Leave 'x.' out")),
        (WHOLE[:, :5], ("x is float32 [3, 5]", "the views 'left', 'right' by name")),
        (LEFT, ("Pass a mapping: {'left': x_left, 'right': x_right}.",)),
        (None, ("x is None", "{'left': x_left")),
        ("nonsense", ("x is",)),
    ],
)
def test_what_is_no_row_is_refused(x: Any, words: tuple[str, ...]) -> None:  # noqa: ANN401
    with pytest.raises(errors.InputError) as caught:
        given.given(x, VIEWS)
    for word in words:
        assert word in str(caught.value)


def test_views_of_a_manifest_come_back_as_they_were() -> None:
    assert view.parse([each.to_json() for each in VIEWS]) == VIEWS
    assert view.parse(None) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a/b"},
        {"name": ""},
        {"shape": [0]},
        {"shape": "2"},
        {"dtype": "object"},
        {"name": "right"},
    ],
)
def test_views_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    tables = [{**VIEWS[0].to_json(), **change}, VIEWS[1].to_json()]
    with pytest.raises(errors.FormatError):
        view.parse(tables)
