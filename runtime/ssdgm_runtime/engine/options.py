"""How a session is to be opened, and where it came to run: plain data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ssdgm_runtime.engine import providers


@dataclass(frozen=True)
class Options:
    """How sessions are made.

    Attributes:
        spinning: Let waiting threads burn their processor for a little less latency.
        arena: Keep freed memory for later calls; it never shrinks.
        max_batch: The most rows that are computed at once when no batch size is given.
        session_config: More entries for onnxruntime's session configuration.
        provider_options: Options for a provider other than the CPU's, as onnxruntime names them;
            they stand over `providers.defaults`. `device_type` chooses a plug-in's device: CPU,
            GPU or NPU, by default the first that it offers in this order.
        operators: Operators that graphs may have beside those that FORMAT.md lists, as `Name` or
            `domain:Name`; with `If`, `Loop` or `Scan` among them they may branch and loop.
    """

    spinning: bool = False
    arena: bool = False
    max_batch: int = 256
    session_config: Mapping[str, str] = field(default_factory=dict)
    provider_options: Mapping[str, str] = field(default_factory=dict)
    operators: Collection[str] = ()


class Plan(NamedTuple):
    """What a session is opened with; `provider` is a word of `providers` or a provider's name."""

    provider: str = providers.AUTO
    threads: int = 1
    options: Options = Options()
    allow_partial: bool = False


class Placement(NamedTuple):
    """Where a graph runs: the provider asked for, the one in use, and nodes a provider.

    `nodes` is empty where the engine is too old to tell.
    """

    requested: str
    active: str
    nodes: Mapping[str, int]
