"""Tags: expectations over label sets, masks, scores."""

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import Tensor

from ssdgm_train.evaluation import calibration
from ssdgm_train.labels import SPACES, tags
from ssdgm_train.labels.space import Known, Space, bound_over
from ssdgm_train.probability.noise import Noise

PRIOR = (0.2, 0.5, 0.7)
SPACE = tags.Tags(PRIOR)
SIX = tags.Tags((0.3,) * 6)


def noise(seed: int = 0) -> Noise:
    return Noise(torch.Generator().manual_seed(seed))


def raw(rows: int = 4, size: int = 3, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(rows, size, generator=generator, dtype=torch.float64).mul(2).requires_grad_()
    )


def bound(y: Tensor) -> Tensor:
    """A function of label sets in which tags depend on one another."""
    weights = torch.linspace(-1, 2, y.shape[-1], dtype=torch.float64)
    return (y * weights).sum(-1) + 1.5 * y[..., 0] * y[..., 1] - y[..., -1] * y[..., 1]


def by_hand(logits: Tensor, known: list[int]) -> Tensor:
    """E_q of `bound` and the entropy over the unknown entries, set by set."""
    q, total = torch.sigmoid(logits), logits.new_zeros(())
    for labels in itertools.product((0, 1), repeat=len(known)):
        if any(k >= 0 and k != entry for k, entry in zip(known, labels, strict=True)):
            continue
        y = torch.tensor(labels, dtype=torch.float64)
        each = y * q + (1 - y) * (1 - q)
        mask = torch.tensor([k < 0 for k in known])
        weight = each[mask].prod()
        total = total + weight * (bound(y) - each[mask].log().sum())
    return total


def test_tags_are_a_space_that_is_registered() -> None:
    assert SPACES["tags"] is tags.Tags
    assert isinstance(SPACE, Space)
    assert (SPACE.shape, SPACE.width, SPACE.raw, SPACE.entries) == ((3,), 3, 3, 3)


def test_unknown_entries_are_masked_and_zero() -> None:
    known = SPACE.known(torch.tensor([[1, 0, -1]], dtype=torch.int8), like=torch.zeros(()))
    assert known.value.tolist() == [[1, 0, 0]]
    assert known.mask.tolist() == [[1, 1, 0]]
    assert known.value.dtype == torch.float32


def test_three_tags_are_summed_over_as_by_hand() -> None:
    logits = raw()
    summed = bound_over(SPACE, logits, bound, noise())
    wanted = torch.stack([by_hand(row, [-1, -1, -1]) for row in logits])
    torch.testing.assert_close(summed, wanted)
    gradients = [torch.autograd.grad(part.sum(), logits)[0] for part in (summed, wanted)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("known", [[1, -1, -1], [-1, 0, 1], [0, 1, 0], [-1, -1, -1]])
def test_known_entries_stay_as_they_are(known: list[int]) -> None:
    logits = raw(1)
    given = SPACE.known(torch.tensor([known]), like=logits)
    summed = bound_over(SPACE, logits, bound, noise(), given)
    torch.testing.assert_close(summed, by_hand(logits[0], known)[None])
    (gradient,) = torch.autograd.grad(summed.sum(), logits)
    assert [value == 0 for value in gradient[0].tolist()] == [entry >= 0 for entry in known]


def test_a_relaxed_draw_keeps_known_entries_and_gives_them_no_gradient() -> None:
    logits = raw(5, 6)
    y = torch.tensor([[1, 0, -1, -1, 1, -1]] * 5)
    given = SIX.known(y, like=logits)
    tries = SIX.completed(logits, given, noise())
    assert tries.y.shape == (5, 1, 6)
    certain = y >= 0
    assert torch.equal(tries.y[:, 0][certain], given.value[certain])
    summed = bound_over(SIX, logits, bound, noise(), given)
    (gradient,) = torch.autograd.grad(summed.sum(), logits)
    assert (gradient[certain] == 0).all()
    assert (gradient[~certain] != 0).all()


def test_the_mean_of_relaxed_draws_is_near_the_sum_over_all_sets() -> None:
    """The relaxation is biased: entries are between 0 and 1; it is small for cool draws."""
    cool, logits = tags.Tags((0.3,) * 6, heat=0.1), raw(1, 6).detach()
    rows = logits.expand(40_000, -1)
    sets = cool.every(logits)
    assert sets is not None
    q = torch.sigmoid(logits)
    exact = ((sets * q + (1 - sets) * (1 - q)).prod(-1) * bound(sets)).sum()
    tries = cool.tries(rows, noise())
    assert float(tries.expect(bound(tries.y)).mean()) == pytest.approx(float(exact), abs=0.05)


def test_a_few_likeliest_sets_and_a_drawn_one_stand_for_all_without_bias() -> None:
    logits = raw(1, 6).detach()
    rows = logits.expand(40_000, -1)
    sets = SIX.every(logits)
    assert sets is not None
    q = torch.sigmoid(logits)
    exact = ((sets * q + (1 - sets) * (1 - q)).prod(-1) * bound(sets)).sum()
    tries = SIX.tries(rows, noise(), few=3)
    assert tries.y.shape == (40_000, 4, 6)
    assert float(tries.expect(bound(tries.y)).mean()) == pytest.approx(float(exact), abs=0.03)


def test_draws_are_finite_in_sixteen_bits() -> None:
    logits = torch.full((1000, 20), 30.0, dtype=torch.bfloat16)
    tries = tags.Tags((0.5,) * 20).tries(logits, noise())
    assert tries.y.dtype == torch.float32
    assert tries.y.isfinite().all()


def test_more_sets_than_can_be_listed_are_not() -> None:
    assert SPACE.every(torch.zeros(())) is not None
    assert tags.Tags((0.5,) * 7).every(torch.zeros(())) is None


def test_prior_entropy_and_log_prob_are_those_of_bernoullis() -> None:
    logits, y = raw(2), torch.tensor([[1, 0, 1], [0, -1, 1]])
    known = SPACE.known(y, like=logits)
    law = torch.distributions.Bernoulli(logits=logits)
    own = torch.distributions.Bernoulli(torch.tensor(PRIOR, dtype=torch.float64))
    torch.testing.assert_close(SPACE.entropy(logits), law.entropy().sum(-1))
    torch.testing.assert_close(
        SPACE.entropy(logits, known), (law.entropy() * (1 - known.mask)).sum(-1)
    )
    wanted = (law.log_prob(known.value) * known.mask).sum(-1)
    torch.testing.assert_close(SPACE.log_prob(logits, known), wanted)
    torch.testing.assert_close(SPACE.log_prior(known.value), own.log_prob(known.value).sum(-1))


def test_pooling_averages_probabilities() -> None:
    logits = raw(6).reshape(2, 3, 3)
    pooled = torch.sigmoid(SPACE.pooled(logits))
    torch.testing.assert_close(pooled, torch.sigmoid(logits).mean(-2))


def test_the_posterior_sums_the_joint_over_sets() -> None:
    sets = SPACE.every(torch.zeros((), dtype=torch.float64))
    assert sets is not None
    log_joint = torch.randn(5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = log_joint.softmax(-1) @ sets
    torch.testing.assert_close(torch.sigmoid(SPACE.posterior(log_joint)), wanted)


def test_scores_are_scikit_learns_over_known_entries() -> None:
    logits = raw(50).detach()
    truth = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (50, 3)))
    score = SPACE.measure(logits, truth)
    said = logits.numpy() > 0
    assert score.rows == 50
    assert score.error == pytest.approx(metrics.hamming_loss(truth, said))
    assert score.micro_f1 == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    assert score.macro_f1 == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    probs = torch.sigmoid(logits).numpy()
    assert score.nll == pytest.approx(3 * metrics.log_loss(truth.ravel(), probs.ravel()))
    assert score.brier == pytest.approx(metrics.brier_score_loss(truth.ravel(), probs.ravel()))


