"""Arguments as callers give them, checked before a graph sees them.

A graph gets exactly the dtype and shape that the manifest declares. One cast is made, float64 to
float32; everything else is an error that shows the line to write.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import errors, jsonfile, manifest

Array = NDArray[Any]
Floats = NDArray[np.float32]
_MOST = 2**31 - 1
_LONG, _DIGITS = 80, 18
Labels = str | int | Sequence[str] | Sequence[int] | ArrayLike


def rows(
    value: ArrayLike, tensor: manifest.Tensor, high: float | None = None, *, gaps: bool = False
) -> Array:
    """Check a batch against what a graph declares.

    Args:
        value: [n, *tensor.row] of the tensor's dtype; n may be 0.
        tensor: The declared input.
        high: The largest value of the data, for the hint to whoever has it scaled to [0, 1].
        gaps: Let NaN stand for a value that is missing.

    Returns:
        A contiguous array of the declared dtype.

    Raises:
        InputError: The dtype or the shape is another, or a number is not finite.
    """
    if type(value) is np.ndarray and value.dtype.kind in "biu" and _ready(value, tensor):
        return value  # as it should be: the usual case takes no longer than it must
    name = tensor.name
    array = read(value, name, _want(tensor))
    spelled = name if isinstance(value, np.ndarray) else f"np.asarray({name})"
    wanted = np.dtype(tensor.dtype)
    cast = array.dtype.newbyteorder("=") in (wanted, _wider(wanted))
    if not cast:
        hint = _dtype_hint(array, wanted, spelled, high)
        raise errors.InputError(name, _got(array), _want(tensor), hint)
    if array.ndim != len(tensor.shape) or array.shape[1:] != tensor.row:
        hint = _shape_hint(array, tensor, spelled)
        raise errors.InputError(name, _got(array), _want(tensor), hint)
    with np.errstate(over="ignore"):  # a float64 too large for float32 is reported below
        plain = np.ascontiguousarray(array, dtype=wanted)
    finite(np.nan_to_num(plain, posinf=np.inf, neginf=-np.inf) if gaps else plain, name)
    return plain


def read(value: Any, name: str, want: str) -> Array:  # noqa: ANN401  (whatever a caller has)
    """Whatever a caller has, as an array of any dtype and shape.

    Raises:
        InputError: It is masked in part, ragged, or nothing that numpy reads.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        hint = f"{name}.filled(0), or leave those rows out"
        raise errors.InputError(name, "masked in part", want, hint)
    try:
        return np.asarray(value)
    except Exception as error:  # ValueError for ragged rows, else whatever __array__ raises
        if isinstance(value, (list, tuple)) and isinstance(error, ValueError):
            raise errors.InputError(name, "ragged", want, "np.stack(rows)") from None
        got = f"{type(value).__name__} that numpy cannot read ({shown(str(error))})"
        hint = f"{name}.detach().cpu().numpy()" if hasattr(value, "detach") else ""
        raise errors.InputError(name, got, want, hint) from None


def _ready(array: Array, tensor: manifest.Tensor) -> bool:
    shaped = array.ndim == len(tensor.shape) and array.shape[1:] == tensor.row
    return shaped and array.dtype == tensor.dtype and array.flags.c_contiguous


def buffer(out: Array, shape: tuple[int, ...], name: str = "out") -> Array:
    """Check an array that float32 outputs are to be written into.

    Raises:
        InputError: It is no writable float32 array of this shape.
    """
    fits = isinstance(out, np.ndarray) and out.dtype == np.float32 and out.shape == shape
    if fits and out.flags.writeable:
        return out
    got = _got(out) if isinstance(out, np.ndarray) else f"a {type(out).__name__}"
    got += ", read-only" if fits else ""
    wanted = f"a writable float32 array {list(shape)}"
    raise errors.InputError(name, got, wanted, f"np.empty({shape}, np.float32)")


