"""Networks that broadcast, and the step from rows to observations and back."""

import cases
import pytest
import torch
from torch import nn

from ssdgm_train.likelihoods import observations
from ssdgm_train.likelihoods.observations import Standardise
from ssdgm_train.networks.perceptrons import (
    ACTIVATIONS,
    MLP,
    Fourier,
    GaussianMLP,
    Joint,
    initialise,
)


def test_a_joint_layer_is_a_linear_layer_of_the_concatenation() -> None:
    layer = Joint([4, 3], 5).double()
    x, y = torch.randn(7, 4).double(), torch.randn(7, 3).double()
    whole = nn.functional.linear(torch.cat([x, y], 1), torch.cat([*layer.weights], 1), layer.bias)
    torch.testing.assert_close(layer(x, y), whole)


def test_a_joint_layer_begins_as_a_linear_layer_does() -> None:
    torch.manual_seed(2)
    layer = Joint([4, 3], 5)
    torch.manual_seed(2)
    whole = nn.Linear(7, 5)
    assert torch.equal(torch.cat([*layer.weights], 1), whole.weight)
    assert torch.equal(layer.bias, whole.bias)


def test_a_perceptron_broadcasts_its_inputs() -> None:
    net = MLP([4, 3], (8, 6), 2).double()
    x, y = torch.randn(7, 4).double(), torch.randn(3, 3).double()
    together = net(x[:, None], y)
    assert together.shape == (7, 3, 2)
    torch.testing.assert_close(together[:, 1], net(x, y[1].expand(7, -1)))


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_every_activation_makes_a_network_that_is_not_linear(activation: str) -> None:
    net = MLP([4], (8,), 2, activation).double()
    x = 5 * torch.randn(6, 4).double()
    middle = net((x[:3] + x[3:]) / 2)
    assert not torch.allclose(middle, (net(x[:3]) + net(x[3:])) / 2)


def test_every_hidden_layer_is_there_and_normalised_when_asked() -> None:
    plain, normed = MLP([4], (8, 6), 2), MLP([4], (8, 6), 2, batch_norm=True)
    widths = [m.num_features for m in normed.modules() if isinstance(m, nn.BatchNorm1d)]
    assert widths == [8, 6]
    assert not any(isinstance(m, nn.BatchNorm1d) for m in plain.modules())
    linear = [m for m in plain.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(8, 6), (6, 2)]


def test_a_gaussian_head_gives_the_mean_and_half_the_log_variance() -> None:
    net = GaussianMLP([4], (8,), 2)
    x = torch.randn(7, 4)
    mean, log_variance = MLP.forward(net, x).chunk(2, -1)
    found = net(x)
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(2 * found.scale.log(), log_variance)


@pytest.mark.parametrize("kind", list(cases.KINDS))
def test_standardising_is_undone_by_its_inverse(kind: str) -> None:
    stated = cases.stated(kind)
    step, rows = observations.observer_for(stated), cases.batch(kind).x
    seen = step(rows)
    assert seen.shape == (5, step.width)
    wanted = rows.float()
    if stated.columns:
        numbers = rows[:, : stated.numbers]
        wanted = torch.where(numbers.isnan(), torch.tensor(stated.shift), numbers)
    torch.testing.assert_close(step.inverse(seen[:, : stated.numbers]), wanted)


def test_a_float64_model_sees_float64_observations() -> None:
    step = Standardise((2,), (1.0,), (3.0,)).double()
    found = step(torch.tensor([[2, 4]], dtype=torch.uint8))
    assert torch.equal(found, torch.tensor([[1 / 3, 1.0]], dtype=torch.float64))


def test_parameters_go_back_to_the_datas_own_units() -> None:
    step = Standardise((2, 1), (10.0, 20.0), (2.0, 5.0))
    ones = torch.ones(1, 2)
    found = step.in_units({"mean": ones, "scale": ones, "probs": ones})
    assert found["mean"].tolist() == [[[12.0], [25.0]]]
    assert found["scale"].tolist() == [[[2.0], [5.0]]]
    assert found["probs"].tolist() == [[[1.0], [1.0]]]