def test_unknown_entries_are_not_scored() -> None:
    logits = raw(6).detach()
    y = torch.tensor([[1, -1, 0], [-1, -1, -1], [0, 0, 1], [1, 1, 1], [-1, 0, 0], [0, 1, -1]])
    other = torch.where(y < 0, -logits, logits)
    score = SPACE.measure(logits, y)
    assert score == SPACE.measure(other, y)
    assert score.rows == 5
    wrong = SPACE.wrong(logits, y)
    assert score.error == pytest.approx(float(wrong.sum()) / int((y >= 0).sum()))
    assert wrong[1] == 0


def test_a_temperature_is_fitted_for_tags() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 3, generator=generator)
    y = torch.bernoulli(torch.sigmoid(logits), generator=generator).long()
    assert calibration.temperature(SPACE, 3 * logits, y) == pytest.approx(3, rel=0.1)


def test_draws_follow_the_prior_and_examples_take_turns() -> None:
    drawn = SPACE.drawn(np.random.default_rng(0), 20_000)
    assert drawn.mean(0) == pytest.approx(PRIOR, abs=0.02)
    assert SPACE.examples(5).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_a_manifest_names_tags() -> None:
    assert SPACE.described(["a", "b", "c"]) == {
        "space": "tags",
        "names": ["a", "b", "c"],
        "prior": [0.2, 0.5, 0.7],
        "threshold": 0.5,
    }


def test_a_stratum_is_the_rarest_tag_of_a_row() -> None:
    y = np.array(
        [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [0, 0, 0], [-1, -1, -1], [-1, 0, -1]]
    )
    assert SPACE.strata(y.astype(np.int8)).tolist() == [0, 1, 2, 2, 3, -1, 3]


def test_the_best_q_of_one_tag_is_reached_at_the_log_sum_exp() -> None:
    one = tags.Tags((0.5, 0.5))
    values = torch.tensor([0.3, -1.0, 2.0, 0.5], dtype=torch.float64)

    def independent(y: Tensor) -> Tensor:
        return y @ torch.tensor([2.0, -1.0], dtype=torch.float64)

    best = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    bounded = float(bound_over(one, best, independent, noise()))
    assert bounded == pytest.approx(math.log((1 + math.e**2) * (1 + 1 / math.e)))
    assert bounded > float(bound_over(one, best + values[:2], independent, noise()))


def test_a_known_label_needs_no_draw() -> None:
    """A row of which everything is known has L(x, y), whichever q is."""
    y = Known(torch.tensor([[1.0, 0, 1]]), torch.ones(1, 3))
    known = bound_over(SPACE, torch.randn(1, 3), lambda t: bound(t.double()), noise(), y)
    assert float(known) == pytest.approx(float(bound(y.value.double())))
