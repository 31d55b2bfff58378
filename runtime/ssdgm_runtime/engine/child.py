"""The process that runs one graph for another: `python -m ssdgm_runtime.engine.child`.

Once the engine is loaded it gives up what a graph does not need: more memory than it was granted,
any further file or socket, writing, core dumps. What it reads and writes are `frames`.
"""

import contextlib
import os
import sys
from typing import IO, Any

from ssdgm_runtime.engine import failures, opening, session
from ssdgm_runtime.engine.isolation import frames
from ssdgm_runtime.engine.options import Options

Json = dict[str, Any]


def main(source: IO[bytes], target: IO[bytes]) -> None:
    """Open the graph that comes first, then run it until nothing more comes."""
    engine = session.engine()
    request, (data,) = frames.receive(source, 1 << 40)
    _confine(request["memory_mb"])
    options = Options(**request["options"], operators=tuple(request["operators"]))
    opened, why = opening.attempt(
        engine, data.tobytes(), "CPUExecutionProvider", request["threads"], options
    )
    if opened is None:
        frames.send(target, {"error": why})
        return
    ports = {
        side: [[port.name, port.type, port.shape] for port in there]
        for side, there in (("inputs", opened.get_inputs()), ("outputs", opened.get_outputs()))
    }
    frames.send(target, {**ports, "nodes": opening.nodes(opened)})
    with contextlib.suppress(EOFError):
        while True:
            request, arrays = frames.receive(source, 1 << 40)
            _answer(target, opened, request, arrays)


def _answer(target: IO[bytes], opened: Any, request: Json, arrays: list[frames.Array]) -> None:  # noqa: ANN401
    try:
        feeds = dict(zip(request["feeds"], arrays, strict=True))
        outputs = opened.run(request["names"], feeds)
        said: Json = {}
    except Exception as error:  # whatever it is, the other process words it
        outputs, said = [], {"error": failures.said(error)}
    frames.send(target, said, outputs)


def _confine(mebibytes: int) -> None:
    """Give up what a graph does not need, where the system can take it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = int(stream.read().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + (mebibytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(limit, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # those that are open stay open


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
