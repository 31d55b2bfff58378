"""What computes a graph's file: onnxruntime, unless a proof is given another engine.

Every engine is opened on one thread of the CPU, where figures come out the same again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from ssdgm_runtime.engine import session
from ssdgm_runtime.engine.options import Plan
from ssdgm_runtime.rows.tensor import Tensor

Arrays = dict[str, NDArray[Any]]


@runtime_checkable
class Engine(Protocol):
    """An opened file of a graph.

    Attributes:
        inputs: What it takes, by name.
        outputs: What it gives, by name.
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Compute every output, by name, for inputs that have the same first axis."""
        ...


Opener = Callable[[str, bytes], Engine]
"""Opens the file of a graph, which a message calls by the name."""


def opened(name: str, data: bytes) -> session.Session:
    """A graph in onnxruntime."""
    return session.Session(name, lambda: data, Plan(provider="cpu"))
