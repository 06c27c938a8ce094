"""Settings of the gateway, cold and live, and of a retrieval application.

Every knob lives in one layer, chosen by what changing it costs: `args` restart their application,
`user_config` is applied in place, `deployments:` holds Serve's own names, and the environment holds
secrets only.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.prices import PriceTable
from app.routing import RoutingRule
from app.telemetry.activity_config import ActivityArgs
from app.telemetry.config import Recording
from deployments.contracts import SearchMethod, SearchMode
from deployments.embedder.config import EmbedderArgs
from deployments.indexer.config import IndexerArgs
from deployments.reranker.config import RerankerArgs
from deployments.retriever.config import RetrieverArgs, StoreArgs
from deployments.settings import Settings
from deployments.tracing.config import TracingArgs

_METHOD = SearchMethod()
"""What a search does that nobody has told otherwise."""

ReleaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Weight = Annotated[float, Field(ge=0.0, le=1.0)]

DEFAULT_MIN_RELEVANCE_SCORE = 0.45
"""For collections without a calibration, on the scale of late interaction over all-MiniLM-L6-v2.
It rather lets questions on other subjects pass than refuse good ones: on seven collections it
keeps over 99 % of the real questions, and refuses from 45 to 98 % of those of the others."""


def as_tuple(value: Any) -> Any:
    """Returns one name as a tuple of one, and everything else as it is."""
    return (value,) if isinstance(value, str) else value


class GatewayArgs(Settings):
    """Cold settings of the ingress. A change restarts the gateway, and only the gateway."""

    request_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """Time a request has from door to answer, or to the first token where the answer is streamed.
    Every stage gets what is left of it."""

    stream_timeout_s: float = Field(default=600.0, gt=0, le=7200)
    """Time a streamed answer has from door to end."""

    inter_token_timeout_s: float = Field(default=20.0, gt=0, le=600)
    """Time between two pieces of an answer; after it the stream ends with an error."""

    keep_alive_s: float = Field(default=10.0, gt=0, le=600)
    """A stream in which nothing happens for so long gets a comment, so that nobody on the way
    takes the connection for dead."""

    ingest_timeout_s: float = Field(default=600.0, gt=0, le=7200)
    """The same for writes of documents, which embed thousands of chunks."""

    max_body_bytes: int = Field(default=4 * 2**20, ge=1024)
    """Bytes of a JSON body at most; over it the answer is 413."""

    max_upload_bytes: int = Field(default=48 * 2**20, ge=1024)
    """The same for bodies of `/v1/documents`. The replicas accept messages up to 64 MiB."""

    max_concurrent_requests: int = Field(default=256, ge=1)
    """Requests one ingress replica works on at most. Over it the answer is 503 at once. Keep it
    below the deployment's `max_ongoing_requests`, whose own refusal has no problem body."""

    target_wait_s: float = Field(default=0.6, gt=0)
    """Time a request may wait for its stages, their work excluded. Where most wait longer, the
    replica admits fewer requests, down to 16, and refuses the others at once; where they do not, it
    admits more again."""

    control: str | None = Field(default=None, min_length=1)
    """Name of the control application, which runs rollouts. Without one, traffic is what
    `user_config` says."""

    tracing: TracingArgs = TracingArgs()
    """Where traces go. Without it there are none."""

    activity: ActivityArgs = ActivityArgs()
    """How the control application is told what was served."""

    shadow_concurrency: int = Field(default=4, ge=1, le=256)
    """Requests that one ingress replica repeats on a release in shadow at once. Over it they are
    not repeated."""

    concurrent_stage_calls: int = Field(default=4, ge=1)
    """Calls on their way to one deployment at once; requests that come meanwhile travel together in
    the next one. Two for each replica of the deployment keep it busy; a call that is full leaves at
    once, and one to the embedder or the retriever only when enough requests wait."""


class FilterField(Settings):
    """A key of the documents' metadata that a question may ask for in words."""

    kind: Literal["string", "integer", "number", "boolean"] = "string"
    """What its values are."""

    description: str = Field(min_length=1, max_length=500)
    """What it says of a document, for the language model: `year in which the PEP was written`."""

    values: tuple[str | int | float | bool, ...] = Field(default=(), max_length=200)
    """All values that there are, where they are few."""

    @model_validator(mode="after")
    def _values_are_of_its_kind(self) -> Self:
        if wrong := [value for value in self.values if not _is_a(self.kind, value)]:
            raise ValueError(f"{wrong[0]!r} is no {self.kind}")
        return self

    def takes(self, value: object) -> bool:
        """Returns whether a document can have this value."""
        return _is_a(self.kind, value) and (not self.values or value in self.values)


def _is_a(kind: str, value: object) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is {"string": str, "integer": int, "boolean": bool}[kind]


