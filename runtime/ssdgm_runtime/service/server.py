"""The process around the application: a socket, an event loop, and an end that loses nothing."""

import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from ssdgm_runtime import errors
from ssdgm_runtime.model import Model
from ssdgm_runtime.service import app as application
from ssdgm_runtime.service.limits import Limits
from ssdgm_runtime.service.work import Work

Json = dict[str, Any]
_BACKLOG = 2048
_SPARE_S = 5.0
"""Beyond a request's deadline, how long its connection may take to close, in seconds."""


def serve(
    model: Model,
    host: str,
    port: int,
    *,
    name: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    began: Callable[[str, str], object] = lambda name, url: None,
) -> Json:
    """Serve a model until the process is told to end.

    SIGTERM makes the service say that it is not ready; it goes on for `limits.drain_s`, so that
    nobody who has not heard of it yet is turned away, and then answers what it has begun. SIGINT
    leaves the first part out; a second signal leaves out the rest.

    Args:
        model: The open model.
        host: The address to listen at.
        port: The port; 0 takes one that is free.
        name: What the model's addresses call it; by default the bundle's name.
        limits: What the service takes on.
        began: Is called with the model's name and the service's address once it listens.

    Returns:
        The model's name, the address, and how many requests were answered.

    Raises:
        InputError: Nothing can listen there.
        TaskUnavailable: The bundle has no classifier.
    """
    app = application.create(model, name=name, limits=limits)
    work: Work = app.state.work
    with listening(host, port) as opened:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{opened.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            log_level="error",  # anyone can make it warn
            server_header=False,
            timeout_graceful_shutdown=int(limits.deadline_s + _SPARE_S),
            backlog=_BACKLOG,
        )
        Server(config, work, limits.drain_s, lambda: began(app.title, url)).run([opened])
    return {"name": app.title, "url": url, "requests": work.metrics.answered}


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        InputError: It cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        opened.close()
        why = getattr(error, "strerror", None) or str(error)
        wanted = "an address of this machine and a port that is free"
        raise errors.InputError(
            f"{host}:{port}", f"not free to listen at ({why})", wanted
        ) from None
    return opened


class Server(uvicorn.Server):
    """uvicorn, which first says that it is not ready.

    Args:
        config: uvicorn's own.
        work: What is under way.
        drain_s: How many seconds to go on, not ready.
        began: Is called when the first request can come.
    """

    def __init__(
        self, config: uvicorn.Config, work: Work, drain_s: float, began: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._work, self._drain_s, self._began = work, drain_s, began
        self._end: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        self._began()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: not ready from now on."""
        self._work.ready = False
        self.force_exit = self.should_exit
        if sig != signal.SIGTERM or self._end is not None:
            self.should_exit = True
        self._end = time.monotonic() + self._drain_s

    async def on_tick(self, counter: int) -> bool:
        """Whether to end, looked at ten times a second."""
        drained = self._end is not None and time.monotonic() >= self._end
        return await super().on_tick(counter) or drained
