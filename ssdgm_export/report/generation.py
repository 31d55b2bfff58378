"""What a generative model makes: its pictures, and what has no label.

Styles and analogies are those that `ssdgm-export generate` draws from the run's bundle.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Held, Material
from ssdgm_runtime.inference import conditionals, noise
from ssdgm_runtime.pictures import latent, png
from ssdgm_train.labels import Classes

MOST = 10
"""The most classes that a picture shows."""

LINES = 8
SAMPLES = 60
ROW = 10
STEPS, LONE_STEPS = 6, 12
"""Cells a side of a walk: where every class has one, and where there is but one."""

BLOCKS = 5
HEADROOM = 22
SPAN = 2


def of(material: Material) -> list[plates.Plate]:
    """The pictures that the model can draw; none unless rows are images with classes."""
    graphs = material.parts.graphs
    if "decoder" not in graphs or not png.is_image(material.held.x.shape[1:]):
        return []
    if not isinstance(material.labels, Classes):
        return []
    labelled = material.parts.takes("decoder", "y", "draw")
    makers = (_styles, _analogies) if labelled else (_samples, _reconstructions)
    walks = (_walk,) if _width(material.parts) >= SPAN else ()
    return [maker(material) for maker in (*makers, *walks)]


def _shown(material: Material) -> list[int]:
    return list(range(min(len(material.classes), MOST)))


def _width(model: conditionals.Conditionals) -> int:
    """The number of latents."""
    return next(t.width for t in model.graphs["decoder"].inputs if t.name == "z")


def _firsts(held: Held) -> NDArray[Any]:
    """The first row of each class that has one."""
    _, chosen = np.unique(held.y, return_index=True)
    return held.x[chosen[:MOST]]


def _names(material: Material) -> list[str]:
    return [plates.short(material.classes[k]) for k in _shown(material)]


def _styles(material: Material) -> plates.Plate:
    seed = material.run.seed
    grid = latent.styles(material.parts, LINES, seed, _shown(material))
    drawn = material.images(grid.x)
    return plates.Plate(
        "styles",
        "Class by class, style by style",
        "Expected rows. Each line has one style z, drawn from its prior; each column one class, "
        f"named above. Source: the decoder, z of seed {seed}.",
        f"A grid of generated images, {LINES} styles in each of {grid.columns} classes.",
        plates.grid(drawn, grid.columns, above=_names(material)),
    )


def _analogies(material: Material) -> plates.Plate:
    held = material.held
    grid = latent.analogies(material.parts, _firsts(held), classes=_shown(material))
    drawn = material.images(grid.x)
    return plates.Plate(
        "analogies",
        "The same style in every class",
        f"The first column has {held.kind} rows, the first of each class; beside each is its "
        "style, the mean of q(z | x, y) with the classifier's own y, in every class.",
        f"A grid: {grid.lines} {held.kind} rows, each beside {grid.columns - 1} analogies.",
        plates.grid(drawn, grid.columns, above=["given", *_names(material)]),
    )


def _samples(material: Material) -> plates.Plate:
    seed = material.run.seed
    z = noise.draw(seed, "z", SAMPLES, _width(material.parts))
    x = material.parts.answer("decoder", {"z": z})
    return plates.Plate(
        "samples",
        "Samples",
        f"Expected rows of z drawn from its prior. Source: the decoder, z of seed {seed}.",
        f"A grid of {SAMPLES} generated images.",
        plates.grid(material.images(x), ROW),
    )


def _reconstructions(material: Material) -> plates.Plate:
    held = material.held
    x = _firsts(held)
    z = material.parts.posterior("reconstruct", x, None).z
    again = material.parts.answer("decoder", {"z": z})
    both = np.concatenate([x.astype(np.float32), again])
    return plates.Plate(
        "reconstructions",
        "Given and reconstructed",
        f"Above {held.kind} rows, the first of each class; below what the decoder makes of the "
        "mean of q(z | x).",
        f"{len(x)} {held.kind} rows above their reconstructions.",
        plates.grid(
            material.images(both),
            len(x),
            left=["given", "reconstructed"],
        ),
    )


def _walk(material: Material) -> plates.Plate:
    model = material.parts
    labelled = model.takes("decoder", "y", "draw")
    standard = _width(model) == SPAN and "prior" not in model.graphs
    plane = None if standard else latent.plane_of(model, material.rows)
    side = STEPS if labelled else LONE_STEPS
    classes = _shown(material) if labelled else None
    grid = latent.walk(model, side, plane, classes)
    where = (
        "its two latents"
        if plane is None
        else f"the two directions in which the posterior means of {len(material.rows)} training "
        "rows vary most"
    )
    return plates.Plate(
        "walk",
        "A walk through the latent plane",
        f"Expected rows of z at equally probable steps along {where}"
        f"{', the same ones for every class' if labelled else ''}.",
        f"{grid.lines // side} grids of {side} by {side} generated images.",
        _blocks(material, grid.x, side, _names(material) if labelled else [""]),
    )


def _blocks(material: Material, x: NDArray[np.float32], side: int, names: list[str]) -> bytes:
    """A grid for each name, its name above it."""
    least = plates.CELL // 2 if len(names) > 1 else plates.CELL
    images = material.images(x, least)
    parted = images.reshape(len(names), side * side, *images.shape[1:])
    blocks = np.stack([png.grid(block, side) for block in parted])
    high, wide = (n + HEADROOM for n in blocks.shape[1:3])
    columns = min(BLOCKS, len(names))
    texts = [
        plates.Text(
            HEADROOM + (i % columns) * wide + (wide - HEADROOM) / 2,
            HEADROOM + (i // columns) * high - plates.GAP,
            name,
        )
        for i, name in enumerate(names)
    ]
    return plates.sheeted(png.grid(blocks, columns, HEADROOM), texts)
