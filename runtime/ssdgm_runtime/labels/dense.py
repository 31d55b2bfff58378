"""The space `masks`: a class for every place of a picture, of any size that the stride divides."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.labels.segmentation import Segmentation
from ssdgm_runtime.labels.segmentation import line as line
from ssdgm_runtime.labels.traits import Traits
from ssdgm_runtime.rows import proper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssdgm_runtime.labels.space import Json, Labels, Outputs

Array = NDArray[Any]
Floats = NDArray[np.float32]

UNKNOWN = 255
"""Stands for a place without label, in masks."""

MOST = 255
"""The most classes, so that a mask is a grey picture."""

_DISC, _SIDE = 0.35, 4  # the radius of the disc that pictures show, and its side in strides
_TRAITS = Traits("predict", "error", UNKNOWN)


def shares(array: Array) -> bool:
    """Whether the probabilities of classes [n, K, h, w] sum to one at every place."""
    off = np.abs(array.sum(axis=1) - 1)
    return bool((off < proper.NEAR).all() and (array >= 0).all())


@dataclass(frozen=True)
class Dense:
    """K classes, one for every place.

    Attributes:
        names: Their K names.
        values: The number that stands for each in masks.
        stride: What the sides of pictures are multiples of.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    stride: int

    space: ClassVar[str] = "masks"
    checked: ClassVar[str] = "probs"
    kinds: ClassVar[dict[str, Any]] = {"probs": shares}
    mean: ClassVar[str] = "probs"
    traits: ClassVar[Traits] = _TRAITS
    uniforms: ClassVar[int] = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the smallest mask, one-hot: [K, stride, stride]."""
        return (len(self.names), self.stride, self.stride)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The probability of each class at every place."""
        return {"probs": self.shape}

    @cached_property
    def own_values(self) -> Array:
        """The numbers that stand for the classes in masks, uint8 [K], read-only."""
        values = np.array(self.values, np.uint8)
        values.flags.writeable = False
        return values

    def read(self, y: "Labels", n: int | None = None, name: str = "y") -> Floats:
        """Masks as one-hot labels, float32 [m, K, h, w]; see `Space`.

        A mask [h, w], which serves all of `n` rows, masks [m, h, w] of the classes' own values,
        or probabilities [m, K, h, w].
        """
        from ssdgm_runtime.rows import checks

        k, s = len(self.names), self.stride
        want = f"masks [n, {s}*height, {s}*width] of {', '.join(map(str, self.values))}"
        given = checks.read(y, name, want)
        whole = given.ndim in (2, 3) and given.dtype.kind in "biu"
        likely = given.ndim == 4 and given.shape[1] == k and given.dtype.kind == "f"
        fits = all(side and side % s == 0 for side in given.shape[-2:])
        if not (whole or likely) or not fits:
            raise errors.InputError(name, checks.described(given), want)
        if likely:
            labels: Floats = given.astype(np.float32)
            checks.finite(labels, name)
        else:
            labels = self._marked(given if given.ndim == 3 else given[None], name, want)
        if n is None or len(labels) == n:
            return labels
        if given.ndim == 2:
            return np.repeat(labels, n, axis=0)
        raise errors.InputError(name, f"{len(labels)} masks", f"one for each of the {n} rows of x")

    def _marked(self, masks: Array, name: str, want: str) -> Floats:
        """One-hot labels of masks [m, h, w]."""
        marked = masks[:, None] == np.array(self.values)[:, None, None]
        if not marked.any(axis=1).all():
            row = int(np.argwhere(~marked.any(axis=1))[0][0])
            raise errors.InputError(name, f"another number in mask {row}", want)
        labels: Floats = marked.astype(np.float32)
        return labels

    def spoken(self, words: "Sequence[str | int]", name: str = "y") -> Floats:
        """Each word a class: a disc of it; see `Space`."""
        for word in words:
            if str(word) not in self.names:
                want = f"one of {', '.join(self.names)}, of which a disc is drawn"
                raise errors.InputError(name, arguments.shown(word), want)
        return self._discs([self.names.index(str(word)) for word in words])

    def shown(self) -> Floats:
        """A disc of every class but the first, on the first."""
        return self._discs(range(1, len(self.names)) if len(self.names) > 1 else [0])

    def _discs(self, kinds: "Sequence[int]") -> Floats:
        side = _SIDE * self.stride
        places = (np.arange(side) + 0.5) / side - 0.5
        inside = places[:, None] ** 2 + places**2 < _DISC**2
        masks = np.where(inside, np.reshape(kinds, (-1, 1, 1)), 0)
        discs: Floats = (masks[:, None] == np.arange(len(self.names))[:, None, None]).astype(
            np.float32
        )
        return discs

    def captions(self, y: Floats) -> list[str]:
        """The names of the classes that each mask has, joined."""
        return [
            " + ".join(self.names[k] for k in np.unique(mask).tolist()) for mask in self.nearest(y)
        ]

    def nearest(self, y: Array) -> Array:
        """The index of the class of most weight at every place, uint8 [m, h, w]."""
        best: Array = y.argmax(axis=1).astype(np.uint8)
        return best

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """Not from a prior of independent places, which would be no picture."""
        raise errors.TaskUnavailable(
            "This bundle generates pictures from masks, and draws no masks itself",
            mend="Give y, masks [n, height, width].",
        )

    def answer(self, outputs: "Outputs") -> Segmentation:
        """Probabilities as an answer."""
        probs = outputs["probs"] if isinstance(outputs, dict) else outputs[0]
        return Segmentation(probs, self.names, self.values)

    def predict(self, outputs: "Outputs") -> Array:
        """The most probable class of every place, as its own value, uint8 [n, h, w]."""
        return self.answer(outputs).masks

    def targets(self, values: Array) -> Array:
        """The index of the class of every place, uint8 [n, h, w]; see `Space`."""
        known = np.array(self.values)
        whole = values.ndim == 3 and values.dtype.kind in "biu"
        strange = ~np.isin(values, [*self.values, UNKNOWN]) if whole else np.ones(1, np.bool_)
        if strange.any():
            raise errors.DataError(
                f"The rows have labels {values.dtype} {list(values.shape)}"
                + (f", among them {values[strange][0]}" if whole else ""),
                f"masks of {', '.join(map(str, self.values))}, {UNKNOWN} where none is known",
                "Use rows with labels like those that the model was trained on.",
            )
        order = np.argsort(known)
        codes = order[np.searchsorted(known, values, sorter=order).clip(max=len(known) - 1)]
        return np.where(np.isin(values, known), codes, UNKNOWN).astype(np.uint8)

    def wrong(self, outputs: "Outputs", y: Array) -> NDArray[np.float64]:
        """The share of each picture's known places that is predicted wrongly; see `Space`."""
        known = (y != UNKNOWN).reshape(len(y), -1)
        off = (self.answer(outputs).labels != y).reshape(len(y), -1) & known
        with np.errstate(invalid="ignore"):
            share: NDArray[np.float64] = off.sum(axis=1) / known.sum(axis=1)
        return share

    def sure(self, outputs: "Outputs") -> Floats:
        """The mean probability of the predicted classes of a picture, [n]."""
        best: Floats = self.answer(outputs).probs.max(axis=1).mean(axis=(1, 2))
        return best

    def clear(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        """Which pictures have no place in doubt; see `Space`."""
        each = self._clear(self.answer(golden).probs, atol, rtol)
        rows: NDArray[np.bool_] = np.asarray(each.reshape(len(each), -1).all(axis=1))
        return rows

    def _clear(self, probs: Floats, atol: float, rtol: float) -> NDArray[np.bool_]:
        """Where the two best probabilities are more than twice the bound apart, [n, h, w]."""
        second, best = np.sort(probs.astype(np.float64), axis=1)[:, -2:].swapaxes(0, 1)
        gap: Array = best - second - 2 * (atol + rtol * best)
        return np.greater(gap, 0)

    def differs(
        self, here: "Outputs", golden: "Outputs", atol: float, rtol: float
    ) -> tuple[int, ...]:
        """The pictures with a place of another class although the golden one is clear."""
        want, got = self.answer(golden), self.answer(here)
        if got.probs.shape != want.probs.shape:
            return tuple(range(len(want)))
        off = (got.labels != want.labels) & self._clear(want.probs, atol, rtol)
        return tuple(np.flatnonzero(off.reshape(len(off), -1).any(axis=1)).tolist())

    def records(self, answer: Segmentation, top: int = 1) -> "list[Json]":
        """One table a picture: the share of its places that each class has, by its name."""
        return [{"shares": dict(zip(self.names, row, strict=True))} for row in answer.shares]

    def columns(self, answer: Segmentation, top: int = 1) -> dict[str, list[object]]:
        """The same as columns."""
        each = zip(*answer.shares, strict=True)
        return {
            f"share_{name}": list(column) for name, column in zip(self.names, each, strict=True)
        }

    def to_json(self) -> "Json":
        """As the field `labels` of a manifest has it."""
        lists = {"names": list(self.names), "values": list(self.values)}
        return {"space": self.space, **lists, "stride": self.stride}


def parse(section: jsonfile.Json) -> Dense:
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    names = jsonfile.each(section, "names", str)
    values = tuple(
        jsonfile.whole(value, "an entry of values", 0, MOST)
        for value in jsonfile.get(section, "values", list)
    )
    if not names or len(names) != len(values):
        raise errors.FormatError(
            f"The manifest has {len(names)} labels and {len(values)} values",
            "as many of each, and one at least",
            jsonfile.MEND,
        )
    jsonfile.distinct(names, "the label")
    jsonfile.distinct(values, "the value")
    return Dense(names, values, jsonfile.whole(section.get("stride"), "labels.stride", 1, 4096))
