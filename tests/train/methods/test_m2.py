"""M2's own settings: a classifier of another shape, first weights, a slower trunk."""

import dataclasses

import cases
import pytest
import torch

from ssdgm_train import method, methods
from ssdgm_train.methods import m2
from ssdgm_train.models import bounded
from ssdgm_train.training import loop

SPEC = methods.METHODS["m2"]
SIZES = method.Sizes(32, 64)


def test_the_classifier_may_have_other_widths_than_the_other_networks() -> None:
    model = cases.built(SPEC, classifier=(9, 4))
    assert isinstance(model, m2.Model)
    assert model.classifier.hidden == (9, 4)
    assert model.encoder.hidden == model.decoder.hidden == (8,)
    assert cases.built(SPEC).classifier.hidden == (8,)


@pytest.mark.parametrize(("kind", "heads"), [("bernoulli-uint8", 1), ("gaussian-float32", 2)])
def test_all_networks_start_small_and_spreads_at_zero(kind: str, heads: int) -> None:
    model = cases.built(SPEC, kind, initial="small", batch_norm=False)
    assert isinstance(model, m2.Model)
    for name, value in model.named_parameters():
        assert value.abs().max() < 0.01, name
        assert not name.endswith("bias") or value.abs().max() == 0, name
    x = model.standardise(cases.batch(kind).x)
    assert (model.encoder(x, torch.eye(3)[:1].expand(5, -1)).scale == 1).all()
    if heads == 2:
        raw = model.decoder(torch.randn(5, 2), torch.eye(3)[:1].expand(5, -1))
        assert (raw.chunk(2, -1)[1] == 0).all()


def test_the_classifier_may_have_another_activation() -> None:
    model = cases.built(SPEC, activation="relu", classifier_activation="softplus")
    assert isinstance(model, m2.Model)
    found = [net.activation for net in (model.classifier, model.encoder, model.decoder)]
    assert found == ["softplus", "relu", "relu"]


@pytest.mark.parametrize("factor", [0.0, 0.25, 1.0])
def test_the_trunk_of_the_classifier_may_learn_at_a_rate_of_its_own(factor: float) -> None:
    """Its hidden layers alone; a rate of zero leaves them to the bit."""
    plan = loop.Plan(steps=3, learning_rate=0.1, schedule="constant")
    changes = {"batch_norm": False, "trunk_rate": factor}
    model = cases.built(SPEC, **changes)
    assert isinstance(model, m2.Model)
    config = dataclasses.replace(cases.config(SPEC), **changes)
    stages = [loop.Stage(phase, plan) for phase in SPEC.phases(config, SIZES)]
    state = loop.start(model, stages, SIZES, 0, cases.CPU)
    trunk = model.classifier.hidden_state()
    before = {name: value.clone() for name, value in trunk.items()}
    list(loop.fit(model, stages, SIZES, lambda *_: lambda _: cases.batch(), state))
    groups = state.optimisers["all"].param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    for name, value in model.named_parameters():
        slow = name.removeprefix("classifier.") in trunk and name.startswith("classifier.")
        assert rates[id(value)] == pytest.approx(0.1 * (factor if slow else 1.0)), name
    moved = [not torch.equal(v, before[k]) for k, v in model.classifier.hidden_state().items()]
    assert all(moved) if factor else not any(moved)


def terms(progress: float = 0.5, **changes: object) -> tuple[m2.Model, method.Terms]:
    model = cases.built(SPEC, batch_norm=False, **changes)
    assert isinstance(model, m2.Model)
    context = dataclasses.replace(cases.context(), progress=progress)
    return model, bounded.loss(model, cases.batch(unlabelled=400), context)


def test_a_few_classes_bound_what_all_of_them_do() -> None:
    exact, found = terms()[1]["unlabelled"], terms(likeliest=1)[1]["unlabelled"]
    assert not torch.equal(found, exact)
    torch.testing.assert_close(found.mean(), exact.mean(), rtol=0.05, atol=0)


def test_as_many_classes_as_there_are_but_one_are_summed_exactly() -> None:
    """One class is then left to draw, which costs as much as summing it."""
    torch.testing.assert_close(terms(likeliest=2)[1], terms()[1])
    torch.testing.assert_close(terms(likeliest=50)[1], terms()[1])


@pytest.mark.parametrize(("progress", "moves"), [(0.0, False), (0.29, False), (0.3, True)])
def test_unlabelled_rows_leave_the_classifier_alone_until_it_has_settled(
    progress: float, moves: bool
) -> None:
    model, found = terms(progress, settle=0.3)
    found["unlabelled"].mean().backward()
    touched = [p.grad is not None and bool(p.grad.any()) for p in model.classifier.parameters()]
    assert any(touched) == moves
    assert all(p.grad is not None for p in model.decoder.parameters())
