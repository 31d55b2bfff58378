from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.labels import classes, reading, registry

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


LOGITS = np.float32([[0, 2, 1], [3, 0, 1]])
PROBS = np.float32([[0.1, 0.6, 0.3], [0.8, 0.05, 0.15]])


class TestAnswers:
    def test_by_name_and_in_order(self) -> None:
        by_name = SPACE.answer({"z_mean": LOGITS, "probs": PROBS, "logits": LOGITS})
        in_order = SPACE.answer([LOGITS, PROBS])
        for answer in (by_name, in_order):
            assert answer.labels.tolist() == [1, 0]
            assert answer.names == ["one", "zero"]
            np.testing.assert_array_equal(answer.probs, PROBS)
        assert SPACE.predict([LOGITS, PROBS]).tolist() == [20, 10]

    def test_parts_and_counts(self) -> None:
        answer = SPACE.answer([LOGITS, PROBS])
        assert answer.counts() == {"zero": 1, "one": 1, "two": 0}
        assert len(answer.part(slice(1, 2))) == 1
        assert answer.part(slice(1, 2)).names == ["zero"]
        assert answer.part(slice(0, 0)).counts() == {"zero": 0, "one": 0, "two": 0}

    def test_columns_of_no_rows_have_their_names(self) -> None:
        none = SPACE.answer([LOGITS[:0], PROBS[:0]])
        assert SPACE.records(none, 2) == []
        assert list(SPACE.columns(none, 9)) == [
            *("label", "name", "class", "probability"),
            *("name_2", "probability_2", "name_3", "probability_3"),
        ]


class TestTruth:
    def test_own_values_are_read(self) -> None:
        assert SPACE.targets(np.array([30, 10])).tolist() == [2, 0]
        assert SPACE.targets(np.array([30.0, 10.0])).tolist() == [2, 0]
        with pytest.raises(errors.DataError, match=r"label 7; expected labels among \[10, 20, 30"):
            SPACE.targets(np.array([30, 7]))

    def test_wrong_where_it_is_known(self) -> None:
        wrong = SPACE.wrong([LOGITS, PROBS], np.array([1, 2]))
        assert wrong.tolist() == [0, 1]
        assert np.isnan(SPACE.wrong([LOGITS, PROBS], np.array([-1, 0]))).tolist() == [True, False]

    def test_differences_count_where_the_golden_answer_is_clear(self) -> None:
        turned = [LOGITS[:, ::-1], PROBS[:, ::-1]]
        for atol, rows in ((0.0, (1,)), (0.2, (1,)), (0.4, ())):
            assert SPACE.differs(turned, [LOGITS, PROBS], atol, 0.0) == rows
        assert SPACE.clear([LOGITS, PROBS], 0.2, 0.0).tolist() == [False, True]


def test_labels_of_the_prior_invert_its_cumulative_sum() -> None:
    u = np.array([[0.0], [0.49], [0.5], [0.74], [0.75], [0.999]])
    assert SPACE.nearest(SPACE.draw(u)).tolist() == [0, 0, 1, 1, 2, 2]
    assert SPACE.draw(u).dtype == np.float32
    assert SPACE.draw(np.zeros((0, 1))).shape == (0, 3)


def test_words_of_a_command_line() -> None:
    named = classes.Classes(("3", "two"), (0, 1), (0.5, 0.5))
    assert named.captions(named.spoken(["3", "1", "two", 0])) == ["3", "two", "two", "3"]
    with pytest.raises(errors.InputError, match="--class is"):
        named.spoken(["7"], "--class")


@pytest.mark.parametrize("more", [{}, {"labelled": 2, "class_of": (0, 1, None)}])
def test_what_is_written_is_read(more: dict[str, Any]) -> None:
    space = SPACE._replace(**more)
    assert classes.parse(space.to_json()) == space
    assert registry.parse(space.to_json()) == space
