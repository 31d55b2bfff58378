"""What holds for label spaces: labels to try, what is known of them, and bounds over them."""

import noises
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ssdgm_train import labels
from ssdgm_train.labels import classes
from ssdgm_train.labels.space import Known, Space, Tries, bound_over

SPACE = classes.Classes((0.2, 0.5, 0.3))
RAW = torch.tensor([[0.3, -1.2, 2.0], [0.0, 0.0, 0.0], [5.0, -5.0, 1.0]], dtype=torch.float64)
Y = torch.tensor([2, 0, 1])
NATS = st.lists(st.floats(-50, 50), min_size=3, max_size=3)


def table(values: list[list[float]]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


VALUES = table([[1.0, -2.0, 7.0], [0.5, 3.0, 0.0], [-1.0, 4.0, 2.0]])
"""A function's value at every class, for each row of `RAW`."""


def at(values: Tensor, y: Tensor) -> Tensor:
    """The function at labels [n or 1, E, K]: what a bound L(x, y) gives."""
    return (values[:, None] * y).sum(-1)


NUMBERS = ((0.5, 0.5), (0.5, 0.5))
STATED = {"numbers": NUMBERS, "points": NUMBERS, "one-class": (0.05,)}
"""What a space is made of, where that is not one number a class."""


def test_every_space_is_known_by_its_name() -> None:
    for name, kind in labels.SPACES.items():
        space = kind(*STATED.get(name, ((0.5, 0.5),)))
        assert space.space == name
        assert isinstance(space, Space)


# labels to try


def test_an_expectation_is_the_weighted_sum() -> None:
    tries = Tries(torch.eye(3)[None], table([[0.2, 0.5, 0.3]]))
    torch.testing.assert_close(
        tries.expect(table([[1, 2, 4], [0, 0, 10]])), torch.tensor([2.4, 3.0]).double()
    )


def test_labels_that_were_not_drawn_have_no_baseline() -> None:
    """Without a draw the weights need not sum to one, and nothing is taken off."""
    tries = Tries(torch.eye(2)[None], table([[0.5, 0.1]]))
    torch.testing.assert_close(tries.expect(table([[10, 20]])), table([[7]])[0])


def test_a_drawn_label_is_measured_from_the_mean_of_the_others() -> None:
    tries = Tries(torch.eye(3)[None], table([[0.5, 0.25, 0.75]]), drawn=True)
    values = table([[1, 3, 10]])
    torch.testing.assert_close(tries.expect(values), table([[-0.5 + 0.25 + 6.0 + 2]])[0])


def test_a_baseline_changes_no_gradient_of_the_values_and_no_sum_of_whole_weights() -> None:
    weight = table([[0.5, 0.25, 0.25]])
    gradients, sums = [], []
    for drawn in (False, True):
        values = table([[1, 3, 10]]).requires_grad_()
        sums.append(Tries(torch.eye(3)[None], weight, drawn).expect(values))
        sums[-1].sum().backward()
        gradients.append(values.grad)
    torch.testing.assert_close(*sums)
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(gradients[0], weight)


def test_a_constant_is_expected_exactly_whatever_was_drawn() -> None:
    """The baseline takes all of it: a draw adds noise only where values differ."""
    tries = SPACE.likeliest(RAW, 1, noises.seeded(1))
    assert tries.drawn
    torch.testing.assert_close(
        tries.expect(torch.full((3, 2), 7.0).double()), 7 * torch.ones(3).double()
    )


def test_the_gradient_with_a_baseline_is_unbiased_and_varies_less() -> None:
    """Far from zero, without the mean of the others, the gradient would be mostly noise."""
    draws, values = 40_000, table([[101.0, 98.0, 107.0]])
    exact = RAW[:1].clone().requires_grad_()
    (wanted,) = torch.autograd.grad((exact.softmax(-1) * values).sum(), exact)
    spread = []
    for drawn in (True, False):
        rows = RAW[:1].expand(draws, -1).clone().requires_grad_()
        tries = SPACE.likeliest(rows, 1, noises.seeded())
        chosen = Tries(tries.y, tries.weight, drawn)
        (found,) = torch.autograd.grad(chosen.expect(at(values, tries.y)).sum(), rows)
        torch.testing.assert_close(found.mean(0), wanted[0], atol=0.1 if drawn else 1.0, rtol=0)
        spread.append(float(found.std(0).mean()))
    assert spread[0] < spread[1] / 5


# what is known


def test_known_labels_are_values_and_a_mask() -> None:
    found = SPACE.known(torch.tensor([2, -1, 0]), like=RAW)
    assert isinstance(found, Known)
    assert found.value.dtype == RAW.dtype
    assert found.value.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert found.mask.tolist() == [[1], [0], [1]]
    assert (found.value * found.mask == found.value).all()


def test_a_known_class_is_the_one_label_to_try_and_leaves_no_entropy() -> None:
    known = SPACE.known(Y, like=RAW)
    tries = SPACE.completed(RAW, known, noises.given())
    assert tries.y.shape == (3, 1, 3)
    assert torch.equal(tries.y[:, 0].argmax(-1), Y)
    assert (tries.weight == 1).all()
    assert SPACE.entropy(RAW, known).tolist() == [0, 0, 0]
    expected = torch.distributions.Categorical(logits=RAW).entropy()
    torch.testing.assert_close(SPACE.entropy(RAW), expected)


def test_the_log_probability_of_what_is_known() -> None:
    found = SPACE.log_prob(RAW, SPACE.known(Y, like=RAW))
    torch.testing.assert_close(found, torch.distributions.Categorical(logits=RAW).log_prob(Y))
    unknown = SPACE.known(torch.full((3,), -1), like=RAW)
    assert SPACE.log_prob(RAW, unknown).abs().tolist() == [0, 0, 0]


def test_the_log_prior_is_linear_in_probabilities() -> None:
    even, every = torch.full((3,), 1 / 3).double(), SPACE.every(RAW)
    torch.testing.assert_close(SPACE.log_prior(even), SPACE.log_prior(every).mean())
    torch.testing.assert_close(
        SPACE.log_prior(every), torch.tensor(SPACE.prior).double().log(), rtol=1e-6, atol=0
    )


# bounds


@given(NATS)
def test_the_bound_at_the_optimal_q_is_the_log_sum_of_the_labels(bounds: list[float]) -> None:
    values = table([bounds])
    found = bound_over(SPACE, values, lambda y: at(values, y), noises.given())
    torch.testing.assert_close(found, values.logsumexp(-1))


@given(NATS, NATS)
def test_no_other_q_is_better(bounds: list[float], raw: list[float]) -> None:
    values = table([bounds])
    found = bound_over(SPACE, table([raw]), lambda y: at(values, y), noises.given())
    assert float(found) <= float(values.logsumexp(-1)) + 1e-9


def test_the_bound_of_a_known_label_is_its_own_whatever_q() -> None:
    known = SPACE.known(Y, like=RAW)
    found = bound_over(SPACE, RAW, lambda y: at(VALUES, y), noises.given(), known)
    torch.testing.assert_close(found, VALUES.gather(-1, Y[:, None])[:, 0])


def test_a_few_labels_have_the_bound_of_all_on_average() -> None:
    def bound(y: Tensor) -> Tensor:
        return (y * VALUES[0]).sum(-1)

    rows = RAW[:1].expand(40_000, -1)
    found = bound_over(SPACE, rows, bound, noises.seeded(), few=1)
    (wanted,) = bound_over(SPACE, RAW[:1], bound, noises.given())
    torch.testing.assert_close(found.mean(), wanted, atol=0.02, rtol=0)
    assert found.std() > 0.01


@pytest.mark.parametrize("few", [0, 2, 3, 50])
def test_all_labels_are_tried_unless_that_is_cheaper(few: int) -> None:
    tries = SPACE.tries(RAW, noises.given(), few)
    assert not tries.drawn
    assert torch.equal(tries.y, SPACE.every(RAW)[None])
    torch.testing.assert_close(tries.weight, RAW.softmax(-1))


# raw numbers


def test_several_q_are_pooled_to_the_mean_of_their_probabilities() -> None:
    several = torch.randn(4, 6, 3, dtype=torch.float64) * 3
    pooled = SPACE.pooled(several)
    assert pooled.shape == (4, 3)
    torch.testing.assert_close(SPACE.mean(pooled), several.softmax(-1).mean(-2))
    one = SPACE.pooled(several[:, :1])
    torch.testing.assert_close(SPACE.mean(one), SPACE.mean(several[:, 0]))


def test_far_apart_q_are_pooled_without_overflow() -> None:
    pooled = SPACE.pooled(torch.tensor([[[1e4, 0, 0], [0, 1e4, 0]]]))
    torch.testing.assert_close(SPACE.mean(pooled), torch.tensor([[0.5, 0.5, 0]]))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_outputs_are_named_and_cooled_by_the_temperature(temperature: float) -> None:
    found = SPACE.outputs(RAW, temperature)
    assert list(found) == ["logits", "probs"]
    torch.testing.assert_close(found["logits"], RAW / temperature)
    torch.testing.assert_close(found["probs"], (RAW / temperature).softmax(-1))


# what others are told


def test_a_described_space_comes_back() -> None:
    found = SPACE.described([7, "b", "c d"])
    assert found["names"] == ["7", "b", "c d"]
    assert found["values"] == [7, "b", "c d"]
    assert labels.SPACES[found["space"]](tuple(found["prior"])) == SPACE  # type: ignore[call-arg]


def test_labels_for_graphs_are_drawn_from_the_prior_and_taken_in_turn() -> None:
    drawn = SPACE.drawn(np.random.default_rng(0), 20_000)
    assert drawn.shape == (20_000, *SPACE.shape)
    assert drawn.dtype == np.float32
    assert drawn.mean(0) == pytest.approx(SPACE.prior, abs=0.01)
    assert SPACE.examples(4).argmax(-1).tolist() == [0, 1, 2, 0]
    assert SPACE.examples(4).sum(-1).tolist() == [1, 1, 1, 1]


def test_a_label_of_one_entry_is_wrong_once_or_not() -> None:
    assert SPACE.entries == 1
    assert SPACE.wrong(RAW, torch.tensor([2, 1, 1])).tolist() == [0, 1, 1]
    assert SPACE.measure(RAW, torch.tensor([2, 1, 1])).error == pytest.approx(2 / 3)


def test_splits_are_stratified_by_the_class() -> None:
    stored = np.array([2, -1, 0], np.int32)
    assert SPACE.strata(stored).tolist() == [2, -1, 0]
    assert SPACE.strata(stored).dtype == np.int64