def test_a_batch_of_one_row_is_normalised_by_the_running_averages() -> None:
    net = MLP([4], (8,), 2, batch_norm=True)
    x = torch.randn(32, 4)
    net(x)
    one = net(x[:1])
    torch.testing.assert_close(one, net.eval()(x[:1]))


def test_products_of_fourier_features_approximate_the_gaussian_kernel() -> None:
    torch.manual_seed(0)
    mapping = Fourier(3, 20_000, length=1.5).double()
    z = torch.randn(12, 3, dtype=torch.float64)
    features = mapping(z)
    wanted = torch.exp(-torch.cdist(z, z).square() / (2 * 1.5**2))
    torch.testing.assert_close(features @ features.T, wanted, rtol=0, atol=0.03)


def test_fourier_features_are_drawn_once_and_travel_with_the_weights() -> None:
    one, other = Fourier(2, 16, 1.0), Fourier(2, 16, 1.0)
    z = torch.randn(4, 2)
    assert not list(one.parameters())
    assert not torch.equal(one(z), other(z))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(z), other(z))


def drawn(name: str, spreads: int = 0) -> GaussianMLP:
    torch.manual_seed(3)
    net = GaussianMLP([400, 200], (500, 300), 50)
    initialise(net, name, spreads)
    return net


def linears(net: MLP) -> list[tuple[list[torch.Tensor], torch.Tensor]]:
    rest = [m for m in net.rest if isinstance(m, nn.Linear)]
    return [([*net.first.weights], net.first.bias), *(([m.weight], m.bias) for m in rest)]


def test_torch_s_own_start_is_left_as_it_is() -> None:
    torch.manual_seed(3)
    plain = GaussianMLP([400, 200], (500, 300), 50)
    for found, wanted in zip(drawn("torch", 50).parameters(), plain.parameters(), strict=True):
        assert torch.equal(found, wanted)


def test_the_small_start_is_that_of_m2_in_the_paper() -> None:
    for weights, bias in linears(drawn("small")):
        assert bias.abs().max() == 0
        assert all(w.std().item() == pytest.approx(1e-3, rel=0.05) for w in weights)


def test_the_fan_in_start_counts_the_inputs_of_the_whole_layer() -> None:
    layers = linears(drawn("fan_in"))
    for (weights, bias), inputs in zip(layers, (600, 500, 300), strict=True):
        assert bias.std().item() == pytest.approx(0.01, rel=0.3)
        assert all(w.std().item() == pytest.approx(inputs**-0.5, rel=0.05) for w in weights)


@pytest.mark.parametrize("name", ["small", "fan_in"])
def test_log_spreads_start_at_zero_and_means_do_not(name: str) -> None:
    net = drawn(name, spreads=50)
    last = net.get_submodule(net.last)
    assert isinstance(last, nn.Linear)
    assert last.weight[50:].abs().max() == 0
    assert (last.weight[:50] != 0).all()


def test_normalisation_is_no_layer_to_be_given_weights() -> None:
    net = MLP([4], (8, 6), 2, batch_norm=True)
    initialise(net, "fan_in")
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d)]
    assert all((m.weight == 1).all() for m in norms)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_hidden_state_of_a_network_is_all_but_its_last_layer(batch_norm: bool) -> None:
    net, other = (MLP([4, 3], (8, 6), out, batch_norm=batch_norm) for out in (2, 5))
    hidden = net.hidden_state()
    assert net.state_dict().keys() - hidden.keys() == {f"{net.last}.weight", f"{net.last}.bias"}
    other.load_state_dict({**other.state_dict(), **hidden})
    x, y = torch.randn(7, 4), torch.randn(7, 3)
    before = [nn.Sequential(*n.eval().rest[:-1])(n.first(x, y)) for n in (net, other)]
    assert torch.equal(*before)
