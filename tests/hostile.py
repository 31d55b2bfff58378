"""Open every hostile graph or container in this process, and say in JSON what became of each.

    python tests/hostile.py graphs|containers BUNDLE FOLDER

The process has a limit of memory, the graphs have a deadline, and every line has the seconds, the
growth of memory at its highest, in MiB, and the error.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np

import ssdgm_runtime
from ssdgm_runtime import Options

X = np.random.default_rng(0).integers(0, 17, (5, 4, 4)).astype(np.uint8)
OPTIONS = Options(deadline_ms=1000, memory_mb=100)
LIMIT = 4 << 30
GRAPH = "models/classifier/fp32/model.onnx"


def use(path: Path) -> None:
    """What somebody does with a bundle."""
    with ssdgm_runtime.load(path, provider="cpu", threads=1, options=OPTIONS) as model:
        model.classify(X)
        model.classify(X[:1])
        model.generate(0, 2, seed=1)
        if not model.verify().passed:
            raise ssdgm_runtime.IntegrityError("verify does not pass")


def peak() -> float:
    """The most memory that the process had since it was last asked, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    most = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(most.split()[1]) / 1024


def watched(name: str, act: Callable[[], object]) -> dict[str, object]:
    """What became of one."""
    peak()
    before, begin = peak(), time.perf_counter()
    try:
        act()
        error: BaseException | None = None
    except BaseException as raised:
        error = raised
    return {
        "name": name,
        "seconds": time.perf_counter() - begin,
        "grown": peak() - before,
        "typed": isinstance(error, ssdgm_runtime.SsdgmError),
        "error": type(error).__name__,
        "text": str(error),
    }


def main(what: str, bundle: Path, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    use(bundle)  # loads what all of them need
    if what == "graphs":
        import hostile_graphs

        place = folder / "b.ssdgm"
        shutil.copytree(bundle, place)
        for name, data in hostile_graphs.Maker((bundle / GRAPH).read_bytes()).every():
            (place / GRAPH).write_bytes(data)
            handmade.reseal(place)
            _say(watched(name, lambda: use(place)))
    else:
        import hostile_containers

        for name, path in hostile_containers.Maker(bundle, folder).every():
            _say(watched(name, lambda path=path: use(path)))  # type: ignore[misc]


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
