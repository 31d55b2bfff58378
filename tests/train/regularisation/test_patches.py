"""Features of images by the patches that are usual in them."""

import pytest
import torch

from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.regularisation import patches


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "SAMPLE", 500)
    monkeypatch.setattr(patches, "ATOMS", 20)


def images(count: int, sides: tuple[int, int], channels: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(
        count, sides[0] * sides[1] * channels, generator=torch.Generator().manual_seed(seed)
    )


def encoded(x: torch.Tensor, grid: Grid, seed: int = 0) -> torch.Tensor:
    return patches.learnt(x, grid, seed)(x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sides", [(2, 2), (5, 9), (28, 28)])
def test_images_of_any_size_are_encoded(sides: tuple[int, int], channels: int) -> None:
    grid = Grid(channels, sides, last=True)
    features = encoded(images(30, sides, channels), grid)
    assert len(features) == 30
    assert 0 < features.shape[1] <= patches.WIDTH
    assert bool(features.isfinite().all())


def test_the_same_images_have_the_same_features() -> None:
    grid, x = Grid(1, (8, 8), last=True), images(40, (8, 8), 1)
    torch.testing.assert_close(encoded(x, grid, 3), encoded(x, grid, 3))


def test_pieces_of_many_images_are_encoded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    grid, x = Grid(1, (8, 8), last=True), images(40, (8, 8), 1)
    whole = encoded(x, grid)
    monkeypatch.setattr(patches, "ROWS", 7)
    torch.testing.assert_close(encoded(x, grid), whole, rtol=1e-3, atol=1e-3)


def test_images_without_contrast_are_all_the_same() -> None:
    grid = Grid(1, (8, 8), last=True)
    features = encoded(torch.ones(10, 64), grid)
    assert bool(features.isfinite().all())
    assert float((features - features[0]).abs().max()) < 1e-4


def test_what_is_drawn_in_an_image_counts_not_how_bright_it_is() -> None:
    grid = Grid(1, (12, 12), last=True)
    x = torch.zeros(60, 12, 12)
    for row in range(60):  # a line down or across, in any place, on any ground
        at, ground = 2 + row % 7, 0.02 * row
        x[row] = ground
        (x[row, :, at] if row % 2 else x[row, at]).fill_(ground + 1)
    features = encoded(x.flatten(1), grid)
    near = torch.cdist(features, features).fill_diagonal_(torch.inf).argmin(1)
    alike = (near % 2) == (torch.arange(60) % 2)
    assert float(alike.float().mean()) > 0.95
