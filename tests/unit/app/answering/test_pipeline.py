"""The story of one answer over doubles: which stages, in which order, with how much time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from app.answering import search as search_module
from app.answering.pipeline import answer_from_documents
from app.answering.question import Question
from app.answering.search import search
from app.answering.written import Answer
from app.releases.attempt import Attempt
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.settings.live.gateway import GatewayLive
from app.settings.live.priors import Prior
from app.settings.live.release import Release
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)
from deployments.contracts.generation import Events, GenerationRequest, Message, collect
from deployments.contracts.search import Calibration, Found, Reranked, ScoredChunk, WordCounts
from deployments.contracts.vectors import QuestionTokens
from deployments.generator.extractive.engine import NO_INFORMATION
from tests.doubles import DoubleDirectory, OverlapReranker, vector_of
from tests.generator_doubles import ExtractiveGenerator

TEXTS = {
    "a": "The tower is tall and stands in Paris.",
    "b": "Bread needs flour and salt.",
    "c": "The queue is full at the tower.",
}
TIME_S = 30.0


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class WatchedReranker(OverlapReranker):
    """Remembers what it was told, and takes its time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.takes_s = 0.0
        self.told: list[CallContext] = []

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        self.told.append(call)
        self.clock.now_s += self.takes_s
        return await super().rerank(query, texts, call=call)


