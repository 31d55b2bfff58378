"""The temperature, against what labels were drawn at."""

import math

import pytest
import torch
from torch import Tensor

from ssdgm_train.evaluation import calibration
from ssdgm_train.labels import classes
from ssdgm_train.labels.measures import scores

FOUR = classes.uniform(4)


def sample(rows: int, temperature: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits [rows, 4] and labels drawn from softmax(logits / temperature)."""
    draw = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, 4, generator=draw)
    return logits, torch.multinomial((logits / temperature).softmax(-1), 1, generator=draw)[:, 0]


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(true: float) -> None:
    logits, y = sample(20_000, true)
    assert calibration.temperature(FOUR, logits, y) == pytest.approx(true, rel=0.05)


def test_no_temperature_nearby_has_a_lower_nll() -> None:
    logits, y = sample(300, 2.0)
    best = calibration.temperature(FOUR, logits, y)
    around = [scores.measure(logits / (best * k), y).nll for k in (0.95, 1, 1.05)]
    assert min(around) == around[1]


@pytest.mark.parametrize("sign", [1, -1], ids=["always right", "always wrong"])
def test_the_temperature_stays_within_its_bounds(sign: int) -> None:
    logits = torch.eye(3)[torch.arange(150) % 3]
    found = calibration.temperature(classes.uniform(3), sign * logits, torch.arange(150) % 3)
    low, high = calibration.BOUNDS
    assert low <= found <= high
    assert found == pytest.approx(low if sign > 0 else high, rel=0.01)


def test_a_temperature_is_fitted_from_a_hundred_rows_on() -> None:
    logits, y = sample(calibration.FEWEST, 5.0)
    assert calibration.temperature(FOUR, logits[1:], y[1:]) == 1
    assert calibration.temperature(FOUR, logits, y) != 1
    assert math.isfinite(calibration.temperature(FOUR, 1e4 * logits, y))
