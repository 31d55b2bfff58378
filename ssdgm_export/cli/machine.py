"""How many threads a command computes with."""

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from ssdgm_export.cli import console


@contextlib.contextmanager
def computing(run: Path, threads: int | None, what: str = "") -> Iterator[None]:
    """Set the size of torch's pool, inside.

    Args:
        run: A run, which says the number where none is given: that of its training.
        threads: The number.
        what: What is done meanwhile, as a terminal shows it.
    """
    from ssdgm_train.runs import directory, fitting

    with console.doing(what) if what else contextlib.nullcontext():
        count = threads or directory.Run(run).read().environment.threads
        with fitting.threads(count):
            yield


@contextlib.contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Set the size of torch's pool, and of pyarrow's if it is there, inside; None for neither."""
    if threads is None:
        yield
        return
    from ssdgm_train.runs import fitting

    with fitting.threads(threads), _arrow(threads):
        yield


@contextlib.contextmanager
def _arrow(threads: int) -> Iterator[None]:
    if importlib.util.find_spec("pyarrow") is None:
        yield
        return
    import pyarrow as pa

    former = pa.cpu_count()
    pa.set_cpu_count(threads)
    try:
        yield
    finally:
        pa.set_cpu_count(former)
