"""Likelihoods: raw decoder outputs to densities and to parameters in natural units."""

import math

import pytest
import torch
from torch import Tensor

from ssdgm_train import likelihoods

TOTAL = 16
EVERY = pytest.mark.parametrize("name", list(likelihoods.LIKELIHOODS))


def raw(likelihood: likelihoods.Likelihood, rows: int = 4, features: int = 5) -> Tensor:
    return torch.randn(rows, likelihood.heads * features, dtype=torch.float64)


def observations(rows: int = 4, features: int = 5) -> Tensor:
    return torch.randint(0, TOTAL + 1, (rows, features)).double() / TOTAL


@EVERY
def test_a_density_is_one_number_an_example(name: str) -> None:
    likelihood = likelihoods.LIKELIHOODS[name](TOTAL)
    found = likelihood.log_prob(observations(), raw(likelihood))
    assert likelihood.name == name
    assert found.shape == (4,)
    assert torch.isfinite(found).all()


@EVERY
def test_parameters_have_the_features_of_the_observation(name: str) -> None:
    likelihood = likelihoods.LIKELIHOODS[name](TOTAL)
    found = likelihood.parameters(raw(likelihood))
    assert {value.shape for value in found.values()} == {(4, 5)}
    assert likelihood.mean(found).shape == (4, 5)


def test_each_density_is_torchs_at_the_named_parameters() -> None:
    x = observations()
    bernoulli, binomial, gaussian = (f(TOTAL) for f in likelihoods.LIKELIHOODS.values())
    bits = (x > 0.5).double()
    for likelihood, row, reference in (
        (bernoulli, bits, lambda p: torch.distributions.Bernoulli(p["probs"]).log_prob(bits)),
        (
            binomial,
            x,
            lambda p: torch.distributions.Binomial(TOTAL, p["probs"]).log_prob(TOTAL * x),
        ),
        (
            gaussian,
            x,
            lambda p: torch.distributions.Normal(p["mean"], p["scale"]).log_prob(x),
        ),
    ):
        outputs = raw(likelihood)
        expected = reference(likelihood.parameters(outputs)).sum(-1)
        torch.testing.assert_close(likelihood.log_prob(row, outputs), expected)


def test_the_gaussian_integrates_to_one() -> None:
    likelihood = likelihoods.gaussian()
    x = torch.linspace(-60, 60, 200_001, dtype=torch.float64)[:, None]
    density = likelihood.log_prob(x, torch.tensor([0.3, 1.2], dtype=torch.float64)).exp()
    torch.testing.assert_close(
        torch.trapezoid(density, x[:, 0]), torch.ones((), dtype=torch.float64)
    )


@pytest.mark.parametrize("spread", [-1e4, 0.0, 1e4])
def test_the_gaussians_scale_keeps_above_its_floor_and_stays_finite(spread: float) -> None:
    found = likelihoods.gaussian(floor=0.2).parameters(torch.tensor([0.0, spread]))
    assert 0.2 <= float(found["scale"]) < math.inf


def test_bernoulli_draws_bits_with_the_grey_levels_as_their_probabilities() -> None:
    draw = likelihoods.bernoulli().draw
    grey = torch.tensor([0.0, 0.25, 1.0]).expand(20_000, 3)
    bits = draw(grey, torch.Generator().manual_seed(0))
    assert set(bits.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(bits.mean(0), grey[0], atol=0.01, rtol=0)
    assert torch.equal(bits, draw(grey, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", ["binomial", "gaussian"])
def test_the_others_draw_the_observation_itself(name: str) -> None:
    x = observations()
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert torch.equal(likelihoods.LIKELIHOODS[name](TOTAL).draw(x, generator), x)
    assert torch.equal(generator.get_state(), before)
