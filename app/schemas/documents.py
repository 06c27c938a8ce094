"""Wire forms of `/v1/documents`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from app.schemas.wire import ResponseModel


class Outcome(ResponseModel):
    """What became of one document or file."""

    path: str = Field(examples=["docs/api.md"])
    status: Literal["added", "updated", "unchanged", "failed"] = Field(examples=["added"])
    document_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    chunk_count: int = Field(examples=[12])
    message: str = Field(default="", description="Why it failed.", examples=[""])
    warnings: list[str] = Field(
        default=[],
        description="What of a file was not read.",
        examples=[["2 hidden sheets were left out: Pay, Old."]],
    )


class DocumentsResponse(ResponseModel):
    """One outcome per document; a failed one does not stop the others."""

    outcomes: list[Outcome]
    added: int = Field(examples=[1])
    updated: int = Field(examples=[0])
    unchanged: int = Field(examples=[0])
    failed: int = Field(examples=[0])


def _in_order(acl: object) -> object:
    return sorted(acl) if isinstance(acl, frozenset) else acl


class DocumentInfo(ResponseModel):
    """A document of the index, without its text."""

    id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    path: str = Field(examples=["docs/api.md"])
    title: str = Field(examples=["HTTP API"])
    chunk_count: int = Field(examples=[12])
    created_at: str = Field(
        description="First arrival, UTC.", examples=["2026-01-31T12:00:00+00:00"]
    )
    metadata: dict[str, str | int | float | bool] = Field(examples=[{"team": "platform"}])
    acl: Annotated[list[str] | None, BeforeValidator(_in_order)] = Field(
        default=None,
        description="Groups that may read it; null for all of the tenant.",
        examples=[["legal"]],
    )


class DocumentList(ResponseModel):
    """A page of documents, in order of arrival."""

    documents: list[DocumentInfo]
    next_cursor: str | None = Field(
        description="Null on the last page.", examples=["1767225600000000000"]
    )


class ChunkInfo(ResponseModel):
    """A passage of a document, as it is searched and cited."""

    id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6-00003"])
    ordinal: int = Field(description="Its place in the document, counted from 0.", examples=[3])
    text: str = Field(
        description="May begin with the end of the one before it: both are found by what stands "
        "where they were parted."
    )
    heading: str = Field(
        description="The headings that it stands under, without the title; empty for none.",
        examples=["Limits > Prices"],
    )
    page: int | None = Field(description="Counted from 1; null for a format without pages.")


class ChunkList(ResponseModel):
    """Chunks of a document, in order."""

    document_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    chunk_count: int = Field(description="How many there are in all.", examples=[12])
    chunks: list[ChunkInfo]
    next: int | None = Field(description="`first` of the next page; null on the last.")


class DeletedDocument(ResponseModel):
    """What a deletion removed."""

    id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    deleted: Literal[True] = True
    chunk_count: int = Field(examples=[12])
