"""`POST /v1/embeddings`, `POST /v1/rerank` and `GET /v1/models`: the stages on their own."""

import base64

import numpy as np
from fastapi import APIRouter

from app.api.caller import CALLERS
from app.api.dependencies import JSON_BODY, ReleasesIn, ScopeIn
from app.api.schemas.models import (
    Embedding,
    EmbeddingsRequest,
    EmbeddingsResponse,
    EmbeddingsUsage,
    Model,
    ModelList,
    RerankDocument,
    RerankedText,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RerankUsage,
)
from app.api.schemas.wire import problem_responses
from app.releases.model_names import STARTED_S, model_names, require_model
from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from deployments.contracts.errors import InvalidRequest

router = APIRouter(tags=["models"])


@router.post(
    "/v1/embeddings",
    dependencies=[*JSON_BODY, *CALLERS],
    responses=problem_responses(401, 403, 413, 415),
)
async def embeddings(
    body: EmbeddingsRequest, scope: ScopeIn, releases: ReleasesIn
) -> EmbeddingsResponse:
    """Embeds texts, in OpenAI's form."""
    route = releases.main()  # vectors of two models do not compare
    texts = [body.input] if isinstance(body.input, str) else body.input
    attempt = _begin(route, scope)
    async with attempt.timed("embedder") as spent:
        embedded = await route.retrieval.embedder.embed(
            texts, input_type=body.input_type, call=scope.call()
        )
        spent.note(embedded.times)
        attempt.embedding_tokens = sum(embedded.token_counts)
    require_model(body.model, route.name, embedded.model)
    dimension = embedded.vectors.shape[1]
    if body.dimensions not in (None, dimension):
        raise InvalidRequest(f"This model's vectors have {dimension} dimensions, no other number.")
    tokens = attempt.embedding_tokens
    return EmbeddingsResponse(
        data=[
            Embedding(index=index, embedding=_encode(vector, body.encoding_format))
            for index, vector in enumerate(embedded.vectors)
        ],
        model=embedded.model,
        usage=EmbeddingsUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


@router.post(
    "/v1/rerank",
    dependencies=[*JSON_BODY, *CALLERS],
    responses=problem_responses(401, 403, 413, 415),
)
async def rerank(body: RerankRequest, scope: ScopeIn, releases: ReleasesIn) -> RerankResponse:
    """Orders texts by relevance to a query, in Cohere's and Jina's form."""
    route = releases.main()
    texts = [one.text if isinstance(one, RerankDocument) else one for one in body.documents]
    attempt = _begin(route, scope)
    async with attempt.timed("reranker") as spent:
        judged = await route.retrieval.reranker.rerank(body.query, texts, call=scope.call())
        spent.note(judged.times)
        attempt.rerank_tokens = judged.prompt_tokens
    require_model(body.model, route.name, judged.model)
    order = sorted(range(len(texts)), key=lambda index: (-judged.scores[index], index))
    return RerankResponse(
        id=scope.request_id,
        model=judged.model,
        results=[
            RerankResult(
                index=index,
                relevance_score=judged.scores[index],
                document=RerankedText(text=texts[index]) if body.return_documents else None,
            )
            for index in order[: body.top_n]
        ],
        usage=RerankUsage(total_tokens=judged.prompt_tokens),
    )


@router.get("/v1/models", responses=problem_responses())
async def models(scope: ScopeIn, releases: ReleasesIn) -> ModelList:
    """Lists what a request may name as its `model`."""
    return ModelList(
        data=[
            Model(id=name, created=STARTED_S, owned_by="ragserve")
            for name in await model_names(releases, scope)
        ]
    )


def _begin(route: Route, scope: RequestScope) -> AttemptRecord:
    scope.notes.release = route.name
    attempt = scope.notes.attempt = AttemptRecord()
    return attempt


def _encode(vector: np.ndarray, encoding_format: str) -> list[float] | str:
    if encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    values: list[float] = vector.tolist()
    return values
