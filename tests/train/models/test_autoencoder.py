"""The autoencoder of m1 and m1m2: its bound, its warm-up, and which latents are kept."""

import dataclasses

import cases
import noises
import pytest
import torch
from torch import Tensor, distributions

from ssdgm_train import method, methods
from ssdgm_train.labels import classes
from ssdgm_train.models import autoencoder
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.problems import Problem

KINDS = pytest.mark.parametrize("kind", ["bernoulli-uint8", "gaussian-float32"])


def built(kind: str = "gaussian-float32", **changes: object) -> autoencoder.VAE:
    torch.manual_seed(1)
    config = autoencoder.Features(hidden=(8,), latent=3, threshold=0.0)
    return autoencoder.VAE(dataclasses.replace(config, **changes), cases.stated(kind)).double()


def linear(weight: Tensor, bias: Tensor, noise: float) -> autoencoder.VAE:
    """An autoencoder that is x = W z + b + noise, and its exact posterior, W's columns orthogonal.

    A hidden layer of +v and -v under a rectifier makes a network that is linear.
    """
    width, latent = weight.shape
    config = autoencoder.Features(hidden=(2 * width,), latent=latent, activation="relu")
    problem = Problem((width,), "float32", classes.uniform(2), "gaussian", (0.0,), (1.0,))
    model = autoencoder.VAE(config, problem).double()
    precision = 1 + weight.square().sum(0) / noise**2
    mean = weight.T / noise**2 / precision[:, None]
    eye, none = torch.eye(width).double(), torch.zeros(width, width).double()
    with torch.no_grad():
        _set(model.encoder, torch.cat([eye, -eye]), torch.cat([-bias, bias]))
        _set_last(model.encoder, torch.cat([torch.cat([mean, -mean], 1), _zeros(latent, width)]))
        model.encoder.get_parameter(f"{model.encoder.last}.bias")[latent:] = -precision.log()
        pad = torch.cat([weight, -weight])
        _set(model.decoder, pad, torch.zeros(2 * width).double())
        _set_last(
            model.decoder, torch.cat([torch.cat([eye, -eye], 1), torch.cat([none, none], 1)])
        )
        out = model.decoder.get_parameter(f"{model.decoder.last}.bias")
        out[:width], out[width:] = bias, torch.tensor(noise - 0.05).log()
    return model


def _zeros(latent: int, width: int) -> Tensor:
    return torch.zeros(latent, 2 * width, dtype=torch.float64)


def _set(net: MLP, weight: Tensor, bias: Tensor) -> None:
    net.first.weights[0].copy_(weight)
    net.first.bias.copy_(bias)


def _set_last(net: MLP, weight: Tensor) -> None:
    net.get_parameter(f"{net.last}.weight").copy_(weight)
    net.get_parameter(f"{net.last}.bias").zero_()


def test_the_bound_of_a_linear_gaussian_model_meets_its_evidence() -> None:
    """With the exact posterior the mean bound over draws of z is log p(x)."""
    torch.manual_seed(2)
    columns = torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64)).Q
    weight, bias = columns * torch.tensor([2.0, 0.7]), torch.linspace(-1, 1, 5).double()
    model = linear(weight, bias, 0.6)
    x = torch.randn(3, 5, dtype=torch.float64)
    covariance = weight @ weight.T + 0.36 * torch.eye(5)
    evidence = distributions.MultivariateNormal(bias, covariance).log_prob(x)
    noise = noises.seeded()
    with torch.no_grad():
        bounds = torch.stack([model.bound(x, noise) for _ in range(3000)])
    torch.testing.assert_close(bounds.mean(0), evidence, rtol=0, atol=0.06)


@KINDS
def test_the_bound_is_that_of_torch_for_the_same_draw(kind: str) -> None:
    model = built(kind)
    x = model.standardise(cases.batch(kind).x)
    posterior = distributions.Normal(*model.encoder(x))
    eps = torch.empty(5, 3, dtype=torch.float64).normal_(
        generator=torch.Generator().manual_seed(4)
    )
    raw = model.decoder(posterior.mean + posterior.stddev * eps)
    if kind.startswith("gaussian"):
        log_px = distributions.Normal(**_renamed(model, raw)).log_prob(x).sum(-1)
    else:
        log_px = (x * raw - torch.log1p(raw.exp())).sum(-1)
    unit = distributions.Normal(torch.zeros(3).double(), torch.ones(3).double())
    divergence = distributions.kl_divergence(posterior, unit).sum(-1)
    for beta in (0.0, 0.5, 1.0):
        found = model.bound(x, noises.seeded(4), beta)
        torch.testing.assert_close(found, log_px - beta * divergence)


def _renamed(model: autoencoder.VAE, raw: Tensor) -> dict[str, Tensor]:
    found = model.likelihood.parameters(raw)
    return {"loc": found["mean"], "scale": found["scale"]}


