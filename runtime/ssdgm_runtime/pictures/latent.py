"""The pictures of a generative model: styles, analogies and a walk through its latent space.

Each varies one of the two things that p(x | y, z) depends on and holds the other, as figure 1 of
Kingma, Rezende, Mohamed and Welling (2014), "Semi-Supervised Learning with Deep Generative
Models", does. Every cell is the expected x; a picture's cells are listed line by line.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.inference import answers, conditionals, generation, noise
from ssdgm_runtime.pictures import planes
from ssdgm_runtime.rows import checks

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Labels, Space

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Picture:
    """Rows laid out in lines and columns, listed line by line.

    Attributes:
        x: float32 [lines * columns, *shape] in the data set's own units.
        y: float32 [lines * columns, *shape], each cell's label; [..., 0] without labels.
        z: float32 [lines * columns, Z], each cell's latent.
        columns: How many cells stand beside one another.
        seed: What z was drawn with; None where it was not drawn.
        space: What a label is.
    """

    x: Floats
    y: Floats
    z: Floats
    columns: int
    seed: int | None = None
    space: "Space | None" = None

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.x) // self.columns

    @property
    def labels(self) -> NDArray[Any]:
        """Each cell's label, as a classifier answers it; -1 without labels."""
        return answers.nearest(self.y, self.space)

    def __len__(self) -> int:
        return len(self.x)


def styles(
    model: conditionals.Conditionals,
    n: int,
    seed: int | None = None,
    classes: "Labels | None" = None,
) -> Picture:
    """A latent a line, a label a column: the style is kept along a line.

    Where a graph `prior` gives z, its noise is kept along a line.

    Args:
        model: What generates.
        n: How many lines.
        seed: Any whole number from 0; line i has row i of the stream `z`, as in `generate`. By
            default a fresh one, which is returned.
        classes: The C labels to show, as for `Space.read`; by default those of `Space.shown`.

    Returns:
        n lines of C columns.

    Raises:
        InputError: An argument is not one of these.
        TaskUnavailable: There is no decoder, or it takes no label.
    """
    chosen, z = _classes(model, "draw styles", classes, "prior"), model.latent("draw styles")
    lines, drawn = arguments.count(n, "n", 1), generation.seed_of(seed)
    generation.fits(lines * len(chosen), model.graphs["decoder"])
    labels, prior = _tiled(chosen, lines), model.graphs.get("prior")
    random = [t for t in prior.inputs if t.name in prior.noise] if prior else [z]
    kept = {t.name: noise.draw(drawn, t.name, lines, t.width) for t in random}
    along = {t.name: kept[t.name].repeat(len(chosen), axis=0).reshape(-1, *t.row) for t in random}
    latents = model.answer("prior", {"y": labels, **along}) if prior else along[z.name]
    return _decoded(model, labels, latents, len(chosen), drawn)


def analogies(
    model: conditionals.Conditionals,
    x: ArrayLike,
    y: "Labels | None" = None,
    classes: "Labels | None" = None,
) -> Picture:
    """A row of data a line, then its style in every class: figure 1(c).

    Args:
        model: What encodes and generates.
        x: [m, *shape] in the data set's own dtype, at least one row.
        y: The rows' own labels, as for `Space.read`; by default the classifier's
            probabilities. The style is the mean of q(z | x, y).
        classes: The C labels to show, as for `Space.read`; by default those of `Space.shown`.

    Returns:
        m lines of 1 + C columns. The first column has the rows themselves, beside the y and z
        that were found for them.

    Raises:
        InputError: An argument is not one of these.
        TaskUnavailable: A part is not there, takes no label, or gives another shape than x has.
    """
    task = "draw analogies"
    _takes_labels(model, task, "encoder")
    chosen = _classes(model, task, classes)
    posterior = model.posterior(task, x, y)
    lines, columns, shape = len(posterior.x), 1 + len(chosen), posterior.x.shape[1:]
    model.latent(task)
    if not lines:
        raise errors.InputError("x", "empty", "at least one row")
    _gives(model, shape)
    generation.fits(lines * columns, model.graphs["decoder"])
    latents = posterior.z.repeat(len(chosen), axis=0)
    drawn = _decoded(model, _tiled(chosen, lines), latents, len(chosen))
    return Picture(
        x=_beside(posterior.x, drawn.x.reshape(lines, -1, *shape)),
        y=_beside(posterior.y["y"], drawn.y.reshape(lines, -1, *chosen.shape[1:])),
        z=posterior.z.repeat(columns, axis=0),
        columns=columns,
        space=model.space,
    )


