import numpy as np

from ssdgm_runtime.pictures import traces


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    (found,) = traces.images(np.linspace(0, 1, 40)[None, None], 0, 1, 20)
    assert found.shape == (20, 40)
    assert found[-1, 0] == found[0, -1] == 0
    assert found[0, 0] == found[-1, -1] == 255
    assert (found.min(0) == 0).all()  # no column without the line


def test_a_jump_is_joined_and_channels_have_shades() -> None:
    x = np.zeros((2, 2, 10))
    x[:, 0, 5:], x[:, 1] = 1, 0.5
    found = traces.images(x, 0, 1, 11)
    assert found.shape == (2, 11, 22)
    assert sorted(set(found[0].ravel().tolist())) == [0, 170, 255]
    assert (found[0] == 0).any(0).all()  # no column without the first channel
    np.testing.assert_array_equal(found[0], found[1])


def test_what_lies_beyond_is_drawn_at_the_edge_and_a_long_series_has_a_limit() -> None:
    found = traces.images(np.full((1, 1, 5000), 9.0), 0, 1, 20)
    assert found.shape == (1, 20, 120)
    assert (found[0, 0] == 0).all()
    assert traces.images(np.zeros((1, 1, 1)), 0, 0, 20).shape == (1, 20, 40)
