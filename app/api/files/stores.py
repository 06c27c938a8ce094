"""`/v1/vector_stores`: the one store there is, and a search of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.access.route_scopes import needs
from app.answering.question import Question
from app.api.files.store import IN_STORE
from app.api.moderation.requests import checked_question
from app.api.requests.caller import CALLERS, CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ReleasesIn, ScopeIn
from app.api.requests.work import work_of_passages
from app.api.wire.files import attributes_of, created_at_s
from app.releases.model_names import STARTED_S
from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.schemas.files.stores import (
    STORE,
    FileCounts,
    ResultContent,
    StoreSearchRequest,
    StoreSearchResult,
    StoreSearchResults,
    VectorStore,
    VectorStoreList,
)
from app.schemas.wire import problem_responses
from deployments.contracts.errors import UnsupportedField
from deployments.contracts.search import ScoredChunk

router = APIRouter(prefix="/v1/vector_stores", tags=["files"], dependencies=[needs("query")])
_ONE = "/{vector_store_id}"


@router.get("", responses=problem_responses(401, 403), dependencies=CALLERS)
async def list_stores(
    scope: ScopeIn,
    releases: ReleasesIn,
    after: Annotated[str | None, Query(max_length=256)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> VectorStoreList:
    """Lists the stores, of which there is one."""
    data = [await _store(releases, scope)] if after is None else []
    name = STORE if data else None
    return VectorStoreList(data=data[:limit], first_id=name, last_id=name)


@router.get(_ONE, responses=problem_responses(401, 403), dependencies=[*CALLERS, *IN_STORE])
async def get_store(scope: ScopeIn, releases: ReleasesIn) -> VectorStore:
    """Returns how much the store holds."""
    return await _store(releases, scope)


@router.post(
    f"{_ONE}/search",
    dependencies=[*JSON_BODY, *IN_STORE],
    responses=problem_responses(401, 403, 413, 415),
)
async def search_store(
    body: StoreSearchRequest,
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    response: Response,
) -> StoreSearchResults:
    """Finds the passages that fit a question best."""
    first, *others = body.queries
    scope.weigh(len(others) + work_of_passages(body.max_num_results))
    question = Question(
        first,
        queries=tuple(others),
        top_n=body.max_num_results,
        rerank=body.ranking_options.rerank,
        where=body.filters.where() if body.filters else None,
        min_relevance=body.ranking_options.score_threshold,
    )
    assignment = caller.assign(gateway.releases, scope)
    question = await checked_question(question, assignment, scope, gateway)
    served = await gateway.dispatcher.search(question, assignment, scope)
    response.headers.update(release_header(served.release))
    return StoreSearchResults(
        search_query=body.queries, data=[_result(hit) for hit in served.value]
    )


@router.post("", dependencies=[needs("ingest"), *CALLERS], include_in_schema=False)
@router.post(_ONE, dependencies=[needs("ingest"), *CALLERS], include_in_schema=False)
@router.delete(_ONE, dependencies=[needs("ingest"), *CALLERS], include_in_schema=False)
async def change_stores() -> None:
    """Says that the stores stay what they are.

    Raises:
        UnsupportedField: always.
    """
    raise UnsupportedField(
        f"Vector stores are not made, changed or deleted here: there is one, '{STORE}', and every "
        "file is in it from its upload on. Tell files apart by their attributes."
    )


async def _store(releases: Releases, scope: RequestScope) -> VectorStore:
    retriever = releases.main().retrieval.retriever
    facts = await retriever.facts(call=scope.call())
    first = await retriever.documents(after=0, limit=1, call=scope.call())
    count = facts.document_count
    return VectorStore(
        id=STORE,
        name="default",
        created_at=created_at_s(first.records[0]) if first.records else STARTED_S,
        file_counts=FileCounts(completed=count, total=count),
    )


def _result(hit: ScoredChunk) -> StoreSearchResult:
    return StoreSearchResult(
        file_id=hit.chunk.document_id,
        filename=hit.chunk.path,
        score=hit.relevance,
        attributes=attributes_of(hit.chunk.metadata),
        content=[ResultContent(text=hit.chunk.text)],
    )
