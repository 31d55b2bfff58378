"""Likelihoods: raw decoder outputs to densities and to parameters in natural units."""

import math

import noises
import numpy as np
import pytest
import torch
from torch import Tensor

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.rows import columns
from ssdgm_train import likelihoods
from ssdgm_train.labels import classes
from ssdgm_train.likelihoods import gaussian, logistic, observations
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem

FEATURES = 5
TABLE = (
    columns.Column("a"),
    columns.Column("b"),
    columns.Column("colour", columns.CATEGORY, ("blue", "green", "red")),
    columns.Column("flag", columns.BOOLEAN, columns.TRUTH),
)
ALONE = [name for name in likelihoods.LIKELIHOODS if name != "views"]  # made of the others
EVERY = pytest.mark.parametrize("name", ALONE)


def stated(name: str, total: int = 16) -> Problem:
    """A problem of five features; a table's has two numbers, one with gaps, and two categories."""
    space = classes.uniform(2)
    if name == "columns":
        about = (1.0, 2.0), (2.0, 4.0)
        return Problem((4,), "float32", space, name, *about, columns=TABLE, gaps=(1,))
    return Problem((FEATURES,), "uint8", space, name, (0.0,), (1.0,), total)


def built(name: str) -> likelihoods.Likelihood:
    return likelihoods.likelihood_for(stated(name))


