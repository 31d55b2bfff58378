import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from ssdgm_runtime.bench import load


class Fake:
    """A clock that only moves when someone waits or works; one caller, so no lock."""

    def __init__(self) -> None:
        self.time, self.used, self.slept, self.spun = 100.0, 7.0, 0.0, 0

    @property
    def clock(self) -> load.Clock:
        return load.Clock(lambda: self.time, lambda: self.used, self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds or 1e-5  # what a look at the clock takes, where it spins
        self.slept += seconds
        self.spun += not seconds

    def work(self, seconds: float) -> Callable[[], None]:
        def call() -> None:
            self.time += seconds
            self.used += seconds / 2

        return call


def stretch(fake: Fake, arrival: load.Arrival, service: float, seconds: float) -> load.Stretch:
    with load.opened(arrival, 1, load.SLICES * seconds, fake.clock) as made:
        return made(fake.work(service), 0)


def test_one_caller_makes_one_call() -> None:
    found = stretch(Fake(), load.Arrival(), 0.25, 1.0)
    assert found.latencies == pytest.approx([0.25])
    assert (found.wall, found.cpu) == pytest.approx((0.25, 0.125))
    assert (found.waits, found.offered) == ([], 0)


def test_requests_that_come_slowly_wait_for_nobody() -> None:
    fake = Fake()
    found = stretch(fake, load.Arrival(load.UNIFORM, 10.0), 0.02, 1.0)
    assert found.offered == len(found.latencies) == 10
    assert found.latencies == pytest.approx([0.02] * 10, abs=1e-4)
    assert found.waits == pytest.approx([0.0] * 10, abs=1e-4)
    assert found.wall == pytest.approx(0.92, abs=1e-4)
    assert fake.slept == pytest.approx(0.9 - 9 * 0.02 - 9 * 1e-3)
    assert fake.spun == pytest.approx(9 * 100, abs=9)


def test_latency_counts_from_the_schedule_and_not_from_the_start() -> None:
    """A request that must wait for the one before it is not excused: no coordinated omission."""
    found = stretch(Fake(), load.Arrival(load.UNIFORM, 10.0), 0.15, 1.0)
    assert found.latencies == pytest.approx([0.15 + 0.05 * i for i in range(10)])
    assert found.waits == pytest.approx([0.05 * i for i in range(10)])
    assert found.wall == pytest.approx(1.5)


def test_one_slow_call_is_seen_by_those_who_come_meanwhile() -> None:
    fake, calls = Fake(), []

    def call() -> None:
        fake.time += 0.5 if len(calls) == 2 else 0.01
        calls.append(fake.time)

    with load.opened(load.Arrival(load.UNIFORM, 10.0), 1, 2.0, fake.clock) as made:
        found = made(call, 0)
    assert sum(latency > 0.1 for latency in found.latencies) == 5
    assert max(found.latencies) == pytest.approx(0.5, abs=1e-4)


def test_who_is_not_served_in_time_is_counted() -> None:
    found = stretch(Fake(), load.Arrival(load.UNIFORM, 10.0), 1.0, 1.0)
    assert found.offered == 10
    assert len(found.latencies) == 3
    assert found.wall == pytest.approx(3.0)


def test_every_engine_of_a_round_gets_the_same_schedule() -> None:
    fake = Fake()
    with load.opened(load.Arrival(load.POISSON, 20.0), 1, 2.0, fake.clock) as made:
        one, other, later = (made(fake.work(0.2), turn) for turn in (0, 0, 1))
    assert one.waits == pytest.approx(other.waits, abs=1e-4)
    assert one.waits != pytest.approx(later.waits, abs=1e-2)


def test_all_stretches_together_take_the_time_that_was_asked_for() -> None:
    fake = Fake()
    with load.opened(load.Arrival(load.UNIFORM, 50.0), 1, 3.0, fake.clock) as made:
        stretches = [made(fake.work(0.001), turn) for turn in range(load.SLICES)]
    assert sum(s.offered for s in stretches) == 150
    assert sum(s.wall for s in stretches) == pytest.approx(3.0, rel=0.05)


def test_of_several_callers_one_spins() -> None:
    """The others, whose turns come later, sleep instead of burning a processor."""
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        time.sleep(seconds)

    clock = load.Clock(sleep=sleep)
    turns = load._Turns(clock.now(), [0.0005, 0.0007], clock)
    assert turns._nap(0, 0.0005) == 0.0
    assert turns._nap(1, 0.0007) == 0.0007
    assert turns._nap(1, 0.5) == 0.1
    assert turns.take(load._Crew(None, 1)) == 0  # type: ignore[arg-type]
    assert set(naps) == {0.0}
    assert turns._nap(1, 0.0002) == 0.0


def test_a_schedule_of_poisson_has_its_rate_and_its_spread() -> None:
    due = load.schedule(load.Arrival(load.POISSON, 50.0), 100.0, np.random.default_rng(0))
    gaps = np.diff(due)
    assert len(due) == 5000
    assert gaps.mean() == pytest.approx(1 / 50, rel=0.05)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)
    assert 0 <= due[0] < due[-1] <= 100


@pytest.mark.parametrize("kind", [load.POISSON, load.UNIFORM])
def test_a_request_that_is_rare_comes_within_the_time(kind: str) -> None:
    (due,) = load.schedule(load.Arrival(kind, 1e-9), 0.1, np.random.default_rng(0))
    assert 0 <= due <= 0.1


@pytest.mark.parametrize("arrival", [load.Arrival(), load.Arrival(load.UNIFORM, 2000.0)], ids=str)
def test_many_callers_call_at_the_same_time(arrival: load.Arrival) -> None:
    together = threading.Barrier(3)
    seen: set[int] = set()

    def call() -> None:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            together.wait(timeout=10)

    with load.opened(arrival, 3, 0.02) as made:
        found = made(call, 0)
    assert len(seen) == 3
    assert len(found.latencies) >= 3
    assert found.wall > 0
    assert all(latency > 0 for latency in found.latencies)


def test_what_a_call_raises_is_raised() -> None:
    def call() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), load.opened(load.Arrival(), 2, 0.02) as made:
        made(call, 0)


@pytest.mark.parametrize("arrival", [load.Arrival(), load.Arrival(load.UNIFORM, 1.0)], ids=str)
@pytest.mark.parametrize("mine", [True, False])
def test_when_one_is_stopped_all_are(arrival: load.Arrival, mine: bool) -> None:
    """Such as by Ctrl-C, which only the first of the callers hears."""
    first = threading.get_ident()

    def call() -> None:
        if (threading.get_ident() == first) is mine:
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), load.opened(arrival, 3, 600.0) as made:
        made(call, 0)
    assert time.monotonic() - began < 60
