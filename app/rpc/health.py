"""`grpc.health.v1.Health`, as Kubernetes and load balancers ask it.

The empty service and the names of the services are as ready as the whole; `liveness` says that the
process answers, whatever stages do.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from grpc_health.v1 import health_pb2

from app.api.health import readiness
from app.rpc.calls import RpcCall, services
from deployments.contracts.errors import NotFound, Overloaded

LIVENESS = "liveness"
_Status = health_pb2.HealthCheckResponse.ServingStatus
_LOOKED_EVERY_S = 5.0
_MOST_WATCHERS = 32
"""Each takes one of the calls that Serve lets a replica run, and needs no key."""
_READY = frozenset({"", *(service.full_name for service in services())})


class Health:
    """Says how a replica is.

    Args:
        every_s: Time between two looks for whoever watches.
    """

    def __init__(self, every_s: float = _LOOKED_EVERY_S) -> None:
        self._every_s = every_s
        self._watchers = 0

    async def check(
        self, call: RpcCall, request: health_pb2.HealthCheckRequest
    ) -> health_pb2.HealthCheckResponse:
        """Returns how a service is.

        Raises:
            NotFound: there is none of this name.
        """
        status = await self._status(call, request.service)
        if status == _Status.SERVICE_UNKNOWN:
            raise NotFound(f"There is no service '{request.service[:64]}'.")
        return health_pb2.HealthCheckResponse(status=status)

    async def list_all(
        self, call: RpcCall, _request: health_pb2.HealthListRequest
    ) -> health_pb2.HealthListResponse:
        """Returns how every service is."""
        status = await self._status(call, "")
        listed = health_pb2.HealthListResponse()
        for name in _READY:
            listed.statuses[name].status = status
        listed.statuses[LIVENESS].status = _Status.SERVING
        return listed

    async def watch(
        self, call: RpcCall, request: health_pb2.HealthCheckRequest
    ) -> AsyncGenerator[health_pb2.HealthCheckResponse, None]:
        """Yields how a service is, and again whenever that has changed, until the client goes.

        Raises:
            Overloaded: as many watch as may.
        """
        if self._watchers >= _MOST_WATCHERS:
            raise Overloaded("As many watch this replica as may: call Check.", "gateway")
        self._watchers += 1
        told: Any = None
        try:
            while True:
                status = await self._status(call, request.service)
                if status != told:
                    yield health_pb2.HealthCheckResponse(status=status)
                    told = status
                await asyncio.sleep(self._every_s)
        finally:
            self._watchers -= 1

    async def _status(self, call: RpcCall, service: str) -> Any:
        if service == LIVENESS:
            return _Status.SERVING
        if service not in _READY:
            return _Status.SERVICE_UNKNOWN
        found = await readiness(call.scope, call.gateway)
        return _Status.SERVING if found.status == "ready" else _Status.NOT_SERVING
