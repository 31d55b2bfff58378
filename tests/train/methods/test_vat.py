"""VAT: what its loss is made of, and whose statistics it keeps."""

import dataclasses

import cases
import noises
import pytest
import torch

from ssdgm_train.labels import Classes
from ssdgm_train.labels.space import Regular
from ssdgm_train.method import Batch
from ssdgm_train.methods.classifiers import vat
from ssdgm_train.settings import RecipeError

KIND = "bernoulli-uint8"


def test_the_terms_are_those_of_the_classifier() -> None:
    model, batch = cases.built(vat.METHOD, KIND, batch_norm=False), cases.batch(KIND)
    found = vat.loss(model, batch, cases.context())
    raw = model.classify(torch.cat([batch.x, batch.u]))
    own, others = raw[: len(batch.x)], raw[len(batch.x) :]
    wanted = torch.nn.functional.cross_entropy(own, batch.y, reduction="none")
    torch.testing.assert_close(found["classifier"], wanted)
    q = others.softmax(-1)
    torch.testing.assert_close(found["entropy"], -(q * q.log()).sum(-1))
    assert found["adversarial"].shape == (len(raw),)


def test_a_longer_step_changes_the_answer_more() -> None:
    batch, means = cases.batch(KIND, unlabelled=40), []
    for radius in (0.01, 0.1, 1.0):
        model = cases.built(vat.METHOD, KIND, radius=radius).eval()
        means.append(float(vat.loss(model, batch, cases.context())["adversarial"].mean().detach()))
    assert 0 < means[0] < means[1] < means[2]


def test_the_step_is_worse_than_one_of_its_length_in_any_direction() -> None:
    model = cases.built(vat.METHOD, KIND, radius=0.2, batch_norm=False).eval()
    batch = cases.batch(KIND, unlabelled=60)
    x = model.standardise(torch.cat([batch.x, batch.u]))
    found = vat.loss(model, batch, cases.context())["adversarial"]
    assert isinstance(model.labels, Regular)
    drawn = torch.nn.functional.normalize(noises.seeded(1).normal(x), dim=-1)
    other = model.judge(x + 0.2 * x.shape[1] ** 0.5 * drawn)
    random = model.labels.divergence(model.judge(x), other)
    assert float(found.mean().detach()) > 2 * float(random.mean().detach())


def test_running_statistics_are_those_of_all_rows_and_of_no_step() -> None:
    batch = cases.batch(KIND)
    first, second = (
        cases.built(vat.METHOD, KIND, radius=radius).train() for radius in (0.01, 5.0)
    )
    for model in (first, second):
        vat.loss(model, batch, cases.context())
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value)
    third = cases.built(vat.METHOD, KIND).train()
    vat.loss(third, Batch(batch.x, batch.y, batch.u[:0]), cases.context())
    assert not torch.equal(
        third.state_dict()["classifier.rest.0.running_mean"],
        first.state_dict()["classifier.rest.0.running_mean"],
    )


class Bare(Classes):
    """Classes that do not say how far two answers are apart."""

    divergence = None  # type: ignore[assignment]


def test_labels_whose_answers_cannot_be_compared_are_refused() -> None:
    problem = dataclasses.replace(cases.stated(), labels=Bare((0.5, 0.5)))
    with pytest.raises(RecipeError, match="is vat, which compares answers, and classes cannot"):
        vat.METHOD.fitted(vat.Config(), problem)
