from typing import Any

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bench import load, request


def test_words_become_values() -> None:
    found = request.parse(
        batch="1, 8,8", threads="1,2", provider="cpu,cuda", variant="all", concurrency="4",
        arrival="poisson:200", against="raw,openvino", component="decoder", seconds=2.0, cold=0,
    )  # fmt: skip
    assert found.batches == (1, 8)
    assert found.threads == (1, 2)
    assert found.providers == ("cpu", "cuda")
    assert found.variants == ("all",)
    assert found.components == ("decoder",)
    assert found.concurrency == (4,)
    assert found.arrival == load.Arrival("poisson", 200.0)
    assert str(found.arrival) == "poisson:200"
    assert found.against == ("raw", "openvino")


def test_no_words_are_the_defaults() -> None:
    assert request.parse() == request.Request()
    assert request.parse().threads == (None,)


def test_a_batcher_takes_single_rows_of_the_classifier() -> None:
    found = request.parse(batcher=True, concurrency="16")
    assert (found.batches, found.components) == ((1,), ("classifier",))


BAD: dict[str, dict[str, Any]] = {
    "no batch": {"batch": "0"},
    "no number": {"threads": "two"},
    "no caller": {"concurrency": "0"},
    "a crowd": {"concurrency": "100000"},
    "no time": {"seconds": 0.0},
    "starts below none": {"cold": -1},
    "an empty word": {"provider": "cpu,,cuda"},
    "no kind": {"arrival": "burst:5"},
    "no rate": {"arrival": "poisson"},
    "a rate that is none": {"arrival": "poisson:many"},
    "a rate of nothing": {"arrival": "uniform:0"},
    "a rate without end": {"arrival": "uniform:inf"},
    "a closed rate": {"arrival": "closed:5"},
    "too many requests": {"arrival": "uniform:1e9"},
    "a batcher of batches": {"batcher": True, "batch": "8"},
    "a batcher of another graph": {"batcher": True, "component": "decoder"},
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_words_that_say_nothing(words: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError) as caught:
        request.parse(**words)
    assert caught.value.expected
    assert "float" not in str(caught.value)


def test_sizes() -> None:
    assert request.sizes("1,8, 64") == (1, 8, 64)
    for bad in ("", "1,", "a", "-1", "1.5", "1;2", "٣"):
        with pytest.raises(errors.InputError, match="--batch is"):
            request.sizes(bad)
