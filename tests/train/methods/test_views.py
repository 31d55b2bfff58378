"""Views: experts for the views that a row has, and nothing from those that it lacks."""

import dataclasses
from typing import Any

import cases
import noises
import pytest
import torch
from torch import Tensor

from ssdgm_train import METHODS, method
from ssdgm_train.augmentation import choice, several
from ssdgm_train.data import statement
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.methods import views
from ssdgm_train.models import experts
from ssdgm_train.probability.distributions import Normal, normal_kl, normal_log_prob

DATA = cases.several()
PROBLEM = statement.problem(DATA, cases.everything(DATA), DataPlan())
WIDTH = 6


def built(name: str = "views", **changes: Any) -> Any:  # noqa: ANN401
    torch.manual_seed(1)
    spec = METHODS[name]
    config = spec.fitted(dataclasses.replace(cases.config(spec), **changes), PROBLEM)
    return spec.build(config, PROBLEM)


def rows() -> Tensor:
    return torch.from_numpy(DATA.x[:30].copy())


def batch() -> method.Batch:
    x = torch.from_numpy(DATA.x)
    return method.Batch(x[:9], torch.from_numpy(DATA.y[:9]), x[50:60])


def test_observations_are_zero_where_a_view_is_missing_and_say_so() -> None:
    model, x = built(), rows()
    seen = model.standardise(x)
    assert torch.isfinite(seen).all()
    there = ~torch.isnan(x[:, [0, WIDTH]])
    torch.testing.assert_close(seen[:, -2:], there.float())
    assert (seen[~there[:, 0], :WIDTH] == 0).all()
    assert (seen[~there[:, 1], WIDTH:-2] == 0).all()


def test_the_likelihood_is_the_sum_of_those_of_the_views_that_are_there() -> None:
    model = built().eval()
    seen = model.standardise(rows())
    raw = torch.randn(len(seen), model.likelihood.outputs)
    both = seen.clone()
    both[:, -2:] = 1
    left, right = both.clone(), both.clone()
    left[:, -1], right[:, -2] = 0, 0
    log_prob = model.likelihood.log_prob
    torch.testing.assert_close(log_prob(both, raw), log_prob(left, raw) + log_prob(right, raw))
    other = left.clone()
    other[:, WIDTH:-2] = 0.5  # what stands in the place of a missing view does not matter
    torch.testing.assert_close(log_prob(left, raw), log_prob(other, raw))


@pytest.mark.parametrize("how", views.EXPERTS)
def test_answers_do_not_depend_on_what_stands_in_for_a_missing_view(how: str) -> None:
    model = built(experts=how).eval()
    seen = model.standardise(rows())
    seen = seen[seen[:, -2] == 1]
    seen[:, -1] = 0
    other = seen.clone()
    other[:, WIDTH:-2] += 3
    y = torch.eye(3)[torch.arange(len(seen)) % 3]
    torch.testing.assert_close(model.judge(seen), model.judge(other))
    (one, there), (two, _) = model.encoder(seen, y), model.encoder(other, y)
    for make in (experts.product, lambda e, p: experts.matched(e, model.encoder.log_shares(p))):
        torch.testing.assert_close(make(one, there), make(two, there))


def test_a_product_is_what_bayes_has_of_gaussians() -> None:
    torch.manual_seed(0)
    each = [Normal(torch.randn(4, 2), torch.rand(4, 2) + 0.3) for _ in range(3)]
    present = torch.tensor([[1.0, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]])
    mean, scale = experts.product(each, present)
    z = torch.randn(4, 2)
    terms = normal_log_prob(z, torch.zeros(2), torch.ones(2))
    there = sum(p * normal_log_prob(z, *e) for p, e in zip(present.T, each, strict=True))
    other = z + torch.randn(4, 2)
    terms_other = normal_log_prob(other, torch.zeros(2), torch.ones(2))
    there_other = sum(p * normal_log_prob(other, *e) for p, e in zip(present.T, each, strict=True))
    wanted = (terms + there) - (terms_other + there_other)
    found = normal_log_prob(z, mean, scale) - normal_log_prob(other, mean, scale)
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(mean[3], torch.zeros(2))  # without any view it is the prior
    torch.testing.assert_close(scale[3], torch.ones(2))


def test_a_mixture_has_the_mean_and_the_variance_of_its_draws() -> None:
    torch.manual_seed(0)
    each = [Normal(torch.tensor([[m]]), torch.tensor([[s]])) for m, s in ((-1.0, 0.5), (2.0, 1.0))]
    log_shares = torch.tensor([[0.3, 0.7]]).log()
    mean, scale = experts.matched(each, log_shares)
    chosen = (torch.rand(200_000) < 0.7).long()
    means, scales = torch.tensor([-1.0, 2.0])[chosen], torch.tensor([0.5, 1.0])[chosen]
    draws = means + scales * torch.randn(200_000)
    torch.testing.assert_close(mean[0, 0], draws.mean(), rtol=0.02, atol=0.02)
    torch.testing.assert_close(scale[0, 0], draws.std(), rtol=0.02, atol=0.02)
    z = torch.linspace(-8, 9, 4001)[:, None]
    density = experts.mixture_log_prob(z, each, log_shares).exp()
    torch.testing.assert_close(torch.trapezoid(density, z[:, 0]), torch.tensor(1.0))


