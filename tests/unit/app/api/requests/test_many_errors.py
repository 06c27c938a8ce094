"""How much a body that is wrong all over costs: as much as its first errors, not as all of them."""

import time
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import httpx
import pytest
from pydantic import BaseModel, FailFast, ValidationError

from app.schemas.admin import TrafficChange
from app.schemas.answers import BatchRequest, QueryRequest, SearchRequest
from app.schemas.chat import ChatRequest
from app.schemas.completions import CompletionRequest
from app.schemas.models import EmbeddingsRequest, RerankRequest
from deployments.contracts.inputs import InputModel
from deployments.indexer.json_documents import DocumentsRequest

MANY = 100_000
MAX_ERRORS = 60
BODIES: list[tuple[type[InputModel], dict[str, Any]]] = [
    (ChatRequest, {"model": "ragserve", "messages": [{"role": "user", "content": [0] * MANY}]}),
    (ChatRequest, {"model": "ragserve", "messages": [0] * MANY}),
    (ChatRequest, {"messages": [], "logit_bias": {str(n): "x" for n in range(MANY)}}),
    (ChatRequest, {"messages": [], "stop": [0] * MANY}),
    (ChatRequest, {"messages": [], "structured_outputs": {"choice": [0] * MANY}}),
    (CompletionRequest, {"prompt": "?", "stop": [0] * MANY}),
    (QueryRequest, {"query": "?", "queries": [0] * MANY}),
    (SearchRequest, {"query": "?", **{f"unknown_{n}": n for n in range(MANY)}}),
    (BatchRequest, {"queries": [0] * MANY}),
    (EmbeddingsRequest, {"input": [0] * MANY}),
    (RerankRequest, {"query": "?", "documents": [0] * MANY}),
    (DocumentsRequest, {"documents": [{"text": "x", **{f"k{n}": n for n in range(MANY)}}]}),
    (
        DocumentsRequest,
        {"documents": [{"text": "x", "metadata": {f"k{n}": [] for n in range(MANY)}}]},
    ),
    (DocumentsRequest, {"documents": [{"parts": [0] * MANY}]}),
    (DocumentsRequest, {"documents": [0] * MANY}),
    (TrafficChange, {"weights": {f"release {n}": "x" for n in range(MANY)}}),
]


@pytest.mark.parametrize(("model", "body"), BODIES)
def test_the_check_ends_with_the_first_errors(
    model: type[InputModel], body: dict[str, Any]
) -> None:
    began_s = time.process_time()
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    assert refused.value.error_count() <= MAX_ERRORS
    assert time.process_time() - began_s < 0.1


def request_models(model: type[BaseModel] = InputModel) -> Iterator[type[BaseModel]]:
    for below in model.__subclasses__():
        yield below
        yield from request_models(below)


def unguarded(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yields the lists and mappings in a type whose errors nothing bounds."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from unguarded(arguments[0], (*metadata, *arguments[1:]))
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from unguarded(argument, metadata)
    elif origin is list:
        inner = [part for one in metadata for part in (one, *getattr(one, "metadata", ()))]
        if not any(isinstance(one, FailFast) for one in inner):
            yield annotation
        yield from unguarded(arguments[0])
    elif origin is dict and not metadata:
        yield annotation


def test_no_list_or_mapping_of_a_request_is_without_a_bound() -> None:
    models = list(request_models())
    assert len(models) > 10
    for model in models:
        for name, field in model.model_fields.items():
            found = list(unguarded(field.annotation, tuple(field.metadata)))
            assert not found, f"{model.__name__}.{name}"


async def test_the_answer_names_the_first_errors(client: httpx.AsyncClient) -> None:
    body = {"model": "ragserve", "messages": [{"role": "user", "content": [0, 1, 2]}]}
    answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 422
    assert any("messages.0.content" in str(one["field"]) for one in answer.json()["errors"])
