"""What `/openapi.json` says beyond what FastAPI knows: parameters, refusals, and inference.

The model's own words are in it: its name, and the name, the type and the row of every tensor.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ssdgm_runtime.service import protocol
from ssdgm_runtime.service.served import VERSION, Served

Json = dict[str, Any]

REFUSALS = {
    "400": "The request cannot be read, or its rows are not the model's",
    "404": "There is no such model, or no such version of it",
    "405": "The address has another method",
    "408": "The body was not there in time",
    "413": "The body is too large",
    "415": "The body is compressed",
    "500": "The service failed",
    "503": "There is too much to do; try again after Retry-After seconds",
    "504": "The answer was not there in time",
}
"""Every status that is no success, and when it is given."""

_SENTENCE = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
    "additionalProperties": False,
}
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_HEADER = {
    "name": protocol.HEADER,
    "in": "header",
    "description": "How many bytes of a binary body are JSON",
    "schema": {"type": "string"},
}

_METHODS = {"get", "post"}
_READY = {
    "type": "object",
    "required": ["ready"],
    "properties": {"ready": {"type": "boolean"}, "name": {"type": "string"}},
}


def completed(document: Json, served: Served, bases: tuple[str, ...]) -> Json:
    """A document with all that its addresses take and give.

    Args:
        document: FastAPI's, which is changed.
        served: The model.
        bases: The addresses of the model.
    """
    paths: dict[str, Json] = document["paths"]
    for base in bases:
        paths[f"{base}/infer"] = {"post": _infer(served)}
        for path in (base, f"{base}/ready", f"{base}/infer"):
            paths[path]["parameters"] = list(_parameters(path, served.name))
    for path, known in paths.items():
        more = _refusals("404", "405") if "{name}" in path else _refusals("405")
        if path.endswith("/ready"):
            more |= {"503": _answer(_READY, "Not to be asked for now")}
        for method in known.keys() & _METHODS:
            known[method]["responses"] |= more
    return document


def _refusals(*statuses: str) -> Json:
    return {status: _answer(_SENTENCE, REFUSALS[status]) for status in statuses}


def _answer(schema: Json, why: str) -> Json:
    return {"description": why, "content": {"application/json": {"schema": schema}}}


def _parameters(path: str, name: str) -> Iterator[Json]:
    for word, value in (("name", name), ("version", VERSION)):
        if f"{{{word}}}" in path:
            yield {
                "name": word,
                "in": "path",
                "required": True,
                "description": f"Here {value}",
                "schema": {"type": "string", "example": value},
            }


def _infer(served: Served) -> Json:
    statuses = [status for status in REFUSALS if status not in ("404", "405")]
    said = served.to_json()
    outputs = {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {"outputs": _tensors(said["outputs"])},
    }
    given = {"application/json": {"schema": outputs}, "application/octet-stream": _BYTES}
    return {
        "summary": "Infer",
        "description": "Compute outputs for the rows of a request.",
        "operationId": "infer",
        "parameters": [_HEADER],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _request(said)},
                "application/octet-stream": _BYTES,
            },
        },
        "responses": {
            "200": {"description": "The outputs", "content": given},
            **_refusals(*statuses),
        },
    }


def _request(said: Mapping[str, Any]) -> Json:
    """The body of a request: its tensors, and which outputs it asks for."""
    asked = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": _tensors(said["inputs"]),
            "outputs": {"type": "array", "items": asked},
            "parameters": {"type": "object"},
        },
    }


def _tensors(known: list[Json]) -> Json:
    """A list of tensors of these names; what one has for a row is said in words."""
    fields = {
        "name": {"type": "string", "enum": [tensor["name"] for tensor in known]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"type": "string", "enum": sorted({t["datatype"] for t in known})},
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    }
    required = ["name", "shape", "datatype"]
    one = {"type": "object", "required": required, "properties": fields}
    rows = ", ".join(f"{t['name']}: {t['datatype']} {t['shape']}" for t in known)
    return {"type": "array", "minItems": 1, "items": one, "description": rows}
