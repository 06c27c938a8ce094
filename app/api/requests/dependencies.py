"""What routes ask for by type: the request's scope, and the service.

All dependencies are coroutines although nothing here waits: FastAPI sends plain functions to a
thread, which costs more than they do. A dependency of a dependency is solved for each request as
well: what needs the scope in a dependency takes the request, and `scope_of`.
"""

from typing import Annotated

from fastapi import Depends, Request

from app.edge.visit import SCOPE_KEY
from app.gateway import Gateway
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.errors import UnsupportedMedia


def scope_of(request: Request) -> RequestScope:
    """Returns the scope that was set at admission."""
    scope: RequestScope = request.scope[SCOPE_KEY]
    return scope


def gateway_of(request: Request) -> Gateway:
    """Returns what the gateway serves."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def args_of(request: Request) -> GatewayArgs:
    """Returns the gateway's cold settings."""
    args: GatewayArgs = request.app.state.args
    return args


async def request_scope(request: Request) -> RequestScope:
    """See `scope_of`."""
    return scope_of(request)


async def gateway(request: Request) -> Gateway:
    """See `gateway_of`."""
    return gateway_of(request)


async def releases(request: Request) -> Releases:
    """Returns the gateway's releases."""
    return gateway_of(request).releases


async def gateway_args(request: Request) -> GatewayArgs:
    """See `args_of`."""
    return args_of(request)


async def require_json(request: Request) -> None:
    """Raises UnsupportedMedia for a body that does not call itself JSON."""
    kind = media_type(request)
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMedia("Send the body as application/json.")


def media_type(request: Request) -> str:
    """Returns the body's media type without parameters, in lower case."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


ScopeIn = Annotated[RequestScope, Depends(request_scope)]
GatewayIn = Annotated[Gateway, Depends(gateway)]
ReleasesIn = Annotated[Releases, Depends(releases)]
ArgsIn = Annotated[GatewayArgs, Depends(gateway_args)]
JSON_BODY = [Depends(require_json)]
