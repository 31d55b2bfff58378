"""The label space."""

import math

import noises
import pytest
import torch

from ssdgm_train.labels import classes

LIKE = torch.zeros((), dtype=torch.float64)


def test_uniform_classes_are_equally_likely() -> None:
    space = classes.uniform(10)
    assert space.size == 10
    assert space.prior == pytest.approx([0.1] * 10)


def test_the_log_prior_is_in_nats_and_in_the_numbers_of_the_model() -> None:
    space = classes.Classes((0.25, 0.75))
    found = space.log_prior(space.every(LIKE))
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([math.log(0.25), math.log(0.75)])


def test_every_class_is_the_one_hot_of_its_index() -> None:
    space = classes.uniform(4)
    every = space.every(LIKE)
    assert torch.equal(every, space.one_hot(torch.arange(4), LIKE))
    assert every.dtype == torch.float64
    assert every.argmax(-1).tolist() == [0, 1, 2, 3]
    assert every.sum(-1).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("k", [0, 1, 3])
def test_the_likeliest_classes_and_a_drawn_one_stand_for_all_without_bias(k: int) -> None:
    space, draws = classes.uniform(5), 60_000
    logits = torch.tensor([0.3, -1.2, 2.0, 0.9, -0.4], dtype=torch.float64)
    values = torch.tensor([1.0, -2.0, 0.5, 3.0, 7.0], dtype=torch.float64)
    exact = logits.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(total := (exact.softmax(-1) * values).sum(), exact)
    rows = logits.expand(draws, -1).clone().requires_grad_()
    tries = space.likeliest(rows, k, noises.seeded())
    assert tries.y.shape == (draws, k + 1, 5)
    assert tries.drawn
    sums = (tries.weight * (tries.y @ values)).sum(-1)
    (found,) = torch.autograd.grad(sums.sum(), rows)
    torch.testing.assert_close(sums.mean(), total, atol=0.03, rtol=0)
    torch.testing.assert_close(found.mean(0), wanted, atol=0.03, rtol=0)


def test_the_likeliest_classes_come_first_and_are_not_drawn_again() -> None:
    logits = torch.randn(500, 6, generator=torch.Generator().manual_seed(2))
    tries = classes.uniform(6).likeliest(logits, 2, noises.seeded(3))
    chosen = tries.y.argmax(-1)
    assert torch.equal(chosen[:, :2], logits.topk(2).indices)
    assert (chosen[:, 2:] != chosen[:, :2]).all()
    torch.testing.assert_close(tries.weight.sum(-1), torch.ones(500))


def test_a_class_is_drawn_even_where_the_classifier_is_certain() -> None:
    logits = torch.tensor([[1e4, 0.0, 0.0]])
    tries = classes.uniform(3).likeliest(logits, 1, noises.seeded())
    assert tries.weight.tolist() == [[1.0, 0.0]]


def test_the_imputed_class_is_the_likeliest_alone() -> None:
    raw = torch.tensor([[0.0, 3.0, 1.0], [2.0, -1.0, 1.0]], dtype=torch.float64)
    tries = classes.uniform(3).imputed(raw, slope=5.0)
    assert tries.y.tolist() == [[[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]]
    assert tries.weight.tolist() == [[1.0], [1.0]]
    assert not tries.drawn


def test_the_gradient_of_an_imputed_class_is_that_of_the_probabilities_by_differences() -> None:
    space, values = classes.uniform(3), torch.tensor([3.0, -1.0, 0.5]).double()
    raw = torch.tensor([[0.3, 1.0, -0.2]], dtype=torch.float64, requires_grad=True)
    tries = space.imputed(raw, slope=0.25)
    (found,) = torch.autograd.grad(tries.expect(tries.y @ values).sum(), raw)

    def expected(k: int, step: float) -> float:
        moved = raw.detach().clone()
        moved[0, k] += step
        return float(moved.softmax(-1)[0] @ values)

    wanted = [0.25 * (expected(k, 1e-5) - expected(k, -1e-5)) / 2e-5 for k in range(3)]
    assert found[0].tolist() == pytest.approx(wanted, rel=1e-6)


def test_without_a_slope_an_imputed_class_has_no_gradient() -> None:
    raw = torch.tensor([[0.3, 1.0, -0.2]], requires_grad=True)
    tries = classes.uniform(3).imputed(raw)
    (found,) = torch.autograd.grad(tries.y[..., 0].sum(), raw)
    assert not found.any()


def test_the_hinge_of_a_class_that_is_not_known_is_nothing() -> None:
    space, raw = classes.uniform(3), torch.tensor([[2.0, 1.5, 0.0], [0.0, 0.0, 0.0]])
    assert space.hinge(raw, space.known(torch.tensor([1, -1]), like=raw)).tolist() == [1.5, 0.0]
    assert space.hinge(raw, space.known(torch.tensor([0, 2]), like=raw)).tolist() == [0.5, 1.0]