def walk(
    model: conditionals.Conditionals,
    n: int,
    plane: ArrayLike | None = None,
    classes: "Labels | None" = None,
) -> Picture:
    """A walk through a plane of the latent space: figure 1(a, b).

    The cell in line i and column j has z = centre + q_j first + q_i second, where q_i, the
    standard normal's quantile at (i + 1/2) / n, is such that cells are equally probable.

    Args:
        model: What generates.
        n: How many lines and columns a class has.
        plane: A centre and two directions, each a standard deviation long: [3, Z], as
            `plane_of` finds them. By default the two latents of the prior; where there
            are not two, or a graph `prior` gives them, it has to be given.
        classes: The C labels to show, as for `Space.read`; by default those of `Space.shown`, or
            none where the decoder takes no label.

    Returns:
        n lines of n columns for each class, one class below the other.

    Raises:
        InputError: An argument is not one of these.
        TaskUnavailable: There is no decoder.
    """
    task = "draw a walk"
    side, z = arguments.count(n, "n", 1), model.latent(task)
    unlabelled = classes is None and not model.takes("decoder", "y", task)
    chosen = np.zeros((1, 0), np.float32) if unlabelled else _classes(model, task, classes)
    generation.fits(side * side * len(chosen), model.graphs["decoder"])
    quantiles = planes.quantiles(side)
    steps = np.stack(np.meshgrid(quantiles, quantiles), axis=-1).reshape(-1, 2)
    base = planes.given(plane, z, "prior" in model.graphs).astype(np.float64)
    with np.errstate(over="ignore"):
        latents = (base[0] + steps @ base[1:]).astype(np.float32)
    checks.finite(latents, "plane")
    labels = chosen.repeat(side * side, axis=0)
    return _decoded(model, labels, np.tile(latents, (len(chosen), 1)), side)


def plane_of(model: conditionals.Conditionals, x: ArrayLike, y: "Labels | None" = None) -> Floats:
    """The principal plane of rows' latents, float32 [3, Z].

    Args:
        model: What encodes.
        x: [m, *shape] in the data set's own dtype, at least three rows.
        y: The rows' own labels, as for `analogies`.

    Raises:
        InputError: x or y is not one of these.
        TaskUnavailable: There is no encoder, or y is left to a classifier that is not there.
    """
    return planes.principal(model.posterior("draw a walk", x, y).z)


def _classes(
    model: conditionals.Conditionals, task: str, classes: "Labels | None", *others: str
) -> Floats:
    """The labels to show, float32 [C, *shape], for a decoder or others that take them."""
    _takes_labels(model, task, "decoder", *(name for name in others if name in model.graphs))
    if classes is None:
        return model.space.shown()
    chosen = model.space.read(classes, name="classes")
    if not len(chosen):
        raise errors.InputError("classes", "empty", "at least one class, or None for every one")
    return chosen


def _tiled(labels: Floats, lines: int) -> Floats:
    return np.tile(labels, (lines, *(1 for _ in labels.shape[1:])))


def _takes_labels(model: conditionals.Conditionals, task: str, *components: str) -> None:
    if not any([model.takes(component, "y", task) for component in components]):
        raise errors.TaskUnavailable(
            f"This bundle cannot {task}: its {components[0]} takes no label",
            mend="Convert a model of a method that generates by class, such as m2.",
        )


def _gives(model: conditionals.Conditionals, shape: tuple[int, ...]) -> None:
    if model.layout:
        return
    (row,) = (t.row for t in model.graphs["decoder"].outputs if t.name == "x")
    if row != shape:
        raise errors.TaskUnavailable(
            f"The decoder of this bundle gives rows of shape {list(row)}",
            f"{list(shape)}, the shape that its encoder takes",
            "Convert the run again.",
        )


def _decoded(
    model: conditionals.Conditionals, y: Floats, z: Floats, columns: int, seed: int | None = None
) -> Picture:
    """The expected x for each y and z, laid out."""
    x = model.answer("decoder", {"y": y, "z": z})
    return Picture(x=x, y=y, z=z, columns=columns, seed=seed, space=model.space)


def _beside(first: NDArray[np.generic], others: Floats) -> Floats:
    """[m, ...] before [m, c, ...]: float32 [m * (1 + c), ...]."""
    joined = np.concatenate([first[:, None].astype(np.float32), others], axis=1)
    return joined.reshape(-1, *others.shape[2:])
