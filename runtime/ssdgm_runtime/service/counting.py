"""Around every request: it is counted, and callers go elsewhere once the end has come."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ssdgm_runtime.service.work import Work

NOWHERE = "none"
"""The route of addresses that are not there, which anyone can make up."""


class Counting:
    """An application around another one.

    Args:
        app: The other.
        work: What is under way.
    """

    def __init__(self, app: ASGIApp, work: Work) -> None:
        self._app, self._work = app, work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a server's own events pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        work, begin, status = self._work, time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if not work.ready:  # whoever asks again finds another connection, and server
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("endpoint"), "__name__", NOWHERE)
            work.metrics.answer(route, status, time.perf_counter() - begin)
