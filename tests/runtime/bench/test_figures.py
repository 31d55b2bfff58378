import numpy as np
import pytest

from ssdgm_runtime.bench import figures


def test_figures_are_those_of_the_series() -> None:
    found = figures.summary(np.arange(1, 1002) / 1e3)
    ends = (found["min_ms"], found["p50_ms"], found["max_ms"])
    assert ends == pytest.approx((1, 501, 1001))
    assert found["mean_ms"] == pytest.approx(501)
    assert found["p90_ms"] == pytest.approx(901)
    assert found["p95_ms"] == pytest.approx(951)
    assert found["p99_ms"] == pytest.approx(991)
    assert found["p999_ms"] == pytest.approx(1000)
    assert found["stdev_ms"] == pytest.approx(np.std(np.arange(1, 1002), ddof=1))


def test_what_too_few_calls_cannot_say_is_none() -> None:
    found = figures.summary(np.array([0.001, 0.002, 0.003]))
    unknown = {key for key, value in found.items() if value is None}
    assert unknown == {"p999_ms", "p50_interval_ms", "p95_interval_ms", "noisy"}
    assert figures.summary(np.full(999, 0.001))["p999_ms"] is None
    assert figures.summary(np.full(1000, 0.001))["p999_ms"] == pytest.approx(1)
    assert figures.summary(np.array([0.5]))["stdev_ms"] == 0


def test_the_same_series_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).exponential(size=200)
    assert figures.summary(values) == figures.summary(values)


def series(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Independent draws, or ones of which neighbours resemble each other; median 1."""
    if kind == "independent":
        return np.exp(0.3 * rng.normal(size=n))
    found, level = np.empty(n), 0.0
    for i, step in enumerate(rng.normal(size=n)):
        level = 0.7 * level + np.sqrt(1 - 0.7**2) * step
        found[i] = level
    return np.exp(0.3 * found)


TRUTH = (1.0, float(np.exp(0.3 * 1.6448536269514722)))


def held(found: np.ndarray, column: int, block: int | None) -> bool:
    """Whether a 95 % interval holds the true percentile."""
    draws = figures.medians_and_tails(found, draws=120, block=block)[:, column]
    low, high = figures.span(float(np.quantile(found, (0.5, 0.95)[column])), draws)
    return low <= TRUTH[column] <= high


def coverage(kind: str, column: int, block: int | None) -> float:
    """How often it does."""
    rng = np.random.default_rng(1)
    return float(np.mean([held(series(kind, rng, 400), column, block) for _ in range(150)]))


def disturbed(length: int, n: int, trials: int) -> np.ndarray:
    """Series [trials, n] in which a disturbance lasts for `length` calls."""
    rng, keep = np.random.default_rng(length), np.exp(-1 / length)
    found, level = np.empty((n, trials)), rng.normal(size=trials)
    for i in range(n):
        level = keep * level + np.sqrt(1 - keep**2) * rng.normal(size=trials)
        found[i] = level
    return np.exp(0.3 * found.T)


@pytest.mark.parametrize("column", [0, 1], ids=["p50", "p95"])
def test_intervals_hold_the_truth_as_often_as_they_say(column: int) -> None:
    assert 0.88 <= coverage("independent", column, None) <= 0.99


@pytest.mark.parametrize("length", [50, 100, 200])
def test_disturbances_that_last_are_in_an_interval(length: int) -> None:
    runs = disturbed(length, 4000, 100)
    assert np.mean([held(run, 0, None) for run in runs]) >= 0.85
    short = round(4000 ** (1 / 3))
    assert np.mean([held(run, 0, short) for run in runs[:50]]) < 0.75


def test_blocks_are_what_holds_it_where_neighbours_resemble_each_other() -> None:
    blocks, single = coverage("resembling", 0, None), coverage("resembling", 0, 1)
    assert blocks >= 0.8
    assert single <= blocks - 0.1


def test_blocks_are_runs_of_neighbours_round_the_end() -> None:
    (pick,) = figures.resamples(1000, 1)
    assert len(pick) == 1000
    assert set(pick) <= set(range(1000))
    steps = np.diff(pick) % 1000
    assert (steps == 1).sum() >= 1000 - figures.BLOCKS
    assert (steps[99::100] != 1).any()


def test_a_ratio_of_calls_in_turn_keeps_what_they_share() -> None:
    shared = np.exp(0.5 * np.random.default_rng(2).normal(size=300))
    value, pair = figures.ratio(2 * shared, shared)
    assert value == pytest.approx(2)
    assert pair == pytest.approx((2, 2))
    rng = np.random.default_rng(3)
    value, apart = figures.ratio(2 * rng.permutation(shared), rng.permutation(shared))
    assert apart is not None
    assert apart[0] < 1.98 < 2.02 < apart[1]
    assert figures.ratio(shared[:9], shared)[1] is None


def test_noise_is_windows_that_differ() -> None:
    steady = np.tile([1.0, 1.2, 0.9, 1.1, 5.0], 40)
    assert figures.noisy(steady) is False
    assert figures.noisy(np.concatenate([steady, 1.2 * steady])) is True
    assert figures.noisy(steady[:9]) is None


def test_a_queue_grows_when_waits_rise_throughout() -> None:
    waits = np.linspace(0, 1, 40)
    assert figures.growing(list(waits), service=0.1)
    assert figures.growing(list(1 + waits), service=0.1)
    assert not figures.growing(list(waits), service=2.0)
    assert not figures.growing(list(waits[::-1]), service=0.1)
    assert not figures.growing([0.5] * 40, service=0.1)
    assert not figures.growing([0.0, 1.0], service=0.1)


def test_one_stop_of_the_machine_is_no_queue() -> None:
    calm = list(0.01 + 0.0001 * np.arange(30))
    assert not figures.growing(calm + [1.0] * 10, service=0.1)
    assert not figures.growing([*calm[:20], *[1.0] * 10, *calm[20:]], service=0.1)
