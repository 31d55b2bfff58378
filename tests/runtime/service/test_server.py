"""The process: from its first line to an end that loses nothing; Triton's own client."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import Process, started, tensor

from ssdgm_runtime.model import Model

X = np.arange(80, dtype=np.uint8).reshape(5, 4, 4) % 17


@pytest.fixture(scope="module")
def process(data: Path) -> Iterator[Process]:
    """A service of `tiny`."""
    made = started(data / "tiny.ssdgm", "--drain-s", "0")
    yield made
    told = made.end(signal.SIGINT)
    assert told["name"] == "tiny"
    assert told["url"] == made.url


@pytest.fixture(scope="module")
def client(process: Process) -> Iterator[Any]:
    """Triton's own client."""
    triton = pytest.importorskip("tritonclient.http", reason="a tool of the development set")
    with triton.InferenceServerClient(process.address) as opened:
        yield opened


def test_tritons_client_reads_health_and_metadata(client: Any) -> None:  # noqa: ANN401
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny", "1")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "ssdgm-runtime"
    about = client.get_model_metadata("tiny")
    assert about["inputs"] == [{"name": "x", "datatype": "UINT8", "shape": [-1, 4, 4]}]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("n", [1, 5])
def test_tritons_client_gets_the_models_answers(
    client: Any,  # noqa: ANN401
    tiny: Model,
    binary: bool,
    n: int,
) -> None:
    from tritonclient import http as triton

    given = triton.InferInput("x", [n, 4, 4], "UINT8")
    given.set_data_from_numpy(X[:n], binary_data=binary)
    names = ("probs", "labels", "names")
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in names]
    answer, own = client.infer("tiny", [given], outputs=wanted, request_id="7"), tiny.classify(X)
    assert answer.get_response()["id"] == "7"
    np.testing.assert_allclose(answer.as_numpy("probs"), own.probs[:n], atol=1e-6)  # type: ignore[attr-defined]
    assert answer.as_numpy("labels").tolist() == own.labels[:n].tolist()
    texts = [t.decode() if binary else t for t in answer.as_numpy("names").tolist()]
    assert texts == list(own.names)[:n]
    assert answer.as_numpy("logits") is None
    every = client.infer("tiny", [given])  # asks for all outputs, in binary
    np.testing.assert_allclose(every.as_numpy("probs"), own.probs[:n], atol=1e-6)  # type: ignore[attr-defined]


def test_tritons_client_says_what_the_service_says(client: Any) -> None:  # noqa: ANN401
    from tritonclient import http as triton
    from tritonclient.utils import InferenceServerException

    given = triton.InferInput("x", [1, 16], "UINT8")
    given.set_data_from_numpy(X[:1].reshape(1, 16))
    with pytest.raises(InferenceServerException, match=r"x is uint8 \[1, 16\]; expected uint8"):
        client.infer("tiny", [given])


def test_what_is_no_http_is_refused(process: Process) -> None:
    import socket

    host, port = process.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as opened:
        opened.sendall(b"\x16\x03\x01 what is this\r\n\r\n")
        assert opened.recv(100).startswith(b"HTTP/1.1 400 ")
    with urllib.request.urlopen(f"{process.url}/metrics", timeout=10) as answer:
        assert b"ssdgm_ready 1.0" in answer.read()


class Caller(threading.Thread):
    """Calls one row after another until it is told to go elsewhere."""

    def __init__(self, process: Process, wanted: list[int]) -> None:
        super().__init__()
        host, port = process.address.split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=20)
        self.wanted, self.problems, self.answers = wanted, list[str](), 0

    def run(self) -> None:
        """Call."""
        i = 0
        try:
            while self._told(i % len(X)):
                i += 1
        except OSError as error:
            self.problems.append(repr(error))

    def _told(self, row: int) -> bool:
        body = json.dumps({"inputs": [tensor("x", X[[row]])], "outputs": [{"name": "labels"}]})
        self.connection.request("POST", "/v2/models/tiny/infer", body)
        answer = self.connection.getresponse()
        table = json.loads(answer.read())
        if answer.status != 200 or table["outputs"][0]["data"] != [self.wanted[row]]:
            self.problems.append(f"{answer.status} {table}")
        self.answers += 1
        return answer.getheader("connection") != "close"


def test_sigterm_loses_no_request(data: Path, tiny: Model) -> None:
    words = ("--drain-s", "1", "--max-delay-ms", "20")
    process = started(data / "tiny.ssdgm", *words)
    callers = [Caller(process, tiny.classify(X).labels.tolist()) for _ in range(8)]
    for caller in callers:
        caller.start()
    time.sleep(0.3)
    process.running.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{process.url}/v2/health/ready", timeout=10)
    assert caught.value.code == 503
    assert json.loads(caught.value.read()) == {"ready": False}
    for caller in callers:
        caller.join(20)
    assert [problem for caller in callers for problem in caller.problems] == []
    out, err = process.running.communicate(timeout=20)
    assert process.running.returncode == 0, err
    assert json.loads(out)["requests"] == 1 + sum(caller.answers for caller in callers)
    assert not err
    assert min(caller.answers for caller in callers) > 1


def test_a_request_under_way_is_answered_at_sigint(data: Path) -> None:
    process = started(data / "tiny.ssdgm", "--max-delay-ms", "700")
    host, port = process.address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request(
        "POST", "/v2/models/tiny/infer", json.dumps({"inputs": [tensor("x", X[:1])]})
    )
    time.sleep(0.2)
    process.running.send_signal(signal.SIGINT)
    assert connection.getresponse().status == 200
    out, err = process.running.communicate(timeout=20)
    assert (process.running.returncode, err) == (0, "")
    assert json.loads(out)["requests"] == 1


def refused(*words: object) -> tuple[int, str]:
    """The exit code and the message of a service that does not start."""
    command = (sys.executable, "-m", "ssdgm_runtime", "serve", *map(str, words), "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)["error"]["message"]


def test_what_cannot_be_served_is_said(data: Path, process: Process) -> None:
    bundle, port = data / "tiny.ssdgm", process.address.split(":")[1]
    code, text = refused(bundle, "--port", port)
    assert code == 2
    assert text.startswith(f"127.0.0.1:{port} is not free to listen at (Address already in use)")
    code, text = refused(data / "adversary.ssdgm", "--port", "0")
    assert code == 2
    assert text.startswith("This bundle cannot classify")


def test_without_the_extra_the_error_names_it(data: Path) -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; from ssdgm_runtime import __main__ as main;"
        f"sys.exit(main.main(['serve', {str(data / 'tiny.ssdgm')!r}, '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3, done
    message = json.loads(done.stdout)["error"]["message"]
    assert message == 'Serving needs the package fastapi: pip install "ssdgm-runtime[service]"'


@pytest.mark.slow
def test_schemathesis_finds_nothing_against_its_description(
    process: Process, tmp_path: Path
) -> None:
    """Every status, type and body is a described one, whatever is sent.

    Left out is that what the description allows must be taken: it cannot say that a tensor has as
    many values as its shape.
    """
    pytest.importorskip("jsonschema_rs", reason="a tool of the development set")
    tool = (sys.executable, "-m", "schemathesis.cli", "run", f"{process.url}/openapi.json")
    how = ("--max-examples", "100", "--seed", "1", "--no-color")
    done = subprocess.run(
        [*tool, *how, "--exclude-checks", "positive_data_acceptance"],
        cwd=tmp_path,  # it keeps what it finds
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "10 selected" in done.stdout