class WatchedGenerator(ExtractiveGenerator):
    """Remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.context: list[ScoredChunk] = []
        self.told: list[CallContext] = []

    def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        self.context = list(request.context or ())
        self.told.append(call)
        return super().stream(request, call=call, begin_timeout_s=begin_timeout_s)


@dataclass
class Service:
    """A loaded service without HTTP."""

    clock: Clock = field(default_factory=Clock)
    stages: DoubleDirectory = field(default_factory=DoubleDirectory)
    release: Release = field(
        default_factory=lambda: Release(
            retrieval="r",
            generator=("g",),
            top_k=3,
            top_n=2,
            min_relevance_score=0.4,
            rerank_weight=1.0,
        )
    )
    record: AttemptRecord = field(default_factory=AttemptRecord)

    def __post_init__(self) -> None:
        self.reranker = WatchedReranker(self.clock)
        self.generator = WatchedGenerator()
        self.stages.reranker = self.reranker
        self.stages.generation = self.generator
        for sequence, (name, text) in enumerate(TEXTS.items(), start=1):
            record = DocumentRecord(name, f"{name}.md", "", text, 1, "2026-01-01", sequence)
            chunk = Chunk(f"{name}-00000", name, 0, text, record.path, "")
            self.stages.retriever.written[name] = IndexedDocument(
                record, (chunk,), vector_of(text)[None, :]
            )

    def route(self) -> Route:
        live = GatewayLive(releases={"one": self.release}, traffic={"one": 1.0})
        return Releases(self.stages, lambda: live).route("one")

    def scope(self) -> RequestScope:
        return RequestScope("request", TIME_S, "one", now=self.clock)

    async def answer(self, text: str, **wishes: object) -> Answer:
        attempt = Attempt(self.route(), self.scope(), self.record)
        question = Question(text, **wishes)  # type: ignore[arg-type]
        left_s = self.scope().call().timeout_s
        begun = await answer_from_documents(question, attempt, timeout_s=left_s)
        return Answer(await collect(begun.events), tuple(begun.sources))

    async def search(self, text: str, **wishes: object) -> list[ScoredChunk]:
        attempt = Attempt(self.route(), self.scope(), self.record)
        return await search(Question(text, **wishes), attempt)  # type: ignore[arg-type]

    def set(self, **parameters: object) -> None:
        self.release = self.release.model_copy(update=parameters)


@pytest.fixture
def service() -> Service:
    return Service()


def names(hits: Sequence[ScoredChunk]) -> list[str]:
    return [hit.chunk.document_id for hit in hits]


async def test_stages_come_one_after_the_other(service: Service) -> None:
    given = await service.answer("tower tall Paris")
    assert list(service.record.times) == [
        "embedder",
        "retriever",
        "reranker",
        "generator",
    ]
    assert "The tower is tall" in given.generation.text
    assert service.record.degraded == []
    assert service.record.embedding_tokens == 3
    assert service.record.rerank_tokens == sum(len(text.split()) for text in TEXTS.values())


async def test_every_stage_is_told_who_asks_and_what_time_is_left(service: Service) -> None:
    service.reranker.takes_s = 4.0
    await service.answer("tower tall Paris")
    [told] = service.generator.told
    assert (told.request_id, told.release) == ("request", "one")
    assert told.timeout_s == pytest.approx(TIME_S - 4.0, abs=0.1)


async def test_the_reranker_decides_the_order_and_the_ranks(service: Service) -> None:
    hits = await service.search("queue full bread")
    assert names(hits) == ["c", "b"]
    assert [hit.rank for hit in hits] == [1, 2]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.5])
    assert [hit.signals.rerank for hit in hits] == pytest.approx([2 / 3, 1 / 3])


async def test_equal_scores_are_ordered_by_chunk_id(service: Service) -> None:
    assert names(await service.search("nothing", top_n=3)) == ["a", "b", "c"]


async def test_top_n_is_taken_after_reranking(service: Service) -> None:
    service.set(top_n=1)
    assert names(await service.search("queue full")) == ["c"]
    assert len(service.reranker.told) == 1


@pytest.mark.parametrize(
    ("wish", "release_reranks", "reranked"),
    [(None, True, True), (None, False, False), (False, True, False), (True, False, True)],
    ids=["release-on", "release-off", "client-off", "client-on"],
)
async def test_the_client_decides_about_reranking_before_the_release(
    service: Service, wish: bool | None, release_reranks: bool, reranked: bool
) -> None:
    service.set(rerank=release_reranks)
    await service.search("tower", rerank=wish)
    assert ("reranker" in service.record.times) == reranked


async def test_the_client_decides_about_counts_before_the_release(service: Service) -> None:
    assert len(await service.search("tower", top_k=1, top_n=1)) == 1
    with pytest.raises(InvalidRequest, match=r"top_n \(2\) is more than top_k \(1\)"):
        await service.search("tower", top_k=1)


async def test_irrelevant_chunks_are_withheld_from_the_generator(service: Service) -> None:
    given = await service.answer("bread flour", top_n=3)
    assert names(service.generator.context) == ["b"]
    assert len(given.sources) == 3


async def test_nothing_relevant_is_no_information(service: Service) -> None:
    given = await service.answer("chess")
    assert service.generator.context == []
    assert given.generation.text == NO_INFORMATION
    assert not given.generation.grounded


def fitted(score: float, reranker_model: str = "watchedreranker-double") -> Calibration:
    return Calibration(score, reranker_model, 3, 3, 30, 100, 1.0, 1.0, "2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("given", "calibration", "context"),
    [
        (None, None, ["b"]),
        (None, fitted(0.9), []),
        (None, fitted(0.3), ["a", "b"]),
        (0.4, fitted(0.9), ["b"]),
        (None, fitted(0.9, "another"), ["b"]),
    ],
    ids=["default", "fitted-higher", "fitted-lower", "release-overrides", "other-reranker"],
)
async def test_the_score_is_the_releases_own_else_the_collections_else_the_default(
    service: Service, given: float | None, calibration: Calibration | None, context: list[str]
) -> None:
    """Of the three words, two are in b and one is in a."""
    service.stages.retriever.calibration = calibration
    service.set(min_relevance_score=given)
    await service.answer("bread flour tower", top_n=2)
    assert sorted(names(service.generator.context)) == context


@pytest.mark.parametrize("reason", ["not-wanted", "failed"])
async def test_scores_of_the_retriever_are_not_held_against_the_bound_of_the_reranker(
    service: Service, reason: str
) -> None:
    service.set(min_relevance_score=1000.0, rerank=reason != "not-wanted")
    service.reranker.failure = Unavailable("Gone.", "reranker")
    await service.answer("tower")
    assert len(service.generator.context) == 2


async def test_an_empty_index_asks_no_reranker(service: Service) -> None:
    service.stages.retriever.written.clear()
    given = await service.answer("tower")
    assert "reranker" not in service.record.times
    assert not given.generation.grounded
    assert given.sources == ()


@pytest.mark.parametrize(
    "failure",
    [
        Unavailable("Gone.", "reranker"),
        Overloaded("Full.", "reranker", 1.0),
        DeadlineExceeded("Late.", "reranker"),
        StageFailed("Broken.", "reranker"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_without_the_reranker_the_retrievers_order_stands(
    service: Service, failure: RagError
) -> None:
    service.set(rerank=False)
    expected = await service.search("tower Paris")
    service.set(rerank=True)
    service.reranker.failure = failure
    assert await service.search("tower Paris") == expected
    assert service.record.degraded == ["reranker"]


async def test_time_used_up_in_the_reranker_ends_the_request(service: Service) -> None:
    service.reranker.takes_s = TIME_S
    service.reranker.failure = DeadlineExceeded("Late.", "reranker")
    with pytest.raises(DeadlineExceeded) as caught:
        await service.answer("tower")
    assert caught.value.stage == "reranker"
    assert service.generator.told == []


@pytest.mark.parametrize(
    ("bound_s", "told_s"), [(10.0, 10.0), (100.0, TIME_S / 2)], ids=["its-own-bound", "half"]
)
async def test_the_reranker_gets_half_of_the_time_at_most(
    service: Service, bound_s: float, told_s: float
) -> None:
    service.set(rerank_timeout_s=bound_s)
    await service.search("tower")
    (call,) = service.reranker.told
    assert (call.request_id, call.timeout_s, call.release) == ("request", told_s, "one")


async def test_a_fault_of_the_request_in_the_reranker_is_told(service: Service) -> None:
    service.reranker.failure = InvalidRequest("Wrong.", "reranker")
    with pytest.raises(InvalidRequest):
        await service.search("tower")


@pytest.mark.parametrize("stage", ["embedder", "retriever", "generation"])
@pytest.mark.parametrize(
    "failure", [Unavailable("Gone."), NotFound("No.")], ids=lambda one: type(one).__name__
)
async def test_no_other_stage_can_be_done_without(
    service: Service, stage: str, failure: RagError
) -> None:
    getattr(service.stages, stage).failure = failure
    with pytest.raises(type(failure)):
        await service.answer("tower")


async def test_a_stage_that_failed_is_timed_too(service: Service) -> None:
    service.stages.embedder.failure = Unavailable("Gone.", "embedder")
    with pytest.raises(Unavailable):
        await service.answer("tower")
    assert list(service.record.times) == ["embedder"]
    assert service.record.times["embedder"].total_ms > 0


async def test_a_filter_reaches_the_retriever(service: Service) -> None:
    assert names(await service.search("tower", where={"path": "b.md"})) == ["b"]


def beside(service: Service, name: str, text: str) -> None:
    """Gives a document a second chunk."""
    former = service.stages.retriever.written[name]
    second = replace(former.chunks[0], id=f"{name}-00001", ordinal=1, text=text)
    vectors = np.concatenate([former.vectors, vector_of(text)[None, :]])
    service.stages.retriever.written[name] = replace(
        former, chunks=(*former.chunks, second), vectors=vectors
    )


async def test_the_generator_reads_what_stands_beside_a_source(service: Service) -> None:
    beside(service, "b", "Bake it for an hour.")
    given = await service.answer("bread flour salt", top_n=1)
    [context] = service.generator.context
    assert context.chunk.text == "Bread needs flour and salt.\nBake it for an hour."
    assert given.sources == (context,)


async def test_neighbours_can_be_left_out(service: Service) -> None:
    beside(service, "b", "Bake it for an hour.")
    service.set(neighbours=0)
    await service.answer("bread flour salt", top_n=1)
    [context] = service.generator.context
    assert context.chunk.text == "Bread needs flour and salt."


async def test_neighbours_cost_no_call(service: Service) -> None:
    service.set(neighbours=0)
    await service.answer("bread flour salt")
    calls = service.stages.retriever.calls
    service.set(neighbours=2)
    await service.answer("bread flour salt")
    assert service.stages.retriever.calls == 2 * calls


async def test_a_generator_that_refuses_to_write_the_query_never_fails_the_request(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the language model is gone and the next of the list is none."""

    async def claim(*, call: CallContext) -> dict[str, object]:
        return {"language_model": True}

    monkeypatch.setattr(service.generator, "describe", claim)
    turns = (Message("user", "The tower?"), Message("assistant", "Tall."), Message("user", "Why?"))
    given = await service.answer("Why?", messages=turns)
    assert service.record.degraded == ["condense"]
    assert given.sources


