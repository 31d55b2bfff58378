"""Claim: micro-batching answers 3 times the requests a second of one call a request, as promptly.

Networks of three widths on digits, barely trained, as what was learnt does not matter here; each
behind `python -m ssdgm_runtime serve --threads 1`. 64 callers on as many connections
send one row after another, each when the last is answered, for some seconds and in turn: the
service as it is, and with `--max-batch 1`, where a request is a call of its own on one of two
threads. The claim is about the widest network; for the others the figures say what remains of it,
since what a request costs beside its call is the same. Then 10,000 malformed requests, all of
which must get a 4xx and a sentence, and an overload on purpose: 64 callers where 8 may wait.

    python -m benchmarks.service
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import child, results
from benchmarks.startup import environment

CALLERS, LEAST, MALFORMED = 64, 3.0, 10_000
WIDTHS = {"64 wide": 64, "1024 wide": 1024, "4096 wide": 4096}
SMALL, CLAIMED = "64 wide", "4096 wide"
MODES = {"batched": (), "one call a request": ("--max-batch", "1")}
OVERLOAD = ("--max-waiting", "8")
NAME, SIDE = "rows", 8
Json = dict[str, Any]


def bundle(place: Path, width: int) -> str:
    """A bundle of a perceptron with two hidden layers, after two steps of training."""
    from ssdgm_export import convert
    from ssdgm_train import begin, train
    from ssdgm_train.recipes import recipe

    changes = [f"model.hidden=[{width}, {width}]", "model.network=mlp", "train.steps=2"]
    plan = recipe.load(None, "supervised", [*changes, "run.baseline=0"])
    run = place / f"run-{width}"
    for _ in train(begin("digits", plan, run, labelled=100, seed=0)):
        pass
    convert(run, place / f"{width}.ssdgm")
    shutil.rmtree(run)
    return str(place / f"{width}.ssdgm")


class Service:
    """A service in a process of its own; a context, which ends it."""

    def __init__(self, path: str, *words: str) -> None:
        command = [sys.executable, "-m", "ssdgm_runtime", "serve", path, "--port", "0", "--json"]
        more = ("--threads", "1", "--provider", "cpu", "--name", NAME, "--drain-s", "0", *words)
        self._running = subprocess.Popen(
            [*command, *more],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._running.stderr is not None
        self.port = int(self._running.stderr.readline().partition("/v2")[0].rpartition(":")[2])

    def __enter__(self) -> int:
        return self.port

    def __exit__(self, *_: object) -> None:
        self._running.send_signal(signal.SIGTERM)
        out, err = self._running.communicate(timeout=60)
        assert self._running.returncode == 0, (out, err)


class Caller(asyncio.Protocol):
    """A connection that sends a request as soon as the last one is answered.

    Args:
        ask: Gives the next request, or nothing where the time is over.
        note: Is called with what was answered and after how many seconds.
    """

    def __init__(self, ask: Callable[[], bytes], note: Callable[[bytes, float], object]) -> None:
        self._ask, self._note, self._got = ask, note, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        assert isinstance(transport, asyncio.Transport)
        self._out = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Note an answer once it is whole, and send the next."""
        self._got += data
        head, there, rest = self._got.partition(b"\r\n\r\n")
        if not there:
            return
        length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
        if len(rest) >= int(length):
            self._note(self._got, time.perf_counter() - self._sent)
            self._got = b""
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """That was all."""
        if not self.done.done():
            self.done.set_result(str(error or ""))

    def _next(self) -> None:
        request = self._ask()
        self._sent = time.perf_counter()
        self._out.write(request) if request else self._out.close()


def http(head: bytes, tail: bytes = b"") -> bytes:
    """A request for inference."""
    lines = (
        f"POST /v2/models/{NAME}/infer HTTP/1.1\r\nHost: localhost\r\n"
        f"Inference-Header-Content-Length: {len(head)}\r\n"
        f"Content-Length: {len(head) + len(tail)}\r\n\r\n"
    )
    return lines.encode() + head + tail


def one_row() -> tuple[Json, bytes]:
    """A request for the name of one row's class, and the row in binary."""
    row = np.random.default_rng(0).integers(0, 17, (1, SIDE, SIDE)).astype(np.uint8).tobytes()
    entry = {"name": "x", "shape": [1, SIDE, SIDE], "datatype": "UINT8"}
    entry["parameters"] = {"binary_data_size": len(row)}
    return {"inputs": [entry], "outputs": [{"name": "names"}]}, row


