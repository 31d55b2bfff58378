"""Answers as files: CSV, JSON lines, npy, npz and pictures, written whole or not at all."""

import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.inference import answers
from ssdgm_runtime.labels import classes
from ssdgm_runtime.pictures import latent, png, traces
from ssdgm_runtime.rows import columns as table

Json = dict[str, Any]
_PIXELS = 48


@dataclass(frozen=True, eq=False)
class Predictions:
    """A classification with what a file about it needs.

    Attributes:
        classification: That of n rows.
        classes: The training labels' own values, in the order of the labels.
        sources: The file each row came from; empty where rows come from an array.
        top: How many labels to list for a row.
    """

    classification: classes.Classification
    classes: tuple[int | str, ...]
    sources: tuple[str, ...] = ()
    top: int = 1

    def records(self) -> list[Json]:
        """One JSON-ready table a row: row, source, label, name, class, probability and top."""
        rows = zip(
            self.classification.labels.tolist(),
            self.classification.top(max(self.top, 1)),
            strict=True,
        )
        return [
            {
                "row": i,
                **({"source": self.sources[i]} if self.sources else {}),
                "label": label,
                "name": best[0][0],
                "class": self.classes[label],
                "probability": best[0][1],
                **({"top": [list(pair) for pair in best]} if self.top > 1 else {}),
            }
            for i, (label, best) in enumerate(rows)
        ]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Generated rows with what a picture of them needs.

    Attributes:
        samples: The rows, in the order of the grid.
        columns: How many stand beside one another in a grid.
        low: The value that is black.
        high: The value that is white.
        known: The columns of a table's rows.
        labels: The labels' names.
        windows: Whether rows are windows of series.
    """

    samples: answers.Samples | latent.Picture
    columns: int
    low: float
    high: float
    known: table.Columns = ()
    labels: tuple[str, ...] = ()
    windows: bool = False


def csv(answer: Predictions) -> bytes:
    """Rows of comma-separated values under a header; further labels in numbered columns."""
    import csv as writer

    stream = io.StringIO(newline="")
    names = ["row", "source", "label", "name", "class", "probability"]
    columns = [name for name in names if name != "source" or answer.sources]
    more = range(2, min(answer.top, len(answer.classes)) + 1)
    numbered = [f"{what}_{k}" for k in more for what in ("name", "probability")]
    file = writer.writer(stream, lineterminator="\n")
    file.writerow([*columns, *numbered])
    for record in answer.records():
        others = [value for pair in record.get("top", ())[1:] for value in pair]
        file.writerow([*(record[name] for name in columns), *others])
    return stream.getvalue().encode()


def jsonl(answer: Predictions) -> bytes:
    """One JSON object a line."""
    import json

    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in answer.records())
    return "".join(lines).encode()


def npy(answer: Predictions) -> bytes:
    """The probabilities, float32 [n, K]."""
    stream = io.BytesIO()
    np.save(stream, answer.classification.probs, allow_pickle=False)
    return stream.getvalue()


def npz(drawn: Drawn) -> bytes:
    """Arrays x, y, z, label where there are labels, seed if one was used, columns of a picture."""
    samples, stream = drawn.samples, io.BytesIO()
    arrays = {"x": samples.x, "y": samples.y, "z": samples.z}
    seed = {} if samples.seed is None else {"seed": np.array(samples.seed)}
    label = {"label": samples.labels} if samples.y.shape[1] else {}
    laid = {"columns": np.array(drawn.columns)} if isinstance(samples, latent.Picture) else {}
    np.savez(stream, allow_pickle=False, **arrays, **seed, **label, **laid)
    return stream.getvalue()


def picture(drawn: Drawn) -> bytes:
    """A PNG grid of the rows, small images enlarged by whole pixels, windows as lines.

    Raises:
        DataError: There are no rows, or they are not images.
    """
    x = drawn.samples.x
    if drawn.windows and len(x):
        lines = traces.images(x, drawn.low, drawn.high, _PIXELS)
        return png.encode_png(png.grid(lines, drawn.columns, pad=4))
    if not len(x) or not png.is_image(x.shape[1:]):
        raise errors.DataError(
            f"Generated values of shape {list(x.shape)} are not images",
            "[n, height, width] or [n, height, width, 3]",
            "Write an .npz file instead.",
        )
    images = png.to_images(x, drawn.low, drawn.high)
    zoom = max(1, math.ceil(_PIXELS / max(images.shape[1:3])))
    large = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return png.encode_png(png.grid(large, drawn.columns, pad=2))


def generated(drawn: Drawn) -> bytes:
    """A table's rows under its header, the label asked for in the last column.

    Raises:
        DataError: They are not rows of a table.
    """
    import csv as writer

    if not drawn.known:
        raise errors.DataError(
            f"Generated values of shape {list(drawn.samples.x.shape)} are not rows of a table",
            mend="Write an .npz file instead.",
        )
    columns, stream = table.named(drawn.samples.x, drawn.known), io.StringIO(newline="")
    if drawn.samples.y.shape[1]:
        columns[_free("label", columns)] = [drawn.labels[k] for k in drawn.samples.labels.tolist()]
    file = writer.writer(stream, lineterminator="\n")
    file.writerow(columns)
    file.writerows(zip(*(map(_cell, values) for values in columns.values()), strict=True))
    return stream.getvalue().encode()


def _free(name: str, taken: Iterable[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return str(np.float32(value))
    return str(value).lower() if isinstance(value, bool) else value


CLASSIFY: dict[str, Callable[[Predictions], bytes]] = {".csv": csv, ".jsonl": jsonl, ".npy": npy}
GENERATE: dict[str, Callable[[Drawn], bytes]] = {
    ".png": picture,
    ".npz": npz,
    ".csv": generated,
}
