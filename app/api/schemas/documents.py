"""Wire forms of `/v1/documents`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.api.schemas.wire import RequestModel, ResponseModel
from deployments.contracts.documents import MAX_TEXT_CHARS
from deployments.indexer.cleaning import RESERVED_KEYS

MetadataKey = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^$#]")]
MetadataText = Annotated[str, Field(max_length=4096)]
RequestMetadata = Annotated[
    dict[MetadataKey, MetadataText | bool | int | float], Field(max_length=64)
]


class DocumentPart(RequestModel):
    """A stretch of a document, such as a page."""

    text: str = Field(max_length=MAX_TEXT_CHARS, examples=["First page."])
    page: int | None = Field(default=None, ge=1, examples=[1])


class DocumentInput(RequestModel):
    """A document as text (Markdown is understood)."""

    id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$",
        description="Your own id. Without it, the path makes one, or else the text.",
        examples=["handbook-4"],
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="How people know it.",
        examples=["docs/api.md"],
    )
    title: str | None = Field(default=None, max_length=512, examples=["HTTP API"])
    text: str | None = Field(
        default=None, max_length=MAX_TEXT_CHARS, examples=["# HTTP API\n\nErrors are problems."]
    )
    parts: list[DocumentPart] | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        description="Instead of `text`, where pages matter.",
    )
    metadata: RequestMetadata = Field(
        default_factory=dict,
        description="Key-values to filter on.",
        examples=[{"team": "platform"}],
    )

    @model_validator(mode="after")
    def _has_text_or_parts(self) -> Self:
        if (self.text is None) == (self.parts is None):
            raise ValueError("give either `text` or `parts`")
        taken = sorted(RESERVED_KEYS & set(self.metadata))
        if taken:
            raise ValueError(f"metadata keys that the index itself uses: {', '.join(taken)}")
        return self


class DocumentsRequest(RequestModel):
    """Documents to index; one whose text and metadata are known already costs nothing."""

    documents: list[DocumentInput] = Field(min_length=1, max_length=1000)


class Outcome(ResponseModel):
    """What became of one document or file."""

    path: str = Field(examples=["docs/api.md"])
    status: Literal["added", "updated", "unchanged", "failed"] = Field(examples=["added"])
    document_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    chunk_count: int = Field(examples=[12])
    message: str = Field(default="", description="Why it failed.", examples=[""])


class DocumentsResponse(ResponseModel):
    """One outcome per document; a failed one does not stop the others."""

    outcomes: list[Outcome]
    added: int = Field(examples=[1])
    updated: int = Field(examples=[0])
    unchanged: int = Field(examples=[0])
    failed: int = Field(examples=[0])


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


class DocumentList(ResponseModel):
    """A page of documents, in order of arrival."""

    documents: list[DocumentInfo]
    next_cursor: str | None = Field(
        description="Null on the last page.", examples=["1767225600000000000"]
    )


class DeletedDocument(ResponseModel):
    """What a deletion removed."""

    id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    deleted: Literal[True] = True
    chunk_count: int = Field(examples=[12])
