"""Series of unequal length on their way into graphs: padding changes nothing, ends are checked."""

from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.rows.views import lengths

KNOWN = lengths.Lengths(2, 2, 5)
SERIES = [np.arange(2.0 * n).reshape(2, n).astype(np.float32) for n in (2, 5, 3)]
WHOLE = lengths.stacked(SERIES)


def test_padding_by_whom_and_however_far_gives_the_same_rows() -> None:
    np.testing.assert_array_equal(lengths.given(SERIES, KNOWN), WHOLE)
    np.testing.assert_array_equal(lengths.given(WHOLE, KNOWN), WHOLE)
    np.testing.assert_array_equal(lengths.given(SERIES[0][None], KNOWN), WHOLE[:1])
    short = lengths.stacked([SERIES[0], SERIES[2]])
    np.testing.assert_array_equal(lengths.given(short, KNOWN), WHOLE[::2])
    np.testing.assert_array_equal(lengths.given(SERIES[2][None].astype(float), KNOWN), WHOLE[2:])


def test_an_empty_list_is_no_series() -> None:
    assert lengths.given([], KNOWN).shape == (0, 2, 5)


def test_ends_are_told_by_the_nan_after_them() -> None:
    np.testing.assert_array_equal(lengths.ends(WHOLE), [2, 5, 3])
    odd = WHOLE.copy()
    odd[0, 0, 0], odd[1, 0, 4], odd[2] = np.nan, np.nan, np.nan
    np.testing.assert_array_equal(lengths.ends(odd), [-1, -1, -1])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (
            np.zeros((1, 2, 6), np.float32),
            ("x is 6 moments long; expected 1 to 5 moments. Cut it: x[:, :, :5].",),
        ),
        (np.zeros((1, 2, 0), np.float32), ("x is without any moment", "Leave it out")),
        (np.zeros((1, 3, 4), np.float32), ("[1, 3, 4]",)),
        ([np.zeros((2, 3)), np.zeros((2, 6))], ("x[1] is 6 moments long", "x[1][:, :5]")),
        ([np.zeros((2, 0))], ("x[0] is without any moment", "Leave it out")),
        ([np.zeros((3, 4))], ("x[0] is a series of 3 channels, [3, 4]", "[2, time]")),
        ([np.zeros((4, 2))], ("Try: x[0].T",)),
        (
            np.array([[[1, np.nan, 2], [1, 2, 3]]], np.float32),
            ("x[0] is a series with NaN before its end",),
        ),
        (
            np.full((1, 2, 5), np.nan, np.float32),
            ("x[0] is a series without any number", "np.delete(x, 0, axis=0)"),
        ),
        (np.array([[[1, np.inf], [1, 2]]], np.float32), ("not finite",)),
        (np.zeros((2, 4), np.float32), ("[2, 4]",)),
    ],
)
def test_what_is_no_series_is_refused(x: Any, words: tuple[str, ...]) -> None:  # noqa: ANN401
    with pytest.raises(errors.InputError) as caught:
        lengths.given(x, KNOWN)
    for word in words:
        assert word in str(caught.value)


def test_lengths_of_a_manifest_come_back_as_they_were() -> None:
    assert lengths.parse([2, 5], (2, 5)) == (KNOWN,)
    assert lengths.parse(None, (2, 5)) == ()
    for odd in ([2], [6, 5], [0, 5], [2, 4], "25"):
        with pytest.raises(errors.FormatError):
            lengths.parse(odd, (2, 5))
