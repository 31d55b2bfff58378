"""Requests for inference: read within limits, computed within a deadline, answered or refused.

Every refusal is `{"error": "..."}` with one sentence. 4xx says what the caller can mend; 5xx that
the service has too much to do (503), that it took too long (504), or that it failed (500).
"""

import asyncio
import json
import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ssdgm_runtime import errors
from ssdgm_runtime.service import protocol
from ssdgm_runtime.service.limits import RETRY_S, Limits
from ssdgm_runtime.service.served import VERSION, Served
from ssdgm_runtime.service.work import Work

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.Busy, 503),
    (errors.DeadlineExceeded, 504),
    (errors.InputError, 400),
    (errors.DataError, 400),
)
_GONE = 499
"""What is counted, as by nginx, where a caller has gone before the body had come."""

_log = logging.getLogger(__name__)


class Refused(Exception):
    """A status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


class Inference:
    """What answers requests for inference.

    Args:
        served: The model.
        work: What is under way.
        limits: The limits.
    """

    def __init__(self, served: Served, work: Work, limits: Limits) -> None:
        self._served, self._work, self._limits = served, work, limits
        self.__name__ = "infer"  # as what requests are counted
        self._top = {"model_name": served.name, "model_version": VERSION}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compute outputs for the rows of a request."""
        request = Request(scope, receive)
        response = await self._safely(request)
        await response(scope, receive, send)

    async def _safely(self, request: Request) -> Response:
        """The response to a request, whatever happens."""
        try:
            with self._work.place():
                return await self._in_time(request)
        except Refused as refused:
            return refusal(refused.status, refused.sentence)
        except errors.SsdgmError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
            return refusal(status, str(error))
        except Exception:
            _log.exception("A request failed")
            return refusal(500, "The service failed. Its log says why.")

    async def _in_time(self, request: Request) -> Response:
        limit, asked = self._limits.deadline_s, None
        try:
            async with asyncio.timeout(limit):
                if missing := self._served.missing(**request.path_params):
                    raise Refused(404, missing)
                body = await self._body(request)
                asked = protocol.read(body, request.headers.get(protocol.HEADER))
                self._served.check(asked.outputs)
                answer = await self._work.answer(self._served.rows(asked.inputs))
        except errors.SsdgmError:  # some are TimeoutErrors too
            raise
        except TimeoutError:
            if asked is None:
                raise Refused(408, f"The body was not there within {limit:g} seconds") from None
            late = f"The answer was not there within {limit:g} seconds"
            raise Refused(504, f"{late}. Send fewer rows at once, or send it later.") from None
        reply = protocol.written(self._top, self._served.tensors(answer, asked.outputs), asked)
        if reply.header is None:
            return Response(reply.body, media_type="application/json")
        headers = {protocol.HEADER: str(reply.header)}
        return Response(reply.body, headers=headers, media_type="application/octet-stream")

    async def _body(self, request: Request) -> bytes:
        """The body, of which no more is kept than may be."""
        coding, most = request.headers.get("content-encoding", ""), self._limits.body_bytes
        if coding not in ("", "identity"):
            raise Refused(415, f"The body is compressed ({coding}); expected one that is not")
        large = Refused(413, f"The body is larger than {most} bytes. Send fewer rows at once.")
        stated = request.headers.get("content-length", "0")
        if stated.isdigit() and int(stated) > most:
            raise large
        parts, size = [], 0
        try:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise large
                parts.append(part)
        except ClientDisconnect:
            raise Refused(_GONE, "The caller has gone") from None
        return parts[0] if len(parts) == 1 else b"".join(parts)


def refusal(status: int, sentence: str) -> Response:
    """A response that says what is wrong."""
    headers = {"retry-after": str(RETRY_S)} if status == 503 else {}
    body = json.dumps({"error": sentence})
    return Response(body, status, headers, media_type="application/json")
