"""`serve`: a bundle behind HTTP, until the process is told to end."""

import sys
import warnings
from typing import Any

from ssdgm_runtime import atomic, errors, model, terminal
from ssdgm_runtime.console.command import Option
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.service.limits import Limits

Json = dict[str, Any]
_MEGABYTE = 1 << 20

_USUAL = Limits()
_HOST, _PORT = "127.0.0.1", 8080

OPTIONS = (
    Option("--host", "Address to listen at; 0.0.0.0 for all of this machine.", str, _HOST),
    Option("--port", "Port to listen at; 0 takes one that is free.", int, _PORT),
    Option("--name", "Name of the model in addresses. [default: the bundle's name]"),
    Option(
        "--max-batch",
        "Most rows of different requests to compute together.",
        int,
        _USUAL.max_batch,
    ),
    Option(
        "--max-delay-ms",
        "Longest that a row waits for others, in milliseconds.",
        float,
        _USUAL.max_delay_ms,
    ),
    Option(
        "--workers",
        "Number of requests of several rows to compute at once.",
        int,
        _USUAL.workers,
    ),
    Option(
        "--max-waiting",
        "Most requests to answer at the same time; others get 503.",
        int,
        _USUAL.waiting,
    ),
    Option(
        "--max-body-mb",
        "Most megabytes of a request; larger ones get 413.",
        int,
        _USUAL.body_bytes // _MEGABYTE,
    ),
    Option(
        "--deadline-s",
        "Most seconds for a request; later ones get 504.",
        float,
        _USUAL.deadline_s,
    ),
    Option("--drain-s", "Seconds to go on, not ready, after SIGTERM.", float, _USUAL.drain_s),
)


def serve(
    bundle: atomic.PathLike,
    host: str = _HOST,
    port: int = _PORT,
    *,
    name: str | None = None,
    max_batch: int = _USUAL.max_batch,
    max_delay_ms: float = _USUAL.max_delay_ms,
    workers: int = _USUAL.workers,
    max_waiting: int = _USUAL.waiting,
    max_body_mb: int = _USUAL.body_bytes // _MEGABYTE,
    deadline_s: float = _USUAL.deadline_s,
    drain_s: float = _USUAL.drain_s,
    **engine: Any,  # noqa: ANN401  (as for `Model`)
) -> Json:
    """Serve a bundle; arguments as in `OPTIONS` and for `Model`.

    Raises:
        MissingExtra: FastAPI, uvicorn or prometheus-client is not installed.
        InputError: A limit is none, or nothing can listen there.
        TaskUnavailable: The bundle has no classifier.
    """
    try:
        from ssdgm_runtime.service import server
    except ModuleNotFoundError as error:
        raise errors.MissingExtra(
            f"Serving needs the package {error.name}", mend='pip install "ssdgm-runtime[service]"'
        ) from None
    warnings.simplefilter("ignore", DriftWarning)  # of rows that callers answer for
    settled = Limits(
        body_bytes=max_body_mb * _MEGABYTE,
        waiting=max_waiting,
        deadline_s=deadline_s,
        workers=workers,
        max_batch=max_batch,
        max_delay_ms=max_delay_ms,
        drain_s=drain_s,
    )
    with model.load(bundle, **engine) as opened:
        return server.serve(opened, host, port, name=name, limits=settled, began=_began)


def _began(name: str, url: str) -> None:
    address = f"{url}/v2/models/{name}"
    terminal.say(f"serving {name} at {address}; Ctrl-C ends it", sys.stderr, sure=False)


def served(table: Json) -> str:
    """How it went, as lines."""
    return terminal.fields(table)
