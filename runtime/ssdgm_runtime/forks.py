"""What a fork must not break.

A forked child inherits the parent's engines without their threads; to destroy one there waits for
those threads forever, when the child exits at the latest. So the child keeps them until it ends,
unused, and opens its own.
"""

import os
import threading
import weakref
from typing import Any

_live: "weakref.WeakSet[Any]" = weakref.WeakSet()
_locks: dict[int, threading.RLock] = {}
_registered: list[bool] = []


def guard(engine: object) -> None:
    """Keep an engine from being destroyed in a forked child."""
    _live.add(engine)
    if not _registered and hasattr(os, "register_at_fork"):
        _registered.append(True)
        os.register_at_fork(after_in_child=_keep)


def lock() -> threading.RLock:
    """This process's lock for opening engines.

    A lock that another thread holds during a fork stays locked in the child, so each process has
    its own.
    """
    return _locks.setdefault(os.getpid(), threading.RLock())


def _keep() -> None:
    import ctypes

    for engine in list(_live):  # one reference that nothing ever gives back
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
