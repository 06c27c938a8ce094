"""Calls over HTTP and over gRPC that a program makes to have the same values in its hands."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
import httpx
import numpy as np

from ragserve.inference import open_inference_pb2 as oip
from ragserve.inference.open_inference_pb2_grpc import GRPCInferenceServiceStub
from ragserve.v1 import rag_pb2
from ragserve.v1.rag_pb2_grpc import RagStub

Ask = Callable[[int], Awaitable[object]]
"""Makes the call of a number, and returns what a program would work on with."""


def over_http(
    client: httpx.AsyncClient, texts: Sequence[str], questions: Sequence[str]
) -> Mapping[str, Ask]:
    """Returns the calls by name, over a pool of connections."""

    async def post(path: str, body: Mapping[str, Any]) -> Any:
        response = await client.post(path, json=body)
        response.raise_for_status()
        return response.json()

    async def embeddings(_: int) -> object:
        found = await post("/v1/embeddings", {"input": texts})
        return np.array([one["embedding"] for one in found["data"]], dtype=np.float32)

    async def embeddings_base64(_: int) -> object:
        found = await post("/v1/embeddings", {"input": texts, "encoding_format": "base64"})
        return np.stack(
            [np.frombuffer(base64.b64decode(one["embedding"]), "<f4") for one in found["data"]]
        )

    async def query(number: int) -> object:
        return await post("/v1/query", {"query": questions[number % len(questions)]})

    async def search(number: int) -> object:
        return await post("/v1/search", {"query": questions[number % len(questions)]})

    async def stream(number: int) -> object:
        body = {"query": questions[number % len(questions)], "stream": True}
        async with client.stream("POST", "/v1/query", json=body) as response:
            response.raise_for_status()
            lines = [line async for line in response.aiter_lines()]
        return [json.loads(line[5:]) for line in lines if line.startswith("data:")]

    return {
        "embeddings": embeddings,
        "embeddings, base64": embeddings_base64,
        "query": query,
        "search": search,
        "stream": stream,
    }


def over_grpc(
    channel: grpc.aio.Channel, texts: Sequence[str], questions: Sequence[str]
) -> Mapping[str, Ask]:
    """Returns the calls by name, over one channel."""
    rag, inference = RagStub(channel), GRPCInferenceServiceStub(channel)

    async def embeddings(_: int) -> object:
        request = oip.ModelInferRequest(model_name="embeddings")
        text = request.inputs.add(name="text", datatype="BYTES", shape=[len(texts)])
        text.contents.bytes_contents.extend(one.encode() for one in texts)
        found = await inference.ModelInfer(request)
        shape = list(found.outputs[0].shape)
        return np.frombuffer(found.raw_output_contents[0], "<f4").reshape(shape)

    async def query(number: int) -> object:
        return await rag.Query(rag_pb2.QueryRequest(query=questions[number % len(questions)]))

    async def search(number: int) -> object:
        return await rag.Search(rag_pb2.SearchRequest(query=questions[number % len(questions)]))

    async def stream(number: int) -> object:
        request = rag_pb2.QueryRequest(query=questions[number % len(questions)])
        return [event async for event in rag.StreamQuery(request)]

    # Raw numbers are what base64 stands for.
    return {
        "embeddings": embeddings,
        "embeddings, base64": embeddings,
        "query": query,
        "search": search,
        "stream": stream,
    }
