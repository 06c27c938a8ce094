"""A release: which applications answer, and with which parameters."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from app.settings.cold.cache import ReleaseCache
from app.settings.live.priors import Prior
from deployments.contracts.filters import is_reserved_key
from deployments.contracts.search import SearchMethod, SearchMode
from deployments.settings import Settings

_METHOD = SearchMethod()
"""What a search does that nobody has told otherwise."""


DEFAULT_MIN_RELEVANCE_SCORE = 0.45
"""For collections without a calibration, on the scale of late interaction over all-MiniLM-L6-v2.
It rather lets questions on other subjects pass than refuse good ones: on seven collections it
keeps over 99 % of the real questions, and refuses from 45 to 98 % of those of the others."""


def as_tuple(value: Any) -> Any:
    """Returns one name as a tuple of one, and everything else as it is."""
    return (value,) if isinstance(value, str) else value


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

    prompt: str = "answer-v2"
    """The prompt of its answers, by name and version. Answers say it."""

    search: Literal["first", "tool"] = "first"
    """When documents are searched: `first`, for the question, and what is found stands in the
    prompt; or by the language model itself, to which the function `search_documents` is offered as
    a `tool`. That needs a generator that calls functions by its own choice, and costs a further
    call of it for each search."""

    search_rounds: int = Field(default=3, ge=1, le=10)
    """How often the language model may search before it must answer, with `search: tool`. All of it
    happens within the request's time."""

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
    "PEPs from 2021 about typing" becomes a filter and a query. None says whose a document is."""

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

    priors: tuple[Prior, ...] = Field(default=(), max_length=32)
    """Documents that are preferred, or stand back, after reranking: manuals before proposals and
    changelogs."""

    correct_spelling: bool = True
    """Whether a word of the question that no passage has is read as one that they have and that is
    spelled almost like it, where the passages that are found then are nearer. Costs a second search
    for such a question. The answer says so."""

    rerank_timeout_s: float = Field(default=10.0, gt=0)
    """Time the reranker has at most; after it the answer goes on in the retriever's order and says
    `degraded`."""

    min_relevance_score: float | None = None
    """Reranked chunks below it are no support for an answer. On the scale of the reranker. None
    takes the score that was fitted to the collection (`ragserve calibrate`), and 0.45 where none
    was, or with another reranker; a number is used as it is."""

    moderation: str | None = Field(default=None, min_length=1, max_length=64)
    """Name of the policy of what may be asked and answered, for tenants that have none; None takes
    the default of `moderation`."""
    cache: ReleaseCache = ReleaseCache()
    """Which of its answers are given again to equal requests."""

    @field_validator("filter_fields")
    @classmethod
    def _fields_can_be_asked_for(cls, fields: dict[str, FilterField]) -> dict[str, FilterField]:
        if reserved := sorted(filter(is_reserved_key, fields)):
            raise ValueError(f"no filter can ask for {', '.join(reserved)}")
        return fields