def finite(array: Array, name: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: There are some; it says in how many rows.
    """
    if array.dtype.kind != "f" or bool(np.isfinite(array).all()):
        return
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    raise errors.InputError(
        name,
        f"not finite in {int(bad.sum())} of {len(array)} rows (first: row {int(bad.argmax())})",
        "finite numbers",
        f"{name}[np.isfinite({name}).reshape(len({name}), -1).all(axis=1)]",
    )


def entries(y: Labels, labels: Sequence[str], name: str = "y") -> Floats:
    """Read labels in any of their forms.

    Args:
        y: An index or a name, a sequence of them, or [n, K] with a weight for each label.
        labels: The K names.
        name: What a message calls y.

    Returns:
        float32 [n, K], one-hot where indices or names were given.

    Raises:
        InputError: A name or index is unknown, or the shape is another.
    """
    plain: Any = y.tolist() if isinstance(y, np.ndarray) and y.ndim < 2 else y
    plain = [plain] if _is_label(plain) else plain
    if isinstance(plain, (list, tuple)) and all(_is_label(v) for v in plain):
        indices = [_index(v, labels, name) for v in plain]
        return np.eye(len(labels), dtype=np.float32)[np.asarray(indices, dtype=np.int64)]
    want = f"an index, a name, a sequence of them, or numbers [n, {len(labels)}]"
    matrix = read(plain, name, want)
    if matrix.dtype.kind not in "iuf" or matrix.ndim != 2 or matrix.shape[1] != len(labels):
        got = "of mixed or ragged entries" if matrix.dtype.kind == "O" else _got(matrix)
        hint = f"{name}[None]" if matrix.shape == (len(labels),) else ""
        raise errors.InputError(name, got, want, hint)
    with np.errstate(over="ignore"):
        weights: Floats = matrix.astype(np.float32)
    finite(weights, name)
    return weights


def labels_of(y: Labels, labels: Sequence[str], n: int) -> Floats:
    """Read labels for `n` rows, one for all or one for each; returns and raises as `entries`."""
    found = entries(y, labels)
    if len(found) == n:
        return found
    if len(found) == 1 and isinstance(y, (str, int, np.integer)):
        return np.repeat(found, n, axis=0)
    raise errors.InputError("y", f"of {len(found)} rows", f"one for each of the {n} rows of x")


def count(value: int, name: str, least: int, most: int = _MOST) -> int:
    """Check a whole number.

    Raises:
        InputError: It is none, smaller than `least` or larger than `most`.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        limit = f" to {most}" if whole and value > most else ""
        raise errors.InputError(name, shown(value), f"a whole number from {least}{limit}")
    return int(value)


def shown(value: object) -> str:
    """A value as a message has it, however long it is."""
    try:
        text = repr(value)
    except Exception:  # a number of too many digits, or anyone's __repr__
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= _LONG else f"{text[:_LONG]}... ({len(text)} characters)"


def positive(value: float, name: str) -> float:
    """Check a positive finite number.

    Raises:
        InputError: It is none.
    """
    numeric = isinstance(value, (int, float, np.integer, np.floating))
    try:
        found = float(value) if numeric and not isinstance(value, bool) else math.nan
    except OverflowError:  # a whole number beyond every float
        found = math.inf
    if not 0 < found < math.inf:
        raise errors.InputError(name, shown(value), "a positive finite number")
    return found


def sizes(text: str, name: str = "--batch") -> tuple[int, ...]:
    """Read sizes as a command line has them, such as "1,8,64"; `name` is the option's.

    Raises:
        InputError: They are not whole numbers with commas.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) <= _DIGITS for word in words):
        want = "whole numbers with commas, such as 1,8,64"
        raise errors.InputError(name, shown(text), want)
    return tuple(dict.fromkeys(int(word) for word in words))


def value_range(about: manifest.Manifest) -> tuple[float, float]:
    """The data's smallest and largest value, for hints and pictures.

    What `input.range` of the manifest says, else what the likelihood can draw, else [0, 1].
    """
    described = about.section.get("input")
    found = described.get("range") if isinstance(described, dict) else None
    if isinstance(found, list) and len(found) == 2:
        numeric = all(isinstance(v, (int, float)) for v in found)
        low, high = (jsonfile.number(v, "input.range") if numeric else math.nan for v in found)
        if low < high:
            return low, high
    drawn = about.likelihood
    if drawn and drawn.name != "gaussian":
        return drawn.low, drawn.low + drawn.step * drawn.total
    return 0.0, 1.0


def input_dtype(about: manifest.Manifest) -> str:
    """The dtype in which the bundle's graphs eat x; float32 where none does."""
    found = [t.dtype for g in about.graphs.values() for t in g.inputs if t.name == "x"]
    return found[0] if found else "float32"


def _is_label(value: object) -> bool:
    return isinstance(value, (str, int, np.integer, np.str_)) and not isinstance(value, bool)


def _index(value: Any, labels: Sequence[str], name: str) -> int:  # noqa: ANN401  (str or any integer)
    if isinstance(value, str):
        if value in labels:
            return labels.index(value)
    elif 0 <= value < len(labels):
        return int(value)
    raise errors.InputError(
        name,
        shown(value),
        f"an index from 0 to {len(labels) - 1} or a name among {_listed(labels)}",
    )


def _listed(labels: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(v) for v in labels[:most])
    return f"{shown}, ... ({len(labels)})" if len(labels) > most else shown


def _wider(wanted: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64) if wanted == np.float32 else wanted


def _got(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _want(tensor: manifest.Tensor) -> str:
    return f"{tensor.dtype} [n, {', '.join(map(str, tensor.row))}]" if tensor.row else tensor.dtype


def _dtype_hint(array: Array, wanted: np.dtype[Any], name: str, high: float | None) -> str:
    if array.dtype.kind not in "iufb" or not array.size:
        return ""
    kind, low, top = f"np.{wanted}", float(array.min()), float(array.max())
    if wanted.kind == "f":
        return f"{name}.astype({kind})"
    if array.dtype.kind == "f" and high and low >= 0.0 and top <= 1.0:
        return f"({name} * {high:g}).round().astype({kind})"
    limits = np.iinfo(wanted)
    if not (limits.min <= low and top <= limits.max):
        return ""
    return f"{name}{'.round()' if array.dtype.kind == 'f' else ''}.astype({kind})"


def _shape_hint(array: Array, tensor: manifest.Tensor, name: str) -> str:
    if array.shape == tensor.row:
        return f"{name}[None]"
    if sorted(array.shape[1:]) == sorted(tensor.row):  # reshaping would scramble it
        axes = (0, *range(2, array.ndim), 1)
        turned = tuple(array.shape[axis] for axis in axes[1:]) == tensor.row
        return f"{name}.transpose{axes}" if turned else ""
    if tensor.width and array.ndim and math.prod(array.shape[1:]) == tensor.width:
        return f"{name}.reshape(-1, {', '.join(map(str, tensor.row))})"
    return ""
