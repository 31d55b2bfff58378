"""Rows as callers give them, checked before a graph sees them.

A graph gets exactly the dtype and shape that the manifest declares. One cast is made, float64 to
float32; everything else is an error that shows the line to write.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.rows.drift import limits
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]


def rows(
    value: ArrayLike,
    tensor: Tensor,
    high: float | None = None,
    *,
    gaps: bool = False,
    span: tuple[float, float] | None = None,
) -> Array:
    """Check a batch against what a graph declares.

    Args:
        value: [n, *tensor.row] of the tensor's dtype; n may be 0.
        tensor: The declared input.
        high: The largest value of the data, for the hint to whoever has it scaled to [0, 1].
        gaps: Let NaN stand for a value that is missing.
        span: The limits of values; a warning tells of others.

    Returns:
        A contiguous array of the declared dtype.

    Raises:
        InputError: The dtype or the shape is another, or a number is not finite.
    """
    name = tensor.name
    if value is None:
        hint = "Pass an array of rows, or the path of a file of them."
        raise errors.InputError(name, "None", want(tensor), hint)
    array = read(value, name, want(tensor))
    spelled = name if isinstance(value, np.ndarray) else f"np.asarray({name})"
    wanted = np.dtype(tensor.dtype)
    if not array.size and array.ndim == 1 and isinstance(value, (list, tuple)):
        array = array.reshape(0, *tensor.row).astype(wanted)
    cast = array.dtype.newbyteorder("=") in (wanted, _wider(wanted))
    if not cast:
        shaped = "" if fits(tensor, array.shape) else _shape_hint(array, tensor, spelled)
        hint = _dtype_hint(array, wanted, shaped or spelled, high)
        raise errors.InputError(name, described(array), want(tensor), hint)
    if not fits(tensor, array.shape):
        hint = _shape_hint(array, tensor, spelled)
        raise errors.InputError(name, described(array), want(tensor), hint)
    with np.errstate(over="ignore"):  # a float64 too large for float32 is reported below
        plain = np.ascontiguousarray(array, dtype=wanted)
    finite(np.nan_to_num(plain, posinf=np.inf, neginf=-np.inf) if gaps else plain, name)
    return limits.looked(plain, span)


def fits(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape, [n, ...], can be a tensor, some of whose sides are free."""
    if len(shape) != len(tensor.shape):
        return False
    sides = zip(shape[1:], tensor.shape[1:], tensor.row, strict=True)
    return all(n == m or (isinstance(m, str) and n > 0 and n % r == 0) for n, m, r in sides)


def read(value: Any, name: str, wanted: str) -> Array:  # noqa: ANN401  (whatever a caller has)
    """Whatever a caller has, as an array of any dtype and shape.

    Raises:
        InputError: It is partly masked, ragged, or of a type that numpy cannot read.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        hint = f"{name}.filled(0), or leave those rows out"
        raise errors.InputError(name, "partly masked", wanted, hint)
    try:
        return np.asarray(value)
    except Exception as error:  # ValueError for ragged rows, else whatever __array__ raises
        if isinstance(value, (list, tuple)) and isinstance(error, ValueError):
            raise errors.InputError(name, "ragged", wanted, "np.stack(rows)") from None
        got = f"a {type(value).__name__} that numpy cannot read ({arguments.shown(str(error))})"
        hint = f"{name}.detach().cpu().numpy()" if hasattr(value, "detach") else ""
        raise errors.InputError(name, got, wanted, hint) from None


def buffer(out: Array, shape: tuple[int, ...], name: str = "out") -> Array:
    """Check an array that float32 outputs are to be written into.

    Raises:
        InputError: It is not a writable float32 array of this shape.
    """
    fits = isinstance(out, np.ndarray) and out.dtype == np.float32 and out.shape == shape
    if fits and out.flags.writeable:
        return out
    got = described(out) if isinstance(out, np.ndarray) else f"a {type(out).__name__}"
    got += ", read-only" if fits else ""
    wanted = f"a writable float32 array {list(shape)}"
    raise errors.InputError(name, got, wanted, f"np.empty({shape}, np.float32)")


def finite(array: Array, name: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: There are some; it says in how many rows.
    """
    if array.dtype.kind != "f" or 0 not in np.isfinite(array).tobytes():
        return  # as bytes, the answers are looked through in a third of the time of all()
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    raise errors.InputError(
        name,
        f"not finite in {int(bad.sum())} of {len(array)} rows (first: row {int(bad.argmax())})",
        "finite numbers",
        f"{name}[np.isfinite({name}).reshape(len({name}), -1).all(axis=1)]",
    )


def _wider(wanted: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64) if wanted == np.float32 else wanted


def described(array: Array) -> str:
    """The dtype and shape of an array, as a message has them."""
    return f"{array.dtype} {list(array.shape)}"


def want(tensor: Tensor) -> str:
    """What rows are declared as, as a message has it."""
    if not tensor.row:
        return tensor.dtype
    return f"{tensor.dtype} [n, {', '.join(map(str, tensor.shape[1:]))}]"


def _dtype_hint(array: Array, wanted: np.dtype[Any], name: str, high: float | None) -> str:
    if array.dtype.kind not in "iufb":
        return "Pass an array of numbers, or the path of a file of rows."
    if not array.size:
        return ""
    kind, low, top = f"np.{wanted}", float(array.min()), float(array.max())
    if wanted.kind == "f":
        return f"{name}.astype({kind})"
    if array.dtype.kind == "f" and high and low >= 0.0 and top <= 1.0:
        return f"({name} * {high:g}).round().astype({kind})"
    limits = np.iinfo(wanted)
    if math.isnan(low):
        return "Fill what is NaN, or leave those rows out: whole numbers have no NaN."
    if not (limits.min <= low and top <= limits.max):
        scale = f"scale it to the values of the training, {limits.min} to {high or limits.max:g}"
        return f"It goes from {low:g} to {top:g}: {scale}."
    return f"{name}{'.round()' if array.dtype.kind == 'f' else ''}.astype({kind})"


def _free_hint(array: Array, tensor: Tensor, name: str) -> str:
    """How to make rows of a shape whose sides are free."""
    if fits(tensor, (1, *array.shape)):
        return f"{name}[None]"
    if array.ndim != len(tensor.shape):
        return ""
    sides = zip(array.shape[1:], tensor.shape[1:], tensor.row, strict=True)
    short = [(0, -n % r if isinstance(m, str) else 0) for n, m, r in sides]
    whole = (n + more for n, (_, more) in zip(array.shape[1:], short, strict=True))
    if not fits(tensor, (1, *whole)):
        return ""
    return f'np.pad({name}, {[(0, 0), *short]}, mode="edge")'


def _shape_hint(array: Array, tensor: Tensor, name: str) -> str:
    if tensor.shape[1:] != tensor.row:
        return _free_hint(array, tensor, name)
    if array.shape == tensor.row:
        return f"{name}[None]"
    if sorted(array.shape[1:]) == sorted(tensor.row):  # reshaping would scramble it
        axes = (0, *range(2, array.ndim), 1)
        turned = tuple(array.shape[axis] for axis in axes[1:]) == tensor.row
        return f"{name}.transpose{axes}" if turned else ""
    if tensor.width and array.ndim and math.prod(array.shape[1:]) == tensor.width:
        return f"{name}.reshape(-1, {', '.join(map(str, tensor.row))})"
    return ""
