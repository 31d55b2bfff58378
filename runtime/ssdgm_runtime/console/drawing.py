"""What the `generate` of a command line draws: rows by class, or one of the pictures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, atomic, errors, model
from ssdgm_runtime.bundle import manifest, rowfiles
from ssdgm_runtime.console import generated, outputs
from ssdgm_runtime.inference import parts
from ssdgm_runtime.pictures import latent
from ssdgm_runtime.readers import inputs

Labels = NDArray[np.float32] | None


@dataclass(frozen=True)
class Request:
    """What to draw; `commands.generate` documents the fields."""

    picture: str | None
    rows: atomic.PathLike | None
    n: int
    seed: int | None
    sample: bool
    temperature: float


def check(request: Request) -> None:
    """Refuse options that exclude each other, before any work.

    Raises:
        InputError: The picture is unknown, lacks its rows, or would leave an option unused.
    """
    name = request.picture
    if name is None:
        _unused("--rows", request.rows, "without --analogies or --walk")
        return
    if name not in PICTURES:
        want = f"one of {', '.join(PICTURES)}"
        raise errors.InputError("picture", arguments.shown(name), want)
    if name == "styles":
        _unused("--rows", request.rows, "with --styles, which draws its latents at random")
    else:
        _unused("--seed", request.seed, f"with --{name}, where nothing is random")
    _unused("--sample", request.sample or None, f"with --{name}, which shows expected values")
    scaled = None if request.temperature == 1.0 else request.temperature
    _unused("--temperature", scaled, f"with --{name}, which does not scale latents")
    if name == "analogies" and request.rows is None:
        want = "the file or folder of rows to draw analogies of"
        raise errors.InputError("--rows", "missing", want)


def labels(opened: model.Model, classes: Sequence[str | int]) -> Labels:
    """The labels that a command line names, every class by default; None where there are none.

    Raises:
        InputError: A name is none of the labels'.
    """
    space = opened.space
    if classes:
        return space.spoken(classes, "--class")
    return space.shown() if parts.labelled(opened.graphs.bundle.manifest.graphs) else None


def draw(opened: model.Model, request: Request, labels: Labels) -> generated.Drawn:
    """Draw what is asked for; raises as `Model`'s methods and `inputs.read_rows` do.

    Args:
        opened: The model.
        request: The request.
        labels: The labels, [C, *shape]; None where there are none.
    """
    about = opened.graphs.bundle.manifest
    low, high = manifest.value_range(about)
    label = outputs.label_of(about.training)
    schema = about.columns, about.space, about.input.kind == "windows", label, about.views
    if request.picture is not None:
        picture = PICTURES[request.picture](opened, request, labels)
        return generated.Drawn(picture, picture.columns, low, high, *schema)
    samples = opened.generate(
        labels,
        request.n,
        seed=request.seed,
        sample=request.sample,
        temperature=request.temperature,
    )
    square = max(1, math.ceil(math.sqrt(request.n)))
    columns = request.n if len(samples) > request.n else square
    return generated.Drawn(samples, columns, low, high, *schema)


def _styles(opened: model.Model, request: Request, labels: Labels) -> latent.Picture:
    return latent.styles(opened.conditionals, request.n, request.seed, labels)


def _analogies(opened: model.Model, request: Request, labels: Labels) -> latent.Picture:
    n, x = arguments.count(request.n, "n", 1), _rows(opened, request)
    return latent.analogies(opened.conditionals, x[:n] if x.ndim else x, classes=labels)


def _walk(opened: model.Model, request: Request, labels: Labels) -> latent.Picture:
    x = None if request.rows is None else _rows(opened, request)
    plane = None if x is None else latent.plane_of(opened.conditionals, x)
    return latent.walk(opened.conditionals, request.n, plane, labels)


PICTURES: dict[str, Callable[[model.Model, Request, Labels], latent.Picture]] = {
    "styles": _styles,
    "analogies": _analogies,
    "walk": _walk,
}


def _rows(opened: model.Model, request: Request) -> inputs.Array:
    assert request.rows is not None
    opened.graphs.graph("encoder", f"draw {request.picture} from rows")
    return inputs.read_rows(request.rows, rowfiles.row(opened.graphs.bundle.manifest, "encoder")).x


def _unused(option: str, value: object, why: str) -> None:
    if value is not None:
        raise errors.InputError(option, arguments.shown(value), f"no {option} {why}")
