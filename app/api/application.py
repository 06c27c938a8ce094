"""The FastAPI application as a function of what it serves: tested without Ray, run inside the
ingress."""

from importlib.metadata import version

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.types import Lifespan

from app.api import (
    admin,
    answers,
    batch,
    chat,
    completions,
    documents,
    drift,
    health,
    models,
    responses,
    usage,
)
from app.api.exception_handlers import register_exception_handlers
from app.api.files import batches, files, store_files, stores
from app.edge.admission import AdmissionGate
from app.edge.head import HeadAsGet
from app.edge.middleware import RequestIdentity
from app.gateway import Gateway
from app.schemas.wire import Problem
from app.settings.gateway import GatewayArgs
from deployments.indexer.json_documents import DocumentsRequest

_DESCRIPTION = """
Retrieval-augmented generation over your documents.

Ingest with `POST /v1/documents`, ask with `POST /v1/query` or, in OpenAI's form, with
`POST /v1/chat/completions`. Every error is an
`application/problem+json` body with a stable `code`, and an `error` member that OpenAI's clients
understand. `X-Request-ID` is accepted, and returned on every answer.
"""


def create_app(
    gateway: Gateway, args: GatewayArgs, *, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """Returns the application over what it serves; `lifespan` surrounds its first and its last
    request."""
    app = FastAPI(
        title="ragserve",
        version=version("ragserve"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=[
            Middleware(RequestIdentity),
            Middleware(AdmissionGate, args=args, telemetry=gateway.telemetry),
            Middleware(HeadAsGet),
        ],
    )
    app.state.gateway = gateway
    app.state.args = args
    register_exception_handlers(app)
    routed = (
        *(answers, chat, responses, completions, batch, models, documents),
        *(files, stores, store_files, batches),
        *(usage, drift, admin, health),
    )
    for module in routed:
        app.include_router(module.router)
    _describe_by_hand(app, DocumentsRequest, Problem)
    return app


def _describe_by_hand(app: FastAPI, *models: type[BaseModel]) -> None:
    """Adds the schemas of what no route names as its type: a body that comes in two media types,
    and errors, which have one of their own."""
    build = app.openapi

    def openapi() -> dict[str, object]:
        schema = build()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in models:
            own = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(own.pop("$defs", {}))
            schemas[model.__name__] = own
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
