"""The terms of regularisers against their formulas, for every label space that knows them."""

import dataclasses
import math

import noises
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train.labels import Classes, Tags
from ssdgm_train.labels.space import Regular, Space
from ssdgm_train.regularisation import terms
from ssdgm_train.regularisation.plan import Regularisation

SPACES: list[Space] = [Classes((0.5, 0.3, 0.2)), Tags((0.5, 0.3, 0.2))]
EACH = pytest.mark.parametrize("space", SPACES, ids=["classes", "tags"])


class Linear(nn.Module):
    """A model whose raw numbers are a linear function of observations."""

    def __init__(self, space: Space, weight: Tensor) -> None:
        super().__init__()
        self.labels, self.standardise = space, nn.Identity()
        self.weight = nn.Parameter(weight)

    def judge(self, x: Tensor) -> Tensor:
        return x @ self.weight.T


def rows(
    space: Space, x: Tensor, u: Tensor, weight: Tensor | None = None, **plan: object
) -> terms.Rows:
    y = torch.arange(len(x)) % 3 if isinstance(space, Classes) else torch.ones(len(x), 3).long()
    model = Linear(space, torch.eye(x.shape[1]) if weight is None else weight)
    assert isinstance(space, Regular)
    setting = dataclasses.replace(Regularisation(), **plan)  # type: ignore[arg-type]
    return terms.Rows(model, x, y, u, None, noises.seeded(), setting, lambda x, s, n: x * (1 + s))


def worst(given: terms.Rows) -> Tensor:
    every = torch.cat([given.x, given.u])
    return terms.adversarial(given.model, given.space, every, given.plan.radius, given.noise)


@EACH
def test_terms_are_those_of_the_settings(space: Space) -> None:
    u = torch.randn(4, 3)
    names = ("consistency", "augmented", "entropy", "balance")
    assert terms.answered(rows(space, torch.randn(2, 3), u)) == {}
    for name in names:
        found = terms.answered(rows(space, torch.randn(2, 3), u, **{name: 2.0}))
        assert [*found] == [name]
    found = terms.answered(rows(space, torch.randn(2, 3), u, **dict.fromkeys(names, 2.0)))
    assert {name: len(value) for name, value in found.items()} == {
        "consistency": 4, "augmented": 2, "entropy": 4, "balance": 1
    }  # fmt: skip
    assert all(bool((value >= -1e-6).all()) for value in found.values())


def test_a_sure_answer_to_the_weak_row_is_the_label_of_the_strong_one() -> None:
    u = torch.tensor([[4.0, 0.0, 0.0], [0.2, 0.0, 0.0]])
    (found,) = terms.answered(
        rows(SPACES[0], u[:1], u, consistency=1.0, threshold=0.9, align=False)
    ).values()
    strong = torch.log_softmax(2 * u, -1)  # what stands for an augmentation doubles rows
    assert found.tolist() == pytest.approx([-float(strong[0, 0]), 0.0])


def test_whole_distributions_are_compared_without_a_threshold() -> None:
    u = torch.tensor([[1.0, 0.0, -1.0]])
    (found,) = terms.answered(
        rows(SPACES[0], u, u, consistency=1.0, threshold=0.0, align=False)
    ).values()
    p, q = torch.softmax(1.25 * u, -1), torch.softmax(2 * u, -1)
    assert float(found.detach()) == pytest.approx(float((p * (p / q).log()).sum()), rel=1e-5)


def test_the_weak_row_has_no_gradient() -> None:
    given = rows(SPACES[0], torch.randn(1, 3), torch.randn(3, 3), consistency=1.0, threshold=0.0)
    fixed = dataclasses.replace(given, augment=lambda x, s, n: x * 0 if s == terms.STRONG else x)
    terms.answered(fixed)["consistency"].sum().backward()
    assert given.model.weight.grad is None or not given.model.weight.grad.any()


