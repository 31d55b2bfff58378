"""A trained model, ready to use: classify, encode, reconstruct, generate and score.

A `Model` is safe to call from many threads and after a fork, can be pickled (the copy opens the
bundle again by its path), and computes at most `Options.max_batch` rows at once.
"""

import os
from collections.abc import Iterator
from functools import cached_property, partial, partialmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.engine import providers
from ssdgm_runtime.engine.options import Options, Placement, planned
from ssdgm_runtime.inference import calls, graphs

if TYPE_CHECKING:
    from ssdgm_runtime.bundle.trust.policy import Policy
    from ssdgm_runtime.inference import answers, batching, conditionals, generation, verification
    from ssdgm_runtime.labels.space import Answer, Labels, Space

PathLike = str | os.PathLike[str]


class Model:
    """An open bundle; made by `load`.

    Args:
        path: The bundle's folder, or a zip of its files.
        provider: `auto`, `cpu`, `cuda`, `tensorrt`, `openvino`, `coreml`, `dml`, `webgpu`, or a
            provider's own name. Only `auto` may fall back, and says so in the log.
        variant: `auto`, or a variant's name or precision, such as `int8`.
        threads: The size of a session's pool; by default what the process is granted, at most 4.
        verify: Compare every file with its digest now, not only what is used when it is read.
        options: How sessions are made.
        allow_partial: Let a named provider leave nodes to the CPU.
        max_bytes: The most that the bundle's files may hold together.
        isolated: Run graphs on the CPU in processes with limits; see `engine.isolation`.
        policy: Whose bundles to take, by their keys or ids; by default anyone's.

    Raises:
        BundleNotFound, FormatError, UnsupportedVersion: `path` is no bundle that can be read.
        IntegrityError, Untrusted: A file differs from its digest; the policy refuses it.
        MissingEngine, ProviderUnavailable: There is no onnxruntime, or not the provider named.
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
        options: Options = Options(),  # noqa: B008  (frozen)
        allow_partial: bool = False,
        max_bytes: int = contents.MAX_BYTES,
        isolated: bool = False,
        policy: "Policy | None" = None,
    ) -> None:
        plan = planned(provider, threads, options, allow_partial, isolated)
        if policy is not None:
            arguments.instance(policy, "Policy", "policy")
        checks: dict[str, Any] = {"max_bytes": max_bytes, "verify": verify, "policy": policy}
        bundle = contents.open_bundle(path, **checks)
        checks |= {"provider": provider, "variant": variant, "threads": threads}
        checks |= {"options": options, "allow_partial": allow_partial, "isolated": isolated}
        self._again = partial(Model, str(bundle.path), **checks)
        self._about = bundle.manifest
        self.space: Space = bundle.manifest.space  # what a label is
        self.graphs = graphs.Graphs(bundle, plan, variant, _read)
        for component in self.graphs.components[:1]:  # trouble with the engine shows now
            self.graphs.open(component)

    @property
    def labels(self) -> tuple[str, ...]:
        """The K labels' names."""
        return self.space.names

    @property
    def classes_(self) -> NDArray[Any]:
        """The training labels' own values, [K]: integers or strings; else the labels' names."""
        return self.space.own_values

    @property
    def tasks(self) -> tuple[str, ...]:
        """Which of classify, encode, reconstruct, generate and score there are graphs for."""
        return graphs.tasks(self._about)

    @property
    def info(self) -> dict[str, Any]:
        """What is open, ready for JSON."""
        return self.graphs.described()

    def classify(self, x: ArrayLike, *, batch_size: int | None = None) -> "Answer":
        """Compute q(y | x): a `Classification`, `Tagging`, of numbers `Estimate`, or a `Verdict`.

        Args:
            x: [n, *shape] in the data set's own dtype; where values have names, also a frame,
                columns or views by name, or rows as mappings; or the path of such rows.
            batch_size: The most rows computed at once; `options.max_batch` by default.

        Raises:
            InputError: x has another dtype or shape, or holds NaN or infinity; DataError, a file.
            TaskUnavailable: The bundle has no classifier.
        """
        return self.space.answer(self._classify(x, batch_size))

    async def aclassify(self, x: ArrayLike) -> "Answer":
        """Classify in a thread, so that other coroutines go on; see `classify`."""
        import asyncio

        return await asyncio.to_thread(self.classify, x)

    def classify_iter(
        self, source: object, *, batch_size: int | None = None, workers: int = 1
    ) -> Iterator["Answer"]:
        """Classify rows piece by piece, in order; memory does not grow with their number.

        Args:
            source: As for `streaming.pieces`.
            batch_size: Rows a piece; `options.max_batch` by default.
            workers: How many pieces are computed at the same time, each on the model's threads.

        Raises:
            InputError: The source, or a row of it, is none of these; pieces before it are given.
            DataError: The file cannot be read, or holds other rows.
            TaskUnavailable: The bundle has no classifier.
        """
        from ssdgm_runtime.inference import streaming

        size = self.graphs.plan.options.max_batch if batch_size is None else batch_size
        arguments.count(size, "batch_size", 1)
        arguments.count(workers, "workers", 1, 1024)
        rows = self.graphs.intake("classifier", "classify")
        return streaming.answers(self.classify, source, rows, size, workers)

    def batcher(
        self, max_batch: int = 64, max_delay_ms: float = 2.0, *, max_waiting: int = 1024
    ) -> "batching.Batcher":
        """Collect single rows of many callers; arguments and errors are those of `Batcher`."""
        from ssdgm_runtime.inference import batching

        one = self.graphs.intake("classifier", "classify").single
        return batching.Batcher(self.classify, one, max_batch, max_delay_ms, max_waiting)

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Classes of rows, [n]; of tags 0 or 1 [n, K]; of numbers means [n, D], of one [n]."""
        return self.space.predict(self._classify(x, None))

    def predict_proba(
        self, x: ArrayLike, *, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Probabilities, float32 [n, K] as `classes_`, written into `out` if it is given."""
        return self._probs(x, None, out)[0]

    def encode(self, x: ArrayLike, y: "Labels | None" = None) -> "answers.Latent":
        """Compute q(z | x, y).

        Args:
            x: [n, *shape] in the data set's own dtype.
            y: An index or name for all rows, a sequence of one for each, or [n, K]; of tags also
                sets of names (see `Tags.read`); by default the classifier's own probabilities.

        Raises:
            InputError: x or y is not one of these.
            TaskUnavailable: The bundle has no encoder, or y is left to a classifier it lacks.
        """
        from ssdgm_runtime.inference import answers

        rows = self.conditionals.rows("encoder", "encode", x)
        with self.graphs.kept():
            feeds = {"x": rows, **self.conditionals.weights("encode", rows, y, "encoder")}
            return answers.Latent(
                *self.graphs.call("encoder", "encode", "z_mean", "z_scale")(feeds)
            )

    def reconstruct(
        self, x: ArrayLike, y: "Labels | None" = None, *, out: NDArray[np.float32] | None = None
    ) -> "answers.Rows":
        """The expected x for the mean of q(z | x, y), float32 [n, *shape] in the data's units.

        Arguments and errors are those of `encode`; TaskUnavailable also without a decoder of z,
        InputError if `out`, which rows are written into, is another array. Views come by name.
        """
        with self.graphs.kept():
            self.conditionals.latent("reconstruct")
            posterior = self.conditionals.posterior("reconstruct", x, y, "decoder")
            feeds = self.conditionals.only("decoder", {"z": posterior.z, **posterior.y})
            run = self.graphs.call("decoder", "reconstruct", "x")
            return self.graphs.shown(run(feeds, None, out)[0])

    def generate(
        self,
        y: "Labels | None" = None,
        n: int = 1,
        *,
        z: ArrayLike | None = None,
        seed: int | None = None,
        sample: bool = False,
        temperature: float = 1.0,
    ) -> "answers.Samples":
        """Generate from p(z | y) p(x | y, z), all noise drawn.

        Args:
            y: An index or a name, a sequence of them, or [m, K]: `n` rows for each entry, grouped
                by entry; of tags also sets of names. By default `n` labels drawn from the prior.
            n: How many rows.
            z: The latents [rows, Z] to use instead of drawing them; one label then serves all.
            seed: Any whole number from 0; the same seed gives the same rows however they are
                chunked. By default a fresh one, which is returned.
            sample: Draw x from the likelihood instead of giving its expected value.
            temperature: What the noise is multiplied by that z (or x, without z) is drawn by.

        Raises:
            InputError: An argument is not one of these.
            TaskUnavailable: The bundle has no decoder, or no likelihood to sample from.
        """
        return self._generator.answer(y, n, z, seed, sample, temperature)

    def score(self, x: ArrayLike, *, batch_size: int | None = None) -> "answers.Scores":
        """How strange each row is, and next to validation rows; errors as of `classify`."""
        from ssdgm_runtime.inference import answers, parts

        call = self.graphs.of_rows(parts.scorer(self._about.graphs), "score", "score")
        return answers.scored(call(x, batch_size)[0][:, 0], self._about)

    def verify(self, *, digests: bool = True) -> "verification.VerifyReport":
        """Hash every file again, if `digests`, and run the golden rows; see `verification`."""
        from ssdgm_runtime.inference import verification

        return verification.verify(self.graphs, digests)

    health = partialmethod(verify, digests=False)  # what a service asks every minute

    def placement(self) -> dict[str, Placement]:
        """Where each graph runs; opens those that are not open yet."""
        return {c: self.graphs.placement(c) for c in self.graphs.components}

    def again(self) -> "Model":
        """The same bundle opened once more, with the same settings."""
        return self._again()

    def warmup(self) -> None:
        """Open every graph and run it once, so that the first call is as fast as the next."""
        self.graphs.warmup()

    def close(self) -> None:
        """Close the sessions; the model cannot be used after that."""
        self.graphs.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return self._again, ()

    def __repr__(self) -> str:
        return f"<Model {self._about.name} {self.graphs.bundle.id[:12]}: {', '.join(self.tasks)}>"

    @cached_property
    def conditionals(self) -> "conditionals.Conditionals":
        """The same model as conditional distributions, which pictures are drawn with."""
        from ssdgm_runtime.inference import conditionals

        return conditionals.of_bundle(self.graphs)

    @cached_property
    def _classify(self) -> calls.OfRows:
        return self.graphs.of_rows("classifier", "classify", *self.space.outputs)

    @cached_property
    def _probs(self) -> calls.OfRows:
        self.space.traits.need_probable()
        return self.graphs.of_rows("classifier", "classify", self.space.mean)

    @cached_property
    def _generator(self) -> "generation.Generator":
        from ssdgm_runtime.inference import generation

        return generation.Generator(self.graphs)


def _read(path: PathLike, *asked: Any) -> NDArray[Any]:  # noqa: ANN401  (as `graphs.Read`)
    from ssdgm_runtime.bundle import rowfiles
    from ssdgm_runtime.readers import raw

    return raw.rows(path, rowfiles.row(*asked))


load = Model  # not a function of **settings, of which no editor could tell the names
