"""The bounds against evidence that is known, and M2's bounds against a loop over its classes."""

import dataclasses
import math
from dataclasses import dataclass

import cases
import noises
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ssdgm_train import method
from ssdgm_train.evaluation import evidence
from ssdgm_train.labels import classes
from ssdgm_train.labels.space import bound_over
from ssdgm_train.methods import m2
from ssdgm_train.models import bounded
from ssdgm_train.probability import distributions, objectives
from ssdgm_train.probability.noise import Noise

NATS = st.floats(-50, 50)
ROWS = st.integers(1, 6).flatmap(
    lambda k: st.tuples(
        st.lists(NATS, min_size=k, max_size=k), st.lists(NATS, min_size=k, max_size=k)
    )
)


def unlabelled_bound(bounds: Tensor, logits: Tensor) -> Tensor:
    """U of a row with these bounds of its classes [K] and these logits of q [K]; nothing drawn."""
    space, seen = classes.uniform(len(bounds)), []

    def bound(y: Tensor) -> Tensor:
        seen.append(y)
        return (y * bounds).sum(-1)

    (found,) = bound_over(space, logits[None], bound, noises.given())
    assert torch.equal(seen[0], space.every(logits)[None])
    return found


@given(ROWS)
def test_the_unlabelled_bound_never_passes_the_log_sum_of_its_classes(
    pair: tuple[list[float], list[float]],
) -> None:
    bounds, logits = (torch.tensor(p, dtype=torch.float64) for p in pair)
    highest = bounds.logsumexp(-1)
    assert unlabelled_bound(bounds, logits) <= highest + 1e-12 * (1 + highest.abs())


@given(ROWS)
def test_the_unlabelled_bound_meets_it_where_the_logits_are_the_bounds(
    pair: tuple[list[float], list[float]],
) -> None:
    bounds = torch.tensor(pair[0], dtype=torch.float64)
    torch.testing.assert_close(unlabelled_bound(bounds, bounds), bounds.logsumexp(-1))


@given(ROWS, NATS)
def test_the_unlabelled_bound_moves_with_its_classes(
    pair: tuple[list[float], list[float]], shift: float
) -> None:
    bounds, logits = (torch.tensor(p, dtype=torch.float64) for p in pair)
    there = unlabelled_bound(bounds + shift, logits)
    torch.testing.assert_close(there, unlabelled_bound(bounds, logits) + shift)


def test_the_unlabelled_bound_of_a_certain_label_is_that_labels() -> None:
    bounds, logits = torch.tensor([-3.0, -5.0, -1.0]), torch.tensor([0.0, 1e4, 0.0])
    assert unlabelled_bound(bounds, logits) == -5


@dataclass(frozen=True)
class Linear:
    """x = W z + b + noise with orthogonal columns in W: evidence and posterior in closed form."""

    weight: Tensor
    bias: Tensor
    noise: float

    def evidence(self, x: Tensor) -> Tensor:
        """The exact log p(x)."""
        covariance = (
            self.weight @ self.weight.T + self.noise**2 * torch.eye(len(self.bias)).double()
        )
        return torch.distributions.MultivariateNormal(self.bias, covariance).log_prob(x)

    def posterior(self, x: Tensor) -> distributions.Normal:
        """The exact p(z | x), diagonal because the columns are orthogonal."""
        precision = 1 + self.weight.square().sum(0) / self.noise**2
        mean = (x - self.bias) @ self.weight / self.noise**2 / precision
        return distributions.Normal(mean, precision.rsqrt().expand_as(mean))

    def log_px(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x | z)."""
        mean = z @ self.weight.T + self.bias
        return distributions.normal_log_prob(x, mean, torch.full_like(mean, self.noise))

    def log_weight(self, x: Tensor, z: Tensor, q: distributions.Normal) -> Tensor:
        """Log p(x, z) / q(z | x)."""
        zero, one = torch.zeros_like(z), torch.ones_like(z)
        log_pz = distributions.normal_log_prob(z, zero, one)
        return self.log_px(x, z) + log_pz - distributions.normal_log_prob(z, *q)

    def elbo(self, x: Tensor, q: distributions.Normal) -> Tensor:
        """The bound with its expectation exact: log p(x | z) is a quadratic in z."""
        z, weights = _nodes(q)
        expected = (weights * self.log_px(x, z)).sum()
        return objectives.labelled_bound(expected, torch.zeros(()), distributions.normal_kl(*q))


def _nodes(q: distributions.Normal) -> tuple[Tensor, Tensor]:
    """Nodes [n, 2] and weights [n] with which a quadratic's mean under q is exact."""
    points, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(4))
    weights = weights / weights.sum()
    grid = torch.cartesian_prod(points, points)
    return q.mean + q.scale * grid, torch.cartesian_prod(weights, weights).prod(-1)


