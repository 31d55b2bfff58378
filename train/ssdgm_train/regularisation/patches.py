"""Features of images: where in an image there is which of the patches that are usual in all.

A dictionary of patches is learnt from all rows, labelled or not; of every place of an image it is
said how much more than the mean it is like each of them. They are for linear classifiers.

References:
    An Analysis of Single-Layer Networks in Unsupervised Feature Learning (Coates, Ng and Lee,
    2011), section 3, with the soft activation of 3.2.2.
    Learning Feature Representations with K-means (Coates and Ng, 2012), section 3, for the
    dictionary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.networks.convolutions import Grid

ATOMS = 400
"""Patches of a dictionary."""

SAMPLE, ROUNDS = 20_000, 10
"""Patches that a dictionary is learnt from, and the rounds of k-means."""

IMAGES = 4_000
"""Images from which the projection is fitted."""

SMALLEST, LARGEST = 3, 8
PLACES = 12
"""About so many places of an image, along each side, are looked at where it is large."""

REGIONS = 3
"""Into so many parts, along each side, places are averaged; into two where there are few."""

FLAT, RIDGE = 0.03, 0.1
"""What is added to a patch's variance, in units of all pixels', and to the eigenvalues of patches:
what varies less than these is taken for noise."""

LEAST = 1e-6
"""The least that is added to a variance, where images have no contrast at all."""

WIDTH = 256
"""The most features of an image, after projection."""

ROWS = 200
"""Images that are encoded at a time."""


def learnt(x: Tensor, grid: Grid, seed: int = 0) -> "Projection":
    """The features that some images have, for these and others.

    Args:
        x: Observations, [n, pixels]; about `IMAGES` of them are enough.
        grid: Their arrangement.
        seed: Of the patches that are sampled.
    """
    noise = torch.Generator().manual_seed(seed)
    size = min(LARGEST, max(SMALLEST, round(min(grid.sides) / 4)), *grid.sides)
    stride = max(1, (min(grid.sides) - size) // PLACES)
    flat = max(FLAT * float(x.var()), LEAST)
    encoder = Encoder(
        grid, size, stride, flat, *_words(_sampled(x, grid, size, flat, noise), noise)
    )
    seen = encoder(x)
    mean, scale = seen.mean(0), seen.std(0, correction=0) + 1e-2
    width = min(WIDTH, *seen.shape)
    with torch.random.fork_rng(devices=[]):  # the decomposition begins with a random projection
        torch.manual_seed(seed)
        _, _, ways = torch.svd_lowrank((seen - mean) / scale, width, niter=4)
    return Projection(encoder, mean, scale, ways)


@dataclass(frozen=True)
class Encoder:
    """A dictionary, and how an image is looked at.

    Attributes:
        grid: The arrangement of observations.
        size: The sides of a patch.
        stride: Pixels from one place to the next.
        flat: What is added to the variance of a patch.
        mean: Of patches, [pixels].
        whiten: Makes them vary alike in every direction, [pixels, pixels].
        atoms: Of length one, [atoms, pixels].
    """

    grid: Grid
    size: int
    stride: int
    flat: float
    mean: Tensor
    whiten: Tensor
    atoms: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """[n, pixels] to [n, features], the root of each."""
        parts = [self._encoded(self.grid.unfold(rows)) for rows in torch.split(x, ROWS)]
        return torch.cat(parts)

    def _encoded(self, images: Tensor) -> Tensor:
        patches = F.unfold(images, self.size, stride=self.stride).transpose(1, 2)
        like = (_normal(patches, self.flat) - self.mean) @ (self.whiten @ self.atoms.T)
        like = F.relu(like - like.mean(2, keepdim=True)).transpose(1, 2)
        places = [(side - self.size) // self.stride + 1 for side in images.shape[2:]]
        down, right = (min(REGIONS if n > 2 * REGIONS else 2, n) for n in places)
        maps = like.reshape(*like.shape[:2], *places)
        return F.adaptive_avg_pool2d(maps, (down, right)).flatten(1).sqrt()


@dataclass(frozen=True)
class Projection:
    """Images to the directions in which their features vary most.

    Attributes:
        encoder: What features they have.
        mean: Of these, [features].
        scale: Of these, [features].
        ways: The directions, [features, width].
    """

    encoder: Encoder
    mean: Tensor
    scale: Tensor
    ways: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """[n, pixels] to [n, at most `WIDTH`]."""
        return ((self.encoder(x) - self.mean) / self.scale) @ self.ways


def _normal(patches: Tensor, flat: float) -> Tensor:
    """Patches [..., pixels] with mean 0 and about variance 1; those without contrast near 0."""
    centred = patches - patches.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + flat).sqrt()


def _sampled(x: Tensor, grid: Grid, size: int, flat: float, noise: torch.Generator) -> Tensor:
    """Patches of random images at random places, [SAMPLE, pixels]."""
    images, (height, width) = grid.unfold(x), grid.sides
    rows, tops, lefts = (
        torch.randint(most, (SAMPLE,), generator=noise)
        for most in (len(x), height - size + 1, width - size + 1)
    )
    steps = torch.arange(size)
    down, right = tops[:, None, None] + steps[:, None], lefts[:, None, None] + steps
    return _normal(images[rows[:, None, None], :, down, right].movedim(3, 1).flatten(1), flat)


def _words(patches: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, whitening and atoms of patches [n, pixels], by spherical k-means."""
    mean = patches.mean(0)
    values, ways = torch.linalg.eigh(torch.cov((patches - mean).T))
    whiten = ways / (values.clamp(min=0) + RIDGE).sqrt() @ ways.T
    points = F.normalize((patches - mean) @ whiten, dim=1)
    atoms = points[torch.randperm(len(points), generator=noise)[:ATOMS]]
    for _ in range(ROUNDS):
        best, at = (points @ atoms.T).max(1)
        sums = torch.zeros_like(atoms).index_add_(0, at, points * best[:, None])
        empty = torch.bincount(at, minlength=len(atoms)) == 0
        sums[empty] = points[torch.randint(len(points), (int(empty.sum()),), generator=noise)]
        atoms = F.normalize(sums, dim=1)
    return mean, whiten, atoms
