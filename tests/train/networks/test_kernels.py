"""Random kernels over series."""

import cases
import pytest
import torch
from torch import nn

from ssdgm_train.methods import m2
from ssdgm_train.networks import builder
from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.networks.kernels import STEPS, Kernels
from ssdgm_train.settings import RecipeError

GRIDS = [Grid(1, (1,), last=False), Grid(3, (7,), last=False), Grid(2, (700,), last=False)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("count", [1, 50])
def test_series_of_any_length_have_two_features_a_kernel(grid: Grid, count: int) -> None:
    network = Kernels(grid, count)
    features = network(torch.randn(2, 3, grid.width))
    assert features.shape == (2, 3, network.width)
    assert network.width == 2 * count
    shares = features[..., :count]
    assert bool(((shares >= 0) & (shares <= 1)).all())


def test_a_feature_is_the_share_of_answers_above_zero_and_the_largest() -> None:
    torch.manual_seed(0)
    grid = Grid(2, (30,), last=False)
    network, x = Kernels(grid, 4), torch.randn(5, 60)
    shares, largest = network(x).chunk(2, 1)
    dilation, padding = network.shapes[1]
    weight, bias = network.get_buffer("weight1")[0], network.get_buffer("bias1")[0]
    padded = nn.functional.pad(x.reshape(5, 2, 30), (padding, padding))
    moments = range(30 + 2 * padding - 8 * dilation)
    answers = torch.stack(
        [
            (padded[:, :, start : start + 8 * dilation + 1 : dilation] * weight).sum((1, 2)) + bias
            for start in moments
        ],
        1,
    )
    torch.testing.assert_close(shares[:, 1], (answers > 0).float().mean(1))
    torch.testing.assert_close(largest[:, 1], answers.amax(1))


def test_kernels_have_mean_zero_and_are_not_trained() -> None:
    network = Kernels(Grid(5, (40,), last=False), 64)
    assert not [*network.parameters()]
    weights = torch.cat([value for name, value in network.named_buffers() if "weight" in name])
    assert float(weights.mean(-1).abs().max()) < 1e-6
    heard = (weights != 0).any(-1).sum(1)
    assert set(heard.tolist()) > {1, 5}  # some of the channels, and at times all


def test_a_long_series_is_looked_at_in_fewer_places() -> None:
    assert [Kernels(Grid(1, (n,), last=False), 1).stride for n in (STEPS, 2 * STEPS)] == [1, 2]


def test_a_classifier_may_begin_with_them() -> None:
    model = cases.built(m2.METHOD, "windows-float32", kernels=10)
    first = model.classifier.before[0]
    assert isinstance(first, Kernels)
    assert len(first.shapes) > 1
    assert not isinstance(model.encoder.before, nn.Sequential)


@pytest.mark.parametrize(
    ("kind", "changes", "text"),
    [
        ("gaussian-float32", {"kernels": 5}, "kernels is 5, but rows are of kind rows"),
        ("bernoulli-uint8", {"kernels": 5}, "kernels is 5, but rows are of kind image"),
        (
            "windows-float32",
            {"kernels": 5, "pooled": (4,)},
            "pooled is [4] and kernels is 5; expected one of them",
        ),
    ],
)
def test_where_there_is_no_time_there_are_none(
    kind: str, changes: dict[str, int], text: str
) -> None:
    config = m2.Config(**changes)
    problem = cases.stated(kind)
    assert text in cases.message(RecipeError, lambda: builder.fitted(config, problem))