def linear() -> Linear:
    draw = torch.Generator().manual_seed(3)
    columns = torch.linalg.qr(torch.randn(5, 2, generator=draw, dtype=torch.float64)).Q
    scales = torch.tensor([2.0, 0.7], dtype=torch.float64)
    return Linear(columns * scales, torch.linspace(-1, 1, 5, dtype=torch.float64), 0.6)


X = torch.tensor([0.3, -1.2, 0.8, 2.0, -0.1], dtype=torch.float64)
PAIRS = st.tuples(st.floats(-3, 3), st.floats(-3, 3))
SCALES = st.tuples(st.floats(0.05, 3), st.floats(0.05, 3))


def normal(mean: tuple[float, float], scale: tuple[float, float]) -> distributions.Normal:
    return distributions.Normal(torch.tensor(mean).double(), torch.tensor(scale).double())


@given(PAIRS, SCALES)
def test_the_elbo_stays_below_the_evidence(
    mean: tuple[float, float], scale: tuple[float, float]
) -> None:
    model = linear()
    assert model.elbo(X, normal(mean, scale)) <= model.evidence(X) + 1e-10


def test_the_elbo_meets_the_evidence_at_the_posterior() -> None:
    model = linear()
    torch.testing.assert_close(model.elbo(X, model.posterior(X)), model.evidence(X))


@given(PAIRS, SCALES)
def test_the_elbo_misses_the_evidence_by_the_divergence_from_the_posterior(
    mean: tuple[float, float], scale: tuple[float, float]
) -> None:
    model, q = linear(), normal(mean, scale)
    posterior = torch.distributions.Normal(*model.posterior(X))
    gap = torch.distributions.kl_divergence(torch.distributions.Normal(*q), posterior).sum()
    torch.testing.assert_close(model.evidence(X) - model.elbo(X, q), gap)


@given(PAIRS, SCALES)
def test_the_importance_bound_of_one_sample_is_the_elbo(
    mean: tuple[float, float], scale: tuple[float, float]
) -> None:
    model, q = linear(), normal(mean, scale)
    z, weights = _nodes(q)
    single = objectives.importance_bound(model.log_weight(X, z, q)[:, None])
    torch.testing.assert_close((weights * single).sum(), model.elbo(X, q))


def test_the_importance_bound_at_the_posterior_is_the_evidence_whatever_the_draws() -> None:
    model = linear()
    q = model.posterior(X)
    z = q.mean + q.scale * torch.randn(6, 9, 2, dtype=torch.float64)
    found = objectives.importance_bound(model.log_weight(X, z, q))
    torch.testing.assert_close(found, model.evidence(X).expand(6))


def test_the_importance_bound_grows_with_the_samples_up_to_the_evidence() -> None:
    model, q = linear(), normal((0.5, -0.5), (0.8, 1.2))
    z = q.mean + q.scale * torch.randn(4096, 64, 2, dtype=torch.float64)
    log_weights = model.log_weight(X, z, q)
    means = [
        float(objectives.importance_bound(log_weights.reshape(-1, draws)).mean())
        for draws in (1, 4, 16, 64)
    ]
    assert means == sorted(means)
    assert means[-1] - means[0] > 0.1
    assert means[-1] <= model.evidence(X) + 1e-2


class Classed(nn.Module):
    """A linear model for every class under a prior; q is off the posterior by a factor."""

    def __init__(self, prior: tuple[float, ...], off: float) -> None:
        super().__init__()
        self.prior, self.off = torch.tensor(prior).double(), off
        base = linear()
        self.models = [dataclasses.replace(base, bias=base.bias + k) for k in range(len(prior))]

    def log_joint(self, x: Tensor) -> Tensor:
        """The exact log p(x, y) of every class."""
        return self.prior.log() + torch.stack([m.evidence(x) for m in self.models], -1)

    def log_weights(self, x: Tensor, noise: Noise) -> Tensor:
        """One draw for every class."""
        return self.prior.log() + torch.stack([self.one(m, x, noise) for m in self.models], -1)

    def one(self, model: Linear, x: Tensor, noise: Noise) -> Tensor:
        """One draw for one class."""
        mean, scale = model.posterior(x)
        q = distributions.Normal(mean + 0.5 * (self.off - 1), scale * self.off)
        return model.log_weight(x, q.sample(noise), q)


ROWS_OF_X = X + torch.linspace(0, 1, 4, dtype=torch.float64)[:, None]


def estimated(model: Classed, draws: int) -> list[evidence.Estimate]:
    return list(evidence.estimates(model, ROWS_OF_X, 3, draws, noises.seeded()))


