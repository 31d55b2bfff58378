"""ADGM and SDGM: one draw of a for all, a bound that is torch's, a classifier without noise."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cases
import pytest
import torch
from torch import Tensor, distributions

from ssdgm_train import method
from ssdgm_train.methods import adgm, sdgm
from ssdgm_train.models import auxiliary
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.probability.noise import Noise

SPECS = pytest.mark.parametrize("spec", [adgm.METHOD, sdgm.METHOD], ids=["adgm", "sdgm"])
KIND = "bernoulli-uint8"


@dataclass(frozen=True)
class Counted(Noise):
    """Noise that keeps the shapes of its normal draws."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def normal(self, like: Tensor) -> Tensor:
        self.shapes.append(tuple(like.shape))
        return super().normal(like)


def counted() -> Counted:
    return Counted(torch.Generator().manual_seed(3))


def built(spec: method.Method, **changes: object) -> auxiliary.Auxiliary:
    model = cases.built(spec, KIND, torch.float64, batch_norm=False, **changes)
    assert isinstance(model, auxiliary.Auxiliary)
    return model


def log_normal(x: Tensor, q: Normal) -> Tensor:
    return distributions.Normal(*q).log_prob(x).sum(-1)


@SPECS
def test_the_bound_is_that_of_torch_for_the_same_draws(spec: method.Method) -> None:
    model, batch, noise = built(spec), cases.batch(KIND), counted()
    x, y = (
        model.standardise(batch.x).double(),
        model.labels.one_hot(batch.y, torch.zeros(()).double()),
    )
    q = model.auxiliary(x)
    a = q.sample(noise)
    state = noise.generator.get_state()
    bound = model.bound(x, a, q, y, noise)
    noise.generator.set_state(state)
    posterior = model.encoder(x, a, y)
    z = posterior.sample(noise)
    logits = model.decoder(z, y, a) if model.skip else model.decoder(z, y)
    relation = model.relation(z, y) if model.skip else model.relation(x, z, y)
    log_px = distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)
    prior = distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
    kl = distributions.kl_divergence(distributions.Normal(*posterior), prior).sum(-1)
    wanted = (
        log_px
        - torch.tensor(cases.CLASSES).log()
        - kl
        + log_normal(a, relation)
        - log_normal(a, q)
    )
    torch.testing.assert_close(bound, wanted)


@SPECS
def test_one_draw_of_a_serves_the_classifier_and_every_class(spec: method.Method) -> None:
    model, noise = built(spec), counted()
    context = method.Context(0.5, method.Sizes(32, 64), noise)
    auxiliary.loss(model, cases.batch(KIND, labelled=5, unlabelled=7), context)
    a, z = model.widths["eps_a"], model.widths["z"]
    assert noise.shapes == [(12, a), (7, cases.CLASSES, z), (5, 1, z)]


@SPECS
def test_every_draw_of_a_is_a_row_of_its_own(spec: method.Method) -> None:
    model, noise = built(spec, samples=3), counted()
    context = method.Context(0.5, method.Sizes(32, 64), noise)
    terms = auxiliary.loss(model, cases.batch(KIND, labelled=5, unlabelled=7), context)
    assert {name: len(value) for name, value in terms.items()} == {
        "labelled": 15,
        "unlabelled": 21,
        "classifier": 15,
    }
    assert noise.shapes[0] == (36, model.widths["eps_a"])


@SPECS
def test_the_classifier_is_the_mean_over_its_frozen_draws(spec: method.Method) -> None:
    model, x = built(spec, draws=6), cases.batch(KIND).x
    rows = model.standardise(x).double()
    mean, scale = model.auxiliary(rows)
    draws = [model.classifier(rows, mean + scale * eps).softmax(-1) for eps in model.frozen]
    torch.testing.assert_close(model.classify(x).softmax(-1), torch.stack(draws).mean(0))
    torch.testing.assert_close(model.frozen.sum(0), torch.zeros(model.widths["eps_a"]).double())
    alone = torch.cat([model.classify(row[None]) for row in x])
    torch.testing.assert_close(model.classify(x), alone)


@SPECS
def test_without_draws_it_is_the_classifier_at_the_mean_of_a(spec: method.Method) -> None:
    model, x = built(spec, draws=0), cases.batch(KIND).x
    rows = model.standardise(x).double()
    torch.testing.assert_close(
        model.classify(x), model.classifier(rows, model.auxiliary(rows).mean)
    )


@SPECS
def test_the_encoder_takes_the_noise_of_a(spec: method.Method) -> None:
    model, batch = built(spec), cases.batch(KIND)
    y = torch.full((5, cases.CLASSES), 1 / cases.CLASSES).double()
    zero, one = (torch.full((5, model.widths["eps_a"]), v).double() for v in (0.0, 1.0))
    at_mean = model.encode(batch.x, y, zero).mean
    assert not torch.equal(at_mean, model.encode(batch.x, y, one).mean)
    rows = model.standardise(batch.x).double()
    torch.testing.assert_close(at_mean, model.encoder(rows, model.auxiliary(rows).mean, y).mean)


def test_only_the_decoder_of_sdgm_has_noise_of_its_own() -> None:
    declared: dict[str, Callable[..., object]] = {"adgm": adgm.Model, "sdgm": sdgm.Model}
    noise = {name: model.conditionals[2].noise for name, model in declared.items()}
    assert noise == {"adgm": (), "sdgm": ("eps_a",)}


@SPECS
def test_unlabelled_rows_leave_the_classifier_alone_until_it_has_settled(
    spec: method.Method,
) -> None:
    model = built(spec, settle=0.5)
    for progress, moves in ((0.4, False), (0.5, True)):
        context = method.Context(progress, method.Sizes(32, 64), counted())
        terms = auxiliary.loss(model, cases.batch(KIND), context)
        last = model.classifier.rest[-1].bias
        (gradient,) = torch.autograd.grad(terms["unlabelled"].sum(), last, allow_unused=True)
        assert (gradient is not None) == moves
