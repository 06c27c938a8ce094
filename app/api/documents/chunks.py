"""`/v1/documents/{id}/chunks`: what a document was split into, and where."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.documents.documents import DocumentId
from app.api.requests.dependencies import ReleasesIn, ScopeIn
from app.schemas.documents import ChunkInfo, ChunkList
from app.schemas.wire import problem_responses

router = APIRouter(tags=["documents"], dependencies=[needs("query")])


@router.get("/v1/documents/{document_id}/chunks", responses=problem_responses())
async def list_chunks(
    document_id: DocumentId,
    scope: ScopeIn,
    releases: ReleasesIn,
    first: Annotated[
        int, Query(ge=0, le=10**9, description="Ordinal of the first one, counted from 0.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ChunkList:
    """Lists the chunks of a document in their order: the passages that are searched and cited."""
    retriever, call = releases.main().retrieval.retriever, scope.call()
    record = await retriever.document(document_id, call=call)
    chunks = await retriever.chunks(document_id, first=first, limit=limit, call=call)
    following = first + limit
    return ChunkList(
        document_id=document_id,
        chunk_count=record.chunk_count,
        chunks=[ChunkInfo.model_validate(chunk) for chunk in chunks],
        next=following if following < record.chunk_count else None,
    )
