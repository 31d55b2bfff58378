"""Rows that workers generate: cut into pieces, each with a label and a seed of its own.

The seeds follow from the caller's and from the piece's number alone, and pieces from the bundle
and how many rows are asked for, so that neither workers nor their number change a row. A part's
rows are those of `Model.generate` for its label with the seed in its column.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import model
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.console import drawing, generated
from ssdgm_runtime.console.cluster import work

ROWS = 10_000
"""The most rows of a piece."""

NUMBERS = 1 << 22
"""The most numbers that a piece's rows hold."""


class Piece(NamedTuple):
    """Some rows of one label.

    Attributes:
        number: Which piece it is, from 0.
        start: The number of its first row.
        rows: How many it has.
        label: Which of the labels asked for they have.
        seed: Of their draws.
    """

    number: int
    start: int
    rows: int
    label: int
    seed: int


class Job(NamedTuple):
    """What is to be done with every piece; it travels to each worker once.

    Attributes:
        bundle: The bundle's path, which every worker must see.
        out: The folder of the parts, which every worker must see.
        settings: Arguments of `model.load`.
        labels: [C, *shape]; None where the decoder takes none, or they are drawn.
        sample: Whether x is drawn instead of its expected value given.
        temperature: What the noise of the latent is multiplied by.
    """

    bundle: str
    out: str
    settings: dict[str, Any]
    labels: NDArray[np.float32] | None
    sample: bool = False
    temperature: float = 1.0


def cut(decoder: interface.Graph, labels: int, n: int, seed: int) -> list[Piece]:
    """The pieces of n rows for each label, in the order in which one machine generates them.

    Args:
        decoder: The graph, whose outputs say how large a row is.
        labels: How many labels there are.
        n: How many rows each of them has.
        seed: The caller's.
    """
    width = sum(tensor.width for tensor in decoder.outputs)
    size = max(1, min(ROWS, NUMBERS // max(width, 1)))
    pieces: list[Piece] = []
    for label in range(labels):
        for start in range(0, n, size):
            number, rows = len(pieces), min(size, n - start)
            pieces.append(Piece(number, label * n + start, rows, label, _seed(seed, number)))
    return pieces


def _seed(seed: int, number: int) -> int:
    """A piece's seed: 48 bits, which JSON keeps exact."""
    (state,) = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return int(state) >> 16


class Worker:
    """Generates pieces; its class is what an engine makes an actor of."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._opened = model.load(job.bundle, **job.settings)

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Generate a piece and write its part; as `work.Worker` documents."""
        piece = Piece(*item["piece"])
        return work.report(piece.number, lambda: self.answer(piece))

    def answer(self, piece: Piece) -> tuple[int, Counter[str]]:
        """Write the part of a piece, whole or not at all; its rows, and how often each label."""
        job, labels = self._job, self._job.labels
        given = None if labels is None else labels[piece.label : piece.label + 1]
        request = drawing.Request(None, None, piece.rows, piece.seed, job.sample, job.temperature)
        drawn = drawing.draw(self._opened, request, given)
        columns = generated.columns(drawn)
        columns[generated.free("seed", columns)] = np.full(piece.rows, piece.seed)
        columns[generated.free("row", columns)] = piece.start + np.arange(piece.rows)
        with work.written(job.out, piece.number) as write:
            write(columns)
        return piece.rows, Counter(generated.captions(drawn))
