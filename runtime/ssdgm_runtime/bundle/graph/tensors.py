"""Tensors of a file: numbers of a known type, as many as their shape says, and in the file."""

from ssdgm_runtime.bundle.graph import limits, operators, wire

_STORES = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
"""Fields that hold a tensor's values one by one, and how many bytes each takes; 0: as it does."""
_RAW, _STRINGS, _SEGMENT = 9, 6, 3
_FOLLOWS = bytes(range(128, 256))
"""Those bytes of a number after which another of the same number comes."""


def check(file: wire.File, tensor: wire.Message) -> None:
    """Refuse a tensor whose values are not all there.

    Raises:
        Odd: It has text, an unknown type, more than `limits.AXES` axes, or more or fewer numbers
            than its shape says.
    """
    type_, shape = tensor.one(2), tensor.all(1)
    name = file.text(tensor.one(8))[:80]
    size = operators.TYPES.get(type_)
    if size is None or tensor.all(_STRINGS) or tensor.all(_SEGMENT):
        raise wire.Odd(f"the tensor {name!r} is of type {type_} and no whole array of numbers")
    dims = lengths(file, shape)
    if len(dims) > limits.AXES:
        raise wire.Odd(f"the tensor {name!r} has {len(dims)} axes, more than {limits.AXES}")
    wanted = 1
    for length in dims:
        wanted *= length
    there = _values(file, tensor, size)
    if there != wanted:
        raise wire.Odd(f"the tensor {name!r} holds {there} numbers where its shape has {wanted}")


def lengths(file: wire.File, shape: list[int | wire.Span]) -> list[int]:
    """The lengths of a tensor's axes, written one by one or in one go."""
    dims: list[int] = []
    for entry in shape:
        if len(dims) > limits.AXES:
            break
        dims += [entry] if isinstance(entry, int) else whole(file, entry, limits.AXES + 1)
    return dims


def whole(file: wire.File, span: wire.Span, most: int) -> list[int]:
    """The first whole numbers of some that were written in one go, from 0 to below 2^64."""
    at, stop = span
    numbers: list[int] = []
    while at < stop and len(numbers) < most:
        number, shift = 0, 0
        while True:
            byte = file.data[at]
            number |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        numbers.append(number)
    return numbers


def _values(file: wire.File, tensor: wire.Message, size: int) -> float:
    """How many numbers a tensor holds."""
    raw = tensor.one(_RAW, 0)
    count = 0.0
    if raw:
        count += (raw[1] - raw[0]) / size
    for number, width in _STORES.items():
        count += sum(_stored(file, entry, width) for entry in tensor.all(number))
    return count


def _stored(file: wire.File, entry: int | wire.Span, width: int) -> int:
    if isinstance(entry, int):
        return 1
    start, stop = entry
    if width:
        return (stop - start) // width
    return len(file.data[start:stop].translate(None, _FOLLOWS))
