import numpy as np

from ssdgm_runtime.labels import agreement


def test_clear_rows_are_more_than_twice_the_bound_apart() -> None:
    probs = np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [0.625, 0.375]])
    assert agreement.clear(probs, 0.125, 0.0).tolist() == [True, True, False, False]
    assert agreement.clear(probs, 0.0, 0.0).tolist() == [True, True, False, True]
    assert agreement.clear(probs, 0.0, 0.25).tolist() == [True, True, False, False]
    assert agreement.clear(probs, 0.0, 1 / 3).tolist() == [False] * 4


def test_the_two_best_of_many_count() -> None:
    probs = np.float32([[0.0, 0.45, 0.1, 0.45], [0.1, 0.2, 0.6, 0.1]])
    assert agreement.clear(probs, 0.01, 0.0).tolist() == [False, True]


def test_a_single_class_is_beyond_doubt() -> None:
    assert agreement.clear(np.ones((3, 1)), 1.0, 1.0).tolist() == [True] * 3
    assert agreement.disagreements(np.ones((3, 1)), np.zeros((3, 1)), 0.0, 0.0) == ()


def test_rows_disagree_only_where_the_best_two_are_apart() -> None:
    kept = np.float32([[0.7, 0.3], [0.51, 0.49], [0.4, 0.6]])
    turned = kept[:, ::-1]
    expected = {0.0: (0, 1, 2), 0.05: (0, 2), 0.15: (0,), 0.25: ()}
    for atol, rows in expected.items():
        assert agreement.disagreements(turned, kept, atol, 0.0) == rows
        assert agreement.disagreements(kept, kept, atol, 0.0) == ()
