"""What a service takes on: sizes, numbers, deadlines, and rows that are computed together."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from served import Service, tensor

from ssdgm_runtime import errors
from ssdgm_runtime.model import Model
from ssdgm_runtime.service import app, tensors
from ssdgm_runtime.service.limits import Limits

ONE, TWO = (tensor("x", np.full((n, 4, 4), n, np.uint8)) for n in (1, 2))
Serving = Callable[..., Service]


class Gate:
    """A model's `classify` that waits until it may go on."""

    def __init__(self, model: Model) -> None:
        self.classify, self.entered, self.free = (
            model.classify,
            threading.Event(),
            threading.Event(),
        )
        self.sizes: list[int] = []

    def __call__(self, x: Any, **more: Any) -> Any:  # noqa: ANN401  (as `classify` has them)
        self.sizes.append(len(x))
        self.entered.set()
        assert self.free.wait(20)
        return self.classify(x, **more)


@pytest.fixture
def gate(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Gate]]:
    """Put a gate before `tiny`, once a service of it is open; it is free at the end."""
    made = []

    def run() -> Gate:
        made.append(Gate(tiny))
        monkeypatch.setattr(tiny, "classify", made[-1])
        return made[-1]

    yield run
    for one in made:
        one.free.set()


def value(service: Service, line: str) -> float:
    """A line of the metrics."""
    text = service.client.get("/metrics").text
    return float(next(row for row in text.splitlines() if row.startswith(line)).split()[-1])


def test_a_body_may_be_too_large(tiny: Model, serving: Serving) -> None:
    service = serving(tiny, body_bytes=300)
    assert service.infer(ONE).status_code == 200
    path = f"{service.path}/infer"
    for content in (b"x" * 301, iter([b"x" * 200, b"x" * 200])):
        answer = service.client.post(path, content=content)
        assert answer.status_code == 413
        assert answer.json()["error"].startswith("The body is larger than 300 bytes")


@pytest.mark.parametrize("rows", [ONE, TWO], ids=["one row", "two rows"])
def test_whoever_comes_when_too_much_is_under_way_is_turned_away(
    rows: dict[str, Any], tiny: Model, serving: Serving, gate: Callable[[], Gate]
) -> None:
    service, shut = serving(tiny, waiting=1), gate()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.infer, rows)
        assert shut.entered.wait(10)
        second = service.infer(rows)
        assert service.client.get("/v2/health/ready").status_code == 200
        shut.free.set()
        assert first.result(10).status_code == 200
    assert second.status_code == 503
    assert second.headers["retry-after"] == "1"
    assert second.json()["error"].startswith("1 requests are being answered; expected fewer")
    assert service.infer(rows).status_code == 200


@pytest.mark.parametrize("rows", [ONE, TWO], ids=["one row", "two rows"])
def test_an_answer_may_come_too_late_and_takes_its_place_until_it_has_ended(
    rows: dict[str, Any], tiny: Model, serving: Serving, gate: Callable[[], Gate]
) -> None:
    service, shut = serving(tiny, deadline_s=0.1), gate()
    late = service.infer(rows)
    assert late.status_code == 504
    assert late.json()["error"].startswith("The answer was not there within 0.1 seconds")
    assert value(service, "ssdgm_waiting") == 1
    shut.free.set()
    for _ in range(100):
        if not value(service, "ssdgm_waiting"):
            break
    assert value(service, "ssdgm_waiting") == 0
    assert service.infer(rows).status_code == 200


def test_a_body_may_come_too_late(tiny: Model) -> None:
    made, sent = app.create(tiny, limits=Limits(deadline_s=0.05)), list[Any]()
    path = "/v2/models/tiny/infer"
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}

    async def receive() -> Any:  # noqa: ANN401  (a message)
        await asyncio.sleep(10)

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    asyncio.run(made({**scope, "root_path": ""}, receive, send))
    assert sent[0]["status"] == 408
    assert b"The body was not there within 0.05 seconds" in sent[1]["body"]


def test_rows_of_different_requests_are_computed_together(
    tiny: Model, serving: Serving, gate: Callable[[], Gate]
) -> None:
    service, shut = serving(tiny), gate()
    rows = [tensor("x", np.full((1, 4, 4), k, np.uint8)) for k in range(9)]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(service.outputs, rows[0])
        assert shut.entered.wait(10)
        others = [pool.submit(service.outputs, row) for row in rows[1:]]
        while value(service, "ssdgm_waiting") < 9:
            pass
        shut.free.set()
        outputs = [each.result(10)["probs"][0] for each in (first, *others)]
    assert shut.sizes[0] == 1
    assert len(shut.sizes) < 5
    own = shut.classify(np.stack([np.full((4, 4), k, np.uint8) for k in range(9)]))
    np.testing.assert_allclose(outputs, own.probs, atol=1e-6)  # type: ignore[attr-defined]
    assert value(service, "ssdgm_rows_total") == 9
    assert value(service, "ssdgm_batch_rows_count") == len(shut.sizes)
    assert value(service, 'ssdgm_requests_total{route="infer",status="200"}') == 9


def test_each_request_by_itself_where_that_is_asked_for(
    tiny: Model, serving: Serving, gate: Callable[[], Gate]
) -> None:
    service, shut = serving(tiny, max_batch=1), gate()
    shut.free.set()
    assert service.infer(ONE).status_code == 200
    assert service.infer(TWO).status_code == 200
    assert shut.sizes == [1, 2]


FAILURES = {
    "The engine failed": errors.EngineError("The engine failed while it ran x"),
    "The service failed. Its log says why.": ZeroDivisionError("secret"),
}


@pytest.mark.parametrize("sentence", FAILURES)
@pytest.mark.parametrize("rows", [ONE, TWO], ids=["one row", "two rows"])
def test_failures_are_told_without_a_traceback(
    sentence: str,
    rows: dict[str, Any],
    tiny: Model,
    serving: Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = serving(tiny)

    def fail(x: Any) -> None:  # noqa: ANN401
        raise FAILURES[sentence]

    with monkeypatch.context() as patch:
        patch.setattr(tiny, "classify", fail)
        answer = service.infer(rows)
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(sentence)
    assert service.infer(rows).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"waiting": 0}, {"deadline_s": 0.0}, {"max_delay_ms": -1.0}, {"body_bytes": 1.5}]
)
def test_limits_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError, match=f"{next(iter(wrong))} is "):
        Limits(**wrong)


def test_texts_that_are_no_texts() -> None:
    for raw in (b"\x01", b"\x05\0\0\0ab", b"\x01\0\0\0\xff"):
        with pytest.raises(errors.InputError, match="each after its length"):
            tensors.from_bytes(raw, "BYTES", (1,), "x")
    with pytest.raises(errors.InputError, match="a list of 1 values; expected 2"):
        tensors.from_bytes(b"\x01\0\0\0a", "BYTES", (2,), "x")
    given = tensors.from_bytes(b"\0\x02", "BOOL", (2,), "x")
    assert given.tolist() == [False, True]
