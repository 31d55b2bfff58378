"""What this machine grants: how many threads to use, and what to call it in a report."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

from ssdgm_runtime import errors

MOST_THREADS = 4
_LIMIT, _BITS = 1024, 64
_PATH, _UNLIMITED = 2, 1 << 60
_WANT = f"a positive whole number to {_LIMIT}"
VARIABLES = ("SSDGM_THREADS", "ORT_INTRA_OP_NUM_THREADS", "OMP_NUM_THREADS")


def threads(wanted: int | None = None, environment: Mapping[str, str] | None = None) -> int:
    """The size of a session's pool.

    Args:
        wanted: The caller's own choice, which stands over everything.
        environment: Where the variables are looked up; the process's environment by default.

    Returns:
        The first of `wanted`, SSDGM_THREADS, ORT_INTRA_OP_NUM_THREADS and OMP_NUM_THREADS that is
        given; else the smallest of the affinity, the cgroup's quota rounded up, and 4.

    Raises:
        InputError: What was given is no whole number from 1 to 1024.
    """
    if wanted is not None:
        whole = isinstance(wanted, int) and not isinstance(wanted, bool)
        if not whole or not 0 < wanted <= _LIMIT:
            got = str(wanted) if whole and wanted.bit_length() < _BITS else _told(wanted)
            raise errors.InputError("threads", got, f"{_WANT} or None")
        return wanted
    table = os.environ if environment is None else environment
    for name in VARIABLES:
        if table.get(name, "").strip():
            return _parsed(name, table[name])
    granted = quota()
    return max(1, min(affinity(), math.ceil(granted) if granted else MOST_THREADS, MOST_THREADS))


def affinity() -> int:
    """The number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = Path("/")) -> float | None:
    """The processors' worth of time that the cgroups grant, or None where there is no limit.

    Args:
        root: The folder that `proc` and `sys` lie in.
    """
    quotas = [q for line in _lines(root / "proc/self/cgroup") for q in _quotas(root, line)]
    return min(quotas, default=None)


def cpu() -> str:
    """The processor's name, as well as this system tells it."""
    import platform

    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith(("model name", "Model")) and ":" in line:
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def features() -> frozenset[str]:
    """The processor's features as the system names them; none where it does not tell."""
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith(("flags", "Features")) and ":" in line:
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


def memory() -> int | None:
    """The machine's memory in bytes, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def memory_limit(root: Path = Path("/")) -> int | None:
    """The bytes that the cgroups grant, or None where there is no limit; `root` as in `quota`."""
    parts = [line.split(":", 2) for line in _lines(root / "proc/self/cgroup")]
    limits = [n for part in parts if len(part) > _PATH for n in _limits(root, *part[1:])]
    return min(limits, default=None)


def _limits(root: Path, controllers: str, path: str) -> list[int]:
    name, top = ("memory.max", "") if not controllers else ("memory.limit_in_bytes", "memory")
    if controllers and "memory" not in controllers.split(","):
        return []
    steps = [p for p in path.split("/") if p and p != ".."]
    folders = [root.joinpath("sys/fs/cgroup", top, *steps[:n]) for n in range(len(steps) + 1)]
    texts = ["".join(_lines(folder / name)).strip() for folder in folders]
    return [int(t) for t in texts if t.isdigit() and int(t) < _UNLIMITED]


def _told(value: object) -> str:
    return "far beyond" if isinstance(value, int) and abs(value) > _LIMIT else repr(value)


def _parsed(name: str, text: str) -> int:
    # OpenMP allows one number a nesting level; the first is the outermost
    first = text.split(",")[0].strip()
    digits = first.isascii() and first.isdigit() and len(first) <= _BITS
    if not (digits and 0 < int(first) <= _LIMIT):
        raise errors.InputError(name, repr(text[:_BITS]), _WANT, f"export {name}=1")
    return int(first)


def _quotas(root: Path, line: str) -> list[float]:
    hierarchy, controllers, path = (*line.split(":", 2), "", "")[:3]
    if hierarchy == "0":
        folders = [root / "sys/fs/cgroup"]
    elif "cpu" in controllers.split(","):
        folders = [root / "sys/fs/cgroup" / name for name in ("cpu", controllers)]
    else:
        return []
    parts = [p for p in path.split("/") if p and p != ".."]
    places = [f.joinpath(*parts[:n]) for f in folders for n in range(len(parts) + 1)]
    return [q for place in places for q in (_newer(place), _older(place)) if q]


def _newer(folder: Path) -> float | None:
    limit, period = (*" ".join(_lines(folder / "cpu.max")).split(), "", "")[:2]
    return _ratio(limit, period)


def _older(folder: Path) -> float | None:
    limit, period = ("".join(_lines(folder / f"cpu.cfs_{k}_us")) for k in ("quota", "period"))
    return _ratio(limit, period)


def _ratio(limit: str, period: str) -> float | None:
    if limit.isdigit() and period.isdigit() and int(limit) and int(period):
        return int(limit) / int(period)
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
