"""`POST /v1/embeddings`, `POST /v1/rerank` and `GET /v1/models`: the stages on their own."""

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.access.route_scopes import needs
from app.api.requests.bodies import tolerant
from app.api.requests.caller import CALLERS
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ReleasesIn, ScopeIn
from app.api.requests.expected_use import reserve_embeddings
from app.api.requests.work import work_of_passages, work_of_texts
from app.api.wire.embeddings import embeddings_json
from app.gateway import Gateway
from app.releases.catalogue import ModelEntry, catalogue
from app.releases.model_names import SERVICE, STARTED_S, is_service, no_such_model
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.schemas.models import (
    EmbeddingsRequest,
    EmbeddingsResponse,
    InfinityRerankResponse,
    InfinityRerankResult,
    Model,
    ModelDetails,
    ModelList,
    ModelPrices,
    RankedText,
    RerankDocument,
    RerankedText,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RerankUsage,
    StageProvenance,
    TextsRequest,
)
from app.schemas.wire import problem_responses
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.search import Embedded, Reranked
from deployments.contracts.stages import Stage

router = APIRouter(tags=["models"], dependencies=[needs("query")])
ModelName = Annotated[str, Path(min_length=1, max_length=256, examples=["ragserve"])]


@router.post(
    "/v1/embeddings",
    response_model=EmbeddingsResponse,
    dependencies=[*JSON_BODY, *CALLERS],
    responses=problem_responses(401, 403, 413, 415),
)
async def embeddings(
    body: Annotated[EmbeddingsRequest, tolerant(EmbeddingsRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
) -> Response:
    """Embeds texts, in OpenAI's form."""
    embedded = await embed(body, scope, gateway)
    tokens = sum(embedded.token_counts)
    content = await embeddings_json(
        embedded,
        body.encoding_format,
        model=body.model,
        provenance=_provenance(scope, embedded.model),
        cost_usd=scope.notes.prices.cost_of_prompt_usd(embedded.model, tokens),
    )
    return Response(content, media_type="application/json")


async def embed(body: EmbeddingsRequest, scope: RequestScope, gateway: Gateway) -> Embedded:
    """Returns the vectors of texts, in their order."""
    releases = gateway.releases
    route = releases.main()  # vectors of two models do not compare
    texts = [body.input] if isinstance(body.input, str) else body.input
    scope.weigh(work_of_texts(len(texts)))
    record = _begin(route, scope)
    embedder = route.retrieval.embedder
    await _check_model(body.model, "embeddings", route, embedder, scope, releases)
    if body.dimensions is not None:
        await _check_dimensions(body.dimensions, embedder, scope)
    texts = await gateway.moderator.check_texts(texts, scope, (route.name,))
    await reserve_embeddings(texts, route.retrieval, scope, gateway)
    async with record.timed("embedder") as spent:
        embedded = await embedder.embed(texts, input_type=body.input_type, call=scope.call())
        spent.note(embedded.times)
        record.embedding_tokens = sum(embedded.token_counts)
    return embedded


@router.post("/v2/rerank", dependencies=[*JSON_BODY, *CALLERS], include_in_schema=False)
@router.post(
    "/v1/rerank",
    dependencies=[*JSON_BODY, *CALLERS],
    responses=problem_responses(401, 403, 413, 415),
)
async def rerank(
    body: Annotated[RerankRequest, tolerant(RerankRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
) -> RerankResponse:
    """Orders texts by relevance to a query, in Cohere's and Jina's form; `/v2/rerank` and `/rerank`
    are the same."""
    texts = [
        document.text if isinstance(document, RerankDocument) else document
        for document in body.documents
    ]
    order, judged = await rank(body.query, texts, body.model, scope, gateway)
    return RerankResponse(
        id=scope.request_id,
        model=body.model,
        results=[
            RerankResult(
                index=index,
                relevance_score=judged.scores[index],
                document=RerankedText(text=texts[index]) if body.return_documents else None,
            )
            for index in order[: body.top_n]
        ],
        usage=RerankUsage(prompt_tokens=judged.prompt_tokens, total_tokens=judged.prompt_tokens),
        ragserve=_provenance(scope, judged.model),
    )


@router.post("/rerank", dependencies=[*JSON_BODY, *CALLERS], include_in_schema=False)
async def rerank_unversioned(
    body: Annotated[RerankRequest | TextsRequest, tolerant(RerankRequest, TextsRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
) -> RerankResponse | list[RankedText]:
    """Orders texts, as `/v1/rerank` does; with `texts` in the form of text-embeddings-inference."""
    if isinstance(body, RerankRequest):
        return await rerank(body, scope, gateway)
    order, judged = await rank(body.query, body.texts, SERVICE, scope, gateway)
    return [
        RankedText(
            index=index,
            score=judged.scores[index],
            text=body.texts[index] if body.return_text else None,
        )
        for index in order
    ]


@router.post("/infinity/rerank", dependencies=[*JSON_BODY, *CALLERS], include_in_schema=False)
async def rerank_for_infinity(
    body: Annotated[RerankRequest, tolerant(RerankRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
) -> InfinityRerankResponse:
    """Orders texts, as `/v1/rerank` does, for clients of the embedding server infinity: documents
    are plain texts in its answer, and the form of the request is nothing to tell it by."""
    answer = await rerank(body, scope, gateway)
    results = [
        InfinityRerankResult(
            index=result.index,
            relevance_score=result.relevance_score,
            document=None if result.document is None else result.document.text,
        )
        for result in answer.results
    ]
    return InfinityRerankResponse(
        id=answer.id,
        model=answer.model,
        results=results,
        usage=answer.usage,
        created=int(time.time()),
        ragserve=answer.ragserve,
    )


async def rank(
    query: str, texts: Sequence[str], model: str, scope: RequestScope, gateway: Gateway
) -> tuple[list[int], Reranked]:
    """Returns the places of the texts, best first, and what the reranker said of them."""
    releases = gateway.releases
    route = releases.main()
    scope.weigh(work_of_passages(len(texts)))
    record = _begin(route, scope)
    reranker = route.retrieval.reranker
    await _check_model(model, "rerank", route, reranker, scope, releases)
    query, *texts = await gateway.moderator.check_texts([query, *texts], scope, (route.name,))
    async with record.timed("reranker") as spent:
        judged = await reranker.rerank(query, texts, call=scope.call())
        spent.note(judged.times)
        record.rerank_tokens = judged.prompt_tokens
    return sorted(range(len(texts)), key=lambda index: (-judged.scores[index], index)), judged


@router.get("/v1/models", responses=problem_responses())
async def models(scope: ScopeIn, releases: ReleasesIn) -> ModelList:
    """Lists what a request may name as its `model`."""
    return ModelList(data=[_model(entry) for entry in (await catalogue(releases, scope)).values()])


@router.get("/v1/models/{model:path}", responses=problem_responses())
async def model(model: ModelName, scope: ScopeIn, releases: ReleasesIn) -> Model:
    """Returns one entry of the list."""
    entry = (await catalogue(releases, scope)).get(model)
    if entry is None:
        raise no_such_model(model, "anything")
    return _model(entry)


def _model(entry: ModelEntry) -> Model:
    prices = entry.prices
    details = ModelDetails(
        purposes=list(entry.purposes),
        model=entry.engine or None,
        max_model_tokens=entry.max_model_tokens,
        streams=entry.streams,
        prices=None if prices is None else ModelPrices.model_validate(prices),
        alias_of=entry.alias_of or None,
    )
    return Model(id=entry.name, created=STARTED_S, owned_by="ragserve", ragserve=details)


def _provenance(scope: RequestScope, model: str) -> StageProvenance:
    return StageProvenance(
        request_id=scope.request_id, model=model, ignored=list(scope.notes.ignored)
    )


def _begin(route: Route, scope: RequestScope) -> AttemptRecord:
    scope.notes.release = route.name
    record = scope.notes.attempt = AttemptRecord()
    return record


async def _check_model(
    asked: str, purpose: str, route: Route, stage: Stage, scope: RequestScope, releases: Releases
) -> None:
    """Raises ModelNotFound before the work for a name that is not the stage's; that of the service
    and the release ask nobody."""
    name = releases.settings().named(asked)
    if not is_service(name, route.name):
        facts = await stage.description(call=scope.call())
        if name != facts.get("model"):
            raise no_such_model(asked, purpose)


async def _check_dimensions(asked: int, embedder: Stage, scope: RequestScope) -> None:
    dimension = (await embedder.description(call=scope.call())).get("dimension")
    if asked != dimension:
        raise InvalidRequest(f"This model's vectors have {dimension} dimensions, no other number.")
