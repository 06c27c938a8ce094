"""Wire forms of `/v1/query` and `/v1/search`."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails

from app.schemas.conversations import CONVERSATION, CONVERSATION_ID, STORE, ConversationField
from app.schemas.filters import MetadataFilter
from app.schemas.moderations import Blocked
from app.schemas.sampling import NotHere, SamplingFields
from app.schemas.wire import COST_USD, Problem, ResponseModel, TolerantModel, refused
from deployments.contracts.generation import FinishReason
from deployments.contracts.inputs import Items
from deployments.contracts.search import SearchMode


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


QueryText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8000,
        description="The question, in words.",
        examples=["What happens when a queue is full?"],
    ),
    AfterValidator(_not_blank),
]


class SearchRequest(TolerantModel):
    """What to look for. Everything but the query has a default from the release."""

    query: QueryText
    queries: Items[QueryText] = Field(
        default_factory=list,
        max_length=8,
        description="Other ways to put the question. All are searched for at once, and what they "
        "find is fused.",
        examples=[["What does the service answer when too many requests wait?"]],
    )
    mode: SearchMode | None = Field(
        default=None,
        description="What chunks are found by: `dense` by meaning, `lexical` by words, `hybrid` by "
        "both.",
        examples=["hybrid"],
    )
    top_k: int | None = Field(
        default=None, ge=1, le=1000, description="Chunks taken from the index.", examples=[30]
    )
    top_n: int | None = Field(
        default=None, ge=1, le=100, description="Chunks returned, best first.", examples=[5]
    )
    rerank: bool | None = Field(
        default=None, description="Whether the reranker orders the chunks.", examples=[True]
    )
    filter: MetadataFilter | None = Field(
        default=None,
        description="Metadata filter: `{key: value}`, with `$and`, `$or`, `$ne`, `$in`, `$gt`... "
        "`path`, `title`, `heading`, `page` and your own keys can be asked for. At most 128 "
        "conditions, 8 levels, and 10,000 values in lists.",
        examples=[{"path": "docs/api.md"}],
    )
    session_id: str | None = Field(
        default=None,
        max_length=256,
        description="Keeps a conversation on one release.",
        examples=["chat-7"],
    )
    user: str | None = Field(
        default=None, max_length=256, description="Keeps a user on one release.", examples=["alice"]
    )


class WrittenQuery(SearchRequest, SamplingFields):
    """A question to answer from the documents, and how the answer is written."""


class QueryItem(WrittenQuery):
    """A question of a batch."""

    neutral = {**SamplingFields.neutral, "stream": [False]}

    stream: Annotated[NotHere, refused("a batch is answered whole")] = None


class QueryRequest(WrittenQuery):
    """A question to answer from the documents."""

    stream: bool = Field(
        default=False,
        description="Whether the answer comes as server-sent events: `sources`, then `delta` and "
        "`citation` as it is written, then `done`, or `error` where it breaks off.",
        examples=[False],
    )
    conversation_id: ConversationField | None = CONVERSATION
    store: bool | None = STORE


@dataclass(frozen=True, slots=True)
class WrongItem:
    """An item of a batch that is against the schema; the others are answered. `errors` is what
    pydantic says of `value`."""

    value: object
    errors: list[ErrorDetails]


def _or_wrong(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError as error:
        return WrongItem(value, error.errors(include_url=False, include_input=False))


class BatchRequest(TolerantModel):
    """Questions that are answered independently of each other, at once."""

    queries: Items[Annotated[QueryItem, WrapValidator(_or_wrong)]] = Field(
        max_length=64,
        description="1 to 64 questions, each as `/v1/query` takes it, without `stream`.",
        json_schema_extra={"minItems": 1},
    )


class StageTiming(ResponseModel):
    """Where the time of one stage went, in milliseconds."""

    total_ms: float = Field(description="With the way there and back.", examples=[14.2])
    queue_ms: float = Field(default=0.0, description="Waiting for the model.", examples=[0.4])
    inference_ms: float = Field(default=0.0, description="In the model.", examples=[11.9])
    replica_ms: float = Field(
        default=0.0, description="In the stage, without the way there and back.", examples=[12.6]
    )


class Timings(ResponseModel):
    """Time of the request as the gateway saw it."""

    total_ms: float = Field(examples=[52.7])
    stages: dict[str, StageTiming] = Field(
        description="By stage: embedder, retriever, reranker, generator, and what a "
        "language model wrote on the way.",
        examples=[
            {
                "embedder": {
                    "total_ms": 14.2,
                    "queue_ms": 0.4,
                    "inference_ms": 11.9,
                    "replica_ms": 12.6,
                }
            }
        ],
    )


class SignalScores(ResponseModel):
    """What each way of looking said of a chunk, on its own scale, which is the same for every
    question."""

    dense: float | None = Field(
        default=None, description="Cosine similarity of the embeddings.", examples=[0.58]
    )
    lexical: float | None = Field(
        default=None, description="BM25; null where no word was found.", examples=[11.2]
    )
    rerank: float | None = Field(
        default=None, description="The reranker's; null where it did not run.", examples=[0.71]
    )


class Source(ResponseModel):
    """A chunk of a document."""

    index: int = Field(description="Number that the answer cites it by, from 1.", examples=[1])
    document_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6"])
    chunk_id: str = Field(examples=["doc_1b2c3d4e5f60718293a4b5c6-00004"])
    path: str = Field(examples=["docs/api.md"])
    title: str = Field(examples=["HTTP API"])
    heading: str = Field(description="Headings above the chunk.", examples=["When a queue is full"])
    page: int | None = Field(
        default=None, description="From 1, for formats with pages.", examples=[12]
    )
    score: float = Field(
        description="What decided the order. It compares the chunks of one answer; what compares "
        "between answers are `signals`.",
        examples=[0.93],
    )
    signals: SignalScores = SignalScores()
    text: str = Field(
        description="The chunk; for the sources of an answer with what stands around it.",
        examples=["A full queue is answered with 503 and `Retry-After`."],
    )
    metadata: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Your own key-values.", examples=[{"team": "platform"}]
    )


class Citation(ResponseModel):
    """A stretch of the answer and the source it rests on."""

    start: int = Field(description="First character in the answer, from 0.", examples=[0])
    end: int = Field(description="Character after the last one.", examples=[57])
    source: int = Field(description="`index` of the source.", examples=[1])


class Usage(ResponseModel):
    """Tokens that the request cost."""

    prompt_tokens: int = Field(description="Read by the generator.", examples=[612])
    completion_tokens: int = Field(description="Written by the generator.", examples=[31])
    total_tokens: int = Field(examples=[643])
    embedding_tokens: int = Field(description="Read by the embedder.", examples=[11])
    rerank_tokens: int = Field(description="Read by the reranker.", examples=[5120])
    cached_tokens: int = Field(
        default=0,
        description="Of the prompt's tokens, those that were not computed again.",
        examples=[0],
    )
    cost_usd: float | None = COST_USD


class SearchResponse(ResponseModel):
    """What was found, best first."""

    id: str = Field(description="The request id.", examples=["3f2a9c"])
    request_id: str = Field(description="The same, as errors name it.", examples=["3f2a9c"])
    results: list[Source]
    release: str = Field(examples=["minilm-extractive"])
    degraded: list[str] = Field(
        description="Stages that the request had to do without.", examples=[[]]
    )
    timings: Timings


class QueryResponse(ResponseModel):
    """The answer, and everything needed to check it."""

    id: str = Field(description="The request id.", examples=["3f2a9c"])
    request_id: str = Field(description="The same, as errors name it.", examples=["3f2a9c"])
    answer: str = Field(examples=["A full queue is answered with 503 and `Retry-After`. [1]"])
    grounded: bool = Field(
        description="False when no document supported an answer.", examples=[True]
    )
    answerability: float | None = Field(
        default=None,
        description="How likely the documents answer the question, from 0 to 1, where the "
        "generator estimates it.",
        examples=[0.82],
    )
    citations: list[Citation]
    sources: list[Source] = Field(description="The chunks that were found, best first.")
    release: str = Field(examples=["minilm-extractive"])
    model: str = Field(description="The generator's model.", examples=["extractive"])
    prompt: str = Field(description="The prompt, with its version.", examples=["answer-v1"])
    finish_reason: FinishReason = Field(examples=["stop"])
    blocked: Blocked | None = Field(
        default=None,
        description="Why a moderation policy has ended the answer; null where none has.",
        examples=[None],
    )
    conversation_id: str | None = Field(
        default=None,
        description="The kept conversation that the question went on with.",
        examples=[CONVERSATION_ID],
    )
    degraded: list[str] = Field(
        description="Stages that the request had to do without.", examples=[[]]
    )
    usage: Usage
    timings: Timings


class SourcesEvent(ResponseModel):
    """`sources`: the first event of a streamed answer."""

    id: str = Field(description="The request id.", examples=["3f2a9c"])
    request_id: str = Field(description="The same, as errors name it.", examples=["3f2a9c"])
    release: str = Field(examples=["minilm-extractive"])
    model: str = Field(examples=["extractive"])
    sources: list[Source] = Field(description="The chunks that were found, best first.")
    conversation_id: str | None = None


class DeltaEvent(ResponseModel):
    """`delta`: the next piece of the text."""

    text: str = Field(examples=["A full queue "])


class BatchItem(ResponseModel):
    """What became of one question: an answer or a problem, never both."""

    index: int = Field(description="Place of the question, from 0.", examples=[0])
    answer: QueryResponse | None = None
    problem: Problem | None = None
    retry_after_s: float | None = Field(
        default=None,
        description="When it is worth asking again, where the problem passes by itself.",
        examples=[1.0],
    )


class BatchResponse(ResponseModel):
    """One item per question, in their order."""

    id: str = Field(description="The request id.", examples=["3f2a9c"])
    request_id: str = Field(description="The same, as errors name it.", examples=["3f2a9c"])
    results: list[BatchItem]
