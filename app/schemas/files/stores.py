"""Wire forms of `/v1/vector_stores`: the store itself, and a search of it."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.answers import QueryText
from app.schemas.attribute_filters import AttributeFilter
from app.schemas.files.files import FILE_ID
from app.schemas.responses.tools import RankingOptions
from app.schemas.wire import RequestModel, ResponseModel
from deployments.contracts.inputs import Items

STORE = "vs_default"


class FileCounts(ResponseModel):
    """Files by what became of them. A file that could not be read is refused, and not counted."""

    in_progress: int = 0
    completed: int = Field(examples=[3])
    failed: int = 0
    cancelled: int = 0
    total: int = Field(examples=[3])


class VectorStore(ResponseModel):
    """All documents of the service."""

    id: str = Field(examples=[STORE])
    object: Literal["vector_store"] = "vector_store"
    name: str = Field(examples=["default"])
    created_at: int = Field(description="When the first document came.", examples=[1767225600])
    status: Literal["completed"] = "completed"
    file_counts: FileCounts
    usage_bytes: int = Field(default=0, description="Always 0: bytes are not counted.")
    last_active_at: int | None = None
    expires_after: dict[str, int | str] | None = None
    expires_at: int | None = None
    metadata: dict[str, str] = {}


class VectorStoreList(ResponseModel):
    """The stores."""

    object: Literal["list"] = "list"
    data: list[VectorStore]
    first_id: str | None = Field(examples=[STORE])
    last_id: str | None = Field(examples=[STORE])
    has_more: Literal[False] = False


class StoreSearchRequest(RequestModel):
    """What to look for in a store."""

    without_effect = frozenset({"rewrite_query"})

    query: QueryText | Annotated[Items[QueryText], Field(min_length=1, max_length=9)] = Field(
        description="A question, or several ways to put it, whose results are fused.",
        examples=["What happens when a queue is full?"],
    )
    max_num_results: int = Field(default=10, ge=1, le=50)
    filters: AttributeFilter | None = None
    ranking_options: RankingOptions = RankingOptions()

    @property
    def queries(self) -> list[str]:
        """The question, and the other ways to put it."""
        return [self.query] if isinstance(self.query, str) else self.query


class ResultContent(ResponseModel):
    """The text of a passage."""

    type: Literal["text"] = "text"
    text: str


class StoreSearchResult(ResponseModel):
    """A passage that was found."""

    file_id: str = Field(examples=[FILE_ID])
    filename: str = Field(examples=["handbook.pdf"])
    score: float = Field(
        description="How well it fits the question; compares between questions.", examples=[0.71]
    )
    attributes: dict[str, str | int | float | bool] = Field(examples=[{"team": "platform"}])
    content: list[ResultContent]


class StoreSearchResults(ResponseModel):
    """What was found, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[StoreSearchResult]
    has_more: Literal[False] = False
    next_page: str | None = None