def seen(name: str, n: int = 4) -> Tensor:
    """Observations of a family."""
    if name == "columns":
        raw = torch.tensor([[1.0, 2.0, 0, 1], [3.0, math.nan, -1, 0]]).repeat(n // 2, 1)
        return observations.observer_for(stated(name))(raw).double()
    if name == "logistic":
        return torch.randint(0, 256, (n, FEATURES)).double() / logistic.HALF - 1
    return torch.randint(0, 17, (n, FEATURES)).double() / 16


def raw(likelihood: likelihoods.Likelihood, n: int = 4) -> Tensor:
    return torch.randn(n, likelihood.outputs, dtype=torch.float64)


@EVERY
def test_a_density_is_one_number_an_example(name: str) -> None:
    likelihood = built(name)
    found = likelihood.log_prob(seen(name), raw(likelihood))
    assert likelihood.name == name
    assert found.shape == (4,)
    assert torch.isfinite(found).all()


@EVERY
def test_densities_broadcast_over_classes(name: str) -> None:
    likelihood = built(name)
    outputs = torch.randn(4, 3, likelihood.outputs, dtype=torch.float64)
    x = seen(name)
    found = likelihood.log_prob(x[:, None], outputs)
    alone = [likelihood.log_prob(x, outputs[:, k]) for k in range(3)]
    torch.testing.assert_close(found, torch.stack(alone, 1))


@EVERY
def test_parameters_have_the_features_of_the_observation(name: str) -> None:
    likelihood = built(name)
    found = likelihood.parameters(raw(likelihood))
    numbers = stated(name).numbers
    assert likelihood.mean(found).shape == (4, numbers)
    sizes = {key: 5 if key == "code_probs" else numbers for key in found}
    assert {key: value.shape[1] for key, value in found.items()} == sizes


@EVERY
def test_the_last_outputs_are_the_spreads(name: str) -> None:
    likelihood = built(name)
    outputs = raw(likelihood)
    before = likelihood.parameters(outputs)
    if likelihood.spreads:
        outputs[:, -likelihood.spreads :] += 1
    after = likelihood.parameters(outputs)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert moved == ({"scale"} if likelihood.spreads else set())


def test_each_density_is_torchs_at_the_named_parameters() -> None:
    x = seen("binomial")
    bits = (x > 0.5).double()
    references = {
        "bernoulli": (bits, lambda p: torch.distributions.Bernoulli(p["probs"]).log_prob(bits)),
        "binomial": (
            x,
            lambda p: torch.distributions.Binomial(16, p["probs"]).log_prob(16 * x),
        ),
        "gaussian": (x, lambda p: torch.distributions.Normal(p["mean"], p["scale"]).log_prob(x)),
    }
    for name, (row, reference) in references.items():
        likelihood = built(name)
        outputs = raw(likelihood)
        expected = reference(likelihood.parameters(outputs)).sum(-1)
        torch.testing.assert_close(likelihood.log_prob(row, outputs), expected)


def test_the_gaussian_integrates_to_one() -> None:
    one = Problem((1,), "float32", classes.uniform(2), "gaussian", (0.0,), (1.0,))
    x = torch.linspace(-60, 60, 200_001, dtype=torch.float64)[:, None]
    outputs = torch.tensor([0.3, 1.2], dtype=torch.float64)
    density = likelihoods.likelihood_for(one).log_prob(x, outputs).exp()
    torch.testing.assert_close(
        torch.trapezoid(density, x[:, 0]), torch.ones((), dtype=torch.float64)
    )


@pytest.mark.parametrize("spread", [-1e4, 0.0, 1e4])
def test_the_gaussians_scale_keeps_above_its_floor_and_stays_finite(spread: float) -> None:
    found = gaussian.scale_of(torch.tensor(spread), floor=0.2)
    assert 0.2 <= float(found) < math.inf


@pytest.mark.parametrize(
    ("mean", "spread"), [(0.1, -3.0), (-1.5, -6.0), (0.99, 0.5), (0.0, -20.0)]
)
def test_the_levels_masses_sum_to_one(mean: float, spread: float) -> None:
    one = Problem((1,), "uint8", classes.uniform(2), "logistic", (127.5,), (127.5,))
    levels = torch.arange(256, dtype=torch.float64)[:, None] / logistic.HALF - 1
    outputs = torch.tensor([[mean, spread]], dtype=torch.float64)
    found = likelihoods.likelihood_for(one)
    mass = found.log_prob(levels, outputs).exp()
    torch.testing.assert_close(mass.sum(), torch.ones((), dtype=torch.float64))
    parameters = found.parameters(outputs)
    expected = (mass * levels[:, 0]).sum()
    torch.testing.assert_close(
        found.mean(parameters)[0, 0], expected, atol=1e-3 / logistic.HALF, rtol=0
    )


def test_far_levels_keep_a_finite_log_mass_and_gradient() -> None:
    one = Problem((1,), "uint8", classes.uniform(2), "logistic", (127.5,), (127.5,))
    outputs = torch.tensor([[-1.0, -30.0]], requires_grad=True)
    found = likelihoods.likelihood_for(one).log_prob(torch.tensor([[1.0], [0.5]]), outputs)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()


def test_what_is_missing_has_no_part_in_a_table_s_density() -> None:
    likelihood = built("columns")
    outputs = raw(likelihood, 1)
    whole = torch.tensor([[1.0, 2.0, 0, 1]])
    units = observations.observer_for(stated("columns"))
    parameters = likelihood.parameters(outputs)
    normal = torch.distributions.Normal(parameters["mean"], parameters["scale"])
    numbers = normal.log_prob(torch.zeros(1, 2).double())[0]
    probs = parameters["code_probs"][0].log()
    for row, expected in (
        (whole, numbers.sum() + probs[0] + probs[4]),
        (torch.tensor([[1.0, math.nan, 0, 1]]), numbers[0] + probs[0] + probs[4]),
        (torch.tensor([[1.0, 2.0, -1, 1]]), numbers.sum() + probs[4]),
        (torch.tensor([[1.0, math.nan, -1, -1]]), numbers[0]),
    ):
        found = likelihood.log_prob(units(row).double(), outputs)
        torch.testing.assert_close(found[0], expected)


def test_a_table_s_density_is_that_of_its_columns_one_by_one() -> None:
    """Against torch.distributions, for several draws of the latents at once."""
    likelihood, problem = built("columns"), stated("columns")
    rows = np.random.default_rng(0).normal(1, 3, (50, 4))
    rows[:, 2:] = np.random.default_rng(1).integers(-1, (3, 2), (50, 2))
    rows[::3, 1] = np.nan
    outputs = torch.randn(7, 50, likelihood.outputs, dtype=torch.float64, requires_grad=True)
    x = torch.from_numpy(rows)
    found = likelihood.log_prob(observations.observer_for(problem).double()(x), outputs)
    means, logits, spreads = outputs.split([2, 5, 2], -1)
    scale = gaussian.FLOOR + spreads.exp()
    shift, unit = (torch.tensor(v).double() for v in (problem.shift, problem.scale))
    wanted = torch.zeros(7, 50, dtype=torch.float64)
    for i in range(2):
        normal = torch.distributions.Normal(means[..., i], scale[..., i])
        value = (x[:, i] - shift[i]) / unit[i]
        wanted = wanted + torch.where(value.isnan(), 0, normal.log_prob(value.nan_to_num()))
    for i, part in enumerate(logits.split([3, 2], -1)):
        code = x[:, 2 + i].long()
        known = torch.distributions.Categorical(logits=part).log_prob(code.clamp(min=0))
        wanted = wanted + torch.where(code < 0, 0, known)
    torch.testing.assert_close(found, wanted)
    gradients = [torch.autograd.grad(v.sum(), outputs, retain_graph=True) for v in (found, wanted)]
    torch.testing.assert_close(*gradients)


def test_what_is_missing_costs_no_digits_either() -> None:
    """A decoder may be as sure as it likes of a number that is not there."""
    likelihood, units = built("columns"), observations.observer_for(stated("columns"))
    outputs = torch.zeros(1, likelihood.outputs)
    far = outputs.clone()
    far[0, 1], far[0, -1] = 300, -9
    rows = torch.tensor([[1.0, math.nan, 0, 1]])
    near, found = (likelihood.log_prob(units(rows), raw) for raw in (outputs, far))
    torch.testing.assert_close(found, near, rtol=0, atol=0)


def test_bernoulli_draws_bits_with_the_grey_levels_as_their_probabilities() -> None:
    draw = built("bernoulli").draw
    grey = torch.tensor([0.0, 0.25, 1.0]).expand(20_000, 3)
    bits = draw(grey, noises.seeded())
    assert set(bits.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(bits.mean(0), grey[0], atol=0.01, rtol=0)
    assert torch.equal(bits, draw(grey, noises.seeded()))


@pytest.mark.parametrize("name", [n for n in ALONE if n != "bernoulli"])
def test_the_others_draw_the_observation_itself(name: str) -> None:
    x = seen(name)
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert torch.equal(built(name).draw(x, Noise(generator)), x)
    assert torch.equal(generator.get_state(), before)


def test_colours_are_bytes() -> None:
    family = likelihoods.LIKELIHOODS["logistic"]
    assert family.fit(lambda: iter([np.zeros((2, 3), np.uint8)]), 0).scale == (127.5,)
    with pytest.raises(DataError, match="logistic, but x is float32"):
        family.fit(lambda: iter([np.zeros((2, 3), np.float32)]), 0)
