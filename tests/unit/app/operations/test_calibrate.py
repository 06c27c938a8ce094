"""Calibrating a collection over doubles: what is asked, what is stored, and when it is refused."""

from collections.abc import Sequence

import pytest

from app.operations.calibrate import MIN_CHUNKS, calibrate, is_stale, route_into
from app.operations.foreign_questions import foreign_questions
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.scope import RequestScope
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument
from deployments.contracts.errors import StageError, Unavailable
from deployments.contracts.search import Calibration, CollectionFacts, Reranked
from deployments.contracts.vectors import QuestionTokens
from tests.doubles import DoubleDirectory, OverlapReranker, vector_of

SUBJECTS = ("embedder", "retriever", "reranker", "generator", "gateway")
SCOPE = RequestScope("request", deadline_s=60.0, now=lambda: 0.0)


class WatchedReranker(OverlapReranker):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        self.asked.append(query)
        return await super().rerank(query, texts, call=call)


def fill(stages: DoubleDirectory, documents: int) -> None:
    for number in range(documents):
        subject = SUBJECTS[number % len(SUBJECTS)]
        text = f"replica {number} {subject} batches waiting tokens under load{number}"
        record = DocumentRecord(f"d{number}", "d.md", "", text, 1, "2026-01-01", number + 1)
        chunk = Chunk(f"d{number}-00000", record.id, 0, text, record.path, "")
        stages.retriever.written[record.id] = IndexedDocument(
            record, (chunk,), vector_of(text)[None, :]
        )


@pytest.fixture
def stages() -> DoubleDirectory:
    stages = DoubleDirectory()
    stages.reranker = WatchedReranker()
    fill(stages, 40)
    return stages


def route_of(stages: DoubleDirectory, **changes: object) -> Route:
    release = Release(retrieval="r", generator=("generator-echo",)).model_copy(update=changes)
    live = GatewayLive(releases={"one": release}, traffic={"one": 1.0})
    return Releases(stages, lambda: live).route("one")


async def test_the_score_lies_between_its_own_questions_and_the_others(
    stages: DoubleDirectory,
) -> None:
    outcome = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    fitted = outcome.after
    assert outcome.status == "fitted"
    assert outcome.before is None
    assert fitted is not None
    assert stages.retriever.calibration == fitted
    assert 0.0 < fitted.min_relevance_score < 1.0
    assert (fitted.kept_ratio, fitted.refused_ratio) == (1.0, 1.0)
    assert (fitted.document_count, fitted.chunk_count) == (40, 40)
    assert fitted.reranker_model == "watchedreranker-double"
    assert (fitted.own_questions, fitted.foreign_questions) == (40, len(foreign_questions()))


async def test_the_same_collection_gives_the_same_score(stages: DoubleDirectory) -> None:
    first = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    second = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    assert first.after is not None
    assert second.before == first.after
    assert second.after is not None
    assert second.after.min_relevance_score == first.after.min_relevance_score


async def test_no_language_model_and_no_setting_of_the_release_has_a_say(
    stages: DoubleDirectory,
) -> None:
    route = route_of(
        stages, extra_queries=2, hypothetical_passage=True, rerank=False, min_relevance_score=9.0
    )
    outcome = await calibrate(route, SCOPE, only_if_stale=False)
    assert outcome.status == "fitted"
    assert stages.echo.calls == 0


async def test_a_collection_that_still_fits_is_not_asked(stages: DoubleDirectory) -> None:
    first = await calibrate(route_of(stages), SCOPE, only_if_stale=True)
    assert isinstance(stages.reranker, WatchedReranker)
    stages.reranker.asked.clear()
    again = await calibrate(route_of(stages), SCOPE, only_if_stale=True)
    assert (again.status, again.after) == ("current", first.after)
    assert stages.reranker.asked == []
    fill(stages, 61)
    grown = await calibrate(route_of(stages), SCOPE, only_if_stale=True)
    assert grown.status == "fitted"


async def test_a_small_collection_says_so() -> None:
    stages = DoubleDirectory()
    fill(stages, MIN_CHUNKS - 1)
    outcome = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    assert (outcome.status, outcome.after) == ("impossible", None)
    assert f"has {MIN_CHUNKS - 1} chunks" in outcome.reason


async def test_questions_that_score_alike_give_nothing(stages: DoubleDirectory) -> None:
    class Indifferent(OverlapReranker):
        async def rerank(
            self,
            query: str,
            texts: Sequence[str],
            *,
            question: QuestionTokens | None = None,
            call: CallContext,
        ) -> Reranked:
            return Reranked(tuple(0.5 for _ in texts), 0, model="same")

    stages.reranker = Indifferent()
    outcome = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    assert outcome.status == "impossible"
    assert "no better" in outcome.reason
    assert stages.retriever.calibration is None


async def test_a_reranker_that_is_away_gives_nothing(stages: DoubleDirectory) -> None:
    stages.reranker.failure = Unavailable("Away.", "reranker")
    outcome = await calibrate(route_of(stages), SCOPE, only_if_stale=False)
    assert outcome.status == "impossible"
    assert "Too few" in outcome.reason


async def test_a_store_that_is_away_is_an_error(stages: DoubleDirectory) -> None:
    stages.retriever.failure = Unavailable("Away.", "retriever")
    with pytest.raises(StageError):
        await calibrate(route_of(stages), SCOPE, only_if_stale=False)


@pytest.mark.parametrize(
    ("documents", "model", "stale"),
    [(10, "m", False), (15, "m", False), (16, "m", True), (4, "m", True), (10, "n", True)],
    ids=["same", "half-more", "more-than-half-more", "more-than-half-gone", "other-reranker"],
)
def test_what_makes_a_calibration_stale(documents: int, model: str, stale: bool) -> None:
    fitted = Calibration(0.5, "m", 10, 40, 30, 100, 1.0, 1.0, "2026-01-01T00:00:00+00:00")
    assert is_stale(fitted, CollectionFacts(documents, 40, fitted), model) is stale


def test_the_release_with_most_traffic_decides_how_it_is_searched() -> None:
    releases = {
        name: Release(retrieval=retrieval, generator=("g",))
        for name, retrieval in [("a", "one"), ("b", "one"), ("c", "two"), ("d", "one")]
    }
    live = GatewayLive(releases=releases, traffic={"a": 0.2, "b": 0.3, "c": 0.5})
    found = Releases(DoubleDirectory(), lambda: live)
    assert route_into(found, "one").name == "b"
    idle = live.model_copy(update={"traffic": {"c": 1.0}})
    assert route_into(Releases(DoubleDirectory(), lambda: idle), "one").name == "a"


def test_foreign_questions_are_many_and_different() -> None:
    assert len(foreign_questions()) >= 100
    assert len(set(foreign_questions())) == len(foreign_questions())
    assert all(question.endswith("?") for question in foreign_questions())
