"""oneclass: scores are bounds, and known outliers are pushed below normal rows."""

import cases
import numpy as np
import pytest
import torch

from ssdgm_train import evaluation, method, methods
from ssdgm_train.methods import oneclass
from ssdgm_train.model import CLASSIFIER, RAW
from ssdgm_train.models import scoring
from ssdgm_train.probability.noise import Noise

SPEC = methods.METHODS["oneclass"]


def scores(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    with evaluation.evaluating(model), torch.no_grad():
        return model.answer(CLASSIFIER, x=x)[RAW][:, 0]  # type: ignore[operator]


def test_a_score_is_the_same_whenever_a_row_is_asked_about() -> None:
    model, x = cases.built(SPEC), cases.batch().x
    assert torch.equal(scores(model, x), scores(model, x))
    torch.testing.assert_close(scores(model, x[:1]), scores(model, x)[:1])


def test_the_bound_of_all_draws_is_the_tighter_one() -> None:
    x = cases.batch().x
    tight, single = (scores(cases.built(SPEC, score=name), x) for name in oneclass.SCORES)
    assert (tight < single).all()


@pytest.mark.parametrize("score", oneclass.SCORES)
def test_draws_that_are_computed_together_are_those_one_by_one(score: str) -> None:
    model = cases.built(SPEC, score=score, pairs=3).double().eval()
    x = cases.batch(labelled=7).x
    rows = model.standardise(x)
    each = [model.log_weights(rows, noise) for noise in scoring.fixed(3)]
    assert {weights.shape for weights in each} == {(7, 1)}
    wanted = scoring.score(torch.cat(each, -1), rows, single=score == "bound")
    torch.testing.assert_close(model.classify(x), wanted)


def test_labels_of_a_batch_say_what_is_pushed_where() -> None:
    model, context = cases.built(SPEC), cases.context()
    batch = cases.batch()  # labels 0, 1, 2, 0, 1
    terms = oneclass.loss(model, batch, context)  # type: ignore[arg-type]
    assert (terms["outliers"] > 0).tolist() == [False, True, False, False, True] + [False] * 7
    assert (terms["normal"] == 0).tolist() == (terms["outliers"] > 0).tolist()
    none = method.Batch(batch.x, torch.full_like(batch.y, -1), batch.u)
    assert not oneclass.loss(model, none, context)["outliers"].any()  # type: ignore[arg-type]


def test_means_over_a_batch_are_those_over_each_kind() -> None:
    model, batch = cases.built(SPEC), cases.batch()
    seeded = cases.context(noise=Noise(torch.Generator().manual_seed(0)))
    terms = oneclass.loss(model, batch, seeded)  # type: ignore[arg-type]
    out = torch.cat([batch.y, torch.full((7,), -1)]) == 1
    noise = Noise(torch.Generator().manual_seed(0))
    rows = model.standardise(torch.cat([batch.x, batch.u]))  # type: ignore[operator]
    bound = model.bound(model.seen(rows, noise), noise)  # type: ignore[operator]
    torch.testing.assert_close(terms["normal"].mean(), -bound[~out].mean())


def test_numbers_alone_are_noisy() -> None:
    for kind, noisy in (("gaussian-float32", 6), ("columns-float32", 3), ("binomial-uint8", 0)):
        model, context = cases.built(SPEC, kind, binarise=False), cases.context()
        rows = model.standardise(cases.batch(kind).x)  # type: ignore[operator]
        moved = (model.seen(rows, context.noise) != rows).any(0)  # type: ignore[operator]
        assert moved.tolist() == [True] * noisy + [False] * (rows.shape[1] - noisy)
        still = cases.built(SPEC, kind, binarise=False, smooth=0.0)
        assert torch.equal(still.seen(rows, context.noise), rows)  # type: ignore[operator]


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_known_outliers_among_normal_rows_are_pushed_out(gamma: float) -> None:
    """Outliers in the midst of normal rows, which no density tells: only their labels do."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(1, 0.3, (64, 6)).astype(np.float32))
    out = x[:4].clone()
    batch = method.Batch(out, torch.ones(4, dtype=torch.int8), x[4:])
    model = cases.built(SPEC, hidden=(32,), margin=20.0, smooth=0.0)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for seed in range(200):
        terms = oneclass.loss(model, batch, cases.context(seed=seed))  # type: ignore[arg-type]
        optimiser.zero_grad()
        (terms["normal"].mean() + gamma * terms["outliers"].mean()).backward()
        optimiser.step()
    least = float(scores(model, out).min())
    assert (least > float(scores(model, x[4:]).median()) + 3) == bool(gamma)
