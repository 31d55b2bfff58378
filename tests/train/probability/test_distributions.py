"""Densities and divergences against torch's own, and against quadrature."""

import math

import noises
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ssdgm_train.probability import distributions

MEANS = st.floats(-3, 3)
SCALES = st.floats(0.1, 3)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_the_normal_is_torchs() -> None:
    x, mean, scale = random(4, 5), random(4, 5), random(4, 5).exp()
    expected = torch.distributions.Normal(mean, scale).log_prob(x).sum(-1)
    torch.testing.assert_close(distributions.normal_log_prob(x, mean, scale), expected)


def test_the_normals_divergence_is_torchs() -> None:
    mean, scale = random(4, 5), random(4, 5).exp()
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(scale))
    found = torch.distributions.Normal(mean, scale)
    expected = torch.distributions.kl_divergence(found, standard).sum(-1)
    torch.testing.assert_close(distributions.normal_kl(mean, scale), expected)


@given(MEANS, SCALES)
def test_the_normals_divergence_is_its_integral(mean: float, scale: float) -> None:
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(5))
    where, spread = (torch.full((1,), v, dtype=torch.float64) for v in (mean, scale))
    z = (mean + scale * nodes)[:, None]
    zero, one = torch.zeros_like(z), torch.ones_like(z)
    ratio = distributions.normal_log_prob(z, where, spread) - distributions.normal_log_prob(
        z, zero, one
    )
    integral = (weights * ratio).sum() / math.sqrt(2 * math.pi)
    torch.testing.assert_close(distributions.normal_kl(where, spread), integral)


def test_the_divergence_from_itself_is_zero() -> None:
    assert distributions.normal_kl(torch.zeros(3), torch.ones(3)) == 0


def test_the_bernoulli_is_torchs() -> None:
    x, logits = (random(4, 5) > 0).double(), 3 * random(4, 5)
    expected = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(-1)
    torch.testing.assert_close(distributions.bernoulli_log_prob(x, logits), expected)


def test_the_bernoulli_of_grey_is_the_negative_cross_entropy() -> None:
    x, logits = torch.rand(4, 5).double(), random(4, 5)
    expected = -torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
    torch.testing.assert_close(distributions.bernoulli_log_prob(x, logits), expected.sum(-1))


@pytest.mark.parametrize("total", [1, 16, 255])
def test_the_binomial_is_torchs(total: int) -> None:
    count, logits = torch.randint(0, total + 1, (4, 5)).double(), random(4, 5)
    reference = torch.distributions.Binomial(torch.tensor(total), logits=logits)
    found = distributions.binomial_log_prob(count / total, logits, total)
    torch.testing.assert_close(found, reference.log_prob(count).sum(-1))


@given(st.integers(1, 64), st.floats(-10, 10))
def test_the_binomial_sums_to_one_over_its_counts(total: int, logit: float) -> None:
    counts = torch.arange(total + 1, dtype=torch.float64)[:, None] / total
    found = distributions.binomial_log_prob(counts, torch.full((1,), logit).double(), total)
    torch.testing.assert_close(found.logsumexp(0), torch.zeros((), dtype=torch.float64))


def test_the_entropy_is_torchs() -> None:
    logits = random(4, 5)
    expected = torch.distributions.Categorical(logits=logits).entropy()
    torch.testing.assert_close(distributions.categorical_entropy(logits), expected)


def test_the_entropy_is_largest_when_all_are_alike_and_zero_when_one_is_certain() -> None:
    alike, certain = torch.zeros(7), torch.tensor([0.0, 1e4, 0.0])
    torch.testing.assert_close(
        distributions.categorical_entropy(alike), torch.tensor(math.log(7.0))
    )
    assert distributions.categorical_entropy(certain) == 0


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit: float) -> None:
    x, logits = torch.tensor([0.0, 0.5, 1.0]), torch.full((3,), logit)
    assert torch.isfinite(distributions.bernoulli_log_prob(x, logits))
    assert torch.isfinite(distributions.binomial_log_prob(x, logits, 16))


def test_leading_axes_broadcast() -> None:
    x, mean, scale = random(4, 1, 5), random(4, 3, 5), random(3, 5).exp()
    found = distributions.normal_log_prob(x, mean, scale)
    assert found.shape == (4, 3)
    torch.testing.assert_close(
        found[:, 2], distributions.normal_log_prob(x[:, 0], mean[:, 2], scale[2])
    )


def test_a_sample_follows_its_generator_and_its_parameters() -> None:
    normal = distributions.Normal(torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0]))
    seed = noises.seeded
    eps = torch.empty(2).normal_(generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(normal.sample(seed(3)), normal.mean + normal.scale * eps)
    assert not torch.equal(normal.sample(seed(3)), normal.sample(seed(4)))


def test_a_sample_carries_gradients_to_mean_and_scale() -> None:
    mean, scale = torch.zeros(3, requires_grad=True), torch.ones(3, requires_grad=True)
    draw = distributions.Normal(mean, scale).sample(noises.seeded(3))
    draw.sum().backward()
    assert mean.grad is not None
    assert scale.grad is not None
    torch.testing.assert_close(mean.grad, torch.ones(3))
    torch.testing.assert_close(scale.grad, draw.detach())
