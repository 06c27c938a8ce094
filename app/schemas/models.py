"""Wire forms that other services made common: OpenAI's embeddings and models, Cohere's and Jina's
rerank."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from app.schemas.wire import COST_USD, RequestModel, ResponseModel, TolerantModel
from deployments.contracts.inputs import Items

EmbeddingInput = Annotated[str, Field(min_length=1, max_length=200_000)]
Passage = Annotated[str, Field(min_length=1, max_length=200_000)]


class EmbeddingsRequest(TolerantModel):
    """OpenAI's request, without arrays of token ids."""

    @field_validator("input", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        first = value[0] if isinstance(value, list) and value else None
        if isinstance(first, int | list) and not isinstance(first, bool):
            raise PydanticCustomError(
                "token_ids",
                "arrays of token ids are not taken, as their tokenizer is not this model's: send "
                "texts (LangChain: check_embedding_ctx_length=False)",
            )
        return value

    input: (
        EmbeddingInput | Annotated[Items[EmbeddingInput], Field(min_length=1, max_length=2048)]
    ) = Field(description="A text, or a list of texts.", examples=[["first text", "second text"]])
    model: str = Field(
        default="ragserve",
        max_length=256,
        description="`ragserve`, or the name of the embedding model.",
        examples=["ragserve"],
    )
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="`base64` is float32, little-endian.", examples=["float"]
    )
    input_type: Literal["query", "document"] = Field(
        default="document",
        description="What the texts are; some models encode them differently.",
        examples=["query"],
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Must be the model's own dimension, if given.",
        examples=[384],
    )
    user: str | None = Field(default=None, max_length=256, examples=["alice"])


class StageProvenance(ResponseModel):
    """Our own member of vectors and scores."""

    request_id: str = Field(description="As `X-Request-ID`.", examples=["3f2a9c"])
    model: str = Field(description="The model itself.", examples=["all-MiniLM-L6-v2"])
    ignored: list[str] = Field(description="Fields of the request that nothing here knows.")


class EmbeddedText(ResponseModel):
    """One vector."""

    object: Literal["embedding"] = "embedding"
    index: int = Field(examples=[0])
    embedding: list[float] | str = Field(examples=[[0.013, -0.052, 0.04]])


class EmbeddingsUsage(ResponseModel):
    """Tokens after truncation to the model's window."""

    prompt_tokens: int = Field(examples=[9])
    total_tokens: int = Field(examples=[9])
    cost_usd: float | None = COST_USD


class EmbeddingsResponse(ResponseModel):
    """Vectors in the order of the input, L2-normalised."""

    object: Literal["list"] = "list"
    data: list[EmbeddedText]
    model: str = Field(description="As the request named it.", examples=["ragserve"])
    usage: EmbeddingsUsage
    ragserve: StageProvenance


class RerankDocument(RequestModel):
    """A text as an object; what else it has is not read."""

    model_config = ConfigDict(extra="ignore")

    text: Passage = Field(examples=["Paris is the capital of France."])


class RerankRequest(TolerantModel):
    """Cohere's and Jina's request."""

    without_effect = frozenset({"priority", "user"})
    neutral = {"rank_fields": [["text"]]}

    query: Annotated[str, Field(min_length=1, max_length=8000)] = Field(
        examples=["What is the capital of France?"]
    )
    documents: Annotated[Items[Passage | RerankDocument], Field(min_length=1, max_length=1000)] = (
        Field(examples=[["Paris is the capital of France.", "Berlin is in Germany."]])
    )
    model: str = Field(default="ragserve", max_length=256, examples=["ragserve"])
    top_n: int | None = Field(
        default=None, ge=1, description="Results returned; all by default.", examples=[1]
    )
    return_documents: bool = Field(default=False, examples=[True])


class TextsRequest(TolerantModel):
    """The request of text-embeddings-inference, whose `/rerank` has no version and names no
    model."""

    without_effect = frozenset({"truncation_direction"})
    neutral = {"truncate": [True, False], "raw_scores": [False]}

    query: Annotated[str, Field(min_length=1, max_length=8000)]
    texts: Annotated[Items[Passage], Field(min_length=1, max_length=1000)]
    return_text: bool = False


class RankedText(ResponseModel):
    """A text's place, in the form of text-embeddings-inference."""

    index: int
    score: float
    text: str | None = None


class RerankedText(ResponseModel):
    """The text of a result."""

    text: str = Field(examples=["Paris is the capital of France."])


class RerankResult(ResponseModel):
    """A document's place."""

    index: int = Field(description="Place in the request, from 0.", examples=[0])
    relevance_score: float = Field(examples=[0.82])
    document: RerankedText | None = None


class RerankUsage(ResponseModel):
    """Tokens that the reranker read."""

    prompt_tokens: int = Field(examples=[27])
    total_tokens: int = Field(examples=[27])


class ApiVersion(ResponseModel):
    """Of Cohere's API."""

    version: str = "2"


class BilledUnits(ResponseModel):
    """What Cohere would have counted."""

    search_units: int = 1


class RerankMeta(ResponseModel):
    """What Cohere's clients read of an answer."""

    api_version: ApiVersion = ApiVersion()
    billed_units: BilledUnits = BilledUnits()


class RerankResponse(ResponseModel):
    """Results by descending relevance."""

    id: str = Field(examples=["3f2a9c"])
    model: str = Field(description="As the request named it.", examples=["ragserve"])
    results: list[RerankResult]
    usage: RerankUsage
    ragserve: StageProvenance
    meta: RerankMeta = RerankMeta()


class InfinityRerankResult(ResponseModel):
    """A document's place, with its text as infinity has it."""

    index: int
    relevance_score: float
    document: str | None


class InfinityRerankResponse(ResponseModel):
    """Results by descending relevance, in the form of the embedding server infinity."""

    object: Literal["rerank"] = "rerank"
    id: str
    model: str
    results: list[InfinityRerankResult]
    usage: RerankUsage
    created: int
    ragserve: StageProvenance


class ModelPrices(ResponseModel):
    """What tokens cost, in US dollars for a million of them."""

    prompt_usd_per_million_tokens: float = Field(examples=[0.15])
    cached_usd_per_million_tokens: float | None = Field(default=None, examples=[0.075])
    completion_usd_per_million_tokens: float = Field(examples=[0.6])


class ModelDetails(ResponseModel):
    """Our own member of an entry: what a name is for."""

    purposes: list[Literal["chat", "completions", "embeddings", "rerank"]] = Field(
        description="What it may be asked for."
    )
    model: str | None = Field(
        description="The model itself; null where the request decides.", examples=["extractive"]
    )
    max_model_tokens: int | None = Field(
        description="What it reads and writes together, at most; null without a bound.",
        examples=[8192],
    )
    streams: bool = Field(description="Whether it writes piece by piece.")
    prices: ModelPrices | None = Field(description="Null where no price is set.")
    alias_of: str | None = Field(description="The name that this one stands for.")


class Model(ResponseModel):
    """Something a request may name as its `model`."""

    id: str = Field(examples=["ragserve:minilm-extractive"])
    object: Literal["model"] = "model"
    created: int = Field(
        description="Start of the gateway, seconds since 1970.", examples=[1767225600]
    )
    owned_by: str = Field(examples=["ragserve"])
    ragserve: ModelDetails


class ModelList(ResponseModel):
    """OpenAI's list."""

    object: Literal["list"] = "list"
    data: list[Model]