def test_weights_are_shared_out_among_the_views_that_are_there() -> None:
    encoder = built(experts=views.MIXTURE).encoder
    with torch.no_grad():
        encoder.weights.copy_(torch.tensor([0.0, 1.0]))
    shares = encoder.log_shares(torch.tensor([[1.0, 1], [1, 0], [0, 1]])).exp()
    torch.testing.assert_close(shares[0, 1] / shares[0, 0], torch.tensor(1.0).exp())
    torch.testing.assert_close(shares[1:], torch.eye(2))


def test_both_ways_are_the_same_bound_where_a_row_has_one_view_and_q_is_its_expert() -> None:
    """Of one expert a mixture's bound is that with the divergence in closed form, on average."""
    model = built(experts=views.MIXTURE).eval()
    x, y = model.standardise(rows()[:1]), torch.eye(3)[:1]
    x[:, -1] = 0
    (one, _), _ = model.encoder(x, y)
    noise = noises.seeded(0)
    found = model.bound(x.expand(3000, -1), y.expand(3000, -1), noise).mean()
    z = one.mean + one.scale * torch.randn(3000, one.mean.shape[-1])
    log_px = model.likelihood.log_prob(x, model.decoder(z, y.expand(3000, -1)))
    wanted = log_px.mean() + model.labels.log_prior(y).mean() - normal_kl(*one).mean()
    assert float((found - wanted).detach().abs()) < 0.25


@pytest.mark.parametrize("how", views.EXPERTS)
def test_the_bound_is_below_the_evidence(how: str) -> None:
    model = built(experts=how).eval()
    x, y = model.standardise(rows()[::5]), torch.eye(3)
    noise, many = noises.seeded(0), x.repeat(300, 1)
    bounds = model.bound(many[:, None], y, noise).reshape(300, -1, 3).mean(0)
    draws = model.log_weights(many, noise).reshape(300, -1, 3)
    evidence = draws.logsumexp(0) - torch.tensor(300.0).log()
    assert (bounds < evidence + 0.2).all()


def test_while_it_trains_rows_lose_a_view_but_never_the_last() -> None:
    present = torch.tensor([[1.0, 1, 0], [1, 0, 0], [1, 1, 1]]).repeat(400, 1)
    left = several.kept(present, 1.0, noises.seeded(0))
    assert (left <= present).all()
    torch.testing.assert_close(
        left.sum(1).reshape(-1, 3), torch.tensor([[1.0, 1, 2]]).repeat(400, 1)
    )
    assert 0.2 < float(left[2::3, 0].mean()) < 0.95
    torch.testing.assert_close(several.kept(present, 0.0, noises.seeded(0)), present)


def test_augmented_rows_keep_what_is_missing_missing() -> None:
    x = built().standardise(rows())
    changed = choice.augmentation_for(PROBLEM)(x, choice.STRONG, noises.seeded(0))
    there = changed[:, -2:]
    assert (there <= x[:, -2:]).all()
    assert (there.sum(1) > 0).all()
    assert (changed[there[:, 0] == 0, :WIDTH] == 0).all()
    assert (changed[there[:, 1] == 0, WIDTH:-2] == 0).all()
    assert there.sum() < x[:, -2:].sum()
    assert not torch.equal(changed, x)


@pytest.mark.parametrize("name", ["views", "m2", "m1", "supervised", "ladder"])
def test_methods_take_rows_with_views(name: str) -> None:
    model, spec = built(name), METHODS[name]
    config = getattr(model, "config", cases.config(spec))
    phase = spec.phases(config, method.Sizes(45, 30))[0]
    terms = phase.players[0].loss(model, batch(), cases.context())
    for term in terms.values():
        assert torch.isfinite(term).all()
    sum(term.mean() for term in terms.values()).backward()  # type: ignore[union-attr]
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_a_view_is_told_from_the_other_after_training() -> None:
    model, _ = cases.trained(views.METHOD, DATA, steps=150, learning_rate=1e-2)
    assert DATA.x_test is not None
    x = torch.from_numpy(DATA.x_test)
    there = ~torch.isnan(x[:, :1]).squeeze(1)
    full, lacking = x[there], x[there].clone()
    lacking[:, WIDTH:] = torch.nan
    with torch.inference_mode():
        y = model.answer("classifier", x=lacking)["raw"].softmax(-1)
        z = model.answer("encoder", x=lacking, y=y)["z_mean"]
        again = model.answer("decoder", y=y, z=z)["x"][:, WIDTH:]
    wanted = full[:, WIDTH:]
    known = ~torch.isnan(wanted[:, 0])
    error = (again - wanted)[known].square().mean()
    assert error < 0.3 * wanted[known].var(0).mean()