@pytest.mark.parametrize(("rerank", "asked"), [(True, 3), (False, 2)])
async def test_without_a_reranker_no_more_is_taken_than_can_be_returned(
    service: Service, monkeypatch: pytest.MonkeyPatch, rerank: bool, asked: int
) -> None:
    monkeypatch.setattr(search_module, "_SPARE_HITS", 2)
    told: list[int] = []
    find = service.stages.retriever.search

    async def watch(*args: Any, top_k: int, **wishes: Any) -> Found:
        told.append(top_k)
        return await find(*args, top_k=top_k, **wishes)

    monkeypatch.setattr(service.stages.retriever, "search", watch)
    await service.search("tower", top_n=1, rerank=rerank)
    assert told == [asked]


async def test_a_shard_that_is_away_is_said_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = service.stages.retriever.search
    told: list[WordCounts | None] = []

    async def count(questions: Sequence[str], **_: Any) -> WordCounts:
        return WordCounts(texts=7 * len(questions))

    async def lacking(*args: Any, counts: WordCounts | None, **wishes: Any) -> Found:
        told.append(counts)
        found = await find(*args, **wishes)
        return replace(found, missing=("retriever:shard-2",), generation="")

    monkeypatch.setattr(service.stages.retriever, "count_words", count)
    monkeypatch.setattr(service.stages.retriever, "search", lacking)
    await service.search("tower", queries=("a tall tower",))
    assert service.record.degraded == ["retriever:shard-2"]
    assert service.record.generations == {""}, "nobody keeps it as whole"
    assert told == [WordCounts(texts=14)] * 2, "counted once for all formulations"
    told.clear()
    await service.search("tower", mode="dense")
    assert told == [None]


