"""The stages of retrieval as others see them: what may be asked of each, and what it answers.

Nothing here imports a framework, so that every stage and every test double can depend on it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import (
    Chunk,
    Document,
    DocumentPage,
    DocumentRecord,
    IngestOutcome,
    SourcePage,
    Upload,
)
from deployments.contracts.search import (
    Calibration,
    CollectionFacts,
    Embedded,
    Filter,
    Found,
    InputType,
    Reranked,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.tenants import Erased

if TYPE_CHECKING:
    from deployments.contracts.vectors import QuestionTokens, Vectors


class Stage(Protocol):
    """What every stage can say of itself."""

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns facts that clients may know, such as the model's name; that it answers means that
        it is ready."""
        ...

    async def description(self, *, call: CallContext) -> dict[str, object]:
        """Returns what `describe` said some seconds ago at most, without asking again."""
        ...


class EmbedderStage(Stage, Protocol):
    """Texts in, vectors out."""

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        """Returns one row per text, and, for whoever will have passages judged by the texts, the
        vectors of their tokens.

        Raises:
            Overloaded, Unavailable, DeadlineExceeded, StageFailed.
        """
        ...


class RetrieverStage(Stage, Protocol):
    """Finds chunks, and keeps the list of documents."""

    async def search(
        self,
        query: str,
        vector: "Vectors | None",
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        reach: int = 0,
        counts: WordCounts | None = None,
        call: CallContext,
    ) -> Found:
        """Returns at most `top_k` chunks by descending score, ties by chunk id, and the chunks up
        to `reach` places before and after each, as far as they stand with it. `vector` has shape
        (1, dim); only a search by words needs none. `counts` are what `count_words` said of the
        query."""
        ...

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        """Returns what searches for some questions have to be told of all texts, which can be asked
        for before their vectors are there; None where there is nothing to tell."""
        ...

    async def generation(self, *, call: CallContext) -> str:
        """Returns a digest of the state of the tenant's documents, all changes included that were
        acknowledged before the call, and of the calibration: equal only where every search finds
        the same. Empty where the retriever has no index in memory to tell it from."""
        ...

    async def documents(
        self, *, after: int, limit: int, named: str = "", call: CallContext
    ) -> DocumentPage:
        """Returns documents whose sequence is above `after`, in order of arrival. With `named` only
        those in whose id, path or title that stands, in whatever case: then a page may have fewer
        than `limit` although more follow."""
        ...

    async def chunks(
        self, document_id: str, *, first: int, limit: int, call: CallContext
    ) -> Sequence[Chunk]:
        """Returns up to `limit` chunks of a document from the ordinal `first` on, in order; or
        raises NotFound."""
        ...

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """Returns the record, or raises NotFound."""
        ...

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> Mapping[str, DocumentRecord]:
        """Returns the records of those documents that are known, by id."""
        ...

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        """Returns documents whose sequence is above `after` as they came, fewer than `limit` where
        they are long."""
        ...

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """Removes a document; returns how many chunks went with it, or raises NotFound."""
        ...

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        """Returns how much the collection holds, and its calibration as it is stored."""
        ...

    async def sample(self, *, limit: int, call: CallContext) -> Sequence[Chunk]:
        """Returns up to `limit` chunks drawn from all of them, in random order; the same ones as
        long as the collection stays the same."""
        ...

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """Removes some of what there is of a tenant; repeat it until it is done. It may be asked
        again at any time.

        Raises:
            Forbidden: the call does not reach all tenants.
        """
        ...

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        """Stores a calibration in place of the former one. Other replicas know it within
        seconds."""
        ...


class IndexerStage(Stage, Protocol):
    """Turns documents and files into indexed chunks."""

    async def ingest(
        self,
        documents: Sequence[Document],
        uploads: Sequence[Upload],
        *,
        call: CallContext,
    ) -> list[IngestOutcome]:
        """Returns one outcome per document, in order; documents read from the uploads follow."""
        ...

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        """Returns one outcome per document of a JSON body, in order.

        Raises:
            MalformedRequest, InvalidRequest: the body is no JSON, or against the schema.
        """
        ...


class RerankerStage(Stage, Protocol):
    """Judges how well texts answer a query."""

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: "QuestionTokens | None" = None,
        call: CallContext,
    ) -> Reranked:
        """Returns a score per text. `question` is the query as the embedder read it."""
        ...