@pytest.mark.parametrize("prior", [(1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1)])
@pytest.mark.parametrize(("off", "draws", "apart"), [(1.0, 1, 1e-9), (1.3, 1500, 0.05)])
def test_posterior_labels_are_those_of_the_exact_evidence(
    prior: tuple[float, ...], off: float, draws: int, apart: float
) -> None:
    model = Classed(prior, off)
    exact, found = model.log_joint(ROWS_OF_X), estimated(model, draws)[-1]
    torch.testing.assert_close(found.bound, exact.logsumexp(-1), rtol=0, atol=apart)
    labels_of = (e.softmax(-1) for e in (found.log_joint, exact))
    torch.testing.assert_close(*labels_of, rtol=0, atol=apart)


def test_one_weight_a_class_is_a_bound_in_expectation_and_more_draws_a_closer_one() -> None:
    model = Classed((0.5, 0.3, 0.2), 1.6)
    exact = model.log_joint(ROWS_OF_X).logsumexp(-1)
    found = estimated(model, 1500)
    single, many = found[-1].single, found[-1].bound
    assert (single < exact - 0.02).all()
    assert ((many - exact).abs() < (exact - single) / 4).all()


# M2's own bounds


def model_of(prior: tuple[float, ...] = ()) -> m2.Model:
    torch.manual_seed(1)
    spec = m2.METHOD
    stated = dataclasses.replace(
        cases.stated("binomial-uint8"),
        labels=classes.Classes(prior) if prior else classes.uniform(cases.CLASSES),
    )
    return m2.Model(cases.config(spec), stated).double()


def test_summing_out_the_label_by_broadcasting_is_a_loop_over_the_classes() -> None:
    model, raw = model_of(), cases.batch("binomial-uint8").u
    u, every = model.standardise(raw), torch.eye(cases.CLASSES).double()
    eps = torch.randn(len(u), cases.CLASSES, 2, dtype=torch.float64)
    noise = noises.given(eps, *eps.unbind(1))
    together = model.bound(u[:, None], every, noise)
    assert together.shape == (len(u), cases.CLASSES)
    one_by_one = [model.bound(u, every[k].expand(len(u), -1), noise) for k in range(len(every))]
    torch.testing.assert_close(together, torch.stack(one_by_one, 1))


def test_the_rows_are_projected_once_for_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = model_of(), cases.batch("binomial-uint8", 5, 7)
    product, seen = torch.nn.functional.linear, []

    def counted(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if weight is model.encoder.first.weights[0]:
            seen.append(x.shape[:-1].numel())
        return product(x, weight, bias)

    monkeypatch.setattr(torch.nn.functional, "linear", counted)
    bounded.loss(model, batch, cases.context())
    assert sorted(seen) == [5, 7]


@pytest.mark.parametrize("prior", [(0.2, 0.3, 0.5), (0.98, 0.01, 0.01)])
def test_a_prior_moves_each_class_bound_by_its_logarithm(prior: tuple[float, ...]) -> None:
    raw = cases.batch("binomial-uint8").u
    even, given_prior = (
        model.bound(
            model.standardise(raw)[:, None],
            torch.eye(cases.CLASSES).double(),
            noises.seeded(4),
        )
        for model in (model_of(), model_of(prior))
    )
    moved = torch.tensor(prior).double().log() + math.log(cases.CLASSES)
    torch.testing.assert_close(given_prior - even, moved.expand_as(even))


def test_a_prior_reaches_the_loss_of_labelled_rows() -> None:
    prior, batch = (0.2, 0.3, 0.5), cases.batch("binomial-uint8")
    even, found = (bounded.loss(m, batch, cases.context()) for m in (model_of(), model_of(prior)))
    moved = torch.tensor(prior).double().log() + math.log(cases.CLASSES)
    torch.testing.assert_close(found["labelled"], even["labelled"] - moved[batch.y])
    torch.testing.assert_close(found["classifier"], even["classifier"])


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        ("paper", {"labelled": 1 / 600, "unlabelled": 599 / 600, "classifier": 0.1}),
        ("balanced", {"labelled": 1.0, "unlabelled": 1.0, "classifier": 60.0}),
    ],
)
def test_the_two_weightings_are_those_of_the_papers(
    weighting: str, expected: dict[str, float]
) -> None:
    """The coefficients with 100 labels among 60,000 rows."""
    config = m2.Config(weighting=weighting)
    (phase,) = m2.METHOD.phases(config, method.Sizes(100, 59_900))
    assert phase.players[0].weights == pytest.approx(expected)


def test_bits_are_drawn_once_for_the_classifier_and_the_bounds() -> None:
    model = cases.built(m2.METHOD, "bernoulli-uint8")
    batch, seen = cases.batch("bernoulli-uint8"), []
    for part in (model.classifier, model.encoder):
        part.register_forward_pre_hook(lambda _, found: seen.append(found[0].flatten(0, -2)))
    bounded.loss(model, batch, cases.context())
    everything, *parts = seen
    rows = torch.cat(sorted(parts, key=len))
    torch.testing.assert_close(rows, everything)
    assert set(everything.unique().tolist()) == {0.0, 1.0}
