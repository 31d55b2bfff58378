"""Generate x from labels and noise: both are drawn here, prior and decoder do the rest.

Every draw comes from its own seeded stream (see `noise`): `y` where no label is given, `z` or the
noise of the graph `prior` that gives it, any further noise input of the decoder, and `x` where
draws are asked for instead of expected values. Noise of one name is one draw in every graph.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.inference import answers, graphs, likelihoods, noise, parts
from ssdgm_runtime.rows import checks, columns, proper
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Labels

Floats = NDArray[np.float32]
_TASK = "generate"
_MOST_SEED = 2**63 - 1
_MOST_BYTES = 1 << 34


class Generator:
    """A bundle's prior and decoder, and what all requests to them have in common.

    Raises:
        TaskUnavailable: There is none.
    """

    def __init__(self, opened: graphs.Graphs) -> None:
        self._opened, self._about = opened, opened.bundle.manifest
        self._graph = opened.graph("decoder", _TASK)
        self._inputs = {t.name: t for t in self._graph.inputs}
        self._labelled = parts.labelled(self._about.graphs)
        self._most = most(self._graph)
        self._dtype = manifest.input_dtype(self._about)

    def answer(
        self,
        y: "Labels | None",
        n: int,
        z: ArrayLike | None,
        seed: int | None,
        sample: bool,
        temperature: float,
    ) -> answers.Samples:
        """Answer a request; `Model.generate` documents it."""
        number = seed_of(seed)
        latents = None if z is None else self._given(z)
        factor = arguments.positive(temperature, "temperature")
        if latents is not None and factor != 1.0:
            raise errors.InputError("temperature", repr(factor), "1.0 where z is given", "z * t")
        labels = self._labels(y, n, number, None if latents is None else len(latents))
        feeds = {"y": labels, **self._noise(number, len(labels), latents, factor)}
        if latents is None and "prior" in self._about.graphs:
            feeds["z"] = self._opened.call("prior", _TASK, "z")(self._taken("prior", feeds))[0]
        taken = self._taken("decoder", feeds)
        if sample:
            x = self._samples(taken, number)
        else:
            x = self._opened.call("decoder", _TASK, "x")(taken)[0]
        used = taken.get("z", np.zeros((len(labels), 0), np.float32))
        shown = self._opened.shown(x)
        dtypes = {view.name: view.dtype for view in self._about.views} or self._dtype
        return answers.Samples(shown, labels, used, number, dtypes, self._about.space)

    def _given(self, z: ArrayLike) -> Floats:
        """Latents that are given instead of drawn, checked."""
        if "z" in self._inputs:
            latents: Floats = checks.rows(z, self._inputs["z"])
            return latents
        raise errors.InputError("z", "given", "None: this decoder takes no latent")

    def _noise(
        self, seed: int, rows: int, latents: Floats | None, temperature: float
    ) -> dict[str, Floats]:
        """What prior and decoder take besides labels: z, unless the prior gives it, and noise."""
        prior = None if latents is not None else self._about.graphs.get("prior")
        mapped = [t for t in prior.inputs if t.name in prior.noise] if prior else []
        own = [t for t in self._graph.inputs if t.name in self._graph.noise]
        plain = [t for t in self._graph.inputs if t.name == "z" and not prior]
        scaled = {t.name for t in (mapped if prior else plain or own)}
        given = {} if latents is None else {"z": latents}
        drawn = {t.name: t for t in (*mapped, *plain, *own) if t.name not in given}
        return given | {
            name: _drawn(seed, t, rows, temperature if name in scaled else 1.0)
            for name, t in drawn.items()
        }

    def _taken(self, component: str, feeds: Mapping[str, Floats]) -> dict[str, Floats]:
        """Those feeds that a graph takes."""
        inputs = [t.name for t in self._about.graphs[component].inputs]
        return {name: feeds[name] for name in inputs}

    def _labels(self, y: "Labels | None", n: int, seed: int, length: int | None) -> Floats:
        """One row of y for each row to generate, float32 [rows, *shape], or [rows, 0]."""
        count = arguments.count(n, "n", 0)
        _check_fits(count, self._most)
        if not (self._labelled if length is None else "y" in self._inputs):
            if y is not None:
                raise errors.InputError(
                    "y", "given", "None: this decoder takes no label", "Leave y (--class) out."
                )
            return np.zeros((_rows(count, 1, length), 0), dtype=np.float32)
        space = self._about.space
        if y is None:
            stream = noise.Stream(seed, "y", space.uniforms)
            return space.draw(stream.uniform(_rows(count, 1, length)))
        entries = space.read(y)
        _check_fits(count * len(entries), self._most)
        each = _rows(count, len(entries), length) // max(len(entries), 1)
        return entries if each == 1 else np.repeat(entries, each, axis=0)

    def _samples(self, feeds: Mapping[str, Floats], seed: int) -> Floats:
        """Draws of x from the likelihood instead of its expected values."""
        likelihood, names = self._likelihood()
        row = next(t.row for t in self._graph.outputs if t.name == names[0])
        shape = (
            interface.rows(self._graph, self._about.row_layout).row
            if self._about.row_layout
            else row
        )
        streams, sampler, done = noise.Streams(seed), likelihoods.SAMPLERS[likelihood.name], 0
        drawn = [np.zeros((0, *shape), dtype=np.float32)]
        size = self._opened.plan.options.max_batch
        for piece in self._opened.pieces("decoder", feeds, size, *names):
            flat = {name: piece[name].reshape(len(piece[name]), -1) for name in names}
            with np.errstate(over="ignore", invalid="ignore"):
                drawn.append(sampler(flat, likelihood, streams).reshape(-1, *shape))
            if not proper.finite(drawn[-1]):
                from ssdgm_runtime.engine import failures

                raise failures.improper("x", proper.FINITE, drawn[-1], feeds, done)
            done += len(drawn[-1])
        return np.concatenate(drawn)

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


def _drawn(seed: int, tensor: Tensor, rows: int, temperature: float) -> Floats:
    """Standard normal numbers for an input, [rows, *shape], multiplied by the temperature."""
    z = noise.draw(seed, tensor.name, rows, tensor.width).reshape(rows, *tensor.row)
    if temperature == 1.0:
        return z
    with np.errstate(over="ignore", invalid="ignore"):
        z *= np.float32(temperature)
    if not np.isfinite(z).all():
        want = "a number with which noise stays within float32, usually from 0.1 to 2"
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
