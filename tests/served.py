"""Services to talk to: what a caller writes and reads, in this process and across a socket."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssdgm_runtime.model import Model

Json = dict[str, Any]
_KINDS = {"u": "UINT8", "f": "FP32", "i": "INT64", "b": "BOOL", "O": "BYTES"}


def tensor(name: str, values: Any, kind: str | None = None) -> Json:  # noqa: ANN401  (any array)
    """An input with these values, as JSON has them."""
    array = np.asarray(values)
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": kind or _KINDS[array.dtype.kind],
        "data": array.ravel().tolist(),
    }


class Service:
    """A service in this process."""

    def __init__(self, client: Any, model: Model, name: str) -> None:  # noqa: ANN401
        self.client, self.model = client, model
        self.path = f"/v2/models/{name}"

    def infer(self, *inputs: Json, **more: Any) -> Any:  # noqa: ANN401  (a response)
        """A request for inference."""
        body = {"inputs": list(inputs), **more}
        return self.client.post(f"{self.path}/infer", content=json.dumps(body))

    def outputs(self, *inputs: Json, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        """The outputs of a request that succeeds, as arrays by name."""
        answer = self.infer(*inputs, **more)
        assert answer.status_code == 200, answer.text
        return {
            out["name"]: np.array(out["data"]).reshape(out["shape"])
            for out in answer.json()["outputs"]
        }

    def refused(self, *inputs: Json, **more: Any) -> str:  # noqa: ANN401
        """The sentence of a request that is refused."""
        answer = self.infer(*inputs, **more)
        assert answer.status_code == 400, answer.text
        assert list(answer.json()) == ["error"]
        return str(answer.json()["error"])


class Process(NamedTuple):
    """A service in a process of its own."""

    url: str
    running: "subprocess.Popen[str]"

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    def end(self, sent: signal.Signals = signal.SIGTERM) -> Json:
        """Tell it to end, and give what it then says on standard output."""
        self.running.send_signal(sent)
        out, err = self.running.communicate(timeout=20)
        assert self.running.returncode == 0, (out, err)
        assert not err, err
        return dict(json.loads(out))


def started(bundle: Path, *words: str) -> Process:
    """Start a service, and wait until it answers."""
    command = (sys.executable, "-m", "ssdgm_runtime", "serve", str(bundle), "--port", "0")
    running = subprocess.Popen(
        [*command, "--threads", "1", "--provider", "cpu", "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert running.stderr is not None
    line = running.stderr.readline()
    assert line.startswith("serving "), line + running.stderr.read()
    return Process(line.split(" at ")[1].partition("/v2")[0], running)
