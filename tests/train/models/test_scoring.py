"""Scores: the same for a row whenever it is asked about, and minus a bound of log p(x)."""

import dataclasses

import cases
import noises
import numpy as np
import pytest
import torch

from ssdgm_train import methods
from ssdgm_train.evaluation import evidence
from ssdgm_train.labels import Continuous, Space, Tags
from ssdgm_train.models import scoring

NAMES = [name for name, spec in cases.METHODS.items() if "generate" in spec.tasks]


@pytest.mark.parametrize("name", NAMES)
def test_every_generative_method_has_scores_that_do_not_depend_on_company(name: str) -> None:
    model = cases.built(methods.METHODS[name]).double().eval()
    x = cases.batch(labelled=9).x
    scores = scoring.strangeness(model, x)
    assert scores.shape == (9, 1)
    assert torch.isfinite(scores).all()
    alone = torch.cat([scoring.strangeness(model, row[None]) for row in x])
    torch.testing.assert_close(alone, scores)
    torch.testing.assert_close(scoring.strangeness(model, x), scores)


@pytest.mark.parametrize("labels", [Continuous((5.0, 0.0), (2.0, 1.0)), Tags((0.3,) * 9)])
def test_labels_that_cannot_be_listed_are_drawn(labels: Space) -> None:
    spec = methods.METHODS["m2"]
    stated = dataclasses.replace(cases.stated(), labels=labels)
    model = spec.build(cases.config(spec), stated).double().eval()
    x = cases.batch(labelled=9).x
    scores = scoring.strangeness(model, x)
    assert torch.isfinite(scores).all()
    torch.testing.assert_close(scoring.strangeness(model, x[4:5]), scores[4:5])


def test_a_score_is_about_minus_the_importance_weighted_bound() -> None:
    model = cases.built(methods.METHODS["m2"]).double().eval()
    x = cases.batch(labelled=200).x
    rows = model.standardise(x)
    *_, last = evidence.estimates(model, rows, cases.CLASSES, 200, noises.seeded())
    scores = scoring.strangeness(model, x)[:, 0].detach().numpy()
    assert np.mean(-scores) == pytest.approx(float(last.bound.mean()), abs=1.5)
    assert np.corrcoef(-scores, last.bound.numpy())[0, 1] > 0.9


def test_draws_come_in_pairs_of_two_signs() -> None:
    like = torch.zeros(3, 2, 5)
    one, other = (scoring.Fixed(seed=7, sign=sign) for sign in (1, -1))
    first = one.normal(like)
    assert (first[0, 0] == first[2, 1]).all()
    torch.testing.assert_close(other.normal(like), -first)
    assert (one.normal(like) != first).all()
    pair = [scoring.Fixed(seed=7, sign=sign).uniform(like) for sign in (1, -1)]
    torch.testing.assert_close(pair[0] + pair[1], torch.ones_like(like))
    assert set(one.bits(torch.full_like(like, 0.5)).unique().tolist()) <= {0.0, 1.0}
