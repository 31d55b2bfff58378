"""The exporter's table of translations, made once a process instead of once a graph.

`torch.onnx.export` parses the source of some 500 functions for every graph, which takes as long as
all else of a small graph's export. The table is torch's own affair: where it is not found as in
torch 2.9 to 2.13, it is left alone, and export takes its time.
"""

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

Make = Callable[..., Any]


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Let every export take a copy of one table while this is open."""
    try:
        from torch.onnx._internal.exporter import _registration

        registry: Any = _registration.ONNXRegistry
        made = registry.__dict__["from_torchlib"]
    except (ImportError, AttributeError, KeyError):
        made = None
    if not isinstance(made, classmethod):  # another torch, or within another export
        yield
        return
    registry.from_torchlib = staticmethod(functools.partial(_copied, made.__get__(None, registry)))
    try:
        yield
    finally:
        registry.from_torchlib = made


@functools.cache
def _table(make: Make, **options: object) -> Any:  # noqa: ANN401  (an ONNXRegistry)
    return make(**options)


def _copied(make: Make, **options: object) -> Any:  # noqa: ANN401  (an ONNXRegistry)
    """A table to which translations may be added."""
    table = copy.copy(_table(make, **options))
    table.functions = {name: [*functions] for name, functions in table.functions.items()}
    return table
