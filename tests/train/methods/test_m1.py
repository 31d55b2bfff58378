"""M1's head: what it sees, what it is trained by, and what the bundle will compute."""

import dataclasses

import cases
import noises
import pytest
import torch
from torch import distributions

from ssdgm_train import method, methods
from ssdgm_train.methods import m1
from ssdgm_train.probability import regularisers

SPEC = methods.METHODS["m1"]


def model(**changes: object) -> m1.Model:
    chosen = cases.config(SPEC)
    found = cases.built(SPEC, head=dataclasses.replace(chosen.head, **changes)).double()
    assert isinstance(found, m1.Model)
    return found.eval()


def phase(**changes: object) -> method.Phase:
    chosen = cases.config(SPEC)
    config = dataclasses.replace(chosen, head=dataclasses.replace(chosen.head, **changes))
    return SPEC.phases(config, method.Sizes(5, 7))[1]


@pytest.mark.parametrize("kernel", [0, 16])
def test_rows_are_classified_by_the_means_of_the_latents_that_are_kept(kernel: int) -> None:
    found, x = model(kernel=kernel), cases.batch().x
    found.features.kept.copy_(torch.tensor([0.0, 1.0]))
    mean = found.features.embed(x).mean
    torch.testing.assert_close(found.classify(x), found.head(mean * torch.tensor([0.0, 1.0])))
    before = found.classify(x)
    with torch.no_grad():
        found.features.encoder.get_parameter(f"{found.features.encoder.last}.bias")[0] += 5.0
    torch.testing.assert_close(found.classify(x), before)
    assert not torch.equal(found.embed(x).mean, mean)


def test_without_a_kernel_the_head_is_linear() -> None:
    assert sum(p.numel() for p in model(kernel=0).head.parameters()) == 2 * 3 + 3
    assert sum(p.numel() for p in model(kernel=16).head.parameters()) == 16 * 3 + 3


def test_the_s3vm_is_its_three_terms_on_draws_of_z() -> None:
    found, part = model(), phase(loss="s3vm", hat=2.0, balance=0.5)
    (player,) = part.players
    assert player.weights == {"hinge": 1.0, "hat": 2.0, "balance": 0.5}
    batch = cases.served(part, found)
    terms = player.loss(found, batch, cases.context())
    both = torch.cat([batch.x, batch.u])
    margins = found.head(found.features.codes(both, cases.context().noise, found.noise))
    prior = torch.full((3,), 1 / 3).double().log()
    torch.testing.assert_close(terms["hinge"], regularisers.hinge(margins[:5], batch.y))
    torch.testing.assert_close(terms["hat"], regularisers.hat(margins[5:]))
    torch.testing.assert_close(terms["balance"], regularisers.imbalance(margins[5:], prior))


@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)])
def test_the_hat_grows_to_half_of_the_phase(progress: float, share: float) -> None:
    found, part = model(noise=0.0), phase(loss="s3vm")
    batch = cases.served(part, found)
    terms = [
        part.players[0].loss(found, batch, dataclasses.replace(cases.context(), progress=p))
        for p in (progress, 1.0)
    ]
    torch.testing.assert_close(terms[0]["hat"], share * terms[1]["hat"])
    torch.testing.assert_close(terms[0]["hinge"], terms[1]["hinge"])


def test_the_logistic_head_is_trained_by_cross_entropy_on_labelled_rows_alone() -> None:
    found, part = model(noise=0.0), phase(loss="logistic")
    batch, raw = cases.served(part, found), cases.batch()
    terms = part.players[0].loss(found, batch, cases.context())
    wanted = torch.nn.functional.cross_entropy(found.classify(raw.x), raw.y, reduction="none")
    assert terms.keys() == {"classifier"}
    torch.testing.assert_close(terms["classifier"], wanted)


def test_log_weights_are_those_of_torch_for_the_same_draw() -> None:
    found = model()
    x = found.features.standardise(cases.batch().x)
    weights = found.log_weights(x, noises.seeded(6))
    posterior = distributions.Normal(*found.features.encoder(x))
    eps = torch.empty(5, 2).double().normal_(generator=torch.Generator().manual_seed(6))
    z = posterior.mean + posterior.stddev * eps
    log_px = found.features.likelihood.log_prob(x, found.features.decoder(z))
    log_pz = distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    wanted = log_px + log_pz - posterior.log_prob(z).sum(-1)
    torch.testing.assert_close(weights, wanted[:, None])
