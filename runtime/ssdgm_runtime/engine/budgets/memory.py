"""The memory of all graphs of a process: the engine's one arena, of a size that is asked for."""

import os
from typing import Any

from ssdgm_runtime import errors

Ort = Any  # the engine has no stubs

_limits: dict[int, int] = {}
_limited: set[int] = set()
"""Of processes: a fork has its own."""


def limit(ort: Ort, mebibytes: int) -> None:
    """Give this process's sessions one arena of so much memory.

    Raises:
        InputError: Another model of the process has asked for another limit.
    """
    known = _limits.setdefault(os.getpid(), mebibytes)
    if known != mebibytes:
        raise errors.InputError(
            "options.memory_mb",
            str(mebibytes),
            f"{known}, as of another model: the engine has one limit a process",
        )
    if os.getpid() in _limited:
        return
    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    arena = ort.OrtArenaCfg({"max_mem": mebibytes << 20, "arena_extend_strategy": 1})
    ort.create_and_register_allocator(place, arena)
    _limited.add(os.getpid())