@EACH
def test_answers_are_moved_to_the_prior(space: Regular) -> None:
    raw = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) + torch.arange(3.0)
    wanted = torch.tensor(space.prior)  # type: ignore[attr-defined]
    before, after = (space.mean(r).mean(0) for r in (raw, space.aligned(raw)))
    assert float((after - wanted).abs().max()) < 0.5 * float((before - wanted).abs().max())
    even = torch.log(wanted) if isinstance(space, Classes) else torch.logit(wanted)
    still = even.expand(5, 3)
    torch.testing.assert_close(space.mean(space.aligned(still)), space.mean(still))


@EACH
def test_balance_is_zero_at_the_prior_and_positive_elsewhere(space: Regular) -> None:
    wanted = torch.tensor(space.prior)  # type: ignore[attr-defined]
    even = torch.log(wanted) if isinstance(space, Classes) else torch.logit(wanted)
    assert float(space.imbalance(even.expand(6, 3))) == pytest.approx(0, abs=1e-5)
    assert float(space.imbalance(torch.tensor([[5.0, 0.0, 0.0]]).expand(6, 3))) > 0.1


@EACH
def test_a_divergence_is_that_of_the_distributions(space: Regular) -> None:
    one, two = torch.tensor([[0.3, -1.0, 2.0]]), torch.tensor([[1.0, 0.5, -0.5]])
    found = float(space.divergence(one, two))
    if isinstance(space, Classes):
        p, q = torch.softmax(one, -1), torch.softmax(two, -1)
        wanted = float((p * (p / q).log()).sum())
    else:
        p, q = torch.sigmoid(one), torch.sigmoid(two)
        wanted = float((p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum())
    assert found == pytest.approx(wanted, rel=1e-5)
    assert float(space.divergence(one, one)) == pytest.approx(0, abs=1e-6)


def test_answers_that_are_not_sure_are_not_known() -> None:
    classes, tags = (space for space in SPACES if isinstance(space, Regular))
    value, mask = classes.pseudo(torch.tensor([[5.0, 0.0, 0.0], [1.0, 0.9, 0.0]]), 0.9)
    assert mask.flatten().tolist() == [1, 0]
    assert value.tolist() == [[1, 0, 0], [0, 0, 0]]
    value, mask = tags.pseudo(torch.tensor([[5.0, -5.0, 0.1]]), 0.9)
    assert mask.tolist() == [[1, 1, 0]]
    assert value.tolist() == [[1, 0, 0]]


def test_the_adversarial_step_is_the_one_that_changes_the_answer_most() -> None:
    weight = torch.zeros(3, 20)
    weight[0, 7] = 2.0  # only the eighth feature matters
    x = 0.1 * torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
    given = rows(SPACES[0], x[:2], x[2:], weight, adversarial=1.0, radius=0.2)
    found, step = worst(given), 0.2 * math.sqrt(20)
    target, space = x @ weight.T, given.space
    best = [
        space.divergence(target, (x + sign * step * torch.eye(20)[7]) @ weight.T)
        for sign in (1, -1)
    ]
    assert bool(torch.isclose(found, best[0]).logical_or(torch.isclose(found, best[1])).all())
    found.sum().backward()
    assert bool(given.model.weight.grad.any())


def test_an_adversarial_term_can_be_measured_without_gradients() -> None:
    with torch.no_grad():
        found = worst(rows(SPACES[0], torch.randn(2, 3), torch.randn(2, 3)))
    assert found.shape == (4,)
    assert not found.requires_grad


@EACH
def test_a_taught_row_gets_the_teacher_s_answer_and_no_other_changes(space: Space) -> None:
    u = torch.randn(3, 3)
    said = torch.stack([torch.tensor([2.0, 0.0, -1.0]), torch.full((3,), torch.nan), 1.25 * u[2]])
    given = dataclasses.replace(rows(space, u[:1], u, taught=1.0), taught=said)
    (found,) = terms.answered(given).values()
    wanted = given.space.divergence(said[:1], 1.25 * u[:1])  # what is weak stretches rows
    torch.testing.assert_close(found.detach(), torch.cat([wanted, torch.zeros(2)]))
    found.sum().backward()
    assert bool(given.model.weight.grad.isfinite().all())
