"""Golden rows: inputs with the outputs they must give, so that a bundle can check itself anywhere.

The rows come from the model's own decoder and from a random generator, never from the training
data, unless the caller asks for it.
"""

import io
import os
from collections.abc import Iterable, Mapping

import numpy as np
import torch

from ssdgm_export.bundle import variants
from ssdgm_export.graphs import modules
from ssdgm_export.proof import parity
from ssdgm_runtime import errors
from ssdgm_runtime.inference import noise
from ssdgm_runtime.labels.space import Space
from ssdgm_runtime.readers import inputs as readers
from ssdgm_runtime.rows import columns, resizing
from ssdgm_runtime.rows.row import Row
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_runtime.rows.views import view
from ssdgm_train.labels import Dense
from ssdgm_train.likelihoods import limits
from ssdgm_train.problems import Problem
from ssdgm_train.runs import records

ROWS = 16
SEED = 1


def rows(graphs: Mapping[str, modules.Graph], problem: Problem) -> parity.Array:
    """Rows in the data's own dtype and range: half decoded, if there is a decoder, half uniform.

    Every feature keeps to its own range: one beyond it would be many deviations from all that the
    model has seen, where it says nothing.

    Args:
        graphs: The model's graphs, among them the classifier or the encoder.
        problem: Its problem.
    """
    rng = np.random.Generator(np.random.Philox(SEED))
    low, high = limits.feature_range(problem)
    if problem.columns:
        drawn = _table(problem, rng)
    else:
        shape = _sides(problem) + problem.shape[2:] if _sides(problem) else problem.shape
        drawn = rng.uniform(low, high, (ROWS, *shape)).astype(np.float32)
    if "decoder" in graphs:
        drawn[: ROWS // 2] = _decoded(graphs["decoder"], problem)
    if problem.columns:
        return drawn
    if problem.views:
        return _lacking(drawn, problem)
    if problem.padded:
        for i, row in enumerate(drawn[::2]):
            row[:, problem.shortest + i % (problem.shape[1] - problem.shortest + 1) :] = np.nan
    whole = np.issubdtype(np.dtype(problem.dtype), np.integer)
    return (drawn.clip(low, high).round() if whole else drawn).astype(problem.dtype)


def _sides(problem: Problem) -> tuple[int, ...]:
    """The sides of golden pictures, where pictures may have any size; else nothing."""
    return problem.labels.examples(1).shape[2:] if isinstance(problem.labels, Dense) else ()


def _table(problem: Problem, rng: np.random.Generator) -> parity.Array:
    """Rows of a table: numbers about their means and any codes; two lack all of either."""
    shift, scale = np.array(problem.shift), np.array(problem.scale)
    numbers = rng.uniform(shift - 2 * scale, shift + 2 * scale, (ROWS, problem.numbers))
    codes = rng.integers(columns.UNKNOWN, problem.blocks or 0, (ROWS, len(problem.blocks)))
    numbers[-1], codes[-2] = np.nan, columns.UNKNOWN
    return np.column_stack([numbers, codes]).astype(np.float32)


def _lacking(rows: parity.Array, problem: Problem) -> parity.Array:
    """Whole rows some of which lack a view, one after the other; bytes are whole numbers."""
    low, high = limits.feature_range(problem)
    for i, (known, places) in enumerate(view.spans(modules.views_of(problem))):
        if known.dtype == "uint8":
            rows[:, places] = rows[:, places].clip(low[places], high[places]).round()
        if len(problem.views) > 1:
            rows[i % ROWS :: len(problem.views) + 1, places] = np.nan
    return rows


def inputs(
    graphs: Mapping[str, modules.Graph], x: parity.Array, space: Space
) -> dict[str, parity.Arrays]:
    """Each graph's inputs for rows x, labels of their space, and noise."""
    with parity.one_thread():
        return {name: parity.feed(graph, graphs, x, SEED, space) for name, graph in graphs.items()}


def files(
    given: Mapping[str, parity.Arrays], shipped: Iterable[variants.Variant]
) -> dict[str, bytes]:
    """The files under `golden/`: each graph's inputs and, by precision, its outputs."""
    contents = {
        f"golden/{name}/{k}.npy": _npy(v)
        for name, feeds in given.items()
        for k, v in feeds.items()
    }
    for file in shipped:
        folder = f"golden/{file.component}/{file.precision}"
        contents |= {f"{folder}/{k}.npy": _npy(v) for k, v in file.golden.items()}
    return contents


def _decoded(decoder: modules.Graph, problem: Problem) -> parity.Array:
    half = ROWS // 2
    feeds = {s.name: noise.draw(SEED, s.name, half, s.width) for s in decoder.spec.inputs}
    if "y" in feeds:
        feeds["y"] = problem.labels.examples(half)
    with parity.one_thread(), torch.inference_mode():
        outputs = parity.reference(decoder, feeds)
    layout = modules.layout_of(problem)
    return laid.joined(outputs, layout) if layout else outputs["x"]


def _npy(array: parity.Array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def check(record: records.RunRecord, given: str | os.PathLike[str] | None) -> None:
    """Refuse rows of the user's where labels are masks, which are drawn with their pictures.

    Raises:
        InputError: They are.
    """
    if given is not None and isinstance(record.problem.labels, Dense):
        raise errors.InputError(
            "golden_from", str(given), "nothing where labels are masks", "Leave it out."
        )


def chosen(
    graphs: Mapping[str, modules.Graph],
    record: records.RunRecord,
    given: str | os.PathLike[str] | None,
) -> parity.Array:
    """The rows that ship: drawn, or the first of a file that the user gives.

    Raises:
        DataError: The file's rows are not like the model's.
    """
    problem, resize = record.problem, record.plan.data.resize
    if given is None:
        return rows(graphs, problem)
    policy = resizing.parse(resize) if resize else None
    more = policy, problem.series, modules.views_of(problem)
    row = Row(problem.shape, problem.dtype, problem.columns, (), *more)
    read = readers.read_rows(given, row).x[:ROWS]
    if read.dtype == np.float64 and problem.dtype == "float32":
        read = read.astype(np.float32)
    if read.shape[1:] != problem.shape or read.dtype.name != problem.dtype or not len(read):
        raise errors.DataError(
            f"{given} has {len(read)} rows {list(read.shape[1:])} {read.dtype}",
            f"rows {list(problem.shape)} {problem.dtype}",
            "Give rows like those that the run was trained on.",
        )
    if not modules.layout_of(problem) and not np.isfinite(read).all():
        raise errors.DataError(f"{given} holds NaN or infinity", mend="Give finite numbers.")
    return np.ascontiguousarray(read)