def near_as_cosines(service: Service) -> None:
    """Makes the retriever say its scores as cosines, as a real one does."""
    found = service.stages.retriever.search

    async def search(*args: Any, **wishes: Any) -> Found:
        answer = await found(*args, **wishes)
        hits = [replace(hit, signals=replace(hit.signals, dense=hit.score)) for hit in answer.hits]
        return replace(answer, hits=tuple(hits))

    service.stages.retriever.search = search  # type: ignore[method-assign]


async def test_misspelled_word_is_read_as_one_of_the_passages(service: Service) -> None:
    near_as_cosines(service)
    given = await service.answer("Where does the towr stand?")
    assert given.generation.text.startswith('Read "towr" as "tower".\n\nThe tower is')
    assert service.record.respellings == {"towr": "tower"}
    assert service.record.query == "Where does the tower stand?"


async def test_word_stays_where_another_one_finds_nothing_nearer(service: Service) -> None:
    """The double without cosines never says that anything is nearer."""
    given = await service.answer("Where does the towr stand, tower?")
    assert service.record.respellings == {}
    assert "Read" not in given.generation.text


async def test_spelling_is_left_alone_where_the_release_says_so(service: Service) -> None:
    near_as_cosines(service)
    service.set(correct_spelling=False)
    await service.answer("Where does the towr stand?")
    assert service.record.respellings == {}


async def test_documents_move_by_the_priors_of_the_release(service: Service) -> None:
    assert names(await service.search("queue full tower")) == ["c", "a"]
    service.set(priors=(Prior(path="c.*", score=-1.0),))
    assert names(await service.search("queue full tower"))[0] != "c"
