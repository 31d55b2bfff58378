"""The layers of a ladder: statistics, running averages, and what denoises."""

import pytest
import torch

from ssdgm_train.networks import rungs

ROWS = torch.tensor([[0.0, 2.0], [4.0, 2.0]])


def test_the_moments_by_hand() -> None:
    mean, deviation = rungs.moments(ROWS)
    assert mean.tolist() == [2.0, 2.0]
    assert deviation.tolist() == pytest.approx([2.0, 1e-5])
    assert rungs.moments(ROWS).normalised(ROWS).tolist() == [[-1.0, 0.0], [1.0, 0.0]]


def test_the_combinator_by_hand() -> None:
    g = rungs.Combinator(1).double()
    numbers = [0.5, 2.0, -1.0, 0.25, 1.0, -0.75, 1.5, 0.5, 0.1, 0.2]
    g.a.data = torch.tensor(numbers, dtype=torch.float64)[:, None]
    z, u = 3.0, 0.8

    def sigmoid(x: float) -> float:
        return 1 / (1 + 2.718281828459045**-x)

    mean = 0.5 * sigmoid(2.0 * u - 1.0) + 0.25 * u + 1.0
    gain = -0.75 * sigmoid(1.5 * u + 0.5) + 0.1 * u + 0.2
    found = g(torch.tensor([[z]]).double(), torch.tensor([[u]]).double())
    assert found.item() == pytest.approx((z - mean) * gain + mean)


def test_the_combinator_can_be_the_posterior_mean_of_a_gaussian() -> None:
    """z ~ N(u, 1) and noise of variance s: the best estimate is (z + s u) / (1 + s)."""
    s, g = 0.5, rungs.Combinator(3)
    g.a.data.zero_()
    g.a.data[3], g.a.data[9] = 1.0, 1 / (1 + s)
    z, u = torch.randn(5, 3), torch.randn(5, 3)
    torch.testing.assert_close(g(z, u), (z + s * u) / (1 + s))


def test_features_of_the_combinator_are_apart() -> None:
    g = rungs.Combinator(3)
    torch.nn.init.normal_(g.a)
    z, u = torch.randn(5, 3), torch.randn(5, 3)
    moved = u.clone()
    moved[:, 1] += 1
    assert (g(z, moved) != g(z, u)).any(0).tolist() == [False, True, False]


def test_a_rung_normalises_what_comes_from_above() -> None:
    """So it does not matter how large that is."""
    rung = rungs.Rung(4, 3).double()
    torch.nn.init.normal_(rung.combine.a)
    z, upper = torch.randn(6, 3).double(), torch.randn(6, 4).double()
    torch.testing.assert_close(rung(z, upper), rung(z, 7 * upper + 2))


def test_running_averages_come_to_what_they_average() -> None:
    layer, z = rungs.Layer(3, 2, torch.nn.Identity()), torch.randn(50, 2) * 3 + 1
    for _ in range(200):
        layer.keep(z)
    torch.testing.assert_close(layer.mean, z.mean(0))
    torch.testing.assert_close(layer.variance, z.var(0))


def test_a_single_row_is_normalised_by_the_running_averages_and_leaves_them_alone() -> None:
    layer, z = rungs.Layer(3, 2, torch.nn.Identity()), torch.randn(50, 2) * 3 + 1
    layer.keep(z)
    kept = layer.mean.clone(), layer.variance.clone()
    layer.keep(z[:1])
    assert torch.equal(layer.mean, kept[0])
    assert torch.equal(layer.variance, kept[1])
    torch.testing.assert_close(layer.moments(z[:1]), layer.kept())
    assert not torch.allclose(layer.moments(z).mean, layer.kept().mean)


def test_a_layer_is_used_by_its_running_averages_whatever_its_mode() -> None:
    layer, h = rungs.Layer(3, 2, torch.nn.ReLU()), torch.randn(50, 3)
    torch.nn.init.normal_(layer.shift)
    torch.nn.init.normal_(layer.scale)
    layer.keep(layer.project(h))
    z = (layer.project(h) - layer.mean) / layer.variance.sqrt()
    wanted = torch.relu(layer.scale * (z + layer.shift))
    torch.testing.assert_close(layer.train()(h), wanted)
    torch.testing.assert_close(layer.eval()(h), wanted)
