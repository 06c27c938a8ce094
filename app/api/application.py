"""The FastAPI application as a function of what it serves: tested without Ray, run inside the
ingress."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import Lifespan

from app.access.check import AccessCheck
from app.access.route_scopes import Need, RouteScopes, read_declarations
from app.api import answers, ask, batch, health, usage
from app.api.access import audit, keys, tenants
from app.api.access import cache as kept_answers
from app.api.admin import calibrations, drift, rollouts
from app.api.batches import batches as batches_of_work
from app.api.description.openapi import CONTACT, LICENSE, SERVERS, TAGS, describe, operation_id
from app.api.documents import chunks, documents
from app.api.feedback import feedback
from app.api.files import batches, files, store_files, stores
from app.api.ingestions import ingestions
from app.api.kept_conversations import conversations, users
from app.api.moderation import moderations
from app.api.openai import chat, completions, models, responses
from app.api.overview import links, overview
from app.api.pages import console, docs
from app.api.requests.exception_handlers import register_exception_handlers
from app.edge.admission import AdmissionGate
from app.edge.cors import cors_middlewares
from app.edge.entrance import Entrance
from app.edge.head import HeadAsGet
from app.edge.middleware import RequestIdentity
from app.edge.slashes import NoTrailingSlash
from app.gateway import Gateway
from app.settings.cold.gateway import GatewayArgs

_DESCRIPTION = """
Retrieval-augmented generation over your documents.

Ingest with `POST /v1/documents`, ask with `POST /v1/query` or, in OpenAI's form, with
`POST /v1/chat/completions`. Every error is an
`application/problem+json` body with a stable `code`, and an `error` member that OpenAI's clients
understand. `X-Request-ID` is accepted, and returned on every answer.
"""


def create_app(
    gateway: Gateway,
    args: GatewayArgs,
    *,
    lifespan: Lifespan[FastAPI] | None = None,
    entrance: Entrance | None = None,
) -> FastAPI:
    """Returns the application over what it serves; `lifespan` surrounds its first and its last
    request, and `entrance` is what it shares with other ways into the replica."""
    app = routed_app(
        lifespan,
        [
            Middleware(RequestIdentity),
            *cors_middlewares(args.cors_origins),
            Middleware(NoTrailingSlash),
            Middleware(
                AdmissionGate,
                args=args,
                entrance=entrance or make_entrance(gateway, args),
                idempotent=gateway.idempotent,
            ),
            Middleware(HeadAsGet),
        ],
    )
    app.state.gateway = gateway
    app.state.args = args
    register_exception_handlers(app)
    return app


def routed_app(
    lifespan: Lifespan[FastAPI] | None = None, middlewares: Sequence[Middleware] = ()
) -> FastAPI:
    """Returns the application without what it serves: all that its description is made of."""
    app = FastAPI(
        title="ragserve",
        version=version("ragserve"),
        summary="Answers from your documents, with their sources",
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=middlewares,
        routes=list(_routes()),
        generate_unique_id_function=operation_id,
        openapi_tags=TAGS,
        servers=SERVERS,
        contact=CONTACT,
        license_info=LICENSE,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own page loads its scripts from somebody else's server
        redoc_url=None,
    )
    describe(app)
    return app


def make_entrance(
    gateway: Gateway, args: GatewayArgs, *, also: Mapping[str, Need] | None = None
) -> Entrance:
    """Returns what every request to a replica passes; `also` says what is asked of whoever calls
    something that is no route, by its path."""
    access = AccessCheck(
        gateway.authenticator,
        _route_scopes() if also is None else _route_scopes().with_calls(also),
        knows=lambda key_id: gateway.releases.settings().recording.knows(key_id),
    )
    return Entrance(args, gateway.telemetry, access, gateway.limiter)


@cache
def _route_scopes() -> RouteScopes:
    return RouteScopes(_routes(), public=["/openapi.json"])


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Made once per process: to read the signatures of all operations takes longer than to answer
    a hundred requests, and no application changes them."""
    router = APIRouter(generate_unique_id_function=operation_id)
    routed = (
        *(answers, ask, chat, responses, completions, batch, models, moderations, documents),
        *(chunks, ingestions, conversations, users),
        *(files, stores, store_files, batches, batches_of_work),
        *(feedback, usage, drift, keys, tenants, audit, kept_answers, rollouts, calibrations),
        *(overview, links, health, docs, console),
    )
    for module in routed:
        router.include_router(module.router)
    read_declarations(router.routes)
    return tuple(router.routes)
