"""Convolutions between flat observations and flat features, at any size."""

import cases
import pytest
import torch
from torch import nn

from ssdgm_train import methods
from ssdgm_train.networks.convolutions import Grid, Reader, Writer
from ssdgm_train.networks.perceptrons import ACTIVATIONS, MLP, initialise
from ssdgm_train.networks.pooled import Pooled

SIZES = [(1, 1), (3, 3), (8, 8), (1, 5), (28, 28), (32, 32), (13, 7), (64, 48)]
LENGTHS = [(1,), (2,), (12,), (101,)]
GRIDS = [
    *(Grid(channels, sides, last=True) for channels in (1, 3) for sides in SIZES),
    *(Grid(channels, sides, last=False) for channels in (1, 2) for sides in LENGTHS),
]
EACH = pytest.mark.parametrize("grid", GRIDS, ids=str)
COLOUR = Grid(3, (5, 4), last=True)


@EACH
@pytest.mark.parametrize("channels", [(4,), (4, 6), (4, 6, 8, 8)])
@pytest.mark.parametrize("parts", [1, 2])
def test_any_size_is_read_and_written(grid: Grid, channels: tuple[int, ...], parts: int) -> None:
    reader = Reader(grid, channels, "relu")
    writer = Writer(grid, parts * grid.width, channels, "relu")
    features = reader(torch.zeros(2, 1, grid.width))
    assert features.shape == (2, 1, reader.width)
    assert reader.width == writer.width
    assert writer(features.expand(2, 3, -1)).shape == (2, 3, parts * grid.width)


@EACH
@pytest.mark.parametrize("parts", [1, 2])
def test_folding_is_undone_by_unfolding_part_by_part(grid: Grid, parts: int) -> None:
    flat = torch.randn(4, parts * grid.width)
    maps = torch.cat([grid.unfold(part) for part in flat.chunk(parts, 1)], 1)
    assert maps.shape == (4, parts * grid.channels, *grid.sides)
    assert torch.equal(grid.fold(maps, parts), flat)


def test_a_picture_is_unfolded_as_it_lies_in_a_row_and_so_is_a_window() -> None:
    picture, window = torch.randn(2, 5, 4, 3), torch.randn(2, 3, 6)
    assert torch.equal(COLOUR.unfold(picture.flatten(1))[:, 2, 1, 3], picture[:, 1, 3, 2])
    found = Grid(3, (6,), last=False).unfold(window.flatten(1))
    assert torch.equal(found, window)


@pytest.mark.parametrize(
    ("sides", "channels"),
    [
        ((1, 1), (16,)),
        ((3, 3), (16,)),
        ((8, 8), (16,)),
        ((28, 28), (16, 32)),
        ((32, 32), (16, 32)),
        ((33, 8), (16, 32, 64)),
        ((64, 48), (16, 32, 64)),
        ((224, 224), (16, 32, 64, 64, 64)),
        ((100,), (16, 32, 64, 64)),
    ],
)
def test_layers_are_added_until_maps_are_small(
    sides: tuple[int, ...], channels: tuple[int, ...]
) -> None:
    grid = Grid(1, sides, last=True)
    assert grid.fitting() == channels
    assert max(grid.halved(len(channels))) <= 8


def test_leading_axes_are_convolved_as_if_they_were_one() -> None:
    reader, writer = Reader(COLOUR, (4,), "relu"), Writer(COLOUR, 60, (4,), "relu")
    for end, width in ((reader, COLOUR.width), (writer, writer.width)):
        x = torch.randn(3, 2, width)
        torch.testing.assert_close(end(x)[:, 1], end(x[:, 1]))


def test_no_rows_are_no_features() -> None:
    assert Reader(COLOUR, (4,), "relu")(torch.zeros(0, 1, 60)).shape == (0, 1, 24)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_what_a_reader_says_follows_the_picture(activation: str) -> None:
    """Moved by two pixels, features move by one, away from the border."""
    grid = Grid(1, (12, 12), last=True)
    reader, x = Reader(grid, (4,), activation), torch.zeros(1, 12, 12)
    x[0, 3:6, 3:6] = torch.randn(3, 3)
    one, other = (
        reader(rows.reshape(1, -1)).reshape(4, 6, 6) for rows in (x, x.roll((2, 2), (1, 2)))
    )
    torch.testing.assert_close(other.roll((-1, -1), (1, 2))[:, :5, :5], one[:, :5, :5])