class Release(Settings):
    """A version vector: which applications answer, and with which parameters."""

    retrieval: str
    """Name of the retrieval application."""

    generator: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    """Name of the generator application, or a list: the next one answers when one cannot, as long
    as there is no first token."""

    first_token_timeout_s: float = Field(default=10.0, gt=0)
    """Time a generator has until its first token where another one follows in the list."""

    prompt: str = "answer-v1"
    """The prompt of its answers, by name and version. Answers say it."""

    condense: Literal["llm", "rule", "off"] = "llm"
    """How a conversation becomes a search query: `llm` lets the generator write it (or the rule,
    where the generator is no language model), `rule` joins the last questions where the last one
    does not stand alone, `off` takes the last message as it is."""

    extra_queries: int = Field(default=0, ge=0, le=5)
    """Other ways to put a question that the language model writes. Each costs a search; the model's
    answer is waited for. Off by default, as the next two are: without a language model they do
    nothing."""

    hypothetical_passage: bool = False
    """Whether the language model writes a passage that could be the answer, which is searched for
    as well (HyDE)."""

    filter_fields: dict[str, FilterField] = {}
    """Keys of the metadata for which a language model may read conditions out of the question:
    "PEPs from 2021 about typing" becomes a filter and a query."""

    mode: SearchMode = _METHOD.mode
    """What chunks are found by: `dense` by meaning, `lexical` by words, `hybrid` by both."""

    dense_weight: float = Field(default=_METHOD.dense_weight, ge=0.0, le=1.0)
    """Weight of meaning in a hybrid search; words have the rest."""

    candidates: int = Field(default=_METHOD.candidates, ge=1, le=1000)
    """Chunks that a hybrid search looks at by meaning, and as many by words; `top_k` of them are
    kept."""

    top_k: int = Field(default=40, ge=1, le=1000)
    """Chunks taken from the index."""

    top_n: int = Field(default=5, ge=1, le=100)
    """Chunks kept after reranking: the context of the answer."""

    neighbours: int = Field(default=1, ge=0, le=5)
    """Chunks before and after each source that the generator reads with it, as far as they stand
    under the same heading: small chunks are found more exactly, longer passages are understood
    better. 0 gives it the chunks as they are."""

    max_repeated_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Share of a chunk that may repeat a better one; above it the chunk is left out, and the next
    one takes its place. 1 keeps copies."""

    rerank: bool = True
    """Whether the reranker judges what the retriever found."""

    rerank_weight: float = Field(default=0.55, ge=0.0, le=1.0)
    """Weight of the reranker's judgement in the final order; the retriever's score has the rest. A
    trained cross-encoder deserves more than late interaction, up to 1."""

    rerank_timeout_s: float = Field(default=10.0, gt=0)
    """Time the reranker has at most; after it the answer goes on in the retriever's order and says
    `degraded`."""

    min_relevance_score: float | None = None
    """Reranked chunks below it are no support for an answer. On the scale of the reranker. None
    takes the score that was fitted to the collection (`ragserve calibrate`), and 0.45 where none
    was, or with another reranker; a number is used as it is."""


class GatewayLive(Settings):
    """Live settings, the ingress's `user_config`: changed in place, no process restarts."""

    releases: dict[ReleaseName, Release] = Field(min_length=1)
    """Releases by name; a name goes into a header."""

    traffic: dict[str, Weight] = Field(min_length=1)
    """Weight per release; shares of the sum. A release without one gets no traffic and can still be
    deployed."""

    prices: PriceTable = PriceTable()
    """What tokens cost, by model."""

    recording: Recording = Recording()
    """Which traces are kept, and what of their texts."""

    routing: tuple[RoutingRule, ...] = ()
    """What `model: auto` means: the first rule that fits a request names its model; where none
    fits, traffic decides."""

    @model_validator(mode="after")
    def _names_releases_that_exist(self) -> Self:
        unknown = sorted(set(self.traffic) - set(self.releases))
        if unknown:
            raise ValueError(f"traffic names releases that do not exist: {', '.join(unknown)}")
        for rule in self.routing:
            release = rule.use.removeprefix("ragserve:")
            if release != rule.use and release not in self.releases:
                raise ValueError(f"routing names a release that does not exist: {release}")
        if sum(self.traffic.values()) <= 0:
            raise ValueError("at least one release needs a weight above zero")
        return self


class RetrievalArgs(Settings):
    """One version of the retrieval side: model, splitting and collection belong together."""

    embedder: EmbedderArgs = EmbedderArgs()
    reranker: RerankerArgs = RerankerArgs()
    store: StoreArgs
    lexical: bool = RetrieverArgs.model_fields["lexical"].default
    max_chunk_tokens: int = IndexerArgs.model_fields["max_chunk_tokens"].default
    overlap_tokens: int = IndexerArgs.model_fields["overlap_tokens"].default
    max_document_chunks: int = IndexerArgs.model_fields["max_document_chunks"].default

    def retriever(self) -> RetrieverArgs:
        """Returns the retriever's settings."""
        return RetrieverArgs(store=self.store, lexical=self.lexical)

    def indexer(self) -> IndexerArgs:
        """Returns the indexer's settings; its tokenizer is the embedder's."""
        return IndexerArgs(
            model=self.embedder.model,
            max_chunk_tokens=self.max_chunk_tokens,
            overlap_tokens=self.overlap_tokens,
            max_document_chunks=self.max_document_chunks,
        )
