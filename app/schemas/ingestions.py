"""Wire forms of `/v1/ingestions`."""

from typing import Literal

from pydantic import Field

from app.schemas.wire import ResponseModel
from deployments.batches.ingestion import SourceState

INGESTION_ID = "ingest_5d1f0c2a9b7e4c3d8f6a1b2c"
IngestionStatus = Literal["in_progress", "completed", "expired", "cancelling", "cancelled"]


class SourceCounts(ResponseModel):
    """Documents by what became of them."""

    total: int = Field(examples=[3])
    read: int = Field(
        description="Those that are in the index: added, updated or unchanged.", examples=[2]
    )
    failed: int = Field(examples=[1])


class Ingestion(ResponseModel):
    """An ingestion; times are in seconds since 1970."""

    id: str = Field(examples=[INGESTION_ID])
    object: Literal["ingestion"] = "ingestion"
    status: IngestionStatus
    created_at: int = Field(examples=[1767225600])
    expires_at: int = Field(description="What is not read by then is given up.")
    ended_at: int | None = Field(description="Null while it goes on.")
    counts: SourceCounts

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it changes any more."""
        return self.ended_at is not None


class IngestionList(ResponseModel):
    """A page of ingestions, newest first."""

    data: list[Ingestion]
    last_id: str | None = Field(examples=[INGESTION_ID])
    has_more: bool


class IngestionSource(ResponseModel):
    """One document of an ingestion."""

    number: int = Field(description="Its place in the request, from 1.", examples=[1])
    name: str = Field(examples=["docs/api.md"])
    size_bytes: int = Field(examples=[5120])
    status: SourceState = Field(examples=["added"])
    tries: int = Field(
        description="How often it was put off, because a part of the service was away or busy.",
        examples=[0],
    )
    document_id: str = Field(
        description="Empty until it is read, and for a file of records, which is several."
    )
    chunk_count: int = Field(examples=[12])
    message: str = Field(description="Why it failed.", examples=[""])
    warnings: list[str] = Field(description="What of a file was not read.", examples=[[]])


class IngestionSources(ResponseModel):
    """A page of the documents of an ingestion, in the order in which they came."""

    data: list[IngestionSource]
    next_after: int | None = Field(
        description="The `after` of the next page; null on the last one.", examples=[100]
    )