def test_a_layer_is_normalised_over_rows_and_places() -> None:
    reader = Reader(COLOUR, (4,), "tanh", batch_norm=True)
    seen: list[torch.Tensor] = []
    norm = next(m for m in reader.modules() if isinstance(m, nn.BatchNorm1d))
    norm.register_forward_hook(lambda *found: seen.append(found[2]))
    reader(torch.randn(9, COLOUR.width))
    torch.testing.assert_close(seen[0].mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
    tiny = Reader(Grid(1, (1, 1), last=True), (4,), "tanh", batch_norm=True)
    tiny(torch.randn(9, 1))
    one = tiny(torch.ones(1, 1))  # one number has no spread
    torch.testing.assert_close(one, tiny.eval()(torch.ones(1, 1)))


def decoder(name: str) -> MLP:
    torch.manual_seed(2)
    writer = Writer(COLOUR, 120, (30, 40), "relu")
    net = MLP([4], (8,), writer.width, after=writer)
    initialise(net, name, spreads=60)
    return net


@pytest.mark.parametrize("name", ["small", "fan_in"])
def test_log_spreads_start_at_zero_and_means_do_not(name: str) -> None:
    found = decoder(name)(torch.randn(3, 4))
    assert found[:, 60:].abs().max() == 0
    assert (found[:, :60] != 0).all()


def test_the_fan_in_start_counts_what_a_number_is_a_sum_of() -> None:
    layers = [m for m in decoder("fan_in").modules() if isinstance(m, nn.ConvTranspose2d)]
    for layer, inputs in zip(layers, (40 * 9 / 4, 30 * 9 / 4), strict=True):
        means = layer.weight[:, : layer.out_channels // (1 + (layer is layers[-1]))]
        assert means.std().item() == pytest.approx(inputs**-0.5, rel=0.1)


@pytest.mark.parametrize("kind", ["logistic-uint8", "windows-float32"])
def test_a_picture_is_convolved_once_whatever_the_labels(kind: str) -> None:
    model = cases.built(methods.METHODS["m2"], kind, torch.float64).eval()
    x, every = (
        model.standardise(cases.batch(kind).x),
        model.labels.every(like=torch.zeros(1).double()),
    )
    calls: list[torch.Size] = []
    model.encoder.before.register_forward_hook(lambda *found: calls.append(found[2].shape))
    together = model.encoder(x[:, None], every)
    assert [shape[:-1] for shape in calls] == [(5, 1)]
    for k in range(cases.CLASSES):
        alone = model.encoder(x, every[k].expand(5, -1))
        torch.testing.assert_close(together.mean[:, k], alone.mean)
        decoded = model.decoder(together.mean, every)[:, k]
        torch.testing.assert_close(decoded, model.decoder(alone.mean, every[k].expand(5, -1)))


@EACH
@pytest.mark.parametrize("channels", [(4,), (4, 6, 8)])
def test_a_pooled_network_reads_any_size(grid: Grid, channels: tuple[int, ...]) -> None:
    network = Pooled(grid, channels, "relu")
    features = network.eval()(torch.randn(2, 3, grid.width))
    assert features.shape == (2, 3, network.width)
    assert network.width == channels[-1]
    assert bool(features.isfinite().all())


def test_a_pooled_network_halves_long_sides_first() -> None:
    def strides(side: int) -> list[int]:
        layers = Pooled(Grid(1, (side, side), last=True), (4,) * 5, "relu").layers
        return [layer.stride[0] for layer in layers if isinstance(layer, nn.Conv2d)]

    assert strides(28) == [2, 1, 2, 1, 2]
    assert strides(8) == [1, 2, 1, 2, 2]


@pytest.mark.parametrize(("length", "stride"), [(12, 1), (150, 2), (700, 2), (4097, 16)])
def test_a_long_series_is_shortened_by_the_first_layer(length: int, stride: int) -> None:
    first = Pooled(Grid(1, (length,), last=False), (4, 4, 4), "relu").layers[0]
    assert first.stride == (stride,)
    assert first.kernel_size == (5 if stride <= 2 else 2 * stride + 1,)
    assert Pooled(Grid(1, (length,), last=False), (4, 4, 4), "relu")(
        torch.zeros(2, length)
    ).shape == (2, 4)


def test_what_a_pooled_network_finds_does_not_depend_on_where() -> None:
    network = Pooled(Grid(1, (12, 12), last=True), (6,), "relu").eval()
    here, there = torch.zeros(2, 12, 12)
    here[2:4, 2:4] = there[6:8, 6:8] = 1.0
    answers = network(torch.stack([here, there]).flatten(1))
    torch.testing.assert_close(answers[0], answers[1])
