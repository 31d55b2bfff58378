"""Generate x from labels and noise: y and z are chosen here, the decoder does the rest.

Every draw comes from its own seeded stream (see `noise`): `y` where no label is given, `z`, any
further noise input of the decoder, and `x` where draws are asked for instead of expected values.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.inference import answers, calls, graphs, likelihoods, noise
from ssdgm_runtime.labels import classes
from ssdgm_runtime.rows import checks, columns

Floats = NDArray[np.float32]
_TASK = "generate"
_MOST_SEED = 2**63 - 1
_MOST_BYTES = 1 << 34


class Generator:
    """A bundle's decoder, and what all requests to it have in common.

    Raises:
        TaskUnavailable: There is none.
    """

    def __init__(self, opened: graphs.Graphs) -> None:
        self._opened, self._about = opened, opened.bundle.manifest
        self._graph = opened.graph("decoder", _TASK)
        self._z = next(t for t in self._graph.inputs if t.name == "z")
        self._labelled = any(t.name == "y" for t in self._graph.inputs)
        self._most = most(self._graph)
        self._dtype = manifest.input_dtype(self._about)

    def answer(
        self,
        y: classes.Labels | None,
        n: int,
        z: ArrayLike | None,
        seed: int | None,
        sample: bool,
        temperature: float,
    ) -> answers.Samples:
        """Answer a request; `Model.generate` documents it."""
        number = seed_of(seed)
        latents = None if z is None else checks.rows(z, self._z)
        factor = arguments.positive(temperature, "temperature")
        if latents is not None and factor != 1.0:
            raise errors.InputError("temperature", repr(factor), "1.0 where z is given", "z * t")
        labels = self._labels(y, n, number, None if latents is None else len(latents))
        if latents is None:
            latents = _drawn(number, len(labels), self._z.width, factor)
        feeds = {"y": labels, "z": latents} if self._labelled else {"z": latents}
        if sample:
            x = self._samples(feeds, number)
        else:
            x = self._opened.call("decoder", _TASK, "x")(feeds)[0]
        return answers.Samples(x, labels, latents, number, self._dtype)

    def _labels(self, y: classes.Labels | None, n: int, seed: int, length: int | None) -> Floats:
        """One row of y for each row to generate, float32 [rows, K or 0]."""
        count = arguments.count(n, "n", 0)
        _check_fits(count, self._most)
        if not self._labelled:
            if y is not None:
                raise errors.InputError(
                    "y", "given", "None: this decoder takes no label", "Leave y (--class) out."
                )
            return np.zeros((_rows(count, 1, length), 0), dtype=np.float32)
        if y is None:
            return _prior(self._about.prior, _rows(count, 1, length), seed)
        entries = classes.entries(y, self._about.labels)
        _check_fits(count * len(entries), self._most)
        each = _rows(count, len(entries), length) // max(len(entries), 1)
        return entries if each == 1 else np.repeat(entries, each, axis=0)

    def _samples(self, feeds: Mapping[str, Floats], seed: int) -> Floats:
        """Draws of x from the likelihood instead of its expected values."""
        rows, about = len(feeds["z"]), self._about
        for t in self._graph.inputs:
            if t.name in self._graph.noise and t.name != "z":
                extra = noise.draw(seed, t.name, rows, t.width).reshape(rows, *t.row)
                feeds = {**feeds, t.name: extra}
        likelihood, names = self._likelihood()
        row = next(t.row for t in self._graph.outputs if t.name == names[0])
        shape = (len(about.columns),) if about.columns else row
        streams, sampler, done = noise.Streams(seed), likelihoods.SAMPLERS[likelihood.name], 0
        parts = [np.zeros((0, *shape), dtype=np.float32)]
        size = self._opened.plan.options.max_batch
        for piece in self._opened.pieces("decoder", feeds, size, *names):
            calls.check(piece, feeds, done)
            flat = {name: piece[name].reshape(len(piece[name]), -1) for name in names}
            with np.errstate(over="ignore", invalid="ignore"):
                parts.append(sampler(flat, likelihood, streams).reshape(-1, *shape))
            calls.check({"x": parts[-1]}, feeds, done)
            done += len(parts[-1])
        return np.concatenate(parts)

    def _likelihood(self) -> tuple[manifest.Likelihood, tuple[str, ...]]:
        """How x is drawn, and the decoder's outputs that it takes."""
        declared, outputs = self._about.likelihood, [t.name for t in self._graph.outputs]
        numbers = columns.numbers(self._about.columns)
        names = likelihoods.parameters(declared, numbers) if declared else ()
        if declared is None or not names or not set(names) <= set(outputs):
            raise errors.TaskUnavailable(
                f"This bundle declares the likelihood {declared.name if declared else None!r}"
                f" with the outputs {outputs}",
                f"one of {', '.join(likelihoods.SAMPLERS)} with its parameters, to draw x",
                "Generate expected values (sample=False), or update ssdgm-runtime.",
            )
        return declared, names


def _drawn(seed: int, rows: int, width: int, temperature: float) -> Floats:
    """Latents of the prior, float32 [rows, width], multiplied by the temperature."""
    z = noise.draw(seed, "z", rows, width)
    if temperature == 1.0:
        return z
    with np.errstate(over="ignore", invalid="ignore"):
        z *= np.float32(temperature)
    if not np.isfinite(z).all():
        want = "a number with which z stays within float32, usually from 0.1 to 2"
        raise errors.InputError("temperature", repr(temperature), want)
    return z


def seed_of(seed: int | None) -> int:
    """The caller's seed, or a fresh one of 48 bits (which JSON keeps exact).

    Raises:
        InputError: It is no whole number from 0 to 2^63 - 1.
    """
    if seed is not None:
        return arguments.count(seed, "seed", 0, _MOST_SEED)
    import secrets

    return secrets.randbits(48)


def fits(rows: int, graph: interface.Graph) -> None:
    """Refuse more rows of a decoder than memory could hold.

    Raises:
        InputError: They are more.
    """
    _check_fits(rows, most(graph))


def most(graph: interface.Graph) -> int:
    """How many rows of a decoder memory could hold."""
    return _MOST_BYTES // sum(4 * t.width for t in (*graph.inputs, *graph.outputs))


def _check_fits(rows: int, most: int) -> None:
    if rows > most:
        raise errors.InputError(
            "n",
            f"{rows} rows in all",
            f"at most {most} at once",
            "Ask for fewer; another seed gives others.",
        )


def _rows(n: int, entries: int, length: int | None) -> int:
    """How many rows to generate: n for each entry, or one for each row of a given z."""
    if length is None or length == n * entries:
        return n * entries
    if n == 1 and entries == 1:
        return length
    raise errors.InputError(
        "z", f"of {length} rows", f"{n * entries}: {n} for each of {entries} entries of y"
    )


def _prior(prior: tuple[float, ...], rows: int, seed: int) -> Floats:
    bounds = np.cumsum(prior) / np.sum(prior)
    u = noise.Stream(seed, "y", 1).uniform(rows)[:, 0]
    indices = np.minimum(np.searchsorted(bounds, u, side="right"), len(prior) - 1)
    return np.eye(len(prior), dtype=np.float32)[indices]
