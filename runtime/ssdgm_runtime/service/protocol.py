"""Requests and responses of the protocol: bytes to named tensors, and back."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.service import tensors

Json = dict[str, Any]
HEADER = "Inference-Header-Content-Length"
"""The HTTP header that says how many bytes of a body are JSON; binary data follow."""

_KNOWN = (*tensors.NUMPY, tensors.BYTES)


class Request(NamedTuple):
    """What a caller asks.

    Attributes:
        inputs: The tensors by name.
        outputs: The names of the outputs to give, each with whether in binary; None gives all.
        binary: Whether outputs are given in binary where nothing else is said.
        id: The request's own, which the response repeats.
    """

    inputs: Mapping[str, tensors.Array]
    outputs: Mapping[str, bool] | None
    binary: bool
    id: str | None


class Reply(NamedTuple):
    """A response: its body, and how many bytes of it are JSON where binary data follow."""

    body: bytes
    header: int | None


def read(body: bytes, header: str | None) -> Request:
    """Read a request.

    Args:
        body: Its body.
        header: The value of `HEADER`, if it has one.

    Raises:
        InputError: It is not a request of the protocol; the message says what is not.
    """
    size = _size(header, len(body))
    document = _document(body[:size])
    binary = _Binary(body[size:])
    entries = _list(document.get("inputs"), "inputs")
    inputs: dict[str, tensors.Array] = {}
    for i, entry in enumerate(entries):
        name, array = _input(entry, f"inputs[{i}]", binary)
        if name in inputs:
            raise errors.InputError(f"inputs[{i}].name", repr(name), "each name once")
        inputs[name] = array
    binary.close()
    number = document.get("id")
    if number is not None and not isinstance(number, str):
        raise errors.InputError("id", arguments.shown(number), "a text")
    all_binary = _flag(document, "binary_data_output", "parameters", default=False)
    return Request(inputs, _outputs(document.get("outputs"), all_binary), all_binary, number)


def _size(header: str | None, most: int) -> int:
    if header is None:
        return most
    if not (header.isascii() and header.isdigit() and len(header) < 12 and int(header) <= most):
        raise errors.InputError(HEADER, arguments.shown(header), f"a number of bytes up to {most}")
    return int(header)


def _document(text: bytes) -> Json:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.InputError("The request", f"not JSON ({error})", "a JSON object") from None
    return _table(document, "The request")


def _table(value: object, place: str) -> Json:
    if not isinstance(value, dict):
        raise errors.InputError(place, f"a {type(value).__name__}", "a JSON object")
    return value


def _list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        got = "missing" if value is None else arguments.shown(value)
        raise errors.InputError(place, got, "a list of tensors, of one at least")
    return value


def _flag(entry: Json, name: str, place: str, *, default: bool) -> bool:
    """A parameter that is true or false."""
    parameters = entry.get("parameters")
    value = default if parameters is None else _table(parameters, place).get(name, default)
    if not isinstance(value, bool):
        raise errors.InputError(f"{place}.{name}", arguments.shown(value), "true or false")
    return value


class _Binary:
    """The binary part of a body, taken input by input."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._start = raw, 0

    def take(self, size: object, place: str) -> bytes:
        """The next bytes."""
        left = len(self._raw) - self._start
        if type(size) is not int or not 0 <= size <= left:
            name = f"{place}.parameters.binary_data_size"
            raise errors.InputError(name, arguments.shown(size), f"a number of bytes up to {left}")
        self._start += size
        return self._raw[self._start - size : self._start]

    def close(self) -> None:
        """Refuse bytes that no input has taken."""
        if left := len(self._raw) - self._start:
            raise errors.InputError(
                "The request",
                f"{left} bytes longer than its JSON and the binary data of its inputs",
                f"the length of the JSON in the header {HEADER}, binary_data_size in every input",
            )


def _input(entry: object, place: str, binary: _Binary) -> tuple[str, tensors.Array]:
    """One input: its name and its values."""
    table = _table(entry, place)
    name, kind = table.get("name"), table.get("datatype")
    if not isinstance(name, str):
        raise errors.InputError(f"{place}.name", arguments.shown(name), "a text")
    if kind not in _KNOWN:
        wanted = f"one of {', '.join(_KNOWN)}"
        raise errors.InputError(f"{place}.datatype", arguments.shown(kind), wanted)
    shape = tensors.shaped(table.get("shape"), place)
    parameters = _table(table.get("parameters") or {}, f"{place}.parameters")
    if "binary_data_size" in parameters:
        raw = binary.take(parameters["binary_data_size"], place)
        return name, tensors.from_bytes(raw, kind, shape, place)
    if any(key.startswith("shared_memory") for key in parameters):
        raise errors.InputError(place, "in shared memory", "values in the request itself")
    return name, tensors.from_json(table.get("data"), kind, shape, place)


def _outputs(value: object, binary: bool) -> dict[str, bool] | None:
    """The outputs that are asked for, each with whether in binary."""
    if value is None or value == []:
        return None
    wanted: dict[str, bool] = {}
    for i, entry in enumerate(_list(value, "outputs")):
        place = f"outputs[{i}]"
        table = _table(entry, place)
        name = table.get("name")
        if not isinstance(name, str):
            raise errors.InputError(f"{place}.name", arguments.shown(name), "a text")
        wanted[name] = _flag(table, "binary_data", f"{place}.parameters", default=binary)
        if odd := sorted({*(table.get("parameters") or {})} & {"classification"}):
            raise errors.InputError(f"{place}.parameters.{odd[0]}", "given", "binary_data alone")
    return wanted


def written(top: Json, outputs: Mapping[str, tensors.Array], asked: Request) -> Reply:
    """A response of these outputs, in the forms that the request asks for."""
    entries, parts = [], []
    for name, array in outputs.items():
        kind = tensors.datatype(array.dtype)
        entry: Json = {"name": name, "datatype": kind, "shape": list(array.shape)}
        if asked.binary if asked.outputs is None else asked.outputs[name]:
            parts.append(tensors.to_bytes(array))
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = array.ravel().tolist()
        entries.append(entry)
    number = {} if asked.id is None else {"id": asked.id}
    head = json.dumps({**top, **number, "outputs": entries}, allow_nan=False).encode()
    return Reply(b"".join([head, *parts]), len(head) if parts else None)
