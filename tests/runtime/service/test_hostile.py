"""Requests that are not: whatever comes is refused in a sentence, and service goes on."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from served import Service, tensor

from ssdgm_runtime.service import protocol

Json = dict[str, Any]
GOOD: dict[str, list[Json]] = {
    "tiny": [tensor("x", np.zeros((2, 4, 4), np.uint8))],
    "listed": [
        tensor("age", np.float32([30, 40])),
        tensor("height", np.float32([1, 2])),
        tensor("colour", np.array(["red", "blue"], object)),
        tensor("member", [True, False]),
    ],
    "several": [
        tensor("seen", np.zeros((2, 2, 2), np.uint8)),
        tensor("heard", np.zeros((2, 3), np.float32)),
    ],
}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**70, "", "x", "UINT8", "FP32", "BYTES", "\ud800", "a" * 5000),
    *([], {}, [[]], [None], [1, [2]], {"x": 1}, [2**70], [float("inf")], [[1] * 4] * 4),
    *([0, 2**40], [2**20, 2**20], [1] * 9, [True], ["1"] * 32, [[["x"]]], {"binary_data_size": 9}),
)
FIELDS = ("name", "shape", "datatype", "data", "parameters")


def bodies(rng: random.Random, good: list[Json]) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Bodies that are not requests, with their headers."""
    while True:
        kind = rng.randrange(5)
        document: Json = {"inputs": [{**entry} for entry in good]}
        entry = rng.choice(document["inputs"])
        if kind == 0:  # one field of the tensor is another
            entry[rng.choice(FIELDS)] = rng.choice(ODD)
        elif kind == 1:  # several are, or are not there
            for name in rng.sample(FIELDS, 3):
                entry[name] = rng.choice(ODD)
            entry.pop(rng.choice(FIELDS[:4]))
        elif kind == 2:  # the request is another
            document[rng.choice(["inputs", "outputs", "id", "parameters"])] = rng.choice(ODD)
        text = json.dumps(document).encode()
        if kind == 3:  # bytes are others, or gone
            start = rng.randrange(len(text))
            text = (
                text[:start] + rng.randbytes(rng.randrange(4)) + text[start + rng.randrange(9) :]
            )
        headers = {}
        if kind == 4:  # binary data that are not there, or not of that size
            entry["parameters"] = {"binary_data_size": rng.choice([*ODD, 31, 32])}
            text = json.dumps(document).encode()
            length = rng.choice([len(text), 0, 9, 10**30, -4, "x", len(text) + 40])
            headers[protocol.HEADER] = str(length)
            text += rng.randbytes(rng.randrange(40))
        yield text, headers


@pytest.mark.parametrize("name", list(GOOD))
def test_malformed_bodies_are_refused(
    name: str,
    tiny: Any,  # noqa: ANN401
    built: Callable[[str], Any],
    serving: Callable[..., Service],
) -> None:
    service = serving(tiny if name == "tiny" else built(name))
    rng, refused = random.Random(7), 0
    made = bodies(rng, GOOD[name])
    for _ in range(300):
        body, headers = next(made)
        answer = service.client.post(f"{service.path}/infer", content=body, headers=headers)
        assert answer.status_code in (200, 400), (body, answer.text)
        if answer.status_code == 400:
            refused += 1
            sentence = answer.json()["error"]
            assert sentence, body
            assert len(sentence) < 4000
            assert "Error" not in sentence, (body, sentence)
    assert refused > 200
    service.outputs(*GOOD[name])


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 100_000, b'{"inputs":' * 5000, b"\xff\xfe", b"null", b"1" * 10_000, b'{"a":NaN}'],
    ids=["empty", "deep", "deep objects", "no text", "null", "a long number", "nan"],
)
def test_what_is_no_json_is_refused(service: Service, body: bytes) -> None:
    answer = service.client.post(f"{service.path}/infer", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(("The request is", "inputs is missing"))
