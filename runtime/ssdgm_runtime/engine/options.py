"""How a session is to be opened, and where it came to run: plain data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.engine import providers


@dataclass(frozen=True)
class Options:
    """How sessions are made; InputError for a value that cannot be.

    Attributes:
        spinning: Let waiting threads burn their processor for a little less latency.
        arena: Keep freed memory for later calls, as much as `max_batch` rows need at once.
        max_batch: The most rows that are computed at once when no batch size is given.
        session_config: More entries for onnxruntime's session configuration.
        provider_options: Options for a provider other than the CPU's, as onnxruntime names them;
            they stand over `providers.defaults`. `device_type` chooses a plug-in's device: CPU,
            GPU or NPU, by default the first that it offers in this order.
        operators: Operators that graphs may have beside those that FORMAT.md lists, as `Name` or
            `domain:Name`; with `If`, `Loop` or `Scan` among them they may branch and loop.
        deadline_ms: The most milliseconds that a graph may take for the rows that it computes at
            once; it ends with the node that it is in, and DeadlineExceeded is raised. A graph is
            then not simplified when it is opened, as no deadline holds there.
        memory_mb: The most MiB that the graphs of this process may take together, weights and all,
            on the CPU; beyond it OutOfMemory is raised. One number a process.
    """

    spinning: bool = False
    arena: bool = True
    max_batch: int = 256
    session_config: Mapping[str, str] = field(default_factory=dict)
    provider_options: Mapping[str, str] = field(default_factory=dict)
    operators: Collection[str] = ()
    deadline_ms: float | None = None
    memory_mb: int | None = None

    def __post_init__(self) -> None:
        arguments.count(self.max_batch, "options.max_batch", 1)
        if self.deadline_ms is not None:
            arguments.positive(self.deadline_ms, "options.deadline_ms")
        if self.memory_mb is not None:
            arguments.count(self.memory_mb, "options.memory_mb", 1)
        for name in ("spinning", "arena", "session_config", "provider_options"):
            kind, want = (Mapping, "a mapping") if "_" in name else (bool, "True or False")
            if not isinstance(given := getattr(self, name), kind):
                raise errors.InputError(f"options.{name}", arguments.shown(given), want)
        names = self.operators
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            shown = arguments.shown(names)
            raise errors.InputError("options.operators", shown, "names, such as ('Loop',)")


class Plan(NamedTuple):
    """What a session is opened with.

    Attributes:
        provider: A word of `providers` or a provider's name.
        threads: The size of a pool.
        options: How it is made.
        allow_partial: Whether a named provider may leave nodes to the CPU.
        isolated: Whether it is made in a process of its own, on the CPU.
    """

    provider: str = providers.AUTO
    threads: int = 1
    options: Options = Options()
    allow_partial: bool = False
    isolated: bool = False


def planned(
    provider: str, threads: int | None, options: Options, allow_partial: bool, isolated: bool
) -> Plan:
    """What sessions are opened with; InputError for options or threads that are none."""
    from ssdgm_runtime.engine import machine

    arguments.instance(options, "Options", "options")
    return Plan(provider, machine.threads(threads), options, allow_partial, isolated)


class Placement(NamedTuple):
    """Where a graph runs: the provider asked for, the one in use, and nodes a provider.

    `nodes` is empty where the engine is too old to tell.
    """

    requested: str
    active: str
    nodes: Mapping[str, int]
