"""The Open Inference Protocol: embeddings and reranking.

The protocol's models have one signature each, and the service's own name stands for both: so there
are the models `embeddings` and `rerank`, beside the names of what computes them.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from app.api.health import readiness
from app.api.openai.models import embed, rank
from app.releases.catalogue import catalogue
from app.releases.model_names import SERVICE, no_such_model
from app.rpc.calls import RpcCall
from app.rpc.messages import refusal_of
from app.rpc.tensors import add_output, texts_of
from app.schemas.models import EmbeddingsRequest, RerankRequest
from deployments.contracts.errors import InvalidRequest, RagError
from deployments.contracts.stages import Stage
from ragserve.inference import open_inference_pb2 as oip

Task = Literal["embeddings", "rerank"]
_TASKS: tuple[Task, ...] = ("embeddings", "rerank")
_OF_THE_CALL = ("input_type", "dimensions")
_ANY = -1


@dataclass(frozen=True, slots=True)
class _Signature:
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    output: str


_SIGNATURES = {
    "embeddings": _Signature((("text", (_ANY,)),), "embeddings"),
    "rerank": _Signature((("query", (1,)), ("passages", (_ANY,))), "scores"),
}


async def server_live(call: RpcCall, _request: oip.ServerLiveRequest) -> oip.ServerLiveResponse:
    """Says that the process runs."""
    return oip.ServerLiveResponse(live=True)


async def server_ready(call: RpcCall, _request: oip.ServerReadyRequest) -> oip.ServerReadyResponse:
    """Says whether questions can be answered."""
    found = await readiness(call.scope, call.gateway)
    return oip.ServerReadyResponse(ready=found.status == "ready")


async def model_ready(call: RpcCall, request: oip.ModelReadyRequest) -> oip.ModelReadyResponse:
    """Says whether a model answers; one that nobody knows is not found."""
    _check_version(call, request.version)
    stage = _stage_of(call, await _task_of(call, request.name))
    try:
        await stage.describe(call=call.scope.call())
    except RagError:
        return oip.ModelReadyResponse(ready=False)
    return oip.ModelReadyResponse(ready=True)


async def server_metadata(
    call: RpcCall, _request: oip.ServerMetadataRequest
) -> oip.ServerMetadataResponse:
    """Returns the service's name and version."""
    return oip.ServerMetadataResponse(name=SERVICE, version=version(SERVICE))


async def model_metadata(
    call: RpcCall, request: oip.ModelMetadataRequest
) -> oip.ModelMetadataResponse:
    """Returns what a model takes and gives."""
    _check_version(call, request.version)
    task = await _task_of(call, request.name)
    facts = await _stage_of(call, task).description(call=call.scope.call())
    signature = _SIGNATURES[task]
    found = oip.ModelMetadataResponse(
        name=request.name, versions=[call.gateway.releases.main().name], platform=SERVICE
    )
    for name, shape in signature.inputs:
        found.inputs.add(name=name, datatype="BYTES", shape=shape)
    dimension = facts.get("dimension")
    vectors = (_ANY, dimension if isinstance(dimension, int) else _ANY)
    found.outputs.add(
        name=signature.output,
        datatype="FP32",
        shape=vectors if task == "embeddings" else (_ANY,),
    )
    return found


async def model_infer(call: RpcCall, request: oip.ModelInferRequest) -> oip.ModelInferResponse:
    """Embeds texts, or scores passages: the inputs say which.

    Raises:
        InvalidRequest: inputs, outputs or parameters are not what the model takes.
        ModelNotFound: no model of this name does it.
    """
    _check_version(call, request.model_version)
    call.check_wishes()
    texts = texts_of(request)
    task: Task = "rerank" if "passages" in texts or "query" in texts else "embeddings"
    signature = _SIGNATURES[task]
    wanted = [name for name, _ in signature.inputs]
    if sorted(texts) != sorted(wanted):
        named = ", ".join(name[:64] for name in texts) or "none"
        raise InvalidRequest(
            f"The inputs are {' and '.join(wanted)} here; there are: {named}. ModelMetadata says "
            "what a model takes."
        )
    for output in request.outputs:
        if output.name != signature.output:
            raise InvalidRequest(f"The only output is '{signature.output}'.")
    response = oip.ModelInferResponse(
        model_name=request.model_name,
        model_version=call.gateway.releases.main().name,
        id=request.id,
    )
    model = SERVICE if request.model_name == task else request.model_name
    if task == "embeddings":
        tokens = await _embed(call, request, texts["text"], model, response)
    else:
        tokens = await _rank(call, texts, model, response)
    response.parameters["request_id"].string_param = call.scope.request_id
    response.parameters["prompt_tokens"].int64_param = tokens
    return response


async def _embed(
    call: RpcCall,
    request: oip.ModelInferRequest,
    texts: list[str],
    model: str,
    response: oip.ModelInferResponse,
) -> int:
    fields: dict[str, Any] = {"input": texts, "model": model, **_parameters_of(request)}
    try:
        body = EmbeddingsRequest.model_validate(fields)
    except ValidationError as error:
        raise refusal_of(error, fields) from error
    embedded = await embed(body, call.scope, call.gateway)
    add_output(response, "embeddings", "FP32", embedded.vectors)
    return sum(embedded.token_counts)


async def _rank(
    call: RpcCall, texts: dict[str, list[str]], model: str, response: oip.ModelInferResponse
) -> int:
    if len(texts["query"]) != 1:
        raise InvalidRequest("The input 'query' has one element.")
    fields = {"query": texts["query"][0], "documents": texts["passages"], "model": model}
    try:
        body = RerankRequest.model_validate(fields)
    except ValidationError as error:
        raise refusal_of(error, fields) from error
    _, judged = await rank(body.query, texts["passages"], body.model, call.scope, call.gateway)
    add_output(response, "scores", "FP32", np.asarray(judged.scores))
    return judged.prompt_tokens


def _parameters_of(request: oip.ModelInferRequest) -> dict[str, Any]:
    """Returns what the parameters say of the texts; those of clients' own are left alone."""
    return {
        name: getattr(parameter, kind)
        for name in _OF_THE_CALL
        if name in request.parameters
        and (parameter := request.parameters[name])
        and (kind := parameter.WhichOneof("parameter_choice"))
    }


async def _task_of(call: RpcCall, name: str) -> Task:
    """Returns what a model is for.

    Raises:
        ModelNotFound: there is none of this name.
        InvalidRequest: it is for both.
    """
    for task in _TASKS:
        if name == task:
            return task
    entry = (await catalogue(call.gateway.releases, call.scope)).get(name)
    purposes = [] if entry is None else [task for task in _TASKS if task in entry.purposes]
    if not purposes:
        raise no_such_model(name, "embeddings or reranking")
    if len(purposes) > 1:
        raise InvalidRequest(
            f"'{name}' has two signatures: ask for the model 'embeddings' or 'rerank'."
        )
    return purposes[0]


def _stage_of(call: RpcCall, task: Task) -> Stage:
    stages = call.gateway.releases.main().retrieval
    return stages.embedder if task == "embeddings" else stages.reranker


def _check_version(call: RpcCall, asked: str) -> None:
    """Raises ModelNotFound for a version that is not the release whose stages answer."""
    if asked not in ("", call.gateway.releases.main().name):
        raise no_such_model(f"version {asked}", "embeddings or reranking")
