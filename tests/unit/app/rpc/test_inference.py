"""Embeddings and reranking by the Open Inference Protocol."""

from typing import Any

import numpy as np
import pytest
from grpc import StatusCode

from ragserve.inference import open_inference_pb2 as oip
from tests.doubles import DIMENSION, DoubleDirectory, vector_of
from tests.unit.app.rpc.conftest import Service
from tests.unit.app.rpc.test_tensors import prefixed


def asking(model: str, **inputs: list[str]) -> oip.ModelInferRequest:
    """A request whose texts come as a Triton client sends them."""
    request = oip.ModelInferRequest(model_name=model, id="7")
    for name, texts in inputs.items():
        request.inputs.add(name=name, datatype="BYTES", shape=[len(texts)])
        request.raw_input_contents.append(prefixed(*(text.encode() for text in texts)))
    return request


def numbers(response: Any) -> np.ndarray:
    (output,) = response.outputs
    return np.frombuffer(response.raw_output_contents[0], dtype="<f4").reshape(output.shape)


@pytest.mark.parametrize("model", ["embeddings", "ragserve", "ragserve:one", "hashembedder-double"])
async def test_texts_become_vectors(service: Service, model: str) -> None:
    response = await service.call("ModelInfer", asking(model, text=["one text", "ein Text, ü"]))
    assert service.context.code is None, service.context.details
    assert (response.model_name, response.model_version, response.id) == (model, "one", "7")
    assert response.outputs[0].name == "embeddings"
    assert list(response.outputs[0].shape) == [2, DIMENSION]
    assert np.allclose(numbers(response)[1], vector_of("ein Text, ü"))
    assert response.parameters["prompt_tokens"].int64_param == 5
    assert (
        response.parameters["request_id"].string_param == service.context.trailers["x-request-id"]
    )
    (heard,) = service.listener.heard
    assert heard.notes.attempt is not None
    assert heard.notes.attempt.embedding_tokens == 5


@pytest.mark.parametrize("model", ["rerank", "ragserve"])
async def test_passages_get_scores_in_their_order(service: Service, model: str) -> None:
    passages = ["Berlin is in Germany.", "Paris is the capital of France."]
    request = asking(model, query=["What is the capital of France?"], passages=passages)
    response = await service.call("ModelInfer", request)
    assert service.context.code is None, service.context.details
    assert list(response.outputs[0].shape) == [2]
    scores = numbers(response)
    assert scores[1] > scores[0]


async def test_parameters_of_a_request_are_those_of_the_http_api(
    service: Service, stages: DoubleDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, embed = [], stages.embedder.embed

    async def noting(texts: Any, *, input_type: Any, call: Any) -> Any:
        seen.append(input_type)
        return await embed(texts, input_type=input_type, call=call)

    monkeypatch.setattr(stages.embedder, "embed", noting)
    request = asking("embeddings", text=["a"])
    request.parameters["priority"].uint64_param = 1  # of clients' own
    await service.call("ModelInfer", request)
    request.parameters["input_type"].string_param = "query"
    request.parameters["dimensions"].int64_param = DIMENSION
    await service.call("ModelInfer", request)
    assert seen == ["document", "query"]
    request.parameters["dimensions"].int64_param = DIMENSION + 1
    await service.call("ModelInfer", request)
    assert service.context.code is StatusCode.INVALID_ARGUMENT
    request.parameters["input_type"].string_param = "title"
    await service.call("ModelInfer", request)
    assert service.context.problem["errors"][0]["field"] == "input_type"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asking("no-such", text=["a"]), StatusCode.NOT_FOUND),
        (asking("embeddings", query=["a"], passages=["b"]), StatusCode.NOT_FOUND),
        (asking("rerank", text=["a"]), StatusCode.NOT_FOUND),
        (asking("embeddings"), StatusCode.INVALID_ARGUMENT),
        (asking("embeddings", texts=["a"]), StatusCode.INVALID_ARGUMENT),
        (asking("embeddings", text=["a"], other=["b"]), StatusCode.INVALID_ARGUMENT),
        (asking("embeddings", text=[""]), StatusCode.INVALID_ARGUMENT),
        (asking("rerank", query=["a"]), StatusCode.INVALID_ARGUMENT),
        (asking("rerank", query=["a", "b"], passages=["c"]), StatusCode.INVALID_ARGUMENT),
        (asking("rerank", query=["a"], passages=["c"] * 1001), StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_what_no_model_takes_is_refused(
    service: Service, request_: oip.ModelInferRequest, status: StatusCode
) -> None:
    await service.call("ModelInfer", request_)
    assert service.context.code is status, service.context.details


async def test_only_its_own_output_and_version_can_be_asked_for(service: Service) -> None:
    request = asking("embeddings", text=["a"])
    request.outputs.add(name="embeddings")
    request.model_version = "one"
    await service.call("ModelInfer", request)
    assert service.context.code is None
    request.model_version = "two"
    await service.call("ModelInfer", request)
    assert service.context.code is StatusCode.NOT_FOUND
    request.model_version = ""
    request.outputs.add(name="scores")
    await service.call("ModelInfer", request)
    assert service.context.code is StatusCode.INVALID_ARGUMENT


async def test_a_model_says_what_it_takes_and_gives(service: Service) -> None:
    embeddings = await service.call("ModelMetadata", oip.ModelMetadataRequest(name="embeddings"))
    assert [(one.name, one.datatype, list(one.shape)) for one in embeddings.inputs] == [
        ("text", "BYTES", [-1])
    ]
    assert [(one.name, one.datatype, list(one.shape)) for one in embeddings.outputs] == [
        ("embeddings", "FP32", [-1, DIMENSION])
    ]
    assert list(embeddings.versions) == ["one"]
    rerank = await service.call("ModelMetadata", oip.ModelMetadataRequest(name="rerank"))
    assert [one.name for one in rerank.inputs] == ["query", "passages"]
    assert [one.name for one in rerank.outputs] == ["scores"]
    await service.call("ModelMetadata", oip.ModelMetadataRequest(name="ragserve"))
    assert service.context.code is StatusCode.INVALID_ARGUMENT, "it has two signatures"
    await service.call("ModelMetadata", oip.ModelMetadataRequest(name="gpt-4"))
    assert service.context.code is StatusCode.NOT_FOUND


async def test_a_model_is_ready_when_its_stage_answers(
    service: Service, stages: DoubleDirectory
) -> None:
    from deployments.contracts.errors import Unavailable

    asked = oip.ModelReadyRequest(name="embeddings")
    assert (await service.call("ModelReady", asked)).ready
    stages.embedder.failure = Unavailable("away", "embedder")
    assert not (await service.call("ModelReady", asked)).ready
    assert (await service.call("ModelReady", oip.ModelReadyRequest(name="rerank"))).ready
    assert not (await service.call("ServerReady", oip.ServerReadyRequest())).ready
    assert (await service.call("ServerLive", oip.ServerLiveRequest())).live


async def test_the_server_says_what_it_is(service: Service) -> None:
    said = await service.call("ServerMetadata", oip.ServerMetadataRequest())
    assert said.name == "ragserve"
    assert said.version
