"""Generate x from labels and noise: y and z are chosen here, the decoder does the rest.

Every draw comes from its own seeded stream (see `noise`): `y` where no label is given, `z`, any
further noise input of the decoder, and `x` where draws are asked for instead of expected values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.inference import answers, finite, graphs, likelihoods, noise
from ssdgm_runtime.labels import classes
from ssdgm_runtime.rows import checks, columns
from ssdgm_runtime.rows.tensor import Tensor

Floats = NDArray[np.float32]
_TASK = "generate"
_MOST_SEED = 2**63 - 1
_MOST_BYTES = 1 << 34


@dataclass(frozen=True, eq=False)
class Request:
    """What to generate; `Model.generate` documents the fields."""

    y: classes.Labels | None = None
    n: int = 1
    z: ArrayLike | None = None
    seed: int | None = None
    sample: bool = False
    temperature: float = 1.0


def generate(opened: graphs.Graphs, request: Request, size: int) -> answers.Samples:
    """Answer a request, `size` rows at once; `Model.generate` documents what it raises."""
    about = opened.bundle.manifest
    inputs = {t.name: t for t in opened.graph("decoder", _TASK).inputs}
    seed = seed_of(request.seed)
    given = None if request.z is None else checks.rows(request.z, inputs["z"])
    temperature = arguments.positive(request.temperature, "temperature")
    if given is not None and temperature != 1.0:
        raise errors.InputError("temperature", repr(temperature), "1.0 where z is given", "z * t")
    y = _labels(request, about, "y" in inputs, seed, None if given is None else len(given))
    if given is None:
        width = inputs["z"].width
        given = _scaled(noise.draw(seed, "z", len(y), width), temperature)
    feeds = {"y": y, "z": given} if "y" in inputs else {"z": given}
    feeds |= _extra(opened, seed, len(y)) if request.sample else {}
    if request.sample:
        x = _draws(opened, feeds, size, seed)
    else:
        x = opened.answer("decoder", feeds, size, "x")["x"]
    return answers.Samples(x=x, y=y, z=given, seed=seed, dtype=manifest.input_dtype(about))


def _scaled(z: Floats, temperature: float) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        found: Floats = np.float32(temperature) * z
    if not np.isfinite(found).all():
        want = "a number with which z stays within float32, usually from 0.1 to 2"
        raise errors.InputError("temperature", repr(temperature), want)
    return found


def seed_of(seed: int | None) -> int:
    """The caller's seed, or a fresh one of 48 bits (which JSON keeps exact).

    Raises:
        InputError: It is no whole number from 0 to 2^63 - 1.
    """
    if seed is not None:
        return arguments.count(seed, "seed", 0, _MOST_SEED)
    import secrets

    return secrets.randbits(48)


def _labels(
    request: Request, about: manifest.Manifest, labelled: bool, seed: int, given: int | None
) -> Floats:
    """One row of y for each row to generate, float32 [rows, K or 0]."""
    n = arguments.count(request.n, "n", 0)
    fits(n, about.graphs["decoder"])
    if not labelled:
        if request.y is not None:
            raise errors.InputError(
                "y", "given", "None: this decoder takes no label", "Leave y (--class) out."
            )
        return np.zeros((_rows(n, 1, given), 0), dtype=np.float32)
    if request.y is None:
        return _prior(about.prior, _rows(n, 1, given), seed)
    chosen = classes.entries(request.y, about.labels)
    fits(n * len(chosen), about.graphs["decoder"])
    total = _rows(n, len(chosen), given)
    return np.repeat(chosen, total // max(len(chosen), 1), axis=0)


def fits(rows: int, graph: interface.Graph) -> None:
    """Refuse more rows of a decoder than memory could hold.

    Raises:
        InputError: They are more.
    """
    most = _MOST_BYTES // sum(4 * t.width for t in (*graph.inputs, *graph.outputs))
    if rows > most:
        raise errors.InputError(
            "n",
            f"{rows} rows in all",
            f"at most {most} at once",
            "Ask for fewer; another seed gives others.",
        )


def _rows(n: int, entries: int, given: int | None) -> int:
    """How many rows to generate: n for each entry, or one for each row of a given z."""
    if given is None or given == n * entries:
        return n * entries
    if n == 1 and entries == 1:
        return given
    raise errors.InputError(
        "z", f"of {given} rows", f"{n * entries}: {n} for each of {entries} entries of y"
    )


def _prior(prior: tuple[float, ...], rows: int, seed: int) -> Floats:
    bounds = np.cumsum(prior) / np.sum(prior)
    u = noise.Stream(seed, "y", 1).uniform(rows)[:, 0]
    indices = np.minimum(np.searchsorted(bounds, u, side="right"), len(prior) - 1)
    return np.eye(len(prior), dtype=np.float32)[indices]


def _extra(opened: graphs.Graphs, seed: int, rows: int) -> dict[str, Floats]:
    """The decoder's noise inputs beside z, float32 [rows, ...]."""
    graph = opened.graph("decoder", _TASK)
    tensors = [t for t in graph.inputs if t.name in graph.noise and t.name != "z"]
    return {t.name: noise.draw(seed, t.name, rows, t.width).reshape(rows, *t.row) for t in tensors}


def _draws(opened: graphs.Graphs, feeds: Mapping[str, Floats], size: int, seed: int) -> Floats:
    about = opened.bundle.manifest
    outputs = {t.name: t for t in opened.graph("decoder", _TASK).outputs}
    likelihood, names = _likelihood(about, outputs)
    row = (len(about.columns),) if about.columns else outputs[names[0]].row
    streams, sampler, done = noise.Streams(seed), likelihoods.SAMPLERS[likelihood.name], 0
    parts = [np.zeros((0, *row), dtype=np.float32)]
    for chunk in opened.chunks("decoder", feeds, size, *names):
        finite.check(chunk, feeds, done)
        flat = {name: chunk[name].reshape(len(chunk[name]), -1) for name in names}
        with np.errstate(over="ignore", invalid="ignore"):
            parts.append(sampler(flat, likelihood, streams).reshape(-1, *row))
        finite.check({"x": parts[-1]}, feeds, done)
        done += len(parts[-1])
    return np.concatenate(parts)


def _likelihood(
    about: manifest.Manifest, outputs: Mapping[str, Tensor]
) -> tuple[manifest.Likelihood, tuple[str, ...]]:
    """How x is drawn, and the decoder's outputs that it takes."""
    found = about.likelihood
    names = likelihoods.parameters(found, columns.numbers(about.columns)) if found else ()
    if found is None or not names or not set(names) <= set(outputs):
        raise errors.TaskUnavailable(
            f"this bundle declares the likelihood {found.name if found else None!r}"
            f" with the outputs {list(outputs)}",
            f"one of {', '.join(likelihoods.SAMPLERS)} with its parameters, to draw x",
            "Generate expected values (sample=False), or update ssdgm-runtime.",
        )
    return found, names
