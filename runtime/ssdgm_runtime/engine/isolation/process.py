"""A graph in a process of its own, for bundles that nobody vouches for.

Whatever the graph does to the engine, it does there: crash it, fill its memory, never end. That
process has limits of memory and time and can open no file; what comes back is checked as answers
of the engine are. When it ends, the next call starts another.
"""

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.engine import failures, providers
from ssdgm_runtime.engine.budgets import deadlines
from ssdgm_runtime.engine.isolation import frames
from ssdgm_runtime.engine.options import Plan

Array = NDArray[Any]

DEADLINE_MS = 10_000.0
"""How long opening, or one run, may take where `Options.deadline_ms` does not say."""
MEMORY_MB = 1024
"""How much memory beyond the engine's own, where `Options.memory_mb` does not say."""
_SENT = ("spinning", "arena", "session_config")
_KILLED = -9


class Port(NamedTuple):
    """An input or output, as an engine's session has it."""

    name: str
    type: str
    shape: list[Any]


class Engine:
    """A session in another process; like the engine's own, as far as `Session` needs it.

    Args:
        name: What to call the graph in a message.
        data: The graph.
        plan: What to open it with.

    Raises:
        InputError: The plan names a provider that is not the CPU's.
        FormatError: It cannot be opened, or ends the process that opens it.
        DeadlineExceeded: To open it takes too long.
    """

    def __init__(self, name: str, data: bytes, plan: Plan) -> None:
        if plan.provider not in (providers.AUTO, "cpu", providers.CPU):
            raise errors.InputError("provider", repr(plan.provider), "cpu, as isolated is given")
        self._name, self._data, self._plan = name, data, plan
        options = plan.options
        self._deadline = DEADLINE_MS if options.deadline_ms is None else options.deadline_ms
        self._memory = MEMORY_MB if options.memory_mb is None else options.memory_mb
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        about = self._start()
        self._ports = {side: [Port(*p) for p in about[side]] for side in ("inputs", "outputs")}
        self.nodes = {str(name): int(count) for name, count in about["nodes"].items()}

    def get_inputs(self) -> list[Port]:
        """The graph's inputs."""
        return self._ports["inputs"]

    def get_outputs(self) -> list[Port]:
        """Its outputs."""
        return self._ports["outputs"]

    def run(
        self, names: Sequence[str], feeds: Mapping[str, Array], _: None = None
    ) -> Sequence[Array]:
        """Compute outputs, as a session's `run` does; one run at a time.

        Raises:
            TimeoutError: It took longer than it may.
            RuntimeError: The graph failed, or its process ended.
        """
        with self._lock:
            if self._process is None:
                self._start()
            header = {"names": list(names), "feeds": list(feeds)}
            said, arrays = self._exchange(header, list(feeds.values()))
        if "error" in said or len(arrays) != len(names):
            raise RuntimeError(str(said.get("error", "it gave other outputs")))
        return arrays

    def _start(self) -> frames.Json:
        """Start a process that opens the graph; what it says of it."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ssdgm_runtime.engine.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.path.abspath(os.sep),
            env=environment,
        )
        weakref.finalize(self, _end, self._process, os.getpid())
        options = self._plan.options
        header = {
            "threads": self._plan.threads,
            "memory_mb": self._memory,
            "operators": list(options.operators),
            "options": {key: getattr(options, key) for key in _SENT},
        }
        try:
            about, _ = self._exchange(header, [np.frombuffer(self._data, np.uint8)])
        except TimeoutError:
            raise failures.late(self._name, "being opened", self._deadline) from None
        except RuntimeError as error:
            about = {"error": str(error)}
        if "error" in about:
            self._drop()
            raise errors.FormatError(
                f"The engine cannot load {self._name} ({about['error']})",
                mend="Update onnxruntime, or convert the run again.",
            )
        return about

    def _exchange(
        self, header: frames.Json, arrays: Sequence[Array]
    ) -> tuple[frames.Json, list[Array]]:
        process, late = self._process, threading.Event()
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None

        def stop() -> None:
            late.set()
            process.kill()

        try:
            with deadlines.within(self._deadline / 1e3, stop):
                frames.send(process.stdin, header, arrays)
                return frames.receive(process.stdout, self._memory << 20)
        except (OSError, EOFError, ValueError, TypeError, LookupError) as error:
            code = self._drop()
            if late.is_set():
                raise TimeoutError("it took too long") from None
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            ended = f"its process ended {how}" if code != _KILLED else f"its process said {error}"
            raise RuntimeError(ended) from None

    def _drop(self) -> int:
        """End the process; how it ended, which is by SIGKILL unless it has before."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            process.kill()
        return _closed(process)


def _closed(process: "subprocess.Popen[bytes]") -> int:
    for stream in (process.stdin, process.stdout):
        try:
            if stream is not None:
                stream.close()
        except OSError:
            pass
    return process.wait()


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    """End a process whose engine is no more; that of a parent is none of a fork's."""
    if os.getpid() == owner and process.returncode is None:
        process.kill()
        _closed(process)
