"""Numbers as labels: what is known of them, the draw, densities, temperature and scores."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from ssdgm_train.labels import Continuous, continuous
from ssdgm_train.labels.space import bound_over
from ssdgm_train.probability.noise import Noise

SPACE = Continuous((100.0, -1.0), (20.0, 0.5))
Y = torch.tensor([[120.0, -1.0], [float("nan"), -0.5], [float("nan"), float("nan")]]).double()
RAW = torch.tensor([[1.0, 0.5, -1.0, 0.3], [0.2, 0.0, 0.0, -5.0], [0.0, 0.0, 3.0, 1.0]]).double()


def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(0))


def deviations() -> torch.Tensor:
    return SPACE.outputs(RAW)["scale"] / torch.tensor(SPACE.scale)


def test_what_is_known_is_standardised_and_what_is_not_is_zero() -> None:
    known = SPACE.known(Y, like=RAW)
    assert known.value.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert known.mask.tolist() == [[1, 1], [0, 1], [0, 0]]


def test_graphs_give_and_take_the_users_units() -> None:
    outputs = SPACE.outputs(RAW)
    torch.testing.assert_close(outputs["mean"][0], torch.tensor([120.0, -0.75]).double())
    torch.testing.assert_close(SPACE.given(outputs["mean"]), SPACE.mean(RAW))
    assert (outputs["scale"] >= continuous.LEAST * torch.tensor(SPACE.scale)).all()


def test_a_draw_has_the_mean_and_the_deviation_of_q() -> None:
    raw = RAW[:1].expand(20_000, -1)
    drawn = SPACE.tries(raw, noise()).y[:, 0]
    torch.testing.assert_close(drawn.mean(0), SPACE.mean(RAW)[0], atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(0), deviations()[0], atol=0.0, rtol=0.02)


def test_the_gradient_flows_through_a_draw() -> None:
    raw = RAW.clone().requires_grad_()
    SPACE.tries(raw, noise()).y.sum().backward()
    assert raw.grad is not None
    assert (raw.grad[:2] != 0).all()


def test_numbers_that_are_known_are_never_drawn() -> None:
    known = SPACE.known(Y, like=RAW)
    tries = SPACE.completed(RAW, known, noise())
    assert tries.y.shape == (3, 1, 2)
    assert tries.y[0, 0].tolist() == [1, 0]
    assert tries.y[1, 0, 1] == 1
    assert tries.y[1, 0, 0] != 0
    assert SPACE.entropy(RAW, known)[0] == 0
    whole, part = SPACE.entropy(RAW), SPACE.entropy(RAW, known)
    torch.testing.assert_close(whole[2], part[2])
    assert part[1] < whole[1] + 10


def test_densities_are_those_of_scipy() -> None:
    known = SPACE.known(Y, like=RAW)
    normal = stats.norm(SPACE.mean(RAW).numpy(), deviations().numpy())
    each = np.where(known.mask, normal.logpdf(known.value.numpy()), 0).sum(1)
    np.testing.assert_allclose(SPACE.log_prob(RAW, known).numpy(), each)
    np.testing.assert_allclose(SPACE.entropy(RAW).numpy(), normal.entropy().sum(1))
    np.testing.assert_allclose(
        SPACE.log_prior(known.value).numpy(), stats.norm.logpdf(known.value.numpy()).sum(1)
    )


def test_the_bound_over_drawn_numbers_is_at_most_the_evidence() -> None:
    """A model that can be integrated: p(x | t) = N(x; t, 1), whose evidence is N(x; 0, 2)."""
    space = Continuous((0.0,), (1.0,))
    x = torch.full((40_000,), 0.7).double()
    evidence = stats.norm(0, math.sqrt(2)).logpdf(0.7)

    def bound(y: torch.Tensor) -> torch.Tensor:
        log_px = -0.5 * (x[:, None] - y[..., 0]).square() - 0.5 * math.log(2 * math.pi)
        return log_px + space.log_prior(y)

    for mean, scale, gap in ((0.35, math.sqrt(0.5), 0.0), (0.0, 1.0, None)):
        raw = torch.tensor([[mean, math.log(scale - continuous.LEAST)]]).double()
        value = float(bound_over(space, raw.expand(len(x), -1), bound, noise()).mean())
        assert value <= evidence + 0.02
        assert gap is None or value == pytest.approx(evidence, abs=0.02)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_changes_deviations_alone(temperature: float) -> None:
    cold, warm = SPACE.outputs(RAW), SPACE.outputs(RAW, temperature)
    torch.testing.assert_close(cold["mean"], warm["mean"])
    least = continuous.LEAST * torch.tensor(SPACE.scale).double()
    wanted = torch.maximum(temperature * cold["scale"], least)
    torch.testing.assert_close(warm["scale"], wanted, rtol=1e-4, atol=1e-5)


def test_a_mixture_has_its_mean_and_variance() -> None:
    pooled = SPACE.outputs(SPACE.pooled(RAW[:2]))
    parts = SPACE.outputs(RAW[:2])
    torch.testing.assert_close(pooled["mean"], parts["mean"].mean(0))
    variance = parts["scale"].square().mean(0) + parts["mean"].var(0, correction=0)
    torch.testing.assert_close(pooled["scale"], variance.sqrt())


def test_scores_are_in_the_users_units_and_in_deviations() -> None:
    score = SPACE.measure(RAW, Y)
    assert score.rows == 2
    assert score.rmse == pytest.approx((0.0, math.sqrt((0.25**2 + 0.5**2) / 2)))
    assert score.error == pytest.approx(math.sqrt((0 + 0.5**2 + 1) / 3))
    assert score.mae == pytest.approx((0.0, (0.25 + 0.5) / 2))
    wrong = SPACE.wrong(RAW, Y).numpy()
    assert float(SPACE.error(np.array([wrong.sum() / 3]))[0]) == pytest.approx(score.error)
    assert score.words.startswith("RMSE 0, 0.3953 (")


def test_the_ranked_probability_score_is_that_of_a_normal_distribution() -> None:
    space = Continuous((0.0,), (1.0,))
    raw, y = torch.tensor([[0.3, -0.2]]).double(), torch.tensor([[1.1]]).double()
    scale = float(space.outputs(raw)["scale"])

    def gap(t: float) -> float:
        return float((stats.norm(0.3, scale).cdf(t) - (t >= 1.1)) ** 2)

    whole = integrate.quad(gap, -8, 1.1)[0] + integrate.quad(gap, 1.1, 8)[0]
    assert space.measure(raw, y).brier == pytest.approx(whole, abs=1e-6)


def test_honest_intervals_are_calibrated_and_bold_ones_are_not() -> None:
    space, rng = Continuous((0.0,), (1.0,)), torch.Generator().manual_seed(1)
    mean = torch.randn(20_000, 1, generator=rng).double()
    y = mean + torch.randn(20_000, 1, generator=rng).double()
    honest = torch.cat([mean, torch.full_like(mean, math.log(1 - continuous.LEAST))], 1)
    bold = torch.cat([mean, torch.full_like(mean, math.log(0.5 - continuous.LEAST))], 1)
    assert space.measure(honest, y).ece < 0.01
    assert space.measure(bold, y).ece > 0.15


def test_strata_are_equal_parts_in_order() -> None:
    y = np.arange(100.0)[::-1, None].copy()
    y[7] = np.nan
    strata = continuous.stated(y).strata(y)
    assert strata[7] == -1
    assert sorted(np.bincount(strata[strata >= 0])) == [9] + [10] * 9
    assert strata[0] == continuous.BINS - 1
    assert strata[-1] == 0


def test_the_space_of_rows_has_their_means_and_deviations() -> None:
    y = np.array([[1.0, 5.0], [3.0, np.nan], [np.nan, 5.0]])
    assert continuous.stated(y) == Continuous((2.0, 5.0), (1.0, 1.0))


def test_a_prior_draw_is_in_the_users_units() -> None:
    drawn = SPACE.drawn(np.random.default_rng(0), 20_000)
    np.testing.assert_allclose(drawn.mean(0), SPACE.shift, atol=0.3)
    np.testing.assert_allclose(drawn.std(0), SPACE.scale, rtol=0.02)
