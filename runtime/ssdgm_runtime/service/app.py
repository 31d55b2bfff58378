"""The application: the addresses of the protocol, and what each answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi
from starlette import exceptions as web
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import ssdgm_runtime
from ssdgm_runtime.model import Model
from ssdgm_runtime.service import described, inference
from ssdgm_runtime.service.counting import Counting
from ssdgm_runtime.service.limits import Limits
from ssdgm_runtime.service.metrics import CONTENT_TYPE
from ssdgm_runtime.service.served import Served
from ssdgm_runtime.service.work import Work

Json = dict[str, Any]
BASES = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")


def create(
    model: Model,
    *,
    name: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> fastapi.FastAPI:
    """A service of one model, for any ASGI server.

    Args:
        model: The open model, which the caller closes.
        name: What its addresses call it; by default the bundle's name.
        limits: What it takes on.

    Returns:
        The application; `state.work` is what is under way.

    Raises:
        TaskUnavailable: The bundle has no classifier.
        InputError: The name cannot stand in an address.
    """
    served, work = Served(model, name), Work(model, limits)

    @asynccontextmanager
    async def living(_: fastapi.FastAPI) -> AsyncIterator[None]:
        work.open()
        yield
        work.close()

    app = fastapi.FastAPI(
        title=served.name,
        version=ssdgm_runtime.__version__,
        description="The Open Inference Protocol, version 2.",
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        lifespan=living,
        exception_handlers={web.HTTPException: _refused},
    )
    app.state.work = work
    app.add_middleware(Counting, work=work)
    _add_model(app, served, work, limits)
    _add_server(app, work)
    return app


def _add_model(app: fastapi.FastAPI, served: Served, work: Work, limits: Limits) -> None:
    async def known(request: Request) -> None:
        if missing := served.missing(**request.path_params):
            raise web.HTTPException(404, missing)

    async def metadata() -> Json:
        """What the model takes and gives."""
        return served.to_json()

    async def model_ready() -> JSONResponse:
        """Whether the model answers."""
        return _readiness(work, name=served.name)

    infer, framework = inference.Inference(served, work, limits), app.openapi

    def openapi() -> Json:
        """The addresses as FastAPI describes them, and all that it does not know; made once."""
        if not app.openapi_schema:
            described.completed(framework(), served, BASES)
        return framework()

    only = [fastapi.Depends(known)]
    for base in BASES:
        # a plain route: FastAPI's own handling would double what a small model's request costs
        app.router.routes.append(Route(f"{base}/infer", infer, methods=["POST"], name="infer"))
        app.get(base, dependencies=only)(metadata)
        app.get(f"{base}/ready", dependencies=only)(model_ready)
    vars(app)["openapi"] = openapi


def _add_server(app: fastapi.FastAPI, work: Work) -> None:
    @app.get("/v2")
    async def server() -> Json:
        """What this server is."""
        version = ssdgm_runtime.__version__
        return {"name": "ssdgm-runtime", "version": version, "extensions": ["binary_tensor_data"]}

    @app.get("/v2/health/live")
    async def live() -> Json:
        """Whether the process answers."""
        return {"live": True}

    @app.get("/v2/health/ready")
    async def ready() -> JSONResponse:
        """Whether requests should be sent here: 200, or 503 once the service is to end."""
        return _readiness(work)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters in Prometheus's text format."""
        return Response(work.metrics.text(), media_type=CONTENT_TYPE)


def _readiness(work: Work, **more: str) -> JSONResponse:
    return JSONResponse({**more, "ready": work.ready}, 200 if work.ready else 503)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    """An address that is not there, or a method that it has not."""
    assert isinstance(error, web.HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
