"""Segment: the bound of pictures and masks, any size, cuts, and what trains what."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from ssdgm_train import method
from ssdgm_train.data.masks import arrays
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.labels import Dense, dense
from ssdgm_train.methods import METHODS, segment, supervised
from ssdgm_train.networks import builder, places
from ssdgm_train.probability import distributions
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.regularisation.plan import Regularisation
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import cuts, loop

LABELS = Dense((0.6, 0.3, 0.1), cut=16)
LIKELIHOODS = {
    "logistic": ("uint8", (127.5,), (127.5,)),
    "gaussian": ("float32", (0.0,), (1.0,)),
    "bernoulli": ("uint8", (0.0,), (255.0,)),
}
TINY = {"channels": (4, 8), "painting": (4, 8), "summary": (4, 4), "latent": 2}


def problem(name: str = "logistic", shape: tuple[int, ...] = (32, 48)) -> Problem:
    dtype, shift, scale = LIKELIHOODS[name]
    return Problem(shape, dtype, LABELS, name, shift, scale, kind="image")


def built(stated: Problem, **changes: Any) -> segment.Model:  # noqa: ANN401
    torch.manual_seed(1)
    config = dataclasses.replace(segment.Config(**TINY), **changes)
    return segment.Model(config, stated)


def batch(stated: Problem, labelled: int = 3, unlabelled: int = 2) -> method.Batch:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (labelled, *stated.shape[:2])).astype(np.uint8)
    y[0, :4] = dense.UNKNOWN
    high = 255 if stated.dtype == "uint8" else 1
    x, u = (
        torch.from_numpy(rng.integers(0, high + 1, (n, *stated.shape)).astype(stated.dtype))
        for n in (labelled, unlabelled)
    )
    return method.Batch(x, torch.from_numpy(y), u)


def context(progress: float = 0.5) -> method.Context:
    noise = Noise(torch.Generator().manual_seed(2))
    return method.Context(progress, method.Sizes(3, 2), noise)


@pytest.mark.parametrize("shape", [(32, 48), (32, 48, 3)])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_term_is_a_finite_number_for_each_picture(name: str, shape: tuple[int, ...]) -> None:
    stated = problem(name, shape)
    model = built(stated)
    terms = segment.loss(model, batch(stated), context())
    assert {k: len(v) for k, v in terms.items()} == {
        "labelled": 3,
        "unlabelled": 2,
        "classifier": 3,
    }
    assert all(term.isfinite().all() for term in terms.values())
    sum(term.sum() for term in terms.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_unlabelled_pictures_train_masks_once_settled() -> None:
    stated = problem()
    for progress, trains in ((0.1, False), (0.5, True)):
        model = built(stated)
        rows = batch(stated)
        rows.y[rows.y == dense.UNKNOWN] = 0
        segment.loss(model, rows, context(progress))["unlabelled"].sum().backward()
        grads = [p.grad for p in model.classifier.parameters() if p.grad is not None]
        assert any(bool(g.abs().sum() > 0) for g in grads) == trains
        assert any(p.grad is not None for p in model.decoder.parameters())


def test_the_bound_is_that_of_its_parts() -> None:
    stated = problem("gaussian")
    model, rows = built(stated).eval(), batch(stated)
    x, y = model.standardise(rows.x), LABELS.known(rows.y * 0, like=torch.zeros(())).value
    bound = model.bound(x, y, Noise(torch.Generator().manual_seed(3)))
    posterior = model.encode(rows.x, y)
    z = posterior.sample(Noise(torch.Generator().manual_seed(3)))
    drawn = model.decode(y, z)
    each = distributions.normal_log_density(rows.x, drawn["mean"], drawn["scale"])
    wanted = each.flatten(1).sum(1) + LABELS.log_prior(y) - distributions.normal_kl(*posterior)
    torch.testing.assert_close(bound, wanted, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("shape", [(16, 16), (32, 16), (48, 64)])
def test_a_model_takes_pictures_of_any_size(shape: tuple[int, int]) -> None:
    model = built(problem()).eval()
    x, y = torch.zeros(2, *shape, dtype=torch.uint8), torch.zeros(2, 3, *shape)
    assert model.classify(x).shape == (2, 3, *shape)
    assert model.encode(x, y).mean.shape == (2, 2)
    assert model.decode(y, torch.zeros(2, 2))["x"].shape == (2, *shape)


def test_an_answer_at_a_place_does_not_depend_on_the_picture_s_size_far_from_it() -> None:
    model = built(problem()).eval()
    x = torch.randint(0, 256, (1, 64, 64), dtype=torch.uint8)
    whole, part = model.classify(x), model.classify(x[:, :32])
    torch.testing.assert_close(whole[:, :, :16], part[:, :, :16])


def test_cuts_keep_pictures_and_masks_together() -> None:
    x = torch.arange(32 * 48).reshape(1, 32, 48).expand(5, 32, 48)
    rows = method.Batch(x, x, x)
    for turned in (False, True):
        space = dataclasses.replace(LABELS, turned=turned)
        noise = Noise(torch.Generator().manual_seed(0))
        made = cuts.cut(rows, space, noise)
        assert made.x.shape == made.u.shape == (5, 16, 16)
        assert torch.equal(made.x, made.y)
        assert len({int(part[0, 0]) for part in made.x}) > 1
        straight = (made.x[:, 0, 1] - made.x[:, 0, 0]) == 1
        assert bool(straight.all()) != turned
    whole = cuts.cut(rows, dataclasses.replace(LABELS, cut=0), noise)
    assert whole.x.shape == (5, 32, 48)
    none = method.Batch(x[:0], x[:0], x)
    assert cuts.cut(none, LABELS, noise).x.shape == (0, 16, 16)


def test_the_networks_refuse_what_has_no_places() -> None:
    for changes in ({"channels": (4,) * 5}, {"network": "mlp"}, {"pooled": (8,)}):
        config = supervised.Config(**changes)
        with pytest.raises(RecipeError, match="labels are masks"):
            builder.fitted(config, problem())
    assert builder.fitted(supervised.Config(), problem()).channels == places.CHANNELS


def test_only_methods_that_name_masks_know_them() -> None:
    knowing = {name for name, spec in METHODS.items() if spec.knows(Dense)}
    assert knowing == {"supervised", "segment"}


@pytest.mark.parametrize("spec", [segment.METHOD, supervised.METHOD], ids=lambda spec: spec.name)
def test_discs_are_learnt(spec: method.Method) -> None:
    from ssdgm_train import evaluation
    from ssdgm_train.data import statement
    from ssdgm_train.regularisation import phases

    masks = dense.discs(3, 12, 32).argmax(1).astype(np.uint8)
    rng = np.random.default_rng(0)
    x = (60 + 60 * masks + rng.normal(0, 10, masks.shape)).astype(np.uint8)
    y = masks.astype(np.int64)
    y[6:] = -1
    chosen = DataPlan(labels_as="masks", cut=16, turned=True)
    data = arrays.made("discs", arrays.of_arrays("y", x, y), None, chosen)
    import cases

    parts = cases.Split(np.arange(6), np.arange(6, 12), np.arange(0))
    stated = statement.problem(data, parts, chosen)
    wanted = {k: v for k, v in TINY.items() if hasattr(spec.Config(), k)}
    torch.manual_seed(0)
    model = spec.build(dataclasses.replace(spec.Config(), **wanted), stated)
    plan = loop.Plan(steps=40, labelled_batch=6, unlabelled_batch=4, learning_rate=2e-2)
    sizes = method.Sizes(6, 6)
    regularise = Regularisation(consistency=1.0, average=0.5, entropy=0.1, balance=0.1)
    phases.check(regularise, spec, stated, mapped=False)
    own = [loop.Stage(phase, plan) for phase in spec.phases(spec.Config(), sizes)]
    stages = phases.regularised(own, regularise, stated)
    state = loop.start(model, stages, sizes, 0, torch.device("cpu"))
    serve = cases.serving(data, parts, 0, torch.device("cpu"))
    for step in loop.fit(model, stages, sizes, serve, state):
        loop.check_finite(model, step.number, {k: float(v) for k, v in step.terms.items()})
    score = evaluation.score(model, data.x, masks, torch.device("cpu"))
    assert score.iou is not None
    assert min(score.iou) > 0.7
