import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.labels import classes, reading

SPACE = classes.Classes(("zero", "one", "two"), (10, 20, 30), (0.5, 0.25, 0.25))


class TestReading:
    @pytest.mark.parametrize(
        "y",
        [
            2,
            "two",
            np.int64(2),
            np.str_("two"),
            [2],
            ["two"],
            ("two",),
            np.array([2]),
            np.array("two"),
        ],
    )
    def test_one_label(self, y: object) -> None:
        assert SPACE.read(y).tolist() == [[0, 0, 1]]

    def test_several(self) -> None:
        expected = np.eye(3, dtype=np.float32)[[1, 0, 1]]
        for y in ([1, 0, 1], ["one", "zero", "one"], ["one", 0, 1], np.array([1, 0, 1], np.uint8)):
            found = SPACE.read(y)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == np.float32

    def test_weights(self) -> None:
        y = [[0.2, 0.3, 0.5]]
        np.testing.assert_array_equal(SPACE.read(y), np.float32(y))
        assert SPACE.read(np.eye(3, dtype=int)).dtype == np.float32

    def test_none(self) -> None:
        for y in ([], np.zeros(0, int), np.zeros((0, 3))):
            assert SPACE.read(y).shape == (0, 3)

    @pytest.mark.parametrize("y", [3, -1, "three", ["one", 7], np.array([5]), "2"])
    def test_unknown(self, y: object) -> None:
        with pytest.raises(
            errors.InputError, match=r"an index from 0 to 2 or a name among 'zero',"
        ):
            SPACE.read(y)

    @pytest.mark.parametrize(
        "y",
        [
            1.0,
            True,
            [True],
            [1.0, 2.0],
            np.zeros((2, 4)),
            np.zeros((1, 1, 3)),
            [["one"]],
            [[1], [1, 2]],
            object(),
        ],
    )
    def test_of_another_form(self, y: object) -> None:
        with pytest.raises(errors.InputError, match=r"an index, a name, a sequence of them, or"):
            SPACE.read(y)

    def test_one_row_of_weights_says_how(self) -> None:
        with pytest.raises(errors.InputError, match=r"y\[None\]"):
            SPACE.read(np.float32([0, 0, 1]))

    def test_a_message_calls_them_what_the_caller_does(self) -> None:
        for bad in ("four", np.eye(2), [[0.0, 1.0, np.nan]]):
            with pytest.raises(errors.InputError, match="classes is"):
                SPACE.read(bad, name="classes")

    def test_not_finite(self) -> None:
        with pytest.raises(errors.InputError, match="not finite in 1 of 1 rows"):
            SPACE.read([[0.0, 1.0, np.nan]])

    def test_many_labels_are_not_all_listed(self) -> None:
        with pytest.raises(errors.InputError, match=r"'11', \.\.\. \(1000\)"):
            reading.read("x", [str(i) for i in range(1000)])

    def test_for_rows(self) -> None:
        assert SPACE.read("one", 3).tolist() == [[0, 1, 0]] * 3
        assert SPACE.read([0, 1, 2], 3).tolist() == np.eye(3).tolist()
        assert SPACE.read(0, 0).shape == (0, 3)
        for y in ([0], [0, 1], np.eye(3)[:1]):
            with pytest.raises(errors.InputError, match="one for each of the 3 rows"):
                SPACE.read(y, 3)
