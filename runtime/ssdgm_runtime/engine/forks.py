"""What a fork must not break.

A forked child inherits the parent's engines without their threads; to destroy one there waits for
those threads forever, when the child exits at the latest. So the child keeps them until it ends,
unused, and opens its own. A GPU's driver does not survive a fork at all: once the parent has used
it, the child can do nothing but say so.
"""

import os
import threading
import weakref
from typing import Any

pid = os.getpid()
"""This process's number. It is kept, as every call needs it and the system may take half a
microsecond to tell."""

_live: "weakref.WeakSet[Any]" = weakref.WeakSet()
_held: list[list[Any]] = []
_locks: dict[int, threading.RLock] = {}
_users: dict[str, int] = {}


def guard(engine: object) -> None:
    """Keep an engine from being destroyed in a forked child."""
    _live.add(engine)


def lock() -> threading.RLock:
    """This process's lock for opening engines.

    A lock that another thread holds during a fork stays locked in the child, so each process has
    its own.
    """
    return _locks.setdefault(os.getpid(), threading.RLock())


def use(driver: str) -> None:
    """Note that this process uses a driver; in its children that stays noted."""
    _users.setdefault(driver, os.getpid())


def lost(driver: str) -> bool:
    """Whether a process that this one was forked from has used a driver."""
    return _users.get(driver, os.getpid()) != os.getpid()


def _hold() -> None:
    """Refer to every engine, also to those that only wait for the collector.

    It may run in the child before anything of ours does, and would destroy them there.
    """
    _held.append(list(_live))


def _release() -> None:
    _held.pop()


def _keep() -> None:
    global pid
    pid = os.getpid()
    if not any(_held):
        return
    import ctypes

    for engine in (one for held in _held for one in held):  # a reference that nothing gives back
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_keep)
