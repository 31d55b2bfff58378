"""A trained model, ready to use: classify, encode, reconstruct and generate.

A `Model` is safe to call from many threads and after a fork, can be pickled (the copy opens the
bundle again by its path), and computes at most `Options.max_batch` rows at once, so that memory
does not grow with the data.
"""

import os
from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import (
    answers,
    arguments,
    files,
    generation,
    graphs,
    machine,
    parts,
    pictures,
    plans,
    providers,
    serving,
)

if TYPE_CHECKING:
    from ssdgm_runtime import selfcheck

Options = plans.Options
PathLike = str | os.PathLike[str]
_DEFAULTS = Options()


class Model(serving.Serving, pictures.Pictured):
    """An open bundle; made by `load`.

    Args:
        path: The bundle's folder, or a zip of its files.
        provider: `auto`, `cpu`, `cuda`, `tensorrt`, `openvino`, `coreml`, `dml`, `webgpu`, or a
            provider's own name. Only `auto` may fall back, and says so in the log.
        variant: `auto`, or a variant's name or precision, such as `int8`.
        threads: The size of a session's pool; by default what the environment, the affinity and
            the cgroup grant, at most 4.
        verify: Compare every file with its digest now. What is used is compared when it is read,
            always; this finds what is damaged and not used yet.
        options: How sessions are made.
        allow_partial: Let a named provider leave nodes to the CPU.
        max_bytes: The most that the bundle's files may hold together.

    Raises:
        BundleNotFound: Nothing lies at `path`.
        FormatError: It is no bundle.
        UnsupportedVersion: It has a format that this reader does not know.
        IntegrityError: A file is missing, unlisted or unsafe, or one that was read differs from
            its digest.
        MissingEngine: No onnxruntime is installed.
        ProviderUnavailable: The provider was named and cannot be had.
        InputError: Another argument is not one of the above.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        provider: str = providers.AUTO,
        variant: str = providers.AUTO,
        threads: int | None = None,
        verify: bool = False,
        options: Options = _DEFAULTS,
        allow_partial: bool = False,
        max_bytes: int = files.MAX_BYTES,
    ) -> None:
        arguments.count(options.max_batch, "options.max_batch", 1)
        bundle = files.open_bundle(path, max_bytes=max_bytes, verify=verify)
        plan = plans.Plan(provider, machine.threads(threads), options, allow_partial)
        self._settings = {
            "provider": provider,
            "variant": variant,
            "threads": threads,
            "verify": verify,
            "options": options,
            "allow_partial": allow_partial,
            "max_bytes": max_bytes,
        }
        self._about = bundle.manifest
        self.graphs = graphs.Graphs(bundle, plan, variant)
        high = arguments.value_range(self._about)[1]
        run = partial(_answer, self.graphs, options.max_batch)
        about = self._about
        named = about.columns, about.features
        self._parts = parts.Parts(about.graphs, about.labels, run, high, *named)
        for component in self.graphs.components[:1]:  # trouble with the engine shows now
            self.graphs.open(component)

    @classmethod
    def load(cls, path: PathLike, **settings: Any) -> "Model":  # noqa: ANN401
        """Open a bundle; arguments and errors as of the class."""
        return cls(path, **settings)

    @property
    def labels(self) -> tuple[str, ...]:
        """The K labels' names."""
        return self._about.labels

    @cached_property
    def classes_(self) -> NDArray[Any]:
        """The training labels' own values, [K]: integers or strings, as `predict` gives them."""
        kinds = {type(c) for c in self._about.classes}
        found = np.array(self._about.classes, dtype=object if len(kinds) > 1 else None)
        found.flags.writeable = False
        return found

    @property
    def tasks(self) -> tuple[str, ...]:
        """Which of classify, encode, reconstruct and generate the bundle has the graphs for."""
        return graphs.tasks(self._about)

    @property
    def info(self) -> dict[str, Any]:
        """What is open, ready for JSON."""
        bundle = self.graphs.bundle
        used = {c: self.graphs.variant(c) for c in self.graphs.components}
        return {
            "name": self._about.name,
            "id": bundle.id,
            "path": str(bundle.path),
            "format": ".".join(map(str, self._about.format)),
            "tasks": list(self.tasks),
            "labels": list(self.labels),
            "provider": self.graphs.plan.provider,
            "threads": self.graphs.plan.threads,
            "variants": {c: {"name": v.name, "precision": v.precision} for c, v in used.items()},
        }

    def classify(self, x: ArrayLike, *, batch_size: int | None = None) -> answers.Classification:
        """Compute q(y | x).

        Args:
            x: [n, *shape] in the data set's own dtype; n may be 0.
            batch_size: The most rows computed at once; `options.max_batch` by default.

        Raises:
            InputError: x has another dtype or shape, or holds NaN or infinity.
            TaskUnavailable: The bundle has no classifier.
        """
        feeds, size = {"x": self._parts.rows("classifier", "classify", x)}, self._size(batch_size)
        found = self.graphs.answer("classifier", feeds, size, "logits", "probs")
        return answers.Classification(found["logits"], found["probs"], self.labels)

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row, [n], as a value of `classes_`; see `classify`."""
        return self.classes_[self.classify(x).labels]

    def predict_proba(
        self, x: ArrayLike, *, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """The probabilities, float32 [n, K] in the order of `classes_`; see `classify`.

        They are written into `out` [n, K], if it is given; InputError if it is another array.
        """
        rows = self._parts.rows("classifier", "classify", x)
        feeds, size = {"x": rows}, self._size(None)
        if out is None:
            return self.graphs.answer("classifier", feeds, size, "probs")["probs"]
        given = {"probs": arguments.buffer(out, (len(rows), len(self.labels)))}
        return self.graphs.answer("classifier", feeds, size, "probs", out=given)["probs"]

    def encode(self, x: ArrayLike, y: arguments.Labels | None = None) -> answers.Latent:
        """Compute q(z | x, y).

        Args:
            x: [n, *shape] in the data set's own dtype.
            y: An index or name for all rows, a sequence of one for each, or [n, K]; by default
                the classifier's own probabilities.

        Raises:
            InputError: x or y is not one of these.
            TaskUnavailable: The bundle has no encoder, or y is left to a classifier it lacks.
        """
        rows = self._parts.rows("encoder", "encode", x)
        with self.graphs.kept():
            feeds = {"x": rows, **self._parts.weights("encode", rows, y, "encoder")}
            found = self.graphs.answer("encoder", feeds, self._size(None), "z_mean", "z_scale")
        return answers.Latent(found["z_mean"], found["z_scale"])

    def reconstruct(
        self,
        x: ArrayLike,
        y: arguments.Labels | None = None,
        *,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """The expected x for the mean of q(z | x, y), float32 [n, *shape] in the data's units.

        Arguments and errors are those of `encode`; TaskUnavailable also without a decoder. The
        rows are written into `out` [n, *shape], if it is given; InputError if it is another array.
        """
        with self.graphs.kept():
            found = self._parts.posterior("reconstruct", x, y, "decoder")
            feeds = self._parts.only("decoder", {"z": found.z, **found.y})
            given = None if out is None else {"x": arguments.buffer(out, found.x.shape)}
            return self.graphs.answer("decoder", feeds, self._size(None), "x", out=given)["x"]

    def generate(
        self,
        y: arguments.Labels | None = None,
        n: int = 1,
        *,
        z: ArrayLike | None = None,
        seed: int | None = None,
        sample: bool = False,
        temperature: float = 1.0,
    ) -> answers.Samples:
        """Generate from p(z) p(x | y, z).

        Args:
            y: An index or a name, a sequence of them, or [m, K]: `n` rows for each entry, grouped
                by entry. By default `n` classes drawn from the prior.
            n: How many rows.
            z: The latents [rows, Z] to use instead of drawing them; one label then serves all.
            seed: Any whole number from 0; the same seed gives the same rows however they are
                chunked. By default a fresh one, which is returned.
            sample: Draw x from the likelihood instead of giving its expected value.
            temperature: What the drawn z is multiplied by.

        Raises:
            InputError: An argument is not one of these.
            TaskUnavailable: The bundle has no decoder, or no likelihood to sample from.
        """
        request = generation.Request(y, n, z, seed, sample, temperature)
        return generation.generate(self.graphs, request, self._size(None))

    def verify(self) -> "selfcheck.VerifyReport":
        """Hash every file again and run the bundle's golden rows here; see `selfcheck.verify`."""
        from ssdgm_runtime import selfcheck

        return selfcheck.verify(self.graphs)

    def placement(self) -> dict[str, plans.Placement]:
        """Where each graph runs; opens those that are not open yet."""
        return {c: self.graphs.placement(c) for c in self.graphs.components}

    def again(self) -> "Model":
        """The same bundle opened once more, with the same settings."""
        return _reopen(str(self.graphs.bundle.path), self._settings)

    def warmup(self) -> None:
        """Open every graph and run it once, so that the first call is as fast as the next."""
        for component in self.graphs.components:
            inputs = self.graphs.graph(component, "warm up").inputs
            zeros = {t.name: np.zeros((1, *t.row), dtype=t.dtype) for t in inputs}
            self.graphs.run(component, zeros, 1)

    def close(self) -> None:
        """Close the sessions; the model cannot be used after that."""
        self.graphs.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (str(self.graphs.bundle.path), self._settings)

    def __repr__(self) -> str:
        return f"<Model {self._about.name} {self.graphs.bundle.id[:12]}: {', '.join(self.tasks)}>"

    def _size(self, batch_size: int | None) -> int:
        if batch_size is None:
            return self.graphs.plan.options.max_batch
        return arguments.count(batch_size, "batch_size", 1)


def load(path: PathLike, **settings: Any) -> Model:  # noqa: ANN401
    """Open a bundle; arguments and errors are those of `Model`."""
    return Model(path, **settings)


def _answer(opened: graphs.Graphs, size: int, component: str, feeds: parts.Arrays) -> parts.Arrays:
    return opened.answer(component, feeds, size, parts.GIVES[component])


def _reopen(path: str, settings: Mapping[str, Any]) -> Model:
    return Model(path, **settings)
