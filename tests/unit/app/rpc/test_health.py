"""Health as Kubernetes and load balancers ask it."""

import asyncio

import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2

from app.rpc import health
from app.rpc.calls import RPCS
from app.rpc.health import Health
from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory
from tests.unit.app.rpc.conftest import KEYS, Context, MakeService, Service, Table

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
ALL = ["", "ragserve.v1.Rag", "inference.GRPCInferenceService", "grpc.health.v1.Health"]


@pytest.mark.parametrize("name", [*ALL, "liveness"])
async def test_a_probe_needs_no_key_and_no_metadata(make_service: MakeService, name: str) -> None:
    service = make_service(authenticator=Table(KEYS))
    asked = health_pb2.HealthCheckRequest(service=name)
    context = Context(peer="ipv4:10.0.0.7:4711")
    answer = await service.call("Check", asked, context)
    assert context.code is None
    assert answer.status == SERVING


async def test_a_stage_that_is_away_is_seen_by_all_but_liveness(
    service: Service, stages: DoubleDirectory
) -> None:
    stages.embedder.failure = Unavailable("away", "embedder")
    for name in ALL:
        asked = health_pb2.HealthCheckRequest(service=name)
        assert (await service.call("Check", asked)).status == NOT_SERVING
    alive = health_pb2.HealthCheckRequest(service="liveness")
    assert (await service.call("Check", alive)).status == SERVING


async def test_a_service_that_there_is_not_is_not_found(service: Service) -> None:
    await service.call("Check", health_pb2.HealthCheckRequest(service="other"))
    assert service.context.code is StatusCode.NOT_FOUND


async def test_a_list_has_every_service(service: Service) -> None:
    listed = await service.call("List", health_pb2.HealthListRequest())
    assert set(listed.statuses) == {*ALL, "liveness"}
    assert {one.status for one in listed.statuses.values()} == {SERVING}


async def test_a_full_gateway_is_healthy(service: Service) -> None:
    with (
        service.entrance.limit.running(),
        service.entrance.limit.running(),
        service.entrance.limit.running(),
        service.entrance.limit.running(),
    ):
        answer = await service.call("Check", health_pb2.HealthCheckRequest())
    assert answer.status == SERVING


async def test_a_watch_tells_what_changes(service: Service, stages: DoubleDirectory) -> None:
    service.rpc.streaming = {"Watch": Health(every_s=0.01).watch}
    watch = service.rpc.stream("Watch", health_pb2.HealthCheckRequest(), Context())
    assert (await anext(watch)).status == SERVING
    stages.embedder.failure = Unavailable("away", "embedder")
    assert (await anext(watch)).status == NOT_SERVING
    stages.embedder.failure = None
    assert (await anext(watch)).status == SERVING
    following = asyncio.ensure_future(anext(watch))
    done, _ = await asyncio.wait([following], timeout=0.1)
    assert not done, "nothing has changed"
    following.cancel()
    await asyncio.wait([following])


async def test_watchers_have_a_bound_and_give_their_places_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_MOST_WATCHERS", 1)
    first = service.rpc.stream("Watch", health_pb2.HealthCheckRequest(), Context())
    await anext(first)
    assert await service.stream("Watch", health_pb2.HealthCheckRequest()) == []
    assert service.context.code is StatusCode.RESOURCE_EXHAUSTED
    await first.aclose()
    again = service.rpc.stream("Watch", health_pb2.HealthCheckRequest(), Context())
    assert (await anext(again)).status == SERVING
    await again.aclose()


async def test_a_watch_of_a_service_that_there_is_not_goes_on(service: Service) -> None:
    asked = health_pb2.HealthCheckRequest(service="other")
    watch = service.rpc.stream("Watch", asked, Context())
    assert (await anext(watch)).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    await watch.aclose()


def test_health_is_the_only_service_with_a_watch() -> None:
    assert [name for name, rpc in RPCS.items() if rpc.streams] == ["StreamQuery", "Watch"]
