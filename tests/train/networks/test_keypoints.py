"""Maps of points: the mean place on each, and as many levels as the sides allow."""

import dataclasses

import cases
import pytest
import torch

from ssdgm_train.labels import Points
from ssdgm_train.methods import m2
from ssdgm_train.networks import builder, keypoints
from ssdgm_train.networks.convolutions import Grid

SPACE = Points((4.0, 3.0), (2.0, 2.0))
OTHERS = {"classifier": (8,), "pooled": (4,), "network": "mlp"}
"""Settings of m2 by which its classifier is a perceptron."""

GRID = Grid(1, (8, 12), last=True)


def network() -> keypoints.Heatmaps:
    return keypoints.Heatmaps(GRID, (4, 4), SPACE, "relu").eval()


def test_a_sharp_map_is_the_centre_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    net, maps = network(), torch.zeros(1, 1, 8, 12)
    maps[0, 0, 2, 7] = 100
    monkeypatch.setattr(net.maps, "forward", lambda x: maps)
    mean = SPACE.outputs(net(torch.zeros(1, GRID.width)))["mean"]
    torch.testing.assert_close(mean, torch.tensor([[7.5, 2.5]]))


def test_an_even_map_is_the_middle_and_as_wide_as_it(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    monkeypatch.setattr(net.maps, "forward", lambda x: torch.zeros(1, 1, 8, 12))
    outputs = SPACE.outputs(net(torch.zeros(1, GRID.width)))
    torch.testing.assert_close(outputs["mean"], torch.tensor([[6.0, 4.0]]))
    wide = torch.tensor([[143 / 12, 63 / 12]]).sqrt() + 0.05 * 2
    torch.testing.assert_close(outputs["scale"], wide)


@pytest.mark.parametrize(
    ("sides", "count"), [((28, 28), 3), ((32, 32), 4), ((7, 8), 1), ((30, 8), 2)]
)
def test_there_are_as_many_levels_as_halve_the_sides(sides: tuple[int, int], count: int) -> None:
    assert len(keypoints.levels(Grid(3, sides, last=True), (4,) * 6)) == count


@pytest.mark.parametrize(
    ("changes", "mapped"),
    [
        ({}, True),
        ({"classifier": (8,)}, False),
        ({"pooled": (4,)}, False),
        ({"network": "mlp"}, False),
    ],
)
def test_a_classifier_that_is_named_or_taken_over_is_no_map(
    changes: dict[str, object], mapped: bool
) -> None:
    """An m1 that is taken over brings hidden layers, which have nothing for maps of points."""
    problem = dataclasses.replace(cases.stated("bernoulli-uint8"), labels=SPACE)
    config = builder.fitted(m2.Config(**changes), problem)  # type: ignore[arg-type]
    made = builder.classifier_for(problem, config)
    assert isinstance(made, keypoints.Keypoints) is mapped
