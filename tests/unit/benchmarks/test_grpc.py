"""The calls of both ways have the same values, and turns count what was called."""

import asyncio
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from app.api.application import create_app, make_entrance
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.rpc.calls import needs_by_path
from app.rpc.services import RpcServices
from app.settings.cold.gateway import GatewayArgs
from benchmarks.grpc import _compare, _table
from benchmarks.grpc_study.turns import Measured, measure, take_turns
from benchmarks.grpc_study.ways import over_grpc, over_http
from tests.doubles import DoubleDirectory
from tests.grpc_server import serving
from tests.unit.app.conftest import LIVE

QUESTIONS = ["What is the capital of France?", "What is a queue?"]


async def test_both_ways_have_the_same_values() -> None:
    args = GatewayArgs()
    gateway = make_gateway(Releases(DoubleDirectory(), lambda: LIVE), args)

    def services() -> RpcServices:
        return RpcServices(make_entrance(gateway, args, also=needs_by_path()), gateway, args)

    transport = httpx.ASGITransport(create_app(gateway, args))
    with serving(services) as address:
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
            grpc.aio.insecure_channel(address.removeprefix("grpc://")) as channel,
        ):
            document = {"id": "paris", "text": "Paris is the capital of France."}
            await client.post("/v1/documents", json={"documents": [document]})
            ways = {
                "HTTP": over_http(client, ["one", "two"], QUESTIONS),
                "gRPC": over_grpc(channel, ["one", "two"], QUESTIONS),
            }
            await _compare(ways)
            raw: list[Any] = [await calls["embeddings, base64"](0) for calls in ways.values()]
            assert np.allclose(raw[0], raw[1])
            streams: list[Any] = [await calls["stream"](0) for calls in ways.values()]
            assert len(streams[0]) == len(streams[1]) > 2
            found: list[Any] = [await calls["search"](0) for calls in ways.values()]
            assert found[0]["results"][0]["text"] == found[1].results[0].text


async def test_answers_that_differ_are_not_measured() -> None:
    async def vectors(_: int) -> object:
        return np.ones(2)

    async def others(_: int) -> object:
        return np.zeros(2)

    with pytest.raises(AssertionError, match="vectors differ"):
        await _compare({"HTTP": {"embeddings": vectors}, "gRPC": {"embeddings": others}})


async def test_every_call_of_a_turn_is_counted() -> None:
    asked: list[int] = []

    async def ask(number: int) -> object:
        asked.append(number)
        await asyncio.sleep(0.01)
        return None

    into = Measured()
    await measure(ask, clients=3, duration_s=0.05, into=into)
    figures = into.figures()
    assert figures["calls"] == len(asked) == len(set(asked))
    assert figures["p50_ms"] >= 10
    ways = {"HTTP": {"a": ask}, "gRPC": {"a": ask}}
    results = await take_turns(ways, [("a", 1), ("a", 2)], rounds=2, duration_s=0.02)
    assert list(results) == ["a, 1 client", "a, 2 clients"]
    assert all(one["calls"] >= 2 for way in results.values() for one in way.values())
    assert _table(results).row_count == 2
