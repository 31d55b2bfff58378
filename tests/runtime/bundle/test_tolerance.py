import json

import numpy as np
import pytest

from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.labels import agreement

NAN, INF = np.nan, np.inf


def gaps(a: float, b: float, atol: float = 0.5, rtol: float = 0.25) -> tuple[float, float]:
    return tolerance.gaps(np.array([a, 0.0]), np.array([b, 0.0]), atol, rtol)


def test_the_largest_difference_and_its_share_of_what_is_allowed() -> None:
    assert gaps(3.0, 2.0) == (1.0, 1.0)
    assert gaps(2.0, 3.0) == (1.0, 0.8)  # relative to what is wanted
    assert gaps(-3.0, -2.0) == (1.0, 1.0)
    assert gaps(2.0, 2.0) == (0.0, 0.0)


def test_the_largest_of_each_may_be_of_different_values() -> None:
    found = tolerance.gaps(np.array([101.0, 0.6]), np.array([100.0, 0.0]), 0.5, 0.25)
    assert found == (1.0, 1.2)


@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32, np.bool_])
def test_narrow_dtypes_are_compared_exactly(kind: type[np.generic]) -> None:
    low, high = np.array([0], kind), np.array([1], kind)
    assert tolerance.gaps(low, high, 0.5, 0.0) == tolerance.gaps(high, low, 0.5, 0.0) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [(NAN, NAN), (NAN, 1.0), (1.0, NAN), (INF, 1.0), (1.0, INF), (INF, INF), (-INF, INF)],
)
@pytest.mark.parametrize("tolerance", [0.0, 1.0, 1e300])
def test_what_is_not_finite_never_agrees(a: float, b: float, tolerance: float) -> None:
    worst = gaps(a, b, tolerance, tolerance)[1]
    assert worst > 1
    json.dumps(worst, allow_nan=False)


def test_exact_equality_agrees_where_nothing_is_allowed() -> None:
    assert gaps(2.0, 2.0, 0.0, 0.0) == (0.0, 0.0)
    assert gaps(2.0, 2.0 + 1e-15, 0.0, 0.0)[1] > 1


def test_no_values_are_no_difference() -> None:
    assert tolerance.gaps(np.zeros((0, 3)), np.zeros((0, 3)), 0.0, 0.0) == (0.0, 0.0)


def test_golden_rows_of_anything_are_compared_without_a_warning() -> None:
    """NaNs that signal make numpy warn where they are cast."""
    odd = np.frombuffer(np.full(4, 0x7FA00000, np.uint32).tobytes(), np.float32).reshape(2, 2)
    assert tolerance.gaps(odd, odd, 1e-4, 1e-4) == (tolerance.HUGE, tolerance.HUGE)
    assert not agreement.clear(odd, 1e-4, 1e-4).any()
    assert not agreement.beyond(odd, np.float32(0.5), 1e-4, 1e-4).any()
