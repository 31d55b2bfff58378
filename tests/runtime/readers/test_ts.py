"""Files of the UCR archive: what is read, and what is refused."""

import io

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.readers import ts

HEAD = "# two series\n@problemName a\n@univariate false\n@classLabel true 1 2\n@data\n"
LINES = "1,2,3:4,5,6:one\n\n7,8:9,10.5:two\n"


def read(text: str) -> ts.Series:
    return ts.read(io.BytesIO(text.encode()), "a.ts")


def test_series_of_unequal_length_are_read() -> None:
    series = read(HEAD + LINES)
    assert series.labels == ("one", "two")
    assert series.x.dtype == np.float32
    np.testing.assert_array_equal(series.x[0], [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(series.x[1], [[7, 8, np.nan], [9, 10.5, np.nan]])


def test_series_without_labels_are_read() -> None:
    series = read("@classLabel false\n@data\n1,2\n3,4\n")
    assert series.labels == ()
    np.testing.assert_array_equal(series.x[:, 0], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line @data"),
        ("1,2:a\n", "no line @data"),
        (HEAD, "no series"),
        ("@timestamps true\n@data\n", "time stamps"),
        (HEAD + "1,2:3,4:a\n1,2:a\n", "series 2, has 1 channels"),
        (HEAD + "1,2:3,4,5:a\n", "channels of 2, 3 moments"),
        (HEAD + "1,?:3,4:a\n", "the value '?'"),
        (HEAD + "1,nan:3,4:a\n", "is not finite"),
        (HEAD + ":3,4:a\n", "the value ''"),
    ],
)
def test_other_files_are_refused(text: str, words: str) -> None:
    with pytest.raises(errors.DataError) as caught:
        read(text)
    assert words in str(caught.value)
    assert "a.ts" in str(caught.value)