@pytest.mark.parametrize(
    ("warm_up", "progress", "beta"),
    [(0.0, 0.0, 1.0), (0.5, 0.0, 0.0), (0.5, 0.25, 0.5), (0.5, 0.5, 1.0), (0.5, 0.9, 1.0)],
)
def test_the_divergence_is_warmed_up_with_the_phase(
    warm_up: float, progress: float, beta: float
) -> None:
    model = torch.nn.Module()
    model.features = built(warm_up=warm_up)
    batch, sizes = cases.batch(), method.Sizes(5, 7)
    context = method.Context(progress, sizes, noises.seeded(3))
    found = autoencoder.loss(model, batch, context)["features"]
    x = model.features.standardise(torch.cat([batch.x, batch.u]))
    wanted = model.features.bound(x, noises.seeded(3), beta)
    torch.testing.assert_close(found, -wanted)


@pytest.mark.parametrize(("labelled", "unlabelled"), [(5, 7), (100, 59_900), (32, 0)])
def test_the_mean_over_a_batch_is_that_of_the_data_set_whatever_its_make_up(
    labelled: int, unlabelled: int
) -> None:
    model = torch.nn.Module()
    model.features = built()
    batch = cases.batch(unlabelled=7 if unlabelled else 0)
    context = cases.context(labelled, unlabelled)
    found = autoencoder.loss(model, batch, context)["features"].mean()
    x = model.features.standardise(torch.cat([batch.x, batch.u]))
    each = -model.features.bound(x, cases.context().noise)
    parts = [p.mean() * n for p, n in ((each[:5], labelled), (each[5:], unlabelled)) if n]
    torch.testing.assert_close(found, sum(parts) / (labelled + unlabelled))


def test_latents_are_kept_by_the_spread_of_their_means() -> None:
    model, rows = built(), cases.batch(unlabelled=40).u
    spread = model.posteriors(rows)[:, 0].std(0)
    least, middle, most = spread.sort().values.tolist()
    assert least < middle < most
    for threshold, kept in ((0.0, 3), ((least + middle) / 2, 2), ((middle + most) / 2, 1)):
        model.config = dataclasses.replace(model.config, threshold=threshold)
        model.measure(rows)
        assert int(model.kept.sum()) == kept
        assert torch.equal(model.kept > 0, spread > threshold)


def test_latents_that_all_say_nothing_are_an_error_that_says_what_to_change() -> None:
    model = built(threshold=50.0)
    text = cases.message(autoencoder.Collapsed, lambda: model.measure(cases.batch().u))
    assert "All latents have collapsed: the largest deviation of" in text
    assert "not above 50" in text
    assert "threshold" in text


def test_many_rows_have_their_posteriors_in_order() -> None:
    model, rows = built(), torch.randn(2 * autoencoder.ROWS + 3, 6)
    found = model.posteriors(rows)
    assert found.shape == (len(rows), 2, 3)
    mean, scale = model.embed(rows)
    torch.testing.assert_close(found, torch.stack([mean, scale], 1).detach())
    assert not found.requires_grad


def test_codes_are_draws_of_what_is_kept_and_zero_elsewhere() -> None:
    model = built()
    model.kept.copy_(torch.tensor([1.0, 0.0, 1.0]))
    posteriors = torch.stack([torch.full((4000, 3), 2.0), torch.full((4000, 3), 0.5)], 1).double()
    for noise in (0.0, 0.5, 1.0):
        found = model.codes(posteriors, noises.seeded(), noise)
        assert (found[:, 1] == 0).all()
        assert found[:, 0].mean().item() == pytest.approx(2.0, abs=0.03)
        assert found[:, 0].std().item() == pytest.approx(0.5 * noise, abs=0.02)
    one, other = (model.codes(posteriors, noises.seeded(s)) for s in (1, 2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("m1", {"loss": "logistic"}), ("m1", {"loss": "s3vm", "kernel": 0}), ("m1m2", {})],
)
def test_features_stay_as_they_are_to_the_bit_while_what_is_on_them_trains(
    name: str, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cases.SPECIAL, name, changes)
    spec, data = methods.METHODS[name], cases.separable(blank=32)
    features, later = spec.phases(cases.config(spec), method.Sizes(32, 32))
    assert (features.classifies, later.classifies) == (False, True)
    only = dataclasses.replace(spec, phases=lambda *_: (features,))
    before, after = (cases.trained(s, data, 6, weight_prior=3.0)[0] for s in (only, spec))
    for (key, value), other in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(value, other) == key.startswith("features."), key


def test_polishing_shows_the_encoder_rows_as_they_are() -> None:
    model = torch.nn.Module()
    model.features = built("bernoulli-uint8", warm_up=0.9)
    batch, seed = cases.batch("bernoulli-uint8"), noises.seeded
    sizes = method.Sizes(len(batch.x), len(batch.u))
    found = autoencoder.polish_loss(model, batch, method.Context(0.0, sizes, seed(3)))["polish"]
    x = model.features.standardise(torch.cat([batch.x, batch.u]))
    assert ((x > 0) & (x < 1)).any()
    torch.testing.assert_close(found, -model.features.bound(x, seed(3)))
