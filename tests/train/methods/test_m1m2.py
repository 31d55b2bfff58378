"""M1+M2: a density over the kept latents alone, and the smaller model without the others."""

import dataclasses
import math

import cases
import noises
import pytest
import torch
from torch import distributions

from ssdgm_train import method, methods
from ssdgm_train.methods import m1m2
from ssdgm_train.models import bounded
from ssdgm_train.settings import RecipeError

SPEC = methods.METHODS["m1m2"]
KEPT = [0, 2, 3]


def model(kind: str = "binomial-uint8", kept: list[int] = KEPT) -> m1m2.Model:
    """A model with weights of some size, so that every latent that has a say is heard."""
    config = cases.config(SPEC)
    features = dataclasses.replace(config.features, latent=5)
    found = cases.built(SPEC, kind, features=features).double()
    with torch.no_grad():
        for value in found.parameters():
            value.mul_(2.0)
    found.features.kept.zero_()
    found.features.kept[kept] = 1.0
    assert isinstance(found, m1m2.Model)
    return found.eval()


def given() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows, label probabilities, and latents."""
    x = cases.batch("binomial-uint8").x
    return x, torch.rand(5, cases.CLASSES).softmax(-1).double(), torch.randn(5, 2).double()


def test_the_density_is_that_of_the_kept_latents() -> None:
    found = model()
    z = torch.randn(4, 5, dtype=torch.float64) * found.features.kept
    raw = torch.randn(4, 10, dtype=torch.float64)
    mean, spread = raw.chunk(2, -1)
    wanted = distributions.Normal(mean, 0.05 + spread.exp()).log_prob(z)[:, KEPT].sum(-1)
    torch.testing.assert_close(found.log_prob(z, raw), wanted)
    torch.testing.assert_close(found.joint.likelihood.log_prob(z, raw), wanted)


def test_a_scale_is_neutral_where_the_log_density_at_the_mean_is_zero() -> None:
    normal = distributions.Normal(0.0, m1m2.NEUTRAL)
    assert normal.log_prob(torch.tensor(0.0)).item() == pytest.approx(0, abs=1e-6)
    assert math.sqrt(1 / (2 * math.pi)) == m1m2.NEUTRAL


def test_the_slim_model_computes_the_same_with_fewer_weights() -> None:
    whole, (x, y, z) = model(), given()
    slim = whole.slim()
    assert isinstance(slim, m1m2.Model)
    assert not slim.training
    sizes = [sum(p.numel() for p in m.parameters()) for m in (whole, slim)]
    assert sizes[1] < sizes[0]
    assert slim.features.kept.tolist() == [1, 1, 1]
    torch.testing.assert_close(slim.classify(x), whole.classify(x), rtol=1e-5, atol=1e-6)
    for found, wanted in zip(slim.encode(x, y), whole.encode(x, y), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    wanted = whole.decode(y, z)
    for key, value in slim.decode(y, z).items():
        torch.testing.assert_close(value, wanted[key], rtol=1e-5, atol=1e-5)


def test_slimming_a_model_whose_latents_are_all_kept_changes_nothing() -> None:
    whole = model(kept=list(range(5)))
    slim = whole.slim()
    for name, value in whole.state_dict().items():
        assert torch.equal(slim.state_dict()[name], value), name
    assert isinstance(slim, m1m2.Model)
    assert slim.kept == whole.kept


def test_the_whole_model_stays_as_it_is_when_it_is_slimmed() -> None:
    whole = model()
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    whole.slim()
    assert whole.kept == KEPT
    assert all(torch.equal(v, before[k]) for k, v in whole.state_dict().items())


def test_a_dropped_latent_has_no_influence() -> None:
    """Neither what M1's encoder says of it nor what its decoder would do with it."""
    whole, (x, y, z) = model(), given()

    def outcome() -> list[torch.Tensor]:
        rows = whole.features.standardise(x)
        weights = whole.log_weights(rows, noises.seeded(2))
        return [whole.classify(x), *whole.encode(x, y), whole.decode(y, z)["x"], weights]

    before = outcome()
    with torch.no_grad():
        for net in (whole.features.encoder, whole.joint.decoder):
            for part in ("weight", "bias"):
                values = net.get_parameter(f"{net.last}.{part}")
                values[1], values[6] = 3.0, 0.5
        for name in m1m2.INPUTS:
            whole.get_parameter(name)[:, 1] = 7.0
    for found, wanted in zip(outcome(), before, strict=True):
        torch.testing.assert_close(found, wanted)


def test_a_dropped_latent_has_no_part_in_the_loss() -> None:
    whole, context = model(), cases.context()
    phase = SPEC.phases(whole.config, context.sizes)[1]
    posteriors = torch.randn(12, 2, 5).abs().double()
    batch = method.Batch(posteriors[:5], torch.arange(5) % 3, posteriors[5:])
    before = phase.players[0].loss(whole, batch, cases.context())
    changed = posteriors.clone()
    changed[:, :, 1] += 9.0
    other = method.Batch(changed[:5], batch.y, changed[5:])
    after = phase.players[0].loss(whole, other, cases.context())
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


def test_features_of_latents_that_may_be_dropped_are_refused() -> None:
    config, problem = cases.config(m1m2.METHOD), cases.stated("binomial-uint8")
    waves = dataclasses.replace(config, joint=dataclasses.replace(config.joint, periodic=4))
    said = cases.message(RecipeError, lambda: m1m2.METHOD.fitted(waves, problem))
    assert "joint.periodic is 4" in said


def test_the_joint_phase_is_m2_on_draws_of_the_features() -> None:
    whole, context = model(kept=list(range(5))), cases.context()
    phase = SPEC.phases(whole.config, context.sizes)[1]
    batch = method.Batch(*(p for p in _certain(whole)))
    found = phase.players[0].loss(whole, batch, cases.context())
    codes = method.Batch(batch.x[:, 0], batch.y, batch.u[:, 0])
    later = cases.context()
    for rows in (codes.x, codes.u):
        later.noise.normal(rows)
    wanted = bounded.loss(whole.joint, codes, later)
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name])


def _certain(whole: m1m2.Model) -> tuple[torch.Tensor, ...]:
    """A batch of posteriors without any spread."""
    raw = cases.batch("binomial-uint8")
    parts = [whole.features.posteriors(rows) for rows in (raw.x, raw.u)]
    for part in parts:
        part[:, 1] = 0.0
    return parts[0], raw.y, parts[1]
