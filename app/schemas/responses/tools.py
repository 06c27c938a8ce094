"""The one tool that a response may use, and which of its wishes a search can honour."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from app.schemas.attribute_filters import AttributeFilter
from app.schemas.chat import RetrievalOptions
from app.schemas.wire import TolerantModel, refused, unsupported
from deployments.contracts.inputs import Items

_NO_TOOLS = "tools are not called here, apart from file_search"


class RankingOptions(TolerantModel):
    """How what is found is ordered, and what of it is left out."""

    ranker: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="`none` leaves the reranker out; other names ask for the one there is.",
        examples=["auto"],
    )
    score_threshold: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="The least `score` of a result.",
        examples=[0.4],
    )
    hybrid_search: Annotated[
        JsonValue, refused("the release says how meaning and words are weighed")
    ] = Field(default=None, description="Refused.")

    @property
    def rerank(self) -> bool | None:
        """Whether the reranker orders what is found; None leaves it to the release."""
        return False if self.ranker == "none" else None


class FileSearchTool(TolerantModel):
    """A search of a vector store, whose results the answer is written from."""

    type: Literal["file_search"]
    vector_store_ids: Items[Annotated[str, Field(max_length=256)]] = Field(
        min_length=1, max_length=10, examples=[["vs_default"]]
    )
    max_num_results: int | None = Field(default=None, ge=1, le=50, examples=[5])
    filters: AttributeFilter | None = None
    ranking_options: RankingOptions = RankingOptions()

    @model_validator(mode="before")
    @classmethod
    def _is_file_search(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("type") != "file_search":
            raise unsupported(_NO_TOOLS)
        return value

    def narrow(self, options: RetrievalOptions) -> RetrievalOptions:
        """Returns the options of the search, with those of the tool; both filters must hold."""
        filters = [self.filters.where()] if self.filters else []
        filters += [options.filter] if options.filter else []
        rerank = self.ranking_options.rerank
        return options.model_copy(
            update={
                "top_n": self.max_num_results or options.top_n,
                "rerank": options.rerank if rerank is None else rerank,
                "filter": {"$and": filters} if len(filters) > 1 else next(iter(filters), None),
            }
        )


def _plain_choice(value: Any) -> Any:
    """Returns a choice of the only tool there is as one of the words."""
    if not isinstance(value, Mapping):
        return value
    if value.get("type") != "file_search":
        raise unsupported(_NO_TOOLS)
    return "required"


ToolChoice = Annotated[Literal["auto", "none", "required"], BeforeValidator(_plain_choice)]
"""`none` answers without a search; the others search, as a question is always searched for."""
