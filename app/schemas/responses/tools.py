"""The tools of a response: functions of the client, and the one search that there is here."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag

from app.schemas.attribute_filters import AttributeFilter
from app.schemas.chat import RetrievalOptions
from app.schemas.responses.functions import FlatFunctionChoice, FlatFunctionTool
from app.schemas.wire import TolerantModel, refused, unsupported
from deployments.contracts.inputs import Items

_NO_OTHERS = "no tools are called here apart from functions and file_search"


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


def _type_of(value: Any) -> Any:
    return value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)


def _is_known(value: Any) -> Any:
    if isinstance(value, Mapping) and _type_of(value) not in ("file_search", "function"):
        raise unsupported(_NO_OTHERS)
    return value


ResponseTool = Annotated[
    Annotated[FileSearchTool, Tag("file_search")] | Annotated[FlatFunctionTool, Tag("function")],
    Discriminator(_type_of),
    BeforeValidator(_is_known),
]


def _plain_choice(value: Any) -> Any:
    """Returns the choice of the only search that there is as a word."""
    return "file_search" if _type_of(_is_known(value)) == "file_search" else value


ToolChoice = Annotated[
    Literal["auto", "none", "required", "file_search"] | FlatFunctionChoice,
    BeforeValidator(_plain_choice),
]
"""Whether functions are called. A `file_search` that is offered is made with every choice but
`none`, as a question is always searched for."""
