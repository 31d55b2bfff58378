"""Error and negative log-likelihood of a model that is known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import evaluate

CPU = torch.device("cpu")


class Echo(nn.Module):
    """A model whose logits are the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def classify(self, x: Tensor) -> Tensor:
        assert not self.training
        self.sizes.append(len(x))
        return x


def test_error_and_nll_are_those_of_the_logits() -> None:
    x = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]], np.float32))
    found = evaluate.score(Echo(), x, np.array([0, 2, 1]), CPU)
    assert found.rows == 3
    assert found.error == pytest.approx(1 / 3)
    assert found.nll == pytest.approx(-(math.log(0.5) + math.log(0.8) + math.log(0.2)) / 3)


def test_many_rows_go_in_parts_and_come_back_in_order() -> None:
    model = Echo()
    x = np.arange(2 * 2500, dtype=np.float32).reshape(-1, 2)
    assert torch.equal(evaluate.logits(model, x, CPU), torch.from_numpy(x))
    assert sum(model.sizes) == 2500
    assert max(model.sizes) <= evaluate.ROWS


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_in_the_mode_that_it_was_in(training: bool) -> None:
    model = Echo().train(training)
    evaluate.logits(model, np.ones((2, 2), np.float32), CPU)
    assert model.training is training


def test_the_mode_comes_back_after_an_error() -> None:
    model = Echo()
    with pytest.raises(RuntimeError, match="inside"), evaluate.evaluating(model):
        raise RuntimeError("inside")
    assert model.training