def malformed(seed: int) -> Iterator[bytes]:
    """Requests that no service can take: each has one thing that cannot be."""
    rng = random.Random(seed)
    odd = (None, -1, "x", [], {}, [-1], ["x"], 10**30, {"x": [1]}, "FP128", [[1], [2, 3]])
    while True:
        document, row = one_row()
        (entry,) = document["inputs"]
        kind = rng.randrange(5)
        if kind == 0:
            name = rng.choice(["name", "shape", "datatype"])
            entry[name] = rng.choice([value for value in odd if (name, value) != ("name", "x")])
        elif kind == 1:
            del entry[rng.choice(["name", "shape", "datatype"])]
        elif kind == 2:
            entry["parameters"]["binary_data_size"] = rng.choice([-1, 0, 63, 65, 10**30, "64", []])
        elif kind == 3:
            document["outputs" if rng.random() < 0.5 else "id"] = rng.choice([7, [7], {"a": 1}])
        head = json.dumps(document).encode()
        if kind == 4:
            head = head[: rng.randrange(len(head))] + rng.randbytes(rng.randrange(9)) + b"\xff"
        yield http(head, row)


async def _callers(port: int, count: int, ask: Callable[[], bytes], note: Any) -> None:  # noqa: ANN401
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: Caller(ask, note), "127.0.0.1", port)
        for _ in range(count)
    ]
    await asyncio.gather(*(caller.done for _, caller in pairs))


def spent(port: int) -> float:
    """The processor time that a service has taken, in seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("process_cpu_s")).split()[1])


def load(port: int, seconds: float) -> Json:
    """What callers of one row each see, and what each request takes of the processor."""
    document, row = one_row()
    request, latencies = http(json.dumps(document).encode(), row), list[float]()
    statuses: Counter[str] = Counter()
    before, warm = spent(port), time.perf_counter() + 0.5
    end = warm + seconds

    def note(answer: bytes, took: float) -> None:
        statuses[answer[9:12].decode()] += 1
        if time.perf_counter() > warm:
            latencies.append(1e3 * took)

    asyncio.run(
        _callers(port, CALLERS, lambda: request if time.perf_counter() < end else b"", note)
    )
    p50, p99 = np.percentile(latencies, [50, 99]).tolist()
    per_second = len(latencies) / seconds
    return {
        "statuses": statuses,
        "per_second": per_second,
        "p50_ms": p50,
        "p99_ms": p99,
        "cpu_ms_per_request": 1e3 * (spent(port) - before) / statuses.total(),
    }


def attack(port: int, count: int) -> Json:
    """What malformed requests get: answers by status, and how many lack a sentence."""
    requests, left = malformed(0), iter(range(count))
    statuses: Counter[str] = Counter()
    silent = 0

    def note(answer: bytes, took: float) -> None:
        nonlocal silent
        statuses[answer[9:12].decode()] += 1
        silent += b'{"error": "' not in answer

    asyncio.run(
        _callers(port, 16, lambda: b"" if next(left, None) is None else next(requests), note)
    )
    return {"statuses": statuses, "without_a_sentence": silent}


def compared(path: str, seconds: float, rounds: int) -> Json:
    """Both modes in turn: medians of the rounds."""
    seen: dict[str, list[Json]] = {mode: [] for mode in MODES}
    for _ in range(rounds):
        for mode, words in MODES.items():
            with Service(path, *words) as port:
                seen[mode].append(child.call(__spec__.name, "load", port=port, seconds=seconds))
    found: Json = {
        mode: {
            key: statistics.median(each[key] for each in every)
            for key in ("per_second", "p50_ms", "p99_ms", "cpu_ms_per_request")
        }
        for mode, every in seen.items()
    }
    for mode, every in seen.items():
        found[mode]["statuses"] = sum((Counter(each["statuses"]) for each in every), Counter())
    batched, single = (found[mode] for mode in MODES)
    return {
        **found,
        "times": batched["per_second"] / single["per_second"],
        "cpu_times": single["cpu_ms_per_request"] / batched["cpu_ms_per_request"],
    }


def main(seconds: float, rounds: int, malformed: int) -> Json:
    with tempfile.TemporaryDirectory() as folder:
        paths = {title: bundle(Path(folder), width) for title, width in WIDTHS.items()}
        found = {title: compared(path, seconds, rounds) for title, path in paths.items()}
        with Service(paths[SMALL]) as port:
            bad = child.call(__spec__.name, "attack", port=port, count=malformed)
        with Service(paths[CLAIMED], *OVERLOAD) as port:
            overload = child.call(__spec__.name, "load", port=port, seconds=seconds)
    answered = all(
        set(each[mode]["statuses"]) == {"200"} for each in found.values() for mode in MODES
    )
    refused = all(status.startswith("4") for status in bad["statuses"])
    limited = set(overload["statuses"]) == {"200", "503"}
    best = found[CLAIMED]
    batched, single = (best[mode] for mode in MODES)
    fast = best["times"] >= LEAST and batched["p99_ms"] <= single["p99_ms"]
    return results.write(
        "service",
        claim=f"micro-batching answers {LEAST:g} times the requests a second of one call a "
        f"request, at a p99 no later, where a call costs milliseconds; {malformed} malformed "
        "requests get 4xx with a sentence; no 5xx but 503 in an overload on purpose",
        passed=fast and answered and refused and limited and not bad["without_a_sentence"],
        figures={**found, "malformed": bad, "overload": overload, "callers": CALLERS},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--malformed", type=int, default=MALFORMED)
    main(**vars(parser.parse_args()))
