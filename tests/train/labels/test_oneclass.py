"""One class: scores and a threshold, and what they are worth."""

import numpy as np
import pytest
import torch

from ssdgm_train.labels.measures import detection
from ssdgm_train.labels.oneclass import LEVELS, OneClass
from ssdgm_train.probability.noise import Noise

SPACE = OneClass(0.1)
RAW = torch.arange(20.0)[:, None]
Y = torch.tensor([0] * 10 + [1, 0] * 3 + [-1] * 4, dtype=torch.int8)


def test_the_threshold_leaves_its_share_of_normal_rows_above() -> None:
    raw, y = torch.arange(1001.0)[:, None], torch.zeros(1001, dtype=torch.int8)
    fitted = SPACE.fitted(raw, y)
    assert fitted.threshold == pytest.approx(900)
    assert fitted.levels == LEVELS
    assert (fitted.values[0], fitted.values[-1]) == (0, 1000)
    assert fitted.measure(raw, y).false_alarms == pytest.approx(100 / 1001)


def test_outliers_have_no_say_in_it() -> None:
    fitted = SPACE.fitted(RAW, Y)
    others = SPACE.fitted(torch.where(Y[:, None] == 1, 1e6, RAW), Y)
    assert fitted == others


def test_a_score_has_ranks_and_shares() -> None:
    score = SPACE.fitted(RAW, Y).measure(RAW, Y)
    normal, outliers = RAW[Y == 0, 0].numpy(), RAW[Y == 1, 0].numpy()
    above = (outliers[:, None] > normal).mean()
    assert score.auroc == pytest.approx(above)
    assert score.rows == 16
    assert score.false_alarms == pytest.approx(2 / 13)
    assert score.detected == pytest.approx(1 / 3)
    assert score.error == pytest.approx((2 + 2) / 16)
    assert score.nll == pytest.approx(normal.mean())
    assert score.outlying
    assert score.words.startswith(f"AUROC {above:.4f}, average precision ")


def test_rows_of_one_kind_have_no_curve() -> None:
    normal = SPACE.measure(RAW, torch.zeros(20, dtype=torch.int8))
    assert (normal.auroc, normal.average_precision, normal.detected) == (None, None, None)
    assert normal.false_alarms == pytest.approx(0.1)
    outliers = SPACE.measure(RAW, torch.ones(20, dtype=torch.int8))
    assert outliers.false_alarms is None
    assert outliers.detected == pytest.approx(0.95)


def test_ties_count_half() -> None:
    assert detection.auroc(np.array([1.0, 1, 2, 2]), np.array([0, 1, 0, 1])) == 0.5


def test_nothing_depends_on_a_label() -> None:
    known, noise = SPACE.known(Y, like=RAW), Noise()
    assert known.value[:, 0].tolist() == (Y == 1).float().tolist()
    assert known.mask[:, 0].tolist() == (Y >= 0).float().tolist()
    ones = torch.ones(20, 1)
    assert SPACE.tries(RAW, noise).expect(ones).tolist() == [1] * 20
    assert SPACE.completed(RAW, known, noise).expect(ones).tolist() == [1] * 20
    for zeros in (SPACE.entropy(RAW), SPACE.log_prob(RAW, known), SPACE.sampled(RAW, noise)[1]):
        assert zeros.tolist() == [0] * 20
    assert SPACE.tempered(RAW, 3.0) is RAW
    assert SPACE.every(RAW) is None
    with pytest.raises(TypeError):
        SPACE.posterior(RAW)


def test_wrong_rows_are_those_on_the_other_side() -> None:
    fitted = SPACE.fitted(RAW, Y)
    wrong = fitted.wrong(RAW, Y).numpy()[:16]
    assert wrong.mean() == pytest.approx(fitted.measure(RAW, Y).error)
