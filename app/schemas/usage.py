"""Wire forms of `/v1/usage`."""

from pydantic import AliasChoices, Field

from app.schemas.wire import ResponseModel
from deployments.activity import Dimension


class UsageFigures(ResponseModel):
    """Sums over requests."""

    requests: int
    failed: int = Field(description="Those that had no answer because something broke.")
    prompt_tokens: int = Field(description="Read by the generator.")
    cached_tokens: int = Field(description="Of these, not computed again.")
    completion_tokens: int = Field(description="Written by the generator.")
    embedding_tokens: int = Field(description="Read by the embedder.")
    rerank_tokens: int = Field(description="Read by the reranker.")
    cost_usd: float = Field(
        description="By the price table in force when each request ended.", examples=[0.0123]
    )


class UsageGroup(UsageFigures):
    """One row; it has those of the first six fields that `by` asks for."""

    day: str | None = Field(default=None, description="In UTC.", examples=["2026-11-21"])
    tenant: str | None = Field(default=None, description="Id of the tenant.", examples=["acme"])
    key: str | None = Field(
        default=None,
        description="Id of the API key: for one that the service made, the id it has there; for any"
        " other the first 12 digits of its SHA-256; empty for none.",
        examples=["key_3fJk2LmNp0Qr"],
    )
    release: str | None = Field(default=None, description="Empty: a generator under its own name.")
    model: str | None = Field(default=None, description="Empty where nothing was written.")
    prices: str | None = Field(default=None, description="Version of the price table.")


class UsageReport(ResponseModel):
    """Usage between two days, both included."""

    from_day: str = Field(
        validation_alias=AliasChoices("from_day", "from"),
        serialization_alias="from",
        examples=["2026-11-01"],
    )
    to_day: str = Field(
        validation_alias=AliasChoices("to_day", "to"),
        serialization_alias="to",
        examples=["2026-11-30"],
    )
    by: list[Dimension]
    rows: list[UsageGroup]
    total: UsageFigures
