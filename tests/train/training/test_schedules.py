"""Factors on the learning rate."""

import pytest

from ssdgm_train.training.schedules import SCHEDULES


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_schedule_begins_at_the_whole_rate_and_never_rises(name: str) -> None:
    rates = [SCHEDULES[name](step / 20) for step in range(20)]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_the_cosine_is_half_way_in_the_middle_and_nothing_at_the_end() -> None:
    assert SCHEDULES["cosine"](0.5) == pytest.approx(0.5)
    assert SCHEDULES["cosine"](1.0) == pytest.approx(0)
    assert SCHEDULES["constant"](0.9) == 1
